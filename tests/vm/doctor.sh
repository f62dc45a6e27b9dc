# shellcheck shell=bash disable=SC2034,SC2154 # kernel is set, and what is set here is read, there
# vringtop doctor says what is there: each fact against what the kernel itself says, and its verdict
# against whether `vringtop stat` works in the same place. A part of 25-kernels.t, the last one: it may
# leave the kernel locked down. Sets `functions`, how many it attaches to.
tracing=/sys/kernel/tracing

# read_facts JSON: all of it as fact[check.name], lists in lines of their own
declare -A fact
read_facts() {
	local key value
	fact=()
	while IFS=$'\t' read -r key value; do
		fact[$key]+=${fact[$key]:+ }$value
	done < <(/usr/bin/python3 - "$1" <<-'PYTHON'
		import json, sys
		def show(key, value):
		    if isinstance(value, dict):
		        for k, v in value.items():
		            show(key + "." + k if key else k, v)
		    elif isinstance(value, list):
		        for v in value:
		            show(key + "." + v.pop("device") if isinstance(v, dict) else key, v)
		    else:
		        print(key, value, sep="\t")
		everything = json.load(open(sys.argv[1]))
		show("ok", everything["ok"])
		show("", everything["checks"])
	PYTHON
	)
}

# both NAME MISSING-CHECK COMMAND...: in front of vringtop, COMMAND makes a place in which the doctor
# names what is missing (nothing: ''), and in which stat works if and only if the doctor says so
both() {
	local name=$1 missing=$2 status
	shift 2
	"$@" vringtop doctor >/tmp/doctor 2>/tmp/doctor-errors
	status=$?
	"$@" vringtop stat 0.1 1 >/tmp/stat 2>&1
	is "$kernel: $name: doctor is right about stat" "$status" "$(($? != 0))"
	is "$kernel: $name: what is missing" "$(sed -n 's/^MISSING  //p' /tmp/doctor | cut -c 1-14 | sed 's/ *$//' | paste -sd,)" "$missing"
	is "$kernel: $name: fits 80 columns, without a word on stderr" \
		"$(awk 'length > 80' /tmp/doctor)$(</tmp/doctor-errors)" ''
	[[ -z $missing ]] || like "$kernel: $name: with advice" "$(grep -A 2 '^MISSING' /tmp/doctor)" '-> '
}
as_user() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps="-all$1" --ambient-caps="-all$1" "${@:2}"
}
without() { # a folder is empty in it
	# shellcheck disable=SC2016 # the inner shell's
	unshare -m bash -c 'mount -t tmpfs none "$0" && exec "$@"' "$@"
}

both root '' env
vringtop doctor --json >/tmp/json
is "$kernel: --json: status" $? 0
read_facts /tmp/json
is "$kernel: ok" "${fact[ok]}" True
is "$kernel: release" "${fact[kernel.release]}" "$(uname -r)"
is "$kernel: size of the BTF" "${fact[btf.size]}" "$(stat -c %s /sys/kernel/btf/vmlinux)"
modules=$(lsmod | awk '$1 ~ /^virtio(_ring|_pci|_mmio)?$/ { print $1 }' | sort | paste -sd' ')
is "$kernel: modules with BTF" \
	"$(for key in "${!fact[@]}"; do [[ $key != module_btf.btf_of.* || ${fact[$key]} != True ]] || echo "${key##*.}"; done | sort | paste -sd' ')" \
	"$modules"
is "$kernel: clock" "${fact[clock.current]}" "$(</sys/devices/system/clocksource/clocksource0/current_clocksource)"
is "$kernel: JIT" "${fact[bpf_jit.bpf_jit_enable]}" "$(sysctl -n net.core.bpf_jit_enable)"
is "$kernel: unprivileged_bpf_disabled" "${fact[unprivileged.unprivileged_bpf_disabled]}" \
	"$(sysctl -n kernel.unprivileged_bpf_disabled)"
is "$kernel: perf_event_paranoid" "${fact[perf_events.perf_event_paranoid]}" "$(sysctl -n kernel.perf_event_paranoid)"
is "$kernel: capabilities" \
	"${fact[capabilities.CAP_BPF]} ${fact[capabilities.CAP_PERFMON]} ${fact[capabilities.CAP_SYS_ADMIN]}" \
	"$(capsh --has-p=cap_bpf && echo True) $(capsh --has-p=cap_perfmon && echo True) $(capsh --has-p=cap_sys_admin && echo True)"
lockdown=$(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/security/lockdown 2>/dev/null)
is "$kernel: lockdown" "${fact[lockdown.mode]}" "${lockdown:-none}"

# What it would attach to is what the kernel says is attached to while stat runs.
vringtop stat -o all 0.1 >/tmp/stat 2>&1 &
tool=$!
counts_or_ends $tool grep -q DEVICE /tmp/stat
attached=$(awk '$1 ~ /^(virtqueue|vring|vp|vm)_/ { print $1 }' $tracing/enabled_functions | sort | paste -sd' ')
kill $tool
wait $tool
way=functions
[[ ! -d $tracing/events/virtio_ring ]] || way=tracepoints
functions=$(wc -w <<<"${fact[attaches_to.functions]-}")
is "$kernel: tracepoints or functions" "${fact[attaches_to.way]}" $way
# Where the kernel made one of these a jump to another function, vringtop detaches from it again.
wrappers='virtqueue_(get_buf|enable_cb)'
is "$kernel: attaches to the functions that it says" \
	"$(tr ' ' '\n' <<<"${fact[attaches_to.functions]-}" | grep -vxE "$wrappers" | sort | paste -sd' ')" \
	"$(tr ' ' '\n' <<<"$attached" | grep -vxE "$wrappers" | paste -sd' ')"

# An operation with a tracepoint, or with a function that the kernel has, is visible.
declare -A called=([notification_data]=vring_notification_data [resize]=virtqueue_resize [reset]=virtqueue_reset)
for op in add get kick_prepare notify notification_data disable_cb enable_cb_prepare enable_cb_delayed poll \
	more_used detach_unused_buf resize reset; do
	case $way,$op in
	tracepoints,*) [[ ! -d $tracing/events/virtio_ring/virtqueue_$op ]] || echo $op ;;
	*,notification_data | *,resize | *,reset) ! grep -q " ${called[$op]}\b" /proc/kallsyms || echo $op ;;
	*) echo $op ;;
	esac
done >/tmp/visible
is "$kernel: visible operations" "${fact[operations.visible]}" "$(paste -sd' ' /tmp/visible)"
is "$kernel: and the others, with a reason" \
	"$(for key in "${!fact[@]}"; do [[ $key != operations.not_visible.* || -z ${fact[$key]} ]] || echo x; done | wc -l)" \
	$((13 - $(wc -l </tmp/visible)))

# Each device, by the bits in sysfs.
layouts=(split packed split-in-order packed-in-order)
for device in /sys/bus/virtio/devices/*; do
	name=${device##*/} bits=$(<"$device/features") expected=''
	for feature in 28:INDIRECT_DESC 29:EVENT_IDX 32:VERSION_1 34:RING_PACKED 35:IN_ORDER 38:NOTIFICATION_DATA; do
		[[ ${bits:${feature%:*}:1} == 0 ]] || expected+=" ${feature#*:}"
	done
	echo "$name $(basename "$(readlink "$device/driver")") ${layouts[${bits:34:1} + 2 * ${bits:35:1}]}$expected"
done | sort >/tmp/devices
for device in /sys/bus/virtio/devices/*; do
	key=devices.list.${device##*/}
	echo "${device##*/} ${fact[$key.driver]} ${fact[$key.layout]} $(tr ' ' '\n' <<<"${fact[$key.ring_features]}" |
		grep -xE 'INDIRECT_DESC|EVENT_IDX|VERSION_1|RING_PACKED|IN_ORDER|NOTIFICATION_DATA' | paste -sd' ')"
done | sort >/tmp/said
is "$kernel: devices: driver, layout, features" "$(</tmp/said)" "$(</tmp/devices)"
for disk in vda:split vdb:packed; do
	device=$(basename "$(readlink -f "/sys/block/${disk%:*}/device")")
	is "$kernel: ${disk%:*} is ${disk#*:}" \
		"${fact[devices.list.$device.role]} ${fact[devices.list.$device.layout]}" "${disk/:/ }"
done

# Where something is missing.
both 'a user' 'capabilities,trial load' as_user ''
both 'a user with CAP_BPF and CAP_PERFMON' "${modules:+capabilities}" as_user ,+bpf,+perfmon
# Without the kernel's configuration, the missing file is the sign of the missing option.
config=$(ls /proc/config.gz "/boot/config-$(uname -r)" 2>/dev/null)
both 'no BTF' "BTF${modules:+,module BTF}$([[ -n $config ]] || echo ,options)" without /sys/kernel/btf
both 'no virtio' devices without /sys/bus/virtio
[[ ! -e /proc/self/ns/user ]] || both 'a container' 'capabilities,trial load' unshare -Ur
if [[ $kernel == debian* ]]; then # the others' kernels have neither
	sysctl -q -w net.core.bpf_jit_enable=0
	both 'JIT off' 'BPF JIT' env
	bash -c "$(grep -oE 'sysctl net[^ ]*' /tmp/doctor | sed 's/sysctl/& -q -w/')"
	both 'JIT on again, by the advice' '' env
	echo confidentiality >/sys/kernel/security/lockdown
	both lockdown 'lockdown,trial load' env
fi
vringtop doctor >/dev/full 2>/tmp/errors
is "$kernel: stdout is full: status" $? 1
like "$kernel: stdout is full: said" "$(</tmp/errors)" 'cannot write to stdout'
vringtop doctor --device vda >/dev/null 2>&1
is "$kernel: wrong use: status" $? 2
