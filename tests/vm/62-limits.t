#!/bin/bash
# Too little memory, by address space and by control group, from the start and while it runs, and no
# JIT: vringtop says what is missing, or is right, or is killed; the guest goes on, nothing stays
# behind. On Debian's kernel, which has control groups for memory and a JIT that can be switched off.
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2086 # a list
in_guests ${LIMIT_KERNELS:-debian-6.12}
group=/sys/fs/cgroup/vringtop

# within LIMIT COMMAND...: the command, in a control group with so much memory, takes this shell's place
within() {
	mkdir -p $group
	echo "$1" >$group/memory.max
	# shellcheck disable=SC2016 # the inner shell's
	exec bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' $group "${@:2}"
}
killed() { # for want of memory, so many in the group
	sed -n 's/^oom_kill //p' $group/memory.events
}
# counters: bytes that the group has in the kernel for the counters; it frees them a moment later
counters() {
	local bytes
	for _ in {1..80}; do
		bytes=$(sed -n 's/^vmalloc //p' $group/memory.stat)
		[[ $bytes -gt 0 ]] || break
		sleep 0.1
	done
	echo "$bytes"
}

echo +memory >"${group%/*}/cgroup.subtree_control"
before=$(left)
dmesg -C

# Whatever the limit: it works, or says what it lacks, or the kernel ends it.
seen=' '
for limit in 4 12 16 24 40; do
	{ (within ${limit}M vringtop stat --json 0.1 1) >/tmp/json 2>/tmp/errors; } 2>/dev/null
	status=$?
	case $status in
	0) like "$kernel: $limit MiB: it works" "$(</tmp/json)" '"role":"vda"' ;;
	1) like "$kernel: $limit MiB: it says what it lacks" "$(</tmp/errors)" \
		'no memory for .*Free some memory, or raise the memory limit of this process' ;;
	*) is "$kernel: $limit MiB: the kernel ends it" "$status $(killed)" '137 1' ;;
	esac
	seen+="$status "
	rmdir $group
done
like "$kernel: a limit from the start: each of these happened" "$seen" ' 1 .* 137 .* 0 '
is_as_before "$kernel: a limit from the start: no program, map or link is left"

# Pressed down to what it needs, and then below that.
watch within max
reads 20
needs=$(<"$group/memory.current")
echo $((needs * 9 / 10)) >$group/memory.high
reads 20
echo max >$group/memory.high
ok "$kernel: short of memory while it runs: it has counters" test "$(sed -n 's/^vmalloc //p' $group/memory.stat)" -gt 1000000
saw 'short of memory while it runs' 40
is "$kernel: short of memory while it runs: what they took is free again" "$(counters)" 0
watch within max
reads 20
echo 1M >$group/memory.max
wait $tool
is "$kernel: no memory while it runs: the kernel ends it" "$? $(killed)" '137 1'
is "$kernel: no memory while it runs: what they took is free again" "$(counters)" 0
rmdir $group
is_as_before "$kernel: a limit while it runs: no program, map or link is left"
like "$kernel: the kernel speaks of nothing but that" \
	"$(dmesg --level=emerg,alert,crit,err,warn | grep -ciE 'BUG|WARNING|lockup|hung|leak')" '^0$'
dmesg -C

# Address space: what it starts with, the counters, and what is between.
for limit in 12000 20000; do
	err=$(bash -c "ulimit -v $limit; exec vringtop stat 0.1 1" 2>&1 >/dev/null)
	status=$?
	ok "$kernel: $limit KiB of address space: it fails" test $status -eq 1 -o $status -eq 127
	like "$kernel: $limit KiB of address space: a message, not a crash" "$err" \
		'^vringtop: (cannot|no memory|error while loading)'
done
is_as_before "$kernel: too little address space: no program, map or link is left"

# The JIT: switched off while it runs, and before it starts.
watch env
sysctl -q -w net.core.bpf_jit_enable=0
reads 50
saw 'the JIT is switched off while it runs' 50
for verb in 'stat 0.1 1' 'hist 0.1 1' stalls queues; do
	# shellcheck disable=SC2086 # words
	err=$(vringtop $verb 2>&1 >/dev/null)
	is "$kernel: $verb without the JIT: status" $? 1
	like "$kernel: $verb without the JIT: what to do" "$err" \
		"BPF JIT is off, .*Switch it on: sysctl net.core.bpf_jit_enable=1"
done
like "$kernel: the doctor says it, too" "$(vringtop doctor)" 'MISSING  BPF JIT +off.*sysctl +net.core.bpf_jit_enable=1'
sysctl -q -w net.core.bpf_jit_enable=1
watch env
reads 50
saw 'with the JIT again' 50
is_as_before "$kernel: without the JIT: no program, map or link is left"
is "$kernel: the kernel has nothing to say" "$(complaints)" ''
done_testing
