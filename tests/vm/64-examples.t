#!/bin/bash
# Every example of the manual pages, in a guest under load, as it stands there; but for export, whose
# examples serve on addresses that a guest does not have. What goes on without end
# gets SIGINT after some seconds. Completion of what only a machine with virtio devices has.
. "$(dirname "$0")/lib.sh"
. "$repo/tests/pages.sh"
[[ -n ${VRINGTOP_GUEST:-} ]] || make -s -C "$repo" man || exit
in_guest 6.12

mkdir /tmp/examples
cd /tmp/examples || exit
mkdir made
printf '[job]\nfilename=/dev/vda\nrw=randread\nsize=1M\ndirect=1\n' >made/job
(while :; do reads 20; sleep 0.3; done) &
load=$!
(cd made && vringtop record -u -o before.vt -i 50ms -d 2s 2>messages) || fail 'recordings for the examples' "$(<made/messages)"
for recording in a b after b1 b2 b3 n1 n2 n3; do cp made/before.vt "made/$recording.vt"; done

# sudo COMMAND...: as on a machine where one is not root. The live view gets a terminal.
sudo() {
	local words
	printf -v words '%q ' exec "$@"
	case ${2:-top} in
	top | -*) exec script -qec "stty cols 80 rows 24; $words" /dev/null ;;
	*) exec "$@" ;;
	esac
}
export -f sudo
export TERM=xterm

# ends_by_itself EXAMPLE
ends_by_itself() {
	[[ $1 =~ \ [0-9.]+\ [0-9]+($|\ ) || $1 == *' -- '* || $1 =~ \ -d\ [0-9]+s || $1 =~ (stalls|queues|doctor|report|diff)($|\ ) ]] &&
		[[ $1 != *--watch* ]]
}

# run_example NUMBER EXAMPLE: in a folder of its own. What has no end gets SIGINT a second after it said
# something.
run_example() {
	local folder=/tmp/examples/$1 status=0 process
	cp -r made "$folder"
	cd "$folder" || return
	bash -o pipefail -c "$2" >out 2>&1 </dev/null &
	process=$!
	if ! ends_by_itself "$2"; then
		succeeds_within 300 test -s out
		sleep 1
		pkill -INT -P "$process" -x vringtop || kill -INT "$process"
	fi
	wait "$process" || status=$?
	echo "$status" >status
}

# Several at a time, because most of them wait.
mapfile -t examples < <(page_examples "$repo"/build/man/*.1 | grep -v '^sudo vringtop export' | sort -u)
ok "there are examples: ${#examples[@]}" test "${#examples[@]}" -ge 35
set -m # SIGINT reaches what runs in the background
running=()
for number in "${!examples[@]}"; do
	run_example "$number" "${examples[number]}" &
	running+=($!)
	[[ ${#running[@]} -lt 8 ]] || { wait "${running[0]}"; running=("${running[@]:1}"); }
done
wait "${running[@]}"
set +m
for number in "${!examples[@]}"; do
	# Recordings of two seconds have too little for a 99th percentile, and diff says so.
	if [[ $(cat "$number/status") == 0 || ${examples[number]} == *p99* && $(<"$number/out") == *'too little data for it'* ]]; then
		pass "${examples[number]}"
	else
		fail "${examples[number]}" "status $(cat "$number/status")" "$(cat "$number/out")"
	fi
done
kill "$load"

# --- Completion ---
completes() {
	bash -c '. packaging/completions/vringtop.bash
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_vringtop vringtop
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort
}
cd "$repo" || exit
vringtop queues --json | jq -c >/tmp/queues
is 'devices' "$(completes vringtop stat -d '')" \
	"$(json /tmp/queues '"\n".join(sorted({n for q in d for n in (q["device"], q["role"]) if n}))' | sort)"
queues=$(completes vringtop stat -q '')
like 'queues: that of the disk' "$queues" 'req\.0'
is 'each queue has that name in the list of vringtop, too' \
	"$(comm -23 <(sort -u <<<"$queues") <(json /tmp/queues '"\n".join(q["name"] for q in d)' | sort -u))" ''
done_testing
