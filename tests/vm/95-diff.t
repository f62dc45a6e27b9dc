#!/bin/bash
# What diff says of real recordings, each side of them under the same load: of the same device
# nothing, of one that holds its buffers 20 % longer that. The truth: what the device (tests/device)
# was told, and says it did. Recordings of a machine whose load changes are not of the same load: the
# number of buffers that the device gave tells.
# shellcheck disable=SC2034 # lib.sh's
alone=exclusive
. "$(dirname "$0")/lib.sh"

# --- In the guest: recordings of a device that holds buffers for 20 ms (a1, a2, ...) and 24 (b1, ...) ---
if [[ -n ${VRINGTOP_GUEST:-} ]]; then
	cd "$(mktemp -d)" || exit
	device_open
	dd if=/dev/hwrng of=/dev/null bs=64 2>/dev/null &
	# With pauses: the times of a guest that has no CPU to spare are those of the machine, not of the device.
	while :; do dd if=/dev/vda of=/dev/null bs=4k count=20 iflag=direct status=none; sleep 0.1; done &
	declare -A rates # buffers that the device gave in 100 s, by what it gave while a recording was made
	# make_recording SIDE NUMBER
	make_recording() {
		local recorder began before
		ask_device "hold $([[ $1 == a ]] && echo 20 || echo 24)ms"
		sleep 0.1
		rm -f "$1$2.vt"
		vringtop record -u -i 100ms -d 6 -o "$1$2.vt" >&2 &
		recorder=$!
		until [[ -s $1$2.vt ]] || ! kill -0 $recorder 2>/dev/null; do sleep 0.05; done
		began=$(date +%s%N) before=$(device_says buffers)
		wait $recorder || exit
		rates[$1$2]=$((($(device_says buffers) - before) * 100000000000 / ($(date +%s%N) - began)))
		echo "$1 $(device_says held_ns_p50)" >>held
	}
	# other_load: prints the recordings during which the machine was slower or faster than in most of this side:
	# the device gave 4 % fewer or more buffers than in the median
	other_load() {
		local side name
		for side in a b; do
			for name in "${!rates[@]}"; do
				[[ $name != $side* ]] || echo "$name ${rates[$name]}"
			done | sort -k 2n | awk '
				{ name[NR] = $1; n[NR] = $2 }
				END {
					median = n[int((NR + 1) / 2)]
					for (i = 1; i <= NR; i++)
						if (n[i] < median * 0.96 || n[i] > median * 1.04) print name[i]
				}'
		done
	}
	# In turn, so that a machine that gets busier does not hit one side only.
	for n in {1..10}; do
		make_recording a "$n"
		[[ $n -gt 4 ]] || make_recording b "$n"
	done
	# What was recorded while the machine had other work is recorded again.
	for ((again = 0; again < 14; again++)); do
		name=$(other_load | head -n 1)
		[[ -n $name ]] || break
		make_recording "${name:0:1}" "${name:1}"
	done
	{
		other_load | wc -l
		echo "$again recordings were made again. Buffers that the device gave in 100 s of each:"
		for name in "${!rates[@]}"; do echo "$name ${rates[$name]}"; done | sort -V | xargs
	} >load
	tar c ./*.vt held load
	exit
fi

# --- Here: compares them in many ways ---
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
RNG_OPTS='--notification-data --event-idx --indirect' KERNEL=6.12 "$repo/scripts/vm.sh" "bash ${0@Q}" \
	>"$dir/tar" 2>"$dir/said" </dev/null
status=$?
if ! tar xf "$dir/tar" -C "$dir" 2>/dev/null; then
	sed 's/^/# /' "$dir/said" >&2
	fail 'a guest records' "status $status"
	done_testing
fi
# From here on nothing is timed: other tests may run.
flock --unlock "$beside"
sed '1d; s/^/# /' "$dir/load"
unlike=$(head -n 1 "$dir/load")
is 'the device held for what it was told' "$(sort -u "$dir/held" | sed 's/\(.* 2[04]\).*/\1 ms/' | sort -u)" \
	$'a 20 ms\nb 24 ms'

cat >"$dir/compare.py" <<'END'
import itertools, json, random, shutil, sqlite3, subprocess, sys

vringtop, folder = sys.argv[1:]
pick = random.Random(1)
a = [f"{folder}/a{n}.vt" for n in range(1, 11)]
b = [f"{folder}/b{n}.vt" for n in range(1, 5)]

def changes(base, new):
    "what diff claims to have changed: device, operation, figure, verdict"
    done = subprocess.run([vringtop, "diff", "--json", *base, "--", *new], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return [(queue["device"], op["op"], figure, change["verdict"])
            for queue in json.loads(done.stdout)["queues"] for op in queue["ops"]
            for figure, change in op.items()
            if isinstance(change, dict) and change["verdict"] not in ("no difference seen", "too little data")]

def slower(claims):
    return any(c[1] == "avail_to_used" and c[0] != "vda" and c[3] == "slower" for c in claims)

class Pool:
    """The intervals of recordings, of which others can be put together: in blocks, as what comes after
    one another belongs together."""
    def __init__(self, paths):
        self.recordings = []
        for path in paths:
            file = sqlite3.connect(path)
            queue = {q: at for q, *at in file.execute("SELECT queue, device, number FROM queue")}
            ops = {}
            for interval, q, *rest in file.execute("SELECT * FROM op"):
                ops.setdefault(interval, []).append((*queue[q], rest))
            rows = file.execute("SELECT * FROM interval ORDER BY interval").fetchall()[1:]
            self.recordings.append([(row, ops.get(row[0], [])) for row in rows])

    def draw(self, path, length=160, block=5):
        shutil.copy(a[0], path)
        file = sqlite3.connect(path)
        queue = {(device, number): q for q, device, number in file.execute("SELECT queue, device, number FROM queue")}
        (first, time), = file.execute("SELECT interval, time FROM interval ORDER BY interval LIMIT 1")
        file.executescript(f"DELETE FROM op; DELETE FROM interval; DELETE FROM state WHERE interval > {first}")
        for n in range(length):
            if n % block == 0:
                rows, at = pick.choice(self.recordings), pick.randrange(10 ** 6)
            row, ops = rows[(at + n) % len(rows)]
            time += row[2]
            file.execute("INSERT INTO interval VALUES (?, ?, ?, ?, ?, ?)", (first + n, time, *row[2:]))
            file.executemany(f"INSERT INTO op VALUES ({'?,' * 10}?)",
                             [(first + n, queue[device, number], *rest)
                              for device, number, rest in ops if (device, number) in queue])
        file.commit()
        return path

def in_turn():
    """Three recordings and three, taken in turn as docs/diff.md has it: what else the machine does changes
    meanwhile, for both sides."""
    six = [a[n] for n in sorted(pick.sample(range(len(a)), 6))]
    return six[::2], six[1::2]

pool, other = Pool(a), Pool(b)
ways = (
    ("one and one", itertools.combinations(a, 2), ((x, y) for x in a for y in b)),
    ("three and three", (in_turn() for _ in range(200)),
     ((pick.sample(a, 3), pick.sample(b, 3)) for _ in range(200))),
    ("one and one, drawn", ((pool.draw(f"{folder}/x"), pool.draw(f"{folder}/y")) for _ in range(200)),
     ((pool.draw(f"{folder}/x"), other.draw(f"{folder}/y")) for _ in range(200))),
)
for name, same, longer in ways:
    one = lambda side: [side] if isinstance(side, str) else side
    same = [changes(one(x), one(y)) for x, y in same]
    longer = [slower(changes(one(x), one(y))) for x, y in longer]
    print(name, sum(map(bool, same)), len(same), sum(longer), len(longer), sep="|")
    for claims in [c for c in same if c][:3]:
        print("#", name, "claimed:", *claims[:3])
END
python3 "$dir/compare.py" "$repo/build/vringtop" "$dir" >"$dir/table" || sed 's/^/# /' "$dir/table" >&2
printf '# %-20s %-22s %s\n' 'recordings a side' 'same: wrong' '20 % longer: seen'
ways=0
while IFS='|' read -r name wrong same seen longer; do
	case $name in '#'*) echo "$name" && continue ;; esac
	printf '# %-20s %4d of %-14d %4d of %d\n' "$name" "$wrong" "$same" "$seen" "$longer"
	ways=$((ways + 1))
	# Two recordings alone cannot tell what runs of the same differ by, only guess (docs/diff.md):
	# what comes of that is the machine's. Of the others 1 % may be wrong, which by chance is more.
	[[ $name != 'one and one' ]] || continue
	most=3 least=95
	[[ $name != *drawn ]] || least=90
	checks=("$name: of the same at most $most % are called something else"
		"$name: that the device holds buffers 20 % longer is seen, $least % of the time")
	# Drawn recordings have intervals of all; the others are as the machine was.
	if [[ $name != *drawn && $unlike -gt 0 ]]; then
		for check in "${checks[@]}"; do
			skip "the load of this machine changed: $unlike of 14 recordings are unlike the others" "$check"
		done
		continue
	fi
	ok "${checks[0]}" test $((wrong * 100)) -le $((same * most))
	ok "${checks[1]}" test $((seen * 100)) -ge $((longer * least))
done <"$dir/table"
is 'all ways were tried' $ways 3
done_testing
