#!/bin/bash
# Where vringtop cannot work, doctor and stat say so, and their advice is what helps: on a kernel
# without BTF, on one without BPF, with a BTF that is newer than libbpf, where functions are switched off, and on
# this machine, whatever that forbids. (25-kernels.t has doctor on the kernels on which vringtop works.)
. "$(dirname "$0")/lib.sh"

# This machine. Where tracing is allowed stat is not tried: it would attach to the machine's own queues.
out=$("$repo/build/vringtop" doctor)
status=$?
like 'this machine: its kernel' "$out" "^ok +kernel +Linux $(uname -r) "
is 'this machine: the status is that of the lines' $status "$(grep -c -m 1 '^MISSING' <<<"$out")"
devices=(/sys/bus/virtio/devices/virtio*)
if [[ -e ${devices[0]} ]]; then
	like 'this machine: its virtio devices' "$out" "(ok|MISSING) +devices +${#devices[@]} virtio"
else
	like 'this machine: no virtio devices' "$out" 'MISSING +devices +no virtio device'
fi
if [[ $(bpftool feature probe kernel 2>/dev/null) == *'program_type tracing is available'* ]]; then
	like 'this machine allows tracing' "$out" $'\nok +trial load +the kernel loads a tracing program'
else
	like 'this machine forbids tracing' "$out" $'\n(MISSING +(trial load|BTF)|note +trial load) +'
	is 'this machine: doctor has a status for it' $status 1
	err=$("$repo/build/vringtop" stat 0.1 1 2>&1 >/dev/null)
	is 'this machine: so has stat' $? 1
	like 'this machine: and says it, with advice' "$err" $'^vringtop: [^\n]+\n  [^\n]+$'
fi

# What vringtop needs of a kernel's configuration. The one on which it works has all of it.
needed=(CONFIG_BPF_EVENTS CONFIG_BPF_JIT CONFIG_BPF_SYSCALL CONFIG_DEBUG_INFO_BTF CONFIG_DYNAMIC_FTRACE
	CONFIG_FUNCTION_TRACER)
works=$("$repo/scripts/kernel.sh" dir 6.12-stock)/config
is '6.12-stock has what is needed' "$(printf '%s=y\n' "${needed[@]}" | grep -vxFf "$works")" ''

# named TEXT: the options in it
named() { grep -oE 'CONFIG_[A-Z_]+' <<<"$1" | sort -u | xargs; }

while IFS='|' read -r kernel missing why; do
	# The standard guest, but without the disks' and networks' drivers.
	KERNEL=$kernel vm_run 'vringtop doctor; echo "status $?"
		echo @; vringtop stat 1 1 2>&1; echo "status $?"
		echo @; zcat /proc/config.gz'
	is "$kernel: the guest ends well" "$vm_status" 0
	{ IFS= read -r -d @ doctor; IFS= read -r -d @ stat; config=$(cat); } <<<"$vm_out"
	# What of it this kernel was built without
	off=$(printf '%s=y\n' "${needed[@]}" | grep -vxFf <(printf '%s\n' "$config") | sed 's/=y//' | xargs)
	like "$kernel: doctor: status" "$doctor" $'\nstatus 1\n'
	is "$kernel: doctor: what is missing" \
		"$(sed -n 's/^MISSING  //p' <<<"$doctor" | cut -c 1-14 | sed 's/ *$//' | paste -sd,)" "$missing"
	is "$kernel: doctor: the advice names what the kernel was built without" "$(named "$doctor")" "$off"
	like "$kernel: stat: what is wrong" "$stat" "$why"
	is "$kernel: stat: the advice is the same" "$(named "$stat")" "$off"
	like "$kernel: stat: status" "$stat" $'\nstatus 1\n'
done <<'END'
6.12-nobtf|BTF,options|no kernel type information \(BTF\)
6.12-nobpf|BTF,options,trial load|this kernel has no BPF
END

# A BTF with a kind of type that libbpf does not know.
KERNEL=6.12-stock vm_run '/usr/bin/python3 tests/vm/newer_btf.py >/tmp/btf && mount --bind /tmp/btf /sys/kernel/btf/vmlinux
	vringtop stat 0.2 1 2>&1; echo "status $?"
	echo @; vringtop doctor'
libbpf=$(pkg-config --modversion libbpf)
old="libbpf v?${libbpf%.*} is too old for Linux 6.12"
is 'a newer BTF: the guest ends' "$vm_status" 1
like 'a newer BTF: stat says which libbpf is too old for which kernel' "$vm_out" \
	"^vringtop: ${old}[^"$'\n'"]*BTF"$'\n  [^\n]+\nstatus 1\n@\n'
like 'a newer BTF: so does doctor' "$vm_out" $'\nMISSING +BTF +'"$old"

# kernel.ftrace_enabled=0: the kernel calls no program at a function, without a word. With the series no
# function is needed; without it each verb says so, also one that runs already.
while IFS='|' read -r kernel status missing words; do
	# shellcheck disable=SC2016 # the guest's shell
	KERNEL=$kernel vm_run 'all=("stat 0.2" "hist 0.2" "stalls --watch" "record -i 0.2 -o /tmp/y.vt")
		for n in "${!all[@]}"; do
			vringtop ${all[n]} >/tmp/running.$n 2>&1 & tools[n]=$!
			for i in {1..3000}; do [[ ! -s /tmp/running.$n ]] || break; sleep 0.1; done
		done
		sysctl -q -w kernel.ftrace_enabled=0
		# With the series they go on; without it each ends by itself.
		sleep 1.5
		[[ -d /sys/kernel/tracing/events/virtio_ring ]] || for n in "${!all[@]}"; do
			for i in {1..3000}; do kill -0 ${tools[n]} 2>/dev/null || break; sleep 0.1; done
		done
		for n in "${!all[@]}"; do
			kill -INT ${tools[n]} 2>/dev/null; wait ${tools[n]}
			echo "running ${all[n]}: $? $(grep -c "ftrace_enabled is 0" /tmp/running.$n)"
		done
		for verb in "stat 0.2 1" "hist 0.2 1" stalls queues "record -o /tmp/x.vt -- sleep 0.3"; do
			vringtop $verb >/tmp/out 2>&1; echo "$verb: $? $(grep -c "ftrace_enabled is 0" /tmp/out)"
		done
		echo "queues $(vringtop queues 2>/dev/null | grep -c "^virtio")"
		echo "doctor"; vringtop doctor | sed -n "s/^MISSING  //p" | cut -c 1-14'
	is "$kernel: ftrace off: the guest ends well" "$vm_status" 0
	for verb in 'stat 0.2' 'hist 0.2' 'stalls --watch' 'record -i 0.2 -o /tmp/y.vt'; do
		like "$kernel: ftrace off while it runs: $verb: status, and whether it says so" "$vm_out" \
			"(^|"$'\n'")running $verb: $status $words"$'\n'
	done
	for verb in 'stat 0.2 1' 'hist 0.2 1' stalls queues 'record -o /tmp/x.vt -- sleep 0.3'; do
		like "$kernel: ftrace off: $verb: status, and whether it says so" "$vm_out" $'\n'"$verb: $status $words"$'\n'
	done
	is "$kernel: ftrace off: doctor: what is missing" "$(sed '1,/^doctor$/d; s/ *$//' <<<"$vm_out" | paste -sd,)" "$missing"
	if [[ $status == 0 ]]; then
		like "$kernel: ftrace off: all queues are found" "$vm_out" $'\nqueues 39\n'
	fi
done <<'END'
6.12|0||0
6.12-stock|1|ftrace|1
END
done_testing
