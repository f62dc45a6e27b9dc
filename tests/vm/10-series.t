#!/bin/bash
# Every patch of the series by itself: checkpatch has nothing to say, it applies and builds, and
# gcc has nothing to say with W=1 that it does not say of the kernel as it comes.
# The whole: no operation is called through a pointer.
. "$(dirname "$0")/lib.sh"

kernel=$repo/scripts/kernel.sh
series=$repo/kernel-patch/linux-6.12
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$kernel" copy 6.12-stock "$work/linux" || exit 1
cd "$work/linux" || exit 1

build() { # prints the warnings of virtio_ring.c, without line numbers
	env -u MAKEFLAGS -u MAKELEVEL PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		make -s W=1 drivers/virtio/virtio_ring.o 2>&1 |
		grep -E 'warning|error' | sed -E 's/:[0-9]+:[0-9]+:/:/' | sort -u
}

# indirect_calls: the functions of virtio_ring.o that call through a pointer, a line each.
# With retpolines such a call goes to __x86_indirect_thunk_*; without, to a register or memory.
indirect_calls() {
	objdump -dr --no-show-raw-insn drivers/virtio/virtio_ring.o | awk '
		/^[0-9a-f]+ <.*>:$/ { function_name = $2; gsub(/[<>:]/, "", function_name) }
		/__x86_indirect_thunk/ || /\t(call|jmp|notrack jmp) +\*/ { print function_name }' |
		sort -u
}

# What calls a pointer for good reason: the transport's notify, the driver's callback, and what
# resize and reset are handed to call.
allowed='^(virtqueue_notify|virtqueue_doorbell_traced|vring_interrupt|virtqueue_(resize|reset|disable_and_recycle|enable_after_reset))(\.(part|isra|constprop|cold)[.0-9]*)*$'

stock=$(build)
is 'with retpolines' "$(grep -c '^CONFIG_MITIGATION_RETPOLINE=y' .config)" 1
is 'stock: nothing but hooks is called through a pointer' \
	"$(indirect_calls | grep -vE "$allowed")" ''
for patch in "$series"/*.patch; do
	name=${patch##*/}
	is "$name: checkpatch" "$(perl scripts/checkpatch.pl --strict --no-signoff --no-summary -q "$patch" 2>&1)" ''
	if ! patch -p1 -s --no-backup-if-mismatch <"$patch" >"$work/out" 2>&1; then
		fail "$name: applies" "$(cat "$work/out")"
		continue
	fi
	is "$name: builds without a new warning" "$(comm -13 <(printf '%s\n' "$stock") <(build))" ''
done
is 'no test of packed_ring is left' "$(grep -cE 'packed_ring|virtqueue_is_packed' drivers/virtio/virtio_ring.c)" 0
is 'no operation is called through a pointer' "$(indirect_calls | grep -vE "$allowed")" ''

# The check can fail: tables that the compiler cannot see through.
sed -i 's/^static const struct virtqueue_ops \(split\|packed\)_ops;$/static const struct virtqueue_ops volatile \1_ops;/
	s/^static const struct virtqueue_ops \(split\|packed\)_ops = {$/static const struct virtqueue_ops volatile \1_ops = {/' \
	drivers/virtio/virtio_ring.c
build >/dev/null
like 'an operation called through a pointer is found' \
	"$(indirect_calls | grep -vE "$allowed")" 'virtqueue_kick_prepare'
done_testing
