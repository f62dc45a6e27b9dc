#!/bin/bash
# Two guests with vringtop export, and a Prometheus on this machine that scrapes both through QEMU's user
# network. Its example of a configuration, its rules, board and console page are those of packaging/; only
# the addresses of the guests are filled in. In one guest a queue stalls for real: its device, the entropy device
# of tests/device, stops to look at the ring; and some queues are not shown. In the other a queue breaks, adds fail
# because their ring is full (tests/kmod), and then the exporter ends.
#
# Environment: SCREENSHOTS   a folder: the console page, and a graph for each expression of the board, as
#                            headless Chromium shows them (nothing; see fleet_screens.py)
. "$(dirname "$0")/lib.sh"
mac=52:54:00:76:72:02

# --- In a guest: exports, and does to its devices what it is told on standard input ---
if [[ -n ${VRINGTOP_GUEST:-} ]]; then
	for net in /sys/class/net/*; do
		[[ $(<"$net/address") != "$mac" ]] || break
	done
	# QEMU's user network forwards a port of the host to this address.
	ip address add 10.0.2.15/24 dev "${net##*/}"
	ip link set "${net##*/}" up
	exec {device}<>/dev/virtio-ports/vringtop.rng
	echo "rng $(cd /sys/bus/virtio/drivers/virtio_rng && echo virtio*)"
	[[ -z $1 ]] || insmod "$1"
	while :; do
		dd if=/dev/vda of=/dev/null bs=4k count=20 iflag=direct status=none
		[[ -z $1 ]] || echo 'layout=split size=4 rounds=200' >/sys/kernel/debug/vring_exerciser/run
		sleep 0.5
	done &
	load=$!
	vringtop export --listen 0.0.0.0:9842 "${@:2}" &
	tool=$!
	while read -r order && [[ $order != end ]]; do
		echo "$order" >&"$device"
		read -r -u "$device"
		[[ $order != resume ]] || continue
		# The driver asks the device for bytes, again and again.
		while :; do
			timeout 1800 dd if=/dev/hwrng of=/dev/null bs=64 count=1 status=none 2>/dev/null
			sleep 0.5
		done &
		readers+=($!)
	done
	kill -INT $tool
	wait $tool
	echo "export ended with status $?"
	kill $load "${readers[@]}"
	exit 0
fi

# --- Here: two guests, and Prometheus ---
. "$repo/scripts/common.sh"
# shellcheck disable=SC2154 # common.sh sets cache
PATH=$PATH:$cache/prometheus/usr/bin
if ! command -v promtool >/dev/null || ! command -v prometheus >/dev/null; then
	skip 'no Prometheus' 'two guests and a Prometheus'
	done_testing
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-fleet.XXXXXX")
running=()
trap 'kill "${running[@]}" 2>/dev/null; wait; rm -rf "$work"' EXIT

read -r port first second < <(/usr/bin/python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in sockets))')

# start_guest NAME PORT MODULE OPTION...: export with these options, which this machine reaches at the port, and
# the exerciser if a module is named
start_guest() {
	local name=$1 fd options="-netdev user,id=scraped,restrict=on,hostfwd=tcp:127.0.0.1:$2-:9842"
	shift 2
	mkfifo "$work/$name.orders"
	exec {fd}<>"$work/$name.orders"
	orders[$name]=$fd
	QEMU_OPTS="$options -device virtio-net-pci,netdev=scraped,mac=$mac,romfile=" \
		KERNEL=6.12 CPUS=1 MEMORY=512M "$repo/scripts/vm.sh" "bash ${0@Q} ${*@Q}" \
		<"$work/$name.orders" >"$work/$name.out" 2>"$work/$name.err" &
	running+=($!) guest[$name]=$!
}
declare -A orders guest
tell() { echo "$2" >&"${orders[$1]}"; }
module=$("$repo/tests/kmod/build.sh" 6.12) || exit
# There is no room for the last of its queues.
start_guest first "$first" '' --max-series 2900
start_guest second "$second" "$module"

cp "$repo"/packaging/prometheus/vringtop.rules.yml "$work"
sed "s/guest-1.example:9842/127.0.0.1:$first/; s/guest-2.example:9842/127.0.0.1:$second/" \
	"$repo/packaging/prometheus/prometheus.yml" >"$work/prometheus.yml"
mkdir "$work/consoles"
cp "$repo/packaging/prometheus/vringtop.html" "$work/consoles"
url=http://127.0.0.1:$port
serves() { grep -q Serving "$work/$1.err"; }
wait_until 300 'the first guest serves' serves first
wait_until 300 'the second guest serves' serves second
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --log.level=error \
	--web.listen-address="127.0.0.1:$port" --web.console.templates="$work/consoles" \
	--web.console.libraries="$work/consoles" >"$work/log" 2>&1 &
running+=($!) prometheus=$!

query() { promtool query instant "$url" "$1" 2>&1; }
# has_data EXPRESSION
has_data() { [[ $(query "$1") == *'=> '* ]]; }
# alerts NAME [PORT]: where it is pending or firing, a line each; only in the guest at this port
alerts() {
	query "ALERTS{alertname=\"$1\"${2:+,instance=\"127.0.0.1:$2\"}}" |
		sed 's/^ALERTS{alertname="[A-Za-z]*", //; s/} => 1 .*//' | grep -v '^$'
}
# alert_is LABELS NAME [PORT]: that, and nothing else
alert_is() { [[ $(alerts "${@:2}") == "$1" ]]; }
wait_until 300 'Prometheus has scraped both guests' has_data 'sum(up{job="vringtop"}) == 2'
is 'in quiet, no queue is stuck' "$(alerts VringtopQueueStalled "$first")" ''

# --- A stall in one guest, a broken queue in the other ---
tell first 'stop-after 0'
began=$SECONDS
tell second 'wrong-id-after 0'
rng=$(sed -n 's/^rng //p' "$work/first.out") other_rng=$(sed -n 's/^rng //p' "$work/second.out")
about_rng="device=\"$rng\", instance=\"127.0.0.1:$first\", job=\"vringtop\", queue=\"0\""
firing="alertstate=\"firing\", $about_rng, severity=\"critical\", verdict=\"device-has-used-nothing\""
succeeds_within 300 alert_is "$firing" VringtopQueueStalled "$first"
took=$((SECONDS - began))
is 'a stalled queue: the alert fires, with its labels, and for no other queue' \
	"$(alerts VringtopQueueStalled "$first")" "$firing"
ok "within a minute ($took s)" test $took -le 60
page() {
	/usr/bin/python3 -c "import urllib.request
print(urllib.request.urlopen('$url/consoles/vringtop.html').read().decode())" 2>&1
}
like 'the console page says it' "$(page)" "Stuck.*127.0.0.1:$first $rng queue 0: device-has-used-nothing.*</html>"

# --- Rules, board, page ---
"$repo/tests/expressions.py" "$repo/packaging/grafana/vringtop.json" "$work/vringtop.rules.yml" >"$work/expressions"
ok 'the board and the rules have expressions' test "$(wc -l <"$work/expressions")" -ge 28
while IFS=$'\t' read -r title expression; do
	succeeds_within 300 has_data "$expression"
	like "$title: there is data" "$(query "$expression")" '=> -?[0-9+]'
done <"$work/expressions"
# Guest, device, queue, layout, two figures, the longest stage, and two more figures.
row="<td>127.0.0.1:$first</td>.<td>virtio[0-9]+ vda</td>.<td>req.0</td>.<td>split</td>"
row+='.<td class="n">[0-9.]+k?</td>.<td class="n">[0-9.a-z ]+</td>.<td>[a-z]+</td>'
row+='.<td class="n">[0-9.]+</td>.<td class="n">[0-9.]+</td>'
like 'the console page: a row with all figures' "$(page)" "$row"
like 'and of the other guest' "$(page)" "${row//$first/$second}"
is 'no rule failed' "$(/usr/bin/python3 -c "import json, urllib.request
for group in json.load(urllib.request.urlopen('$url/api/v1/rules'))['data']['groups']:
    for rule in group['rules']:
        if rule['health'] != 'ok' or rule.get('lastError'):
            print(rule)" 2>&1)" ''
[[ -z ${SCREENSHOTS:-} ]] || /usr/bin/python3 "$repo/tests/vm/fleet_screens.py" "$url" "$work/expressions" "$SCREENSHOTS"

# The entropy device has a request since the stall. No other queue of this guest has an old one: not its network device,
# which nobody writes to, and not the queues that wait for input.
out="alertstate=\"firing\", $about_rng, severity=\"warning\""
succeeds_within 300 alert_is "$out" VringtopRequestOut "$first"
is 'a request that is out for long, and no other' "$(alerts VringtopRequestOut "$first")" "$out"

# --- All ends ---
tell first resume
began=$SECONDS
broken="alertstate=\"firing\", device=\"$other_rng\", instance=\"127.0.0.1:$second\", job=\"vringtop\", queue=\"0\""
like 'a broken queue is stuck, too' "$(alerts VringtopQueueStalled "$second")" \
	"device=\"$other_rng\", .*, verdict=\"queue-is-broken\""
is 'a broken queue' "$(alerts VringtopQueueBroken)" "$broken, severity=\"critical\""
like 'queues not shown' "$(alerts VringtopQueuesNotShown)" "^alertstate=\"(pending|firing)\", instance=\"127.0.0.1:$first\""
tell second end
succeeds_within 300 alert_is '' VringtopQueueStalled "$first"
took=$((SECONDS - began))
is 'the queue goes on: the alert ends' "$(alerts VringtopQueueStalled "$first")" ''
ok "within a minute ($took s)" test $took -le 60
succeeds_within 300 alert_is '' VringtopRequestOut "$first"
is 'and no request is out for long' "$(alerts VringtopRequestOut "$first")" ''
down="alertstate=\"pending\", instance=\"127.0.0.1:$second\", job=\"vringtop\", severity=\"warning\""
succeeds_within 300 alert_is "$down" VringtopDown
is 'a guest that is not there' "$(alerts VringtopDown)" "$down"
is 'no event was lost' "$(alerts VringtopLostEvents)" ''
like 'each scrape was answered' "$(query "min_over_time(up{instance=\"127.0.0.1:$first\"}[5m])")" '=> 1 @'
tell first end
for name in first second; do
	wait "${guest[$name]}"
	is "the $name guest: it and its exporter end well" \
		"$? $(grep ended "$work/$name.out") $(grep -v '^guest: \|^Serving' "$work/$name.err")" \
		'0 export ended with status 0 '
done
kill $prometheus
wait $prometheus
is 'Prometheus had nothing to complain of' "$(<"$work/log")" ''
done_testing
