#!/bin/bash
# The guest harness itself: what goes in, what comes out, and that nothing stays behind.
. "$(dirname "$0")/lib.sh"

vm=$repo/scripts/vm.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
export KERNEL
KERNEL=$("$repo/scripts/kernel.sh" image 6.12-stock) || exit 1

# left_behind: what guests of this test have left on this machine
left_behind() {
	find "$scratch" -maxdepth 1 -name 'vringtop-*'
	pgrep -f "qemu-system.*$scratch" || [[ $? -eq 1 ]] || echo "pgrep failed"
}

none_left_behind() { [[ -z $(left_behind) ]]; }

# --- Status and streams, with the image named by its path ---
payload='seq 1 40000 | gzip -nc'
printf 'in\0put\n' | "$vm" "cat; $payload; echo from the guest >&2; exit 3" >"$scratch/out" 2>"$scratch/err"
is "the command's exit status comes out" $? 3
{ printf 'in\0put\n'; bash -c "$payload"; } >"$scratch/expected"
ok "standard input and output pass through byte for byte" cmp "$scratch/out" "$scratch/expected"
is "standard error is apart, after one line about the guest" \
	"$(sed 's/ under .*/ under .../' "$scratch/err")" \
	$'guest: '"$KERNEL"$', 2 CPUs, 1G, under ...\nfrom the guest'
is "nothing stays behind" "$(left_behind)" ''

# --- The standard guest, with drivers built in and with a distribution's modules ---
# shellcheck disable=SC2016 # the guest's shell expands it
standard='
	driver() { for d in /sys/bus/virtio/drivers/$1/virtio*; do [[ ! -e $d ]] || echo "${d##*/}"; done; }
	packed() { cut -c 35 "/sys/bus/virtio/devices/$1/features"; }
	for d in $(driver virtio_blk); do
		echo "blk $(cat /sys/bus/virtio/devices/$d/block/*/serial) packed=$(packed "$d")"
	done
	for n in 0 1; do
		d=$(basename "$(ip netns exec vr$n bash -c "readlink /sys/class/net/e*/device")")
		echo "net vr$n packed=$(packed "$d")"
	done
	echo "scsi $(sed "s/ *$//" /sys/block/sda/device/vendor)"
	for d in virtio_rng virtio_balloon virtio_console; do echo "$d $(driver $d | wc -l)"; done
	# One for the root file system, and one for each folder that must be seen besides.
	[[ $(driver 9pnet_virtio | wc -l) -ge 1 ]] && echo 9p
	ip netns exec vr0 ping -q -c 3 -i 0.2 10.77.0.2 | grep -o " 0% packet loss"
	for d in /sys/kernel/tracing/events /sys/kernel/debug/tracing /sys/fs/bpf; do test -d $d && echo "$d"; done
	command -v vringtop
	pwd
'
devices="blk split packed=0
blk packed packed=1
net vr0 packed=0
net vr1 packed=1
scsi QEMU
virtio_rng 1
virtio_balloon 1
virtio_console 1
9p
 0% packet loss
/sys/kernel/tracing/events
/sys/kernel/debug/tracing
/sys/fs/bpf
$repo/build/vringtop
$PWD"
vm_run "$standard"
is "the standard devices are there, in both layouts, and the network passes packets" "$vm_out" "$devices"

# The version that the kernel names is the package's. In 6.1 the rings' code is a module as well. (On
# Debian's 6.12 others run.)
modules='
	uname -v | grep -o "Debian [^ ]*"
	(cd /sys/kernel/btf && ls -d virtio_{ring,blk,net,scsi,rng,balloon} 2>/dev/null)
	modprobe dummy && lsmod | grep -o "^dummy"
'
name=debian-6.1
dir=$("$repo/scripts/kernel.sh" dir "$name") || exit 1
is "$name: a package that is there is not fetched again" \
	"$("$repo/scripts/kernel.sh" image "$name" 2>&1)" "$dir/bzImage"
KERNEL=$name vm_run "$standard$modules"
is "$name: the package's kernel has the standard devices, and its modules" "$vm_out" "$devices
Debian $(<"$dir/version")
virtio_balloon
virtio_blk
virtio_net
virtio_ring
virtio_rng
virtio_scsi
dummy"

# --- Guests that hang, die, or are ended ---
TIMEOUT=15 vm_run 'sleep 1000'
is "a guest that hangs is ended after the limit" "$vm_status" 124
like "with the end of its console" "$vm_err" 'the guest hung.*within 15 s.*Linux version'

vm_run 'echo c >/proc/sysrq-trigger'
is "a guest whose kernel panics has a status of its own" "$vm_status" 125
like "and shows the panic" "$vm_err" 'the guest died.*sysrq triggered crash'

for signal in INT TERM HUP; do
	rm -f "$scratch/out"
	env --default-signal="$signal" "$vm" 'echo started; sleep 1000' >"$scratch/out" 2>"$scratch/err" </dev/null &
	succeeds_within 300 test -s "$scratch/out"
	kill "-$signal" $!
	wait $!
	is "SIG$signal ends vm.sh" "$?" $((128 + $(kill -l "$signal")))
	is "and its guest, and nothing stays behind" "$(cat "$scratch/out"; left_behind)" started
done

"$vm" 'while echo y; do :; done' 2>"$scratch/err" </dev/null | head -n 1000 >"$scratch/out"
is "a reader that goes away ends the guest" "${PIPESTATUS[0]}" 141
is "and nothing stays behind" "$(left_behind)" ''

# --- Two at once; one from a checkout in a place that the guest has of its own ---
other=$(mktemp -d /var/tmp/vringtop-test.XXXXXX)
mkdir "$other/tests"
cp -r "$repo/scripts" "$other"
cp -r "$repo/tests/device" "$other/tests"
trap 'rm -rf "$scratch" "$other"' EXIT
write_read='echo MARK >/dev/vda; sync; sleep 3; head -c 4 /dev/vda; ls -d scripts'
(cd "$other" && scripts/vm.sh "${write_read/MARK/one-}") >"$scratch/one" 2>/dev/null </dev/null &
"$vm" "${write_read/MARK/two-}" >"$scratch/two" 2>/dev/null </dev/null
wait $!
is "of two guests at the same time the first has its own disks" "$(<"$scratch/one")" "one-scripts"
is "and the second has its own" "$(<"$scratch/two")" "two-scripts"

# --- Wrong use ---
KERNEL=6.11 vm_run true
is "an unknown kernel fails" "$vm_status" 1
like "and the message names it and the known ones" "$vm_err" 'KERNEL=6\.11.*6\.12-stock'
KERNEL=/nowhere/bzImage vm_run true
is "an image that is not there fails" "$vm_status" 1
like "and the message names it" "$vm_err" '/nowhere/bzImage'
TIMEOUT=soon vm_run true
like "a limit that is no number is refused" "$vm_err" "TIMEOUT is 'soon'"

# --- A terminal ---
# in_terminal COMMAND: runs it in a guest, in a terminal
in_terminal() {
	cat >"$scratch/session" <<-'END'
		"$1" "$2"
		echo "status $?, $(stty -a | grep -o ' -*echo ')"
		sleep 1000
	END
	terminal 100 30 bash "$scratch/session" "$vm" "$1"
}
# shellcheck disable=SC2016 # the guest's shell expands it
in_terminal 'stty size; read -r a; echo "a=$a"; until [[ $(stty size) == "25 90" ]]; do sleep 0.1; done; stty size
	trap "echo caught; exit 5" INT; while :; do sleep 0.1; done'
ok "a terminal's size is the guest's" terminal_line "30 100"
terminal_resize 90 25
terminal_keys 'keys' Enter
ok "keys pass through" terminal_line "a=keys"
ok "a new size passes through" terminal_line "25 90"
terminal_keys C-c
ok "Ctrl-C goes to the command in the guest" terminal_line "caught"
ok "whose status comes out, with the terminal as it was" terminal_line "status 5,  echo"
terminal_close

in_terminal 'stty raw; echo up; cat'
ok "a command that takes every key" terminal_line "up"
terminal_keys 'C-]'
ok "is ended by Ctrl-]" terminal_line "status 143,  echo"
terminal_close
succeeds_within 300 none_left_behind
is "and nothing stays behind" "$(left_behind)" ''

done_testing
