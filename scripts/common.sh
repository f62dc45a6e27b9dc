# shellcheck shell=bash
# Shared by all scripts here: paths, messages, and long jobs. Sourced, never run.
# shellcheck disable=SC2034 # used by those who source it

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# The cache: kernels, virtme-ng and other things that are made once. It may be deleted at any time.
cache=${VRINGTOP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vringtop}

# Progress and errors go to stderr, because stdout is for the result.
say() {
	printf '%s\n' "$*" >&2
}

# die WHAT-FAILED-WHY [WHAT-TO-DO]
die() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	[[ $# -lt 2 ]] || printf '%s: %s\n' "${0##*/}" "$2" >&2
	exit 1
}

# run_job TITLE LOG LINES COMMAND...: runs a long command with its output in LOG, and shows its progress:
# the lines of output as a share of LINES (0: not known), and the time. Returns the status of the command.
# Call end_job when the script exits: it ends COMMAND and the processes that COMMAND started.
job=''
run_job() {
	local title=$1 log=$2 lines=$3 start=$SECONDS shown=$SECONDS status=0 far
	shift 3
	mkdir -p "${log%/*}"
	setsid "$@" >"$log" 2>&1 </dev/null &
	job=$!
	[[ -t 2 ]] || say "$title ..."
	while kill -0 "$job" 2>/dev/null; do
		sleep 0.5
		far=$(how_far "$log" "$lines" $((SECONDS - start)))
		if [[ -t 2 ]]; then
			printf '\r%s: %s ' "$title" "$far" >&2
		elif ((SECONDS - shown >= 20)); then
			shown=$SECONDS
			say "$title: $far"
		fi
	done
	wait "$job" || status=$?
	job=''
	[[ ! -t 2 ]] || printf '\r\033[K' >&2
	[[ $status -ne 0 ]] || say "$title: done, $(how_far "$log" 0 $((SECONDS - start)))"
	return "$status"
}

# how_far LOG LINES SECONDS
how_far() {
	local percent
	if [[ $2 -gt 0 ]]; then
		percent=$(($(wc -l <"$1") * 100 / $2))
		printf '%2d %%, ' $((percent < 100 ? percent : 99))
	fi
	printf '%d:%02d' $(($3 / 60)) $(($3 % 60))
}

end_job() {
	[[ -z $job ]] || kill -TERM -- "-$job" 2>/dev/null || true
}
