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

# indirect_calls: the functions of virtio_ring.o that call through a pointer, and how often.
# With retpolines such a call goes to __x86_indirect_thunk_*; without, to a register or memory.
indirect_calls() {
	objdump -dr --no-show-raw-insn drivers/virtio/virtio_ring.o | awk '
		/^[0-9a-f]+ <.*>:$/ { function_name = $2; gsub(/[<>:]/, "", function_name) }
		/__x86_indirect_thunk/ || /\t(call|jmp|notrack jmp) +\*/ { calls[function_name]++ }
		END { for (f in calls) print f, calls[f] }' | sort
}

# What the kernel as it comes calls through pointers are hooks: the transport's notify (inlined into
# add and kick, too), the driver's callback, what resize and reset are handed. The series may add
# the calls of tracepoints to whoever listens, and the traced doorbell, which is notify again.
new_indirect_calls() {
	comm -13 <(printf '%s\n' "$stock_calls") <(indirect_calls) |
		grep -vE '^(__traceiter_[a-z_]+|vring_doorbell_traced) [0-9]+$'
}

stock=$(build)
is 'with retpolines' "$(grep -c '^CONFIG_MITIGATION_RETPOLINE=y' .config)" 1
stock_calls=$(indirect_calls)
like 'the check finds the calls of a hook' "$stock_calls" 'vring_interrupt 1'
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
is 'no operation is called through a pointer' "$(new_indirect_calls)" ''

# The check can fail: tables that the compiler cannot see through.
sed -i 's/^static const struct virtqueue_ops \(split\|packed\)_ops;$/static const struct virtqueue_ops volatile \1_ops;/
	s/^static const struct virtqueue_ops \(split\|packed\)_ops = {$/static const struct virtqueue_ops volatile \1_ops = {/' \
	drivers/virtio/virtio_ring.c
build >/dev/null
like 'an operation called through a pointer is found' \
	"$(new_indirect_calls)" 'virtqueue_kick_prepare'
done_testing
