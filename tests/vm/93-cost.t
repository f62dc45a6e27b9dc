#!/bin/bash
# What a virtqueue operation costs, in instructions: none of the figures in cost.expected is more than
# 5 % worse, the kernel series costs nothing while nobody looks, nor does looking for stalls, and every
# call is counted. Of the figures round is an unwatched one; operation what vringtop adds to each of its
# three; buffer what the time of requests adds to a round besides; stages what their stages add to that.
# (make bench measures more, and more often: docs/performance.md)
# Environment: KERNELS   only some of them: "6.12"
. "$(dirname "$0")/lib.sh"
make -s -C "$repo/tests/bench" || exit

# figures KERNEL LAYOUT...: a line for each layout and figure, as in cost.expected
figures() {
	local kernel=$1 tool=vringtop
	shift
	[[ $kernel != *-stock ]] || tool=vringtop-functions
	KERNEL=$kernel WATCH="off $tool $tool-u $tool-requests stalls" NOTIFY=0 RUNS=1 ROUNDS=10000 "$repo/tests/kmod/cost.sh" "$@" |
		awk -v kernel="$kernel" '
			{ for (i = 1; i <= NF; i++) { split($i, part, "="); is[part[1]] = part[2] } }
			is["watch"] == "off" { off = is["instructions"]; print kernel, is["layout"], "round", off; next }
			is["watch"] == "stalls" { print kernel, is["layout"], "stalls", is["instructions"] - off; next }
			is["watch"] ~ /-u$/ {
				timed = is["instructions"]; print kernel, is["layout"], "buffer", timed - counted; next
			}
			is["watch"] ~ /-requests$/ { print kernel, is["layout"], "stages", is["instructions"] - timed; next }
			{ counted = is["instructions"]; print kernel, is["layout"], "operation", (counted - off) / 3 }'
	return "${PIPESTATUS[0]}"
}

declare -A round=()
for kernel in ${KERNELS:-6.12 6.12-stock 7.3}; do
	layouts='split packed'
	[[ $kernel != 7.3* ]] || layouts+=' split_in_order packed_in_order'
	errors=$(mktemp)
	# shellcheck disable=SC2086 # one word for each
	measured=$(figures "$kernel" $layouts 2>"$errors") || measured=''
	[[ -n $measured ]] || fail "$kernel: measured, every call counted" "$(tail -n 5 "$errors")"
	rm -f "$errors"
	while read -r of layout figure stored; do
		[[ $of == "$kernel" ]] || continue
		value=$(awk -v key="$of $layout $figure" '$1 " " $2 " " $3 == key { print $4 }' <<<"$measured")
		ok "$kernel, $layout: the $figure is not 5 % slower: ${value:-not measured}, stored $stored" \
			awk -v value="$value" -v stored="$stored" 'BEGIN { exit !(value > 0 && value <= 1.05 * stored) }'
		[[ $figure != round ]] || round[$of $layout]=$value
	done <"$repo/tests/vm/cost.expected"
	for layout in $layouts; do
		is "$kernel, $layout: vringtop stalls adds nothing to a round" \
			"$(awk -v key="$kernel $layout stalls" '$1 " " $2 " " $3 == key { print $4 }' <<<"$measured")" 0
	done
done
for layout in split packed; do
	stock=${round[6.12-stock $layout]:-} patched=${round[6.12 $layout]:-}
	[[ -n $stock && -n $patched ]] || continue
	ok "$layout: with the series at most 1.02 of without it" \
		awk -v stock="$stock" -v patched="$patched" 'BEGIN { exit !(patched <= 1.02 * stock) }'
done
done_testing
