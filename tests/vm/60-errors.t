#!/bin/bash
# What can be wrong, and what vringtop says then: what failed, on what, why, what to do.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

# tried COMMAND: sets out, err and status
tried() {
	out=$(bash -c "$1" 2>/tmp/err </dev/null)
	status=$?
	err=$(</tmp/err)
}

tried 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all vringtop stat 1 1'
is 'not root: status 1' $status 1
like 'not root: why, and what to do' "$err" 'not permitted for user 65534.*root, or give it CAP_BPF and CAP_PERFMON'
tried 'setpriv --bounding-set=-all --inh-caps=-all vringtop stat 1 1'
is 'root without capabilities (a container): status 1' $status 1
like 'root without capabilities: the kernel refuses it' "$err" 'the kernel refuses it to root'

# Mounts of its own hide a part of sysfs.
tried 'unshare -m bash -c "mount -t tmpfs none /sys/kernel/btf && vringtop stat 1 1"'
is 'no BTF: status 1' $status 1
like 'no BTF: what to do' "$err" 'CONFIG_DEBUG_INFO_BTF=y'
tried 'unshare -m bash -c "mount -t tmpfs none /sys/bus/virtio && vringtop queues"'
is 'no virtio device: status 1' $status 1
like 'no virtio device: what to do' "$err" 'no virtio device.*run it in a virtual machine'

tried 'vringtop frobnicate'
is 'an unknown verb: status 2' $status 2
like 'an unknown verb: those there are' "$err" "unknown verb 'frobnicate'.*queues"
tried 'vringtop stat --frobnicate'
is 'an unknown option: status 2' $status 2
like 'an unknown option: named' "$err" "unrecognized option '--frobnicate'"
tried 'vringtop stat 0'
is 'stat 0: status 2' $status 2
like 'stat 0: why' "$err" "'0' is not an interval from 0.01 s"
for bad in '1 0' '1 x' '1 -1' 'nan' '-- -1' '1e99' '1 2 3'; do
	tried "vringtop stat $bad"
	is "stat $bad: status 2" $status 2
done
tried 'vringtop stat -o add,frobnicate 1 1'
is 'an unknown operation: status 2' $status 2
like 'an unknown operation: those there are' "$err" "unknown operation 'frobnicate'.*There are: all add get"
tried 'vringtop stat -p frobnicate'
is 'an unknown page: status 2' $status 2
tried 'vringtop stat -d vdz 1 1'
is 'an unknown device: status 1' $status 1
like 'an unknown device: what to do' "$err" 'no queue matches --device vdz.*vringtop queues'
tried 'vringtop'
is 'the live view without a terminal: status 1' $status 1
like 'the live view without a terminal: what to use' "$err" 'needs a terminal.*vringtop stat'
tried 'TERM=frobnicate script -qec "vringtop" /dev/null'
like 'an unknown kind of terminal' "$out" "cannot use a terminal of type 'frobnicate'"
tried 'TERM=dumb script -qec "vringtop" /dev/null'
like 'a terminal that cannot move its cursor' "$out" "cannot use a terminal of type 'dumb'.*vringtop stat"
is 'a terminal that cannot move its cursor: status 1' $status 1

tried 'vringtop stalls --ring :0'
is 'a ring of no device: status 2' $status 2
tried 'vringtop stalls --after 5'
is 'stalls takes a time: status 0 where nothing is stalled' $status 0
tried 'vringtop stalls --after x'
is 'no time: status 2' $status 2

# -o and -d mean something else in record: who has learnt the other verbs is told.
tried 'vringtop record -o add,get -d 1'
is 'record -o with operations: status 2' $status 2
like 'record -o with operations: what to write' "$err" "'add,get' names operations.*--op LIST"
ok 'record -o with operations: no such file is made' test ! -e add,get
tried 'vringtop record -o /tmp/a.vt -d vda'
is 'record -d with a device: status 2' $status 2
like 'record -d with a device: what to write' "$err" "'vda' is not a time.*--device NAME"

mapfile -t verbs < <(vringtop help --list)
ok "there are verbs: ${verbs[*]}" test ${#verbs[@]} -ge 9
for verb in "${verbs[@]}"; do
	tried "vringtop $verb --help"
	is "$verb --help: status 0" $status 0
	help=$out
	like "$verb --help has examples" "$out" 'Examples:.*vringtop'
	tried "vringtop $verb -h"
	is "$verb -h is the same" "$status $out" "0 $help"
	tried "vringtop help $verb"
	is "help $verb is the same" "$status $out" "0 $help"
	is "$verb --help fits 80 columns" "$(awk 'length > 80' <<<"$out")" ''
done
for help in --help -h help; do
	tried "vringtop $help"
	is "$help: status, and the verbs that it lists" "$status $(sed -n 's/^  \([a-z]*\)  .*/\1/p' <<<"$out" | grep -vx -e vringtop -e sudo)" \
		"0 $(printf '%s\n' "${verbs[@]}")"
done
tried 'vringtop --version'
like '--version' "$out" '^vringtop [0-9]+\.[0-9]+'
done_testing
