#!/bin/bash
# Runs a command as root in a guest with the standard devices. Prints its output, returns its exit status.
#
# Usage: vm.sh COMMAND        (a line of shell; see also `make vm`)
# Environment:
#   KERNEL      6.12, 6.12-ops, 6.12-stock, ... (see kernel.sh; built if need be); Debian's packages
#               debian-6.1, debian-6.12, or debian for this release's (fetched if need be); or the
#               path of an image or kernel tree
#   TIMEOUT     seconds after which a guest counts as hung (300; 0: no limit). At a terminal: none.
#   CPUS, MEMORY, QEMU_OPTS   of the guest (2, 1G, nothing)
#   APPEND      words for the kernel's command line
#   ACCEL       kvm or tcg; found out by a trial boot if not given. tcg,thread=multi gives each CPU
#               a thread: more parallel, but code that changes while it runs may break (see below)
#   RNG_OPTS    of the entropy device: what it offers, how long it holds a buffer, faults; see
#               vhost-user-rng --help (--notification-data --event-idx --indirect)
#   RNG_REPORT  a file that gets that device's report when the guest has ended (none); the guest
#               itself can ask the device through /dev/virtio-ports/vringtop.rng
# Exit status: the command's; 124 if the guest hung, 125 if it did not start or died.
# At a terminal the guest has one too: window size and keys pass through; Ctrl-] ends the guest.
set -euo pipefail
. "$(dirname "$0")/common.sh"

[[ $# -eq 1 ]] || die "exactly one argument is needed: the command" "example: vm.sh 'vringtop queues'"
command=$1
kernel=${KERNEL:-6.12}
cpus=${CPUS:-2}
memory=${MEMORY:-1G}
terminal=''
[[ ! -t 0 || ! -t 1 ]] || terminal=yes
limit=${TIMEOUT:-${terminal:+0}}
limit=${limit:-300}
[[ $limit =~ ^[0-9]+$ ]] || die "TIMEOUT is '$limit'" "it must be a number of seconds; 0 means no limit"

run='' guest='' rng='' relays=() helpers=() saved_terminal=''

disconnect_terminal() {
	kill "${helpers[@]}" 2>/dev/null || true
	[[ -z $saved_terminal ]] || stty "$saved_terminal" <&"$user" 2>/dev/null || true
	helpers=() saved_terminal=''
}

cleanup() {
	trap '' INT TERM HUP PIPE WINCH
	if [[ -n $guest ]]; then
		kill -TERM "$guest" 2>/dev/null || true
		wait "$guest" 2>/dev/null || true
	fi
	if [[ -n $rng ]]; then
		kill "$rng" 2>/dev/null || true
		wait "$rng" 2>/dev/null || true # it writes its report
	fi
	disconnect_terminal
	kill "${relays[@]}" 2>/dev/null || true
	[[ -z $run ]] || rm -rf "$run"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE USR2

run=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-vm.XXXXXX")

# --- The kernel ---
if [[ $kernel == */* ]]; then
	if [[ -d $kernel ]]; then image=$kernel/arch/x86/boot/bzImage; else image=$kernel; fi
	[[ -r $image ]] || die "cannot boot KERNEL=$kernel: no readable file $image" \
		"name a bzImage, or a kernel tree in which one was built"
	image=$(realpath "$image")
else
	image=$("$checkout/scripts/kernel.sh" image "$kernel")
fi

# The version is in the image's header (Documentation/arch/x86/boot.rst, kernel_version).
read -r version_at < <(od -An -tu2 -j 0x20e -N 2 "$image")
version=$(tail -c +$((version_at + 0x200 + 1)) "$image" | head -c 64 | tr ' \0' '\n' | head -n 1) || true

accel=${ACCEL:-$("$checkout/scripts/accel.sh" "$image")}
case $accel in
kvm) accel_args=() emulator=() ;;
# One thread for all the guest's CPUs. With a thread each, QEMU invalidates its translation of code
# that a CPU writes to before the write lands; a CPU that runs there in between keeps a translation
# of the old bytes, and Linux dies of an int3 that it has long removed. On a busy machine that took
# a minute of switching tracepoints on and off, with QEMU 7.2 and with 10.0.
tcg) accel_args=(--disable-kvm) emulator=(-accel "tcg,thread=single") ;;
tcg,*) accel_args=(--disable-kvm) emulator=(-accel "$accel") ;;
*) die "ACCEL is '$accel'" "it must be kvm, tcg, or tcg with options as QEMU has them (tcg,thread=multi)" ;;
esac
say "guest: $kernel, $cpus CPUs, $memory, under ${accel^^}"

# --- The folders of this machine that the guest must see ---
# A guest of virtme-ng sees the root file system copy-on-write, except the folders in expose(): they are empty.
visible=()
expose() {
	local dir=$1 hidden
	for hidden in /var/tmp /var/log /var/cache /run /dev/shm; do
		[[ $dir/ != "$hidden"/* ]] || visible+=(--rodir "$dir=$dir")
	done
}
expose "$run"
expose "$checkout"
# A modular kernel has its initramfs and its modules beside its image.
modular=() initramfs=()
if [[ -e ${image%/*}/initramfs ]]; then
	modules=$(realpath "${image%/*}/modules")
	expose "$modules"
	# Nothing here needs these drivers, and an emulated machine takes seconds to load them.
	modular=(-a "virtme_link_mods=$modules"
		-a "modprobe.blacklist=ahci,evdev,i2c_i801,kvm_amd,kvm_intel,lpc_ich,pcspkr,psmouse,serio_raw,sg")
	initramfs=(-initrd "${image%/*}/initramfs")
fi
overlays=()
for dir in /etc /usr /var /tmp; do overlays+=(--overlay-rwdir "$dir"); done
case $checkout/ in
/etc/* | /usr/* | /var/* | /tmp/* | /run/* | /dev/*) ;;
*) overlays+=(--overlay-rwdir "$checkout") ;;
esac

printf '%s' "$command" >"$run/command"
{
	printf 'checkout=%q\ndirectory=%q\n' "$checkout" "$PWD"
	[[ -z $terminal ]] || printf 'terminal=%q\nsize=%q\n' "${TERM:-linux}" "$(stty size)"
} >"$run/settings"

# --- The entropy device: a process of its own, to which QEMU connects ---
env -u MAKEFLAGS -u MAKELEVEL make -s -C "$checkout/tests/device" >&2
read -r -a rng_options <<<"${RNG_OPTS---notification-data --event-idx --indirect}"
"$checkout/build/device/vhost-user-rng" --report "${RNG_REPORT:-$run/rng.report}" "${rng_options[@]}" \
	--control "$run/rng.control" "$run/rng" </dev/null >"$run/rng.messages" 2>&1 &
rng=$!
until [[ -S $run/rng.control ]]; do
	kill -0 "$rng" 2>/dev/null ||
		die "the entropy device did not start: $(cat "$run/rng.messages")" "check RNG_OPTS='${RNG_OPTS-}'"
	sleep 0.01
done

# --- The standard devices ---
quoted=${run//,/,,} # QEMU wants a comma in a value twice
for disk in split packed scsi; do truncate -s 256M "$run/$disk.img"; done
# shellcheck disable=SC2054 # the commas are QEMU's
devices=(
	"${emulator[@]}"
	-machine q35
	-nodefaults
	-drive "if=none,id=split,format=raw,file=$quoted/split.img"
	-device virtio-blk-pci,drive=split,serial=split,packed=off
	-drive "if=none,id=packed,format=raw,file=$quoted/packed.img"
	-device virtio-blk-pci,drive=packed,serial=packed,packed=on
	-netdev hubport,id=hub-split,hubid=0
	-device virtio-net-pci,netdev=hub-split,mac=52:54:00:76:72:00,packed=off,romfile=
	-netdev hubport,id=hub-packed,hubid=0
	-device virtio-net-pci,netdev=hub-packed,mac=52:54:00:76:72:01,packed=on,romfile=
	-object "memory-backend-memfd,id=ram,size=$memory,share=on" -machine memory-backend=ram
	-chardev "socket,id=rng,path=$quoted/rng"
	-device vhost-user-rng-pci,chardev=rng,vectors=2
	-chardev "socket,id=rng-control,path=$quoted/rng.control"
	-device virtserialport,name=vringtop.rng,chardev=rng-control
	-device virtio-scsi-pci,id=scsi
	-drive "if=none,id=scsi-disk,format=raw,file=$quoted/scsi.img"
	-device scsi-hd,bus=scsi.0,drive=scsi-disk,serial=scsi
	-device virtio-balloon-pci
	# The guest sends the status of the command; vm.sh sends the size of the terminal.
	-chardev "pipe,id=control,path=$quoted/control"
	-device virtserialport,name=vringtop.control,chardev=control
)
# Linux 7 supports rings in order. Each of these SCSI disks runs one command at a time, because QEMU 10.0 loses a
# buffer if several commands complete in another order than they came, at the end of such a ring (10.1 does not).
# On virtio-blk that happens.
if [[ ${version%%.*} -ge 7 ]]; then
	for layout in split packed; do
		truncate -s 256M "$run/$layout-in-order.img"
		packed=off
		[[ $layout == split ]] || packed=on
		devices+=(
			-device "virtio-scsi-pci,id=$layout-in-order,packed=$packed,in_order=on,cmd_per_lun=1"
			-drive "if=none,id=$layout-in-order-disk,format=raw,file=$quoted/$layout-in-order.img"
			-device "scsi-hd,bus=$layout-in-order.0,drive=$layout-in-order-disk,serial=$layout-in-order,product=$layout-in-order"
		)
	done
fi
read -r -a extra <<<"${QEMU_OPTS:-}"
words=()
for word in ${APPEND:-}; do words+=(-a "$word"); done

# --- Input and output ---
# QEMU writes the output of the command into pipes, unchanged, and its own messages into a file. This script
# holds the other ends of the pipes open, so that no open() waits.
mkfifo "$run"/{control.in,control.out,in,out,err,keys}
exec {control_in}<>"$run/control.in" {control_out}<>"$run/control.out"
exec {out}<>"$run/out" {err}<>"$run/err"
exec {out_end}<"$run/out" {err_end}<"$run/err"

# If the reader of our output ends, the guest ends, as a command in a pipe would.
{
	exec {out}>&- {err}>&-
	cat <&"$out_end" 2>/dev/null || kill -USR2 $$
} &
relays+=($!)
{
	exec {out}>&- {err}>&-
	cat <&"$err_end" >&2
} &
relays+=($!)

# When the guest has its terminal, every key goes there. The guest echoes and edits.
connect_terminal() {
	saved_terminal=$(stty --save <&"$user")
	stty raw -echo <&"$user"
	cat <&"$user" >"$run/keys" &
	helpers+=($!)
	relay_keys <"$run/keys" >&"$keys_in" &
	helpers+=($!)
}

# Reads byte by byte from a pipe, because bash would change the modes of a terminal from which it reads.
relay_keys() {
	local key LC_ALL=C
	while IFS= read -r -n 1 -d '' key; do
		case $key in
		'') printf '\0' ;;
		$'\x1d') kill -TERM $$ ;;
		*) printf '%s' "$key" ;;
		esac
	done
}

resize_terminal() {
	printf '%s\n' "$(stty size <&"$user")" >&"$control_in"
}

input=/dev/null
if [[ -n $terminal ]]; then
	exec {user}<&0 {keys_in}<>"$run/in"
	input=$run/in
	trap connect_terminal USR1
	trap resize_terminal WINCH
	{ read -r -u "$control_out" && kill -USR1 $$; } &
	helpers+=($!)
elif [[ ! -t 0 ]]; then
	input=/dev/fd/0
fi

# --- The guest ---
# no_timer_check: else Linux may take a guest that gets little CPU time for one with a broken timer. Under KVM
# Linux does not check.
virtme=(/usr/bin/virtme-run)
if [[ ! -x ${virtme[0]} ]]; then
	virtme=(env PYTHONPATH="$cache/virtme-ng/usr/lib/python3/dist-packages"
		/usr/bin/python3 "$cache/virtme-ng/usr/bin/virtme-run")
	[[ -e ${virtme[3]} ]] || die "cannot start a guest: virtme-ng is not installed" "run: make setup"
fi
said=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=$run "${virtme[@]}" --dry-run --show-command \
	--kimg "$image" --mods none --name vringtop --user root \
	--memory "$memory" --cpus "$cpus" --force-9p --disable-microvm "${accel_args[@]}" \
	"${visible[@]}" "${overlays[@]}" -a loglevel=6 -a no_timer_check "${words[@]}" \
	-a rootflags=version=9p2000.L,trans=virtio,access=any,cache=loose,msize=512000 "${modular[@]}" \
	--script-sh "exec bash ${checkout@Q}/scripts/guest.sh ${run@Q}" \
	--qemu-opts "${devices[@]}" "${initramfs[@]}" "${extra[@]}" 2>&1 </dev/null) ||
	die "virtme-ng cannot start a guest: $said" "its command: ${virtme[*]}"
declare -a shown qemu=()
serial=''
eval "shown=($said)" # it comes quoted for a shell
for word in "${shown[@]}"; do
	case $word in
	# virtme-ng adds six of these, each with queues for 31 ports. All ports are on the first, so one is kept.
	virtio-serial-pci)
		if [[ -n $serial ]]; then unset 'qemu[-1]'; continue; fi
		serial=$word,max_ports=9
		word=$serial
		;;
	file,id=console,path=/dev/null) word=file,id=console,path=$quoted/console ;;
	file,id=*,path=/proc/self/fd/1) word=${word%/proc*}$quoted/out ;;
	file,id=*,path=/proc/self/fd/2) word=${word%/proc*}$quoted/err ;;
	esac
	qemu+=("$word")
done
qemu[0]=$checkout/scripts/qemu.sh
timeout -k 5 "$limit" "${qemu[@]}" <"$input" >"$run/qemu" 2>&1 &
guest=$!

# A signal that has a trap interrupts the wait.
while status=0; wait "$guest" || status=$?; kill -0 "$guest" 2>/dev/null; do :; done
guest=''
disconnect_terminal
exec {out}>&- {err}>&- # now the pipes have no writer, so the relays end
wait "${relays[@]}" || true
relays=()

read -r -t 5 -u "$control_out" told || told=''
[[ -z $told ]] || exit "$told"

[[ -z $terminal ]] || printf '\e[?1049l\e[?25h\e[0m' # undoes the modes of a full-screen command
if [[ $status -eq 124 || $status -eq 137 ]]; then
	say "vm.sh: the guest hung: it did not end within $limit s (KERNEL=$kernel, command: $command)"
	status=124
else
	say "vm.sh: the guest died before its command ended (KERNEL=$kernel, command: $command)"
	status=125
fi
# The entropy device prints its report when it ends. A guest that waits for it may be the one that hung.
kill "$rng" 2>/dev/null || true
wait "$rng" 2>/dev/null || true
rng=''
say "vm.sh: QEMU's messages, the end of the guest's console, and the entropy device's report:"
{
	cat "$run/rng.messages" "$run/qemu" "$run/console" 2>/dev/null | tr -d '\r' | tail -n 40
	cat "${RNG_REPORT:-$run/rng.report}" 2>/dev/null
} | sed 's/^/    /' >&2
exit "$status"
