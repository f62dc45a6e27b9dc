#!/bin/bash
# The stages of many requests add up to the time of these requests, to the ns, in each ring layout; and
# vringtop times as many requests as the exerciser (tests/kmod) gets back.
# Environment: KERNELS   only some of them: "6.12"
#              ROUNDS    requests of each layout (20000)
. "$(dirname "$0")/lib.sh"

for kernel in ${KERNELS:-6.12 6.12-stock 7.3}; do
	layouts='split packed'
	[[ $kernel != 7.3 ]] || layouts+=' split_in_order packed_in_order'
	module=$("$repo/tests/kmod/build.sh" "$kernel") || { fail "$kernel: the exerciser is built"; continue; }
	KERNEL=$kernel vm_run "tests/kmod/stages.sh ${module@Q} ${ROUNDS:-20000} $layouts"
	is "$kernel: the run ends well" "$vm_status" 0
	[[ $vm_status -eq 0 ]] || printf '# %s\n' "$vm_err" >&2
	for layout in $layouts; do
		read -r _ got timed whole stages <<<"$(grep "^$layout " <<<"$vm_out")"
		is "$kernel, $layout: each of ${got:-no} requests is timed" "${timed:-none}" "${got:-some}"
		is "$kernel, $layout: their stages add up to their time" "${stages:-none} ns" "${whole:-some} ns"
	done
done
done_testing
