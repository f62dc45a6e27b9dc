#!/bin/bash
# What packaging/ has for Prometheus, Grafana and systemd, on this machine: rules, board and console page
# with a real Prometheus that got a recording. Programs that are not installed are left out (SKIP).
. "$(dirname "$0")/vm/lib.sh"
. "$repo/scripts/common.sh"
# shellcheck disable=SC2154 # common.sh sets cache
PATH=$PATH:$cache/prometheus/usr/bin
cd "$repo/packaging/prometheus" || exit 1
work=$(mktemp -d) prometheus=''
trap '[[ -z $prometheus ]] || kill "$prometheus" 2>/dev/null; wait; rm -rf "$work"' EXIT

# --- systemd ---

unit=$repo/packaging/systemd/vringtop-export.service
if command -v systemd-analyze >/dev/null; then
	ok 'the service is exposed by 2.0 at most' \
		systemd-analyze security --offline=true --threshold=20 --no-pager "$unit"
else
	skip 'no systemd-analyze' 'the service is exposed by 2.0 at most'
fi

# --- promtool ---

if ! command -v promtool >/dev/null || ! command -v prometheus >/dev/null; then
	skip 'no Prometheus' 'rules, board and page'
	done_testing
fi
ok 'the rules are rules' promtool check rules vringtop.rules.yml
ok 'the example is a configuration' promtool check config prometheus.yml
ok 'each rule sees what it must see' promtool test rules vringtop.test.yml
ok 'and that a week ago all was well' promtool test rules vringtop-week.test.yml

# --- A Prometheus with a recording: what was recorded, its expressions find ---

"$repo/build/vringtop" report --openmetrics "$work/smoke.om" "$repo/tests/format-1.vt"
ok 'a recording is imported' promtool tsdb create-blocks-from openmetrics "$work/smoke.om" "$work/data"
# Of the samples, the time of the last one.
time=$(sed -n 's/^vringtop_attached.* \([0-9]*\)\.[0-9]*$/\1/p' "$work/smoke.om" | tail -n 1)
# The recording has no doorbells, interrupts, stages or times of requests, and none has the age of the oldest request:
# those are made up, for a disk whose requests take at most 1.023 us or, half of them, at most 4.095 us. One doorbell
# rings for two requests, one interrupt comes for three. Three quarters of the time are the device's.
/usr/bin/python3 - "$time" >"$work/made.om" <<-'END'
	import sys
	end, queue = int(sys.argv[1]), 'job="vringtop",instance="a",device="virtio2",queue="0"'
	def family(name, kind, suffix, labels, values):
	    print(f"# TYPE vringtop_{name} {kind}")
	    for labels, of in zip(labels, values):
	        for n in range(5):
	            print(f"vringtop_{name}{suffix}{{{queue}{labels}}} {of(n)} {end - 60 + 15 * n}")
	family("queue", "info", "_info", [',name="req.0",role="vda"'], [lambda n: 1])
	family("requests", "counter", "_total", [""], [lambda n: 3000 * n])
	family("doorbells", "counter", "_total", [""], [lambda n: 1500 * n])
	family("interrupts", "counter", "_total", [""], [lambda n: 1000 * n])
	family("oldest_request_seconds", "gauge", "", [""], [lambda n: 0.5])
	family("stage_duration_seconds", "histogram", "_sum", [',stage="queued"', ',stage="device"'],
	       [lambda n: 0.001 * n, lambda n: 0.003 * n])
	family("request_duration_seconds", "histogram", "_bucket",
	       [f',le="{le}"' for le in ("1.023e-06", "4.095e-06", "+Inf")],
	       [lambda n: 1500 * n, lambda n: 3000 * n, lambda n: 3000 * n])
	print("# EOF")
END
ok 'so is what this test made up' promtool tsdb create-blocks-from openmetrics "$work/made.om" "$work/data"
port=$((20000 + $$ % 10000))
echo 'global: {}' >"$work/prometheus.yml"
mkdir "$work/consoles"
# The page is about now, and the recording is old: its queries are asked at the time of the recording.
cp vringtop.html "$work/consoles"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --log.level=error \
	--storage.tsdb.retention.time=100y --web.listen-address=127.0.0.1:$port \
	--web.console.templates="$work/consoles" --web.console.libraries="$work/consoles" >"$work/log" 2>&1 &
prometheus=$!
succeeds_within 60 promtool query instant http://127.0.0.1:$port 'vector(1)' || cat "$work/log" >&2

# Each expression of the board and of the recording rules. The alerts are left to tests/vm/73-fleet.t: a recording does
# not say what is stuck.
"$repo/tests/expressions.py" "$repo/packaging/grafana/vringtop.json" vringtop.rules.yml | grep -v '^Vringtop' >"$work/expressions"
ok 'the board and the rules have expressions' test "$(wc -l <"$work/expressions")" -ge 18
while IFS=$'\t' read -r title expression; do
	answer=$(promtool query instant --time="$((time + 1))" http://127.0.0.1:$port "$expression" 2>&1)
	case $title in
	# A recording does not say what is stuck, and nothing failed in this one.
	'Operations that failed') is "$title: nothing failed" "$answer" '' ;;
	*) like "$title: there is data" "$answer" '=> -?[0-9+]' ;;
	esac
done <"$work/expressions"
is 'the median is the bound that half of them are at or below' \
	"$(promtool query instant --time="$time" http://127.0.0.1:$port "$(sed -n 's/^instance_device_queue:vringtop_request_duration_seconds:p50_5m\t//p' "$work/expressions")" |
		sed 's/^{\(.*\)} => \([^ ]*\) .*/\2/')" 0.000001023
# of TITLE: what an expression of the board says
of() {
	promtool query instant --time="$((time + 1))" http://127.0.0.1:$port "$(sed -n "s/^$1\t//p" "$work/expressions")" |
		sed 's/ @.*//' | sort
}
is 'the share of each stage' "$(of 'Time of requests of disks, by stage')" '{stage="device"} => 0.75
{stage="queued"} => 0.25'
like 'requests per interrupt' "$(of 'Requests per interrupt')" '=> 3$'
# The tool's own sum and that of Prometheus.
is 'a count is the same, digit by digit' \
	"$(promtool query instant --time="$((time + 1))" http://127.0.0.1:$port 'sum(vringtop_operations_total)' |
		sed 's/^{} => \([0-9]*\) .*/\1/')" \
	"$("$repo/build/vringtop" report --json "$repo/tests/format-1.vt" | /usr/bin/python3 -c '
import json, sys
print(sum(op["count"] for q in json.load(sys.stdin)["total"]["queues"] for name, op in q["ops"].items()
          if name != "avail_to_used"))')"
page=$(/usr/bin/python3 -c "import urllib.request
print(urllib.request.urlopen('http://127.0.0.1:$port/consoles/vringtop.html').read().decode())" 2>&1)
like 'the console page comes' "$page" '<h1>Virtqueues</h1>.*No queue is stuck.*</html>'
unlike 'without an error' "$page" 'error|Traceback'
done_testing
