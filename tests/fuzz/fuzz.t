#!/bin/bash
# Everything that parses what comes from outside, fed with what libFuzzer makes of it, under ASan and
# UBSan. FUZZ_SECONDS for each target (3); all run at once. What was found interesting is kept in
# build/fuzz/corpus, so that the next run begins there.
. "$(dirname "$0")/../vm/lib.sh"
fuzz=$repo/build/fuzz
seconds=${FUZZ_SECONDS:-3}

# run TARGET LIMIT: LIMIT is an option that ends it. What the target prints is not shown (fd mask), what the sanitizers
# say is. A process that is not done by then hangs where libFuzzer's own limit for an input does not see it.
run() {
	local target=$1 seeds=("$repo/tests/fuzz/seeds/$1")
	[[ -e ${seeds[0]} ]] || seeds=()
	timeout $((seconds + 600)) "$fuzz/$target" "$2" -timeout=120 -len_control=0 -close_fd_mask=3 \
		-print_final_stats=1 -artifact_prefix="$fuzz/$target-" \
		"$fuzz/corpus/$target" "${seeds[@]}" >"$fuzz/$target.log" 2>&1
}
# runs TARGET: how many inputs there were
runs() { sed -n 's/^stat::number_of_executed_units: *//p' "$fuzz/$1.log"; }

targets=()
for file in "$repo"/tests/fuzz/*.c; do
	target=$(basename "$file" .c)
	[[ $target != files ]] || continue
	targets+=("$target")
	mkdir -p "$fuzz/corpus/$target"
	run "$target" -max_total_time="$seconds" &
	pids[${#targets[@]}]=$!
done

for i in "${!targets[@]}"; do
	target=${targets[i]} status=0
	wait "${pids[i + 1]}" || status=$?
	log=$fuzz/$target.log
	# On a busy machine the seconds may be over before there were many inputs.
	if [[ $status -eq 0 && $(runs "$target") -lt 10 ]]; then
		run "$target" -runs=100 || status=$?
	fi
	runs=$(runs "$target")
	edges=$(sed -n 's/.*DONE *cov: \([0-9]*\) .*/\1/p' "$log")
	all=$(sed -n 's/.*(\([0-9]*\) PCs).*/\1/p' "$log")
	echo "# $target: ${runs:-0} inputs reached ${edges:-?} of ${all:-?} edges"
	if [[ $status -eq 0 && ${runs:-0} -ge 10 ]]; then
		pass "$target"
	else
		fail "$target" "status $status after ${runs:-no} inputs; see $log" \
			"$(grep -vE '^#[0-9]|Uses:|^INFO' "$log" | tail -n 40)"
	fi
done
done_testing
