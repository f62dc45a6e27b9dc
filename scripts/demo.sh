#!/bin/bash
# Runs in the guest: the live view under load; without a terminal, a few snapshots.
set -euo pipefail
cd "$(dirname "$0")"

if [[ -t 1 ]]; then
	# Nice: the view stays quick although the load takes all the CPUs it gets.
	nice ./load.sh seconds 3600 >/dev/null 2>&1 &
	exec vringtop
fi

show() {
	printf '\n$ %s\n' "$*"
	"$@"
}
nice ./load.sh seconds 600 2>/dev/null & # longer than the rest takes on a busy machine
load=$!
./load.sh moving 60
show vringtop queues
show vringtop stat 1 3
show vringtop hist -o add,get,notify 3 1
kill "$load"
