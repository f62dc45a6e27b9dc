#!/bin/bash
# Every operation in every ring layout, called from processes and from interrupts on two CPUs: as often
# as the exerciser (tests/kmod) called it, the kernel's triggers saw it and vringtop counted it.
# Environment: KERNELS   to try others: "6.12-debug"
. "$(dirname "$0")/lib.sh"

# All can be called, and these from interrupts.
operations=13 in_irq=10

# rows LAYOUT COLUMN...: how many lines of the table have the same in these columns, and not 0
rows() {
	local layout=$1
	shift
	awk -v layout="$layout" -v columns="$*" '
		NF == 7 && $1 == layout {
			n = split(columns, column, " ")
			good = $column[1] > 0
			for (i = 2; i <= n; i++) good = good && $column[i] == $column[1]
			rows += good
		}
		END { print rows + 0 }' <<<"$vm_out"
}

total=0
printf '# %-11s %-15s %-17s %7s %7s %7s %7s\n' '' '' '' exer- 'in in-' '' vring-
printf '# %-11s %-15s %-17s %7s %7s %7s %7s\n' kernel layout operation ciser terrupt trigger top
for kernel in ${KERNELS:-6.12 7.3}; do
	case $kernel in
	6.12*) layouts='split packed' rounds=4200 ;;
	*) layouts='split packed split_in_order packed_in_order' rounds=2100 ;;
	esac
	module=$("$repo/tests/kmod/build.sh" "$kernel") || { fail "$kernel: the exerciser is built"; continue; }
	# Queues as in real life: what is called for them most often is not their reset.
	KERNEL=$kernel vm_run "tests/kmod/counts.sh ${module@Q} layout=${layouts// /,} queues=4 cpus=2 irq=1 \
		shared=1 rounds=$rounds op=all,detach_unused_buf:250,resize:250,reset:250 \
		event_idx=1 indirect=1 notification_data=1 reset_only=1"
	awk -v kernel="$kernel" '
		NF == 7 { printf "# %-11s %-15s %-17s %7d %7d %7d %7d\n", kernel, $1, $2, $3, $5, $6, $7 }' <<<"$vm_out"
	is "$kernel: each count of each queue is the same three times" "$vm_status" 0
	[[ $vm_status -eq 0 ]] || printf '%s\n' "$vm_err" "$(grep -m 20 '^differs' <<<"$vm_out")" | sed 's/^/# /' >&2
	for layout in $layouts; do
		is "$kernel, $layout: all operations" "$(rows "$layout" 3 6 7)" $operations
		is "$kernel, $layout: called by processes" "$(rows "$layout" 4)" $operations
		is "$kernel, $layout: called in interrupts" "$(rows "$layout" 5)" $in_irq
	done
	last=$(tail -n 1 <<<"$vm_out")
	like "$kernel: on two CPUs, nothing is lost" "$last" \
		'^[0-9]+ calls in all, on 2 CPUs; 0 counts differ; vringtop lost 0$'
	[[ ! $last =~ ^([0-9]+)\ calls ]] || total=$((total + BASH_REMATCH[1]))
done
ok "1,000,000 operations in all ($total)" test $total -ge 1000000
done_testing
