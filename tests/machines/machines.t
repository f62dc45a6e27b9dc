#!/bin/bash
# vringtop on other machines and transports: each case is a guest that has only an initramfs (init). Prints the
# table of docs/machines.md. Not a part of `make test`: `make test-machines` runs it.
#
# Environment: CASES    to try: names or patterns of the cases below (all)
#              DOCS     not empty: writes the rows of all cases that were tried into docs/machines.md
#              TIMEOUT  of a guest, seconds (400)
# build/machines has a row of each case that was tried, and what its guest said.
. "$(dirname "$0")/../vm/lib.sh"

here=$repo/tests/machines
work=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-machines.XXXXXX")
trap 'rm -rf "$work"' EXIT
results=$repo/build/machines
mkdir -p "$results"
here_tool=$repo/build/vringtop

# name | machine | kernel | what the table says of the devices | suffix of the device names of QEMU | their
# options | machine and other options of QEMU
cases=(
	'arm64-pci|arm64|Debian 13|PCI|-pci||-M virt'
	'arm64-pci-legacy|arm64|Debian 13|PCI, legacy|-pci|,disable-modern=on,disable-legacy=off|-M virt'
	'arm64-pci-packed|arm64|Debian 13|PCI, packed rings|-pci|,packed=on|-M virt'
	'arm64-mmio|arm64|Debian 13|MMIO|-device||-M virt -global virtio-mmio.force-legacy=false'
	'arm64-mmio-legacy|arm64|Debian 13|MMIO, legacy|-device||-M virt'
	's390x-ccw|s390x|own 6.12|CCW|-ccw||-M s390-ccw-virtio'
	's390x-ccw-legacy|s390x|own 6.12|CCW, legacy|-ccw|,max_revision=0|-M s390-ccw-virtio'
	's390x-no-jit|s390x|Debian 12|CCW|-ccw||-M s390-ccw-virtio'
)

# kernel_for MACHINE KERNEL: sets image, modules and release, the kernel of a guest. modules is empty if the
# kernel has its drivers built in.
kernel_for() {
	local dir
	modules='' release=''
	case "$1 $2" in
	"arm64 Debian 13")
		dir=$("$repo/scripts/machine.sh" kernel "$1") || exit
		image=$dir/vmlinuz modules=$dir/modules release=$(<"$dir/release")
		;;
	"s390x Debian 12")
		dir=$("$repo/scripts/machine.sh" kernel "$1") || exit
		image=$dir/vmlinuz modules=$dir/modules release=$(<"$dir/release")
		;;
	"s390x own 6.12") image=$("$repo/scripts/machine.sh" own-kernel "$1")/bzImage || exit ;;
	esac
}

# binary_for MACHINE: sets binary and busybox
binary_for() {
	binary=$repo/build/$1/vringtop-static
	make -s -C "$repo" MACHINE="$1" static >/dev/null || exit
	busybox=$("$repo/scripts/machine.sh" root "$1")/bin/busybox
}

# qemu_for MACHINE: sets qemu and console
qemu_for() {
	case $1 in
	arm64) qemu=(qemu-system-aarch64 -cpu cortex-a72) console=ttyAMA0 ;;
	s390x) qemu=(qemu-system-s390x -cpu max) console=ttysclp0 ;;
	esac
}

make_initramfs() {
	local root=$work/root module file number=10
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,modules}
	cp "$binary" "$root/vringtop"
	cp "$busybox" "$root/bin/busybox"
	cp "$repo/tests/smoke.vt" "$root/x86-64.vt"
	cp "$here/init" "$root/init"
	if [[ -n $modules ]]; then
		mkdir -p "$work/depmod/lib/modules"
		ln -sfn "$modules" "$work/depmod/lib/modules/$release"
		/usr/sbin/depmod -b "$work/depmod" "$release"
		for module in virtio_mmio virtio_ccw virtio_blk virtio_net virtio-rng; do # as far as it has them
			/usr/sbin/modprobe -C /dev/null -d "$work/depmod" -S "$release" --show-depends "$module" 2>/dev/null
		done | sed -n 's/^insmod \(.*\.ko[.a-z]*\) *$/\1/p' | awk '!seen[$0]++' >"$work/needed"
		while read -r file; do
			module=$root/modules/$((number++))-$(basename "${file%.xz}")
			if [[ $file == *.xz ]]; then xz -dc "$file" >"$module"; else cp "$file" "$module"; fi
		done <"$work/needed"
	fi
	(cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initramfs"
}

# What the options of a case ask for: how its rings are, and where its devices are in sysfs.
expected_rings() {
	case $devices in
	*legacy) echo 'split without VERSION_1' ;;
	*packed*) echo 'packed with VERSION_1' ;;
	*) echo 'split with VERSION_1' ;;
	esac
}
expected_place() {
	case $devices in
	PCI*) echo '^(/sys/devices/[^ ]*/[0-9a-f:]+\.[0-9]/virtio[0-9] ?)+$' ;;
	MMIO*) echo '^(/sys/devices/platform/[^ ]*\.virtio_mmio/virtio[0-9] ?)+$' ;;
	CCW*) echo '^(/sys/devices/css0/[^ ]*/virtio[0-9] ?)+$' ;;
	esac
}

# said SECTION: what the guest said there
said() { tr -d '\r' <"$work/console" | sed -n "/^=== $1\$/,/^=== /{/^=== /d; p}"; }
# said_json SECTION EXPRESSION: see json
said_json() {
	said "$1" | tr -d '\n' >"$work/json"
	json "$work/json" "$2" 2>&1 | tail -n 1
}

# run_case CASE: boots the guest, makes the checks, and adds a row to the table
run_case() {
	local name machine kernel devices suffix options other counted recorded reads way queues of_disk verdict
	local same failed=$tests_failed
	IFS='|' read -r name machine kernel devices suffix options other <<<"$1"
	kernel_for "$machine" "$kernel"
	binary_for "$machine"
	qemu_for "$machine"
	make_initramfs
	truncate -s 16M "$work/disk"
	# shellcheck disable=SC2086 # several words
	timeout "${TIMEOUT:-400}" "${qemu[@]}" $other -smp 2 -m 512M -nodefaults -display none -no-reboot \
		-serial "file:$work/console" -kernel "$image" -initrd "$work/initramfs" \
		-append "console=$console quiet panic=-1 ${append:-}" \
		-drive "if=none,id=disk,format=raw,file=$work/disk" \
		-device "virtio-blk$suffix,drive=disk,num-queues=2$options" \
		-netdev hubport,id=lone,hubid=9 -device "virtio-net$suffix,netdev=lone$options" \
		-object rng-random,id=random,filename=/dev/urandom -device "virtio-rng$suffix,rng=random$options" \
		</dev/null >"$work/qemu" 2>&1
	cp "$work/console" "$results/$name.console"
	like "$name: the guest ran to its end" "$(tail -c 4000 "$work/console" | tr -d '\r')" '=== end'
	if [[ $name == *no-jit ]]; then
		like "$name: a clear word instead of counts" "$(said hist)" \
			'this kernel has no BPF JIT, and its interpreter cannot run the programs'
		echo "| $machine | $kernel, $(said kernel | awk '{ print $1 }') | $devices | refused: no BPF JIT | - | - | - | - |" |
			tee "$results/$name.row" | sed 's/^/# /'
		return
	fi
	like "$name: doctor: nothing is missing" "$(said doctor)" 'status 0'
	of_disk=$(said 'queues of the disk' | grep .)
	is "$name: queues: those that the kernel has for the disk" \
		"$(said_json queues 'sum(q["role"] == "vda" for q in d)')" "$of_disk"
	like "$name: the devices are where the case has them" "$(said transports | grep . | paste -sd ' ')" \
		"$(expected_place)"
	is "$name: all rings are as the case has them" "$(said_json queues '", ".join({q["layout"] + (" with" \
		if "VERSION_1" in q["ring_features"] else " without") + " VERSION_1" for q in d})')" "$(expected_rings)"
	queues=$(said_json queues 'len(d)')
	way=$(said_json report 'd["recording"]["attached"]')

	reads=$(said 'requests beside hist' | grep .)
	counted=$(said_json hist 'sum(q["buffers"] for q in d["queues"])')
	is "$name: hist: as many buffers as the disk served requests" "$counted" "$reads"
	ok "$name: and these are all the reads" test "${reads:-0}" -ge 300
	reads=$(said 'requests beside record' | grep .)
	recorded=$(said_json report 'sum(q["buffers"] for q in d["total"]["queues"] if q["role"] == "vda")')
	is "$name: record: as many buffers as the disk served requests" "$recorded" "$reads"
	said recording | base64 -d >"$work/a.vt"
	same=no
	[[ $("$here_tool" report --json "$work/a.vt" 2>&1 | tr -d '\n') != "$(said report | tr -d '\n')" ]] || same=same
	is "$name: the recording says the same on this machine" \
		"$("$here_tool" report --json "$work/a.vt" 2>&1 | tr -d '\n')" "$(said report | tr -d '\n')"
	is "$name: a recording of x86-64 says the same there" "$(said 'report of x86-64' | tr -d '\n')" \
		"$("$here_tool" report --json "$repo/tests/smoke.vt" | tr -d '\n')"
	like "$name: nothing is stalled" "$(said healthy)" 'status 0'
	verdict=$(said_json stalled \
		'[(s["queue"]["role"], s["queue"]["name"], s["verdict"]) for s in d["stalled"]]')
	is "$name: one queue is stalled, and its device has used nothing" "$verdict" \
		"[('eth0', 'output.0', 'device-has-used-nothing')]"
	is "$name: the status says so" "$(said 'status of stalled' | grep .)" 3
	[[ $tests_failed -eq $failed ]] || verdict+=' (a check failed)'
	echo "| $machine | $kernel, $(said kernel | awk '{ print $1 }') | $devices | $way | $queues | $counted of $(said 'requests beside hist' | grep .) | $same | ${verdict//[\[\]()\',]/} |" |
		tee "$results/$name.row" | sed 's/^/# /'
}

make -s -C "$repo" all || exit
for case in "${cases[@]}"; do
	for pattern in ${CASES:-*}; do
		# shellcheck disable=SC2053 # a pattern
		[[ ${case%%|*} != $pattern ]] || run_case "$case"
	done
done
{
	echo '| machine | kernel | transport | counted by | queues | reads counted | recording | stall |'
	echo '| --- | --- | --- | --- | --- | --- | --- | --- |'
	for case in "${cases[@]}"; do
		cat "$results/${case%%|*}.row" 2>/dev/null
	done
} >"$results/table"
if [[ -n ${DOCS:-} ]]; then
	sed -i -e '/^<!-- table of tests.machines.machines.t -->$/,/^<!-- end of the table -->$/{//!d}' \
		-e "/^<!-- table of tests.machines.machines.t -->$/r $results/table" "$repo/docs/machines.md"
fi
sed 's/^/# /' "$results/table"
done_testing
