#!/bin/bash
# Every patch of both series by itself: checkpatch has nothing to say, it applies and builds, and gcc
# has nothing to say with W=1 that it does not say of the kernel as it comes.
# The whole: only add of a split ring, and the event of get, ask for a layout outside the dispatch, and no operation is called
# through a pointer.
. "$(dirname "$0")/lib.sh"

kernel=$repo/scripts/kernel.sh
versions='6.12 7.3'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() {
	env -u MAKEFLAGS -u MAKELEVEL PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" 2>&1
}

# build [make]: prints the warnings of virtio_ring.c, without line numbers. With make, which looks at the
# whole tree; then by the command that make has left, in a third of the time.
build() {
	if [[ ${1:-} == make ]]; then
		compile make -s W=1 drivers/virtio/virtio_ring.o
	else
		compile sh -c "$(sed -n 's/^savedcmd_[^ ]* := //p' drivers/virtio/.virtio_ring.o.cmd)"
	fi | grep -E 'warning|error' | sed -E 's/:[0-9]+:[0-9]+:/:/' | sort -u
}

# checkpatch PATCH: what it has to say. A trace header has the layout of those in include/trace/events,
# which checkpatch takes for wrong; drivers/virtio is in MAINTAINERS. The source has no git history with
# the commits that Fixes: names.
checkpatch() {
	perl scripts/checkpatch.pl --strict --no-signoff --no-summary --terse --showfile \
		--ignore FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID -q "$1" 2>&1 |
		grep -vE '^drivers/virtio/virtio_ring_trace.h:[0-9]+: CHECK: (Lines should not end with|Alignment should match|spaces preferred around that ./)'
}

# What can be called through: a table to which every call is direct or inlined is not in the object.
tables() {
	nm drivers/virtio/virtio_ring.o | awk '$3 ~ /_ops$/ { print $3 }'
}

# indirect_calls: the functions of virtio_ring.o that call through a pointer, and how often.
# With retpolines such a call goes to __x86_indirect_thunk_*; without, to a register or memory.
indirect_calls() {
	objdump -dr --no-show-raw-insn drivers/virtio/virtio_ring.o | awk '
		/^[0-9a-f]+ <.*>:$/ { function_name = $2; gsub(/[<>:]/, "", function_name) }
		/__x86_indirect_thunk/ || /\t(call|jmp|notrack jmp) +\*/ { calls[function_name]++ }
		END { for (f in calls) print f, calls[f] }' | sort
}

# What the kernel as it comes calls through pointers are hooks: the transport's notify (inlined into
# add and kick, too), the driver's callback, what resize and reset are handed. The series may add
# the calls of tracepoints to whoever listens, and where an event needs the whole of a function, that function is in
# two parts, of which either may have the hook.
new_indirect_calls() {
	comm -13 "$out/stock-calls" <(indirect_calls) |
		grep -vE '^(__traceiter_[a-z_]+|vring_(doorbell_traced|interrupt_traced|handle_interrupt|resize|reset|reset\.part\.0)) [0-9]+$'
}

# examine VERSION: makes everything that there is to look at, in the files of $work/VERSION.out
examine() {
	local out=$work/$1.out patch name
	cd "$work/$1" || return
	build make >"$out/stock"
	indirect_calls >"$out/stock-calls"
	for patch in "$repo/kernel-patch/linux-$1"/*.patch; do
		name=${patch##*/}
		checkpatch "$patch" >"$out/$name.checkpatch"
		patch -p1 -s --no-backup-if-mismatch <"$patch" >"$out/$name.apply" 2>&1 || continue
		rm -f drivers/virtio/virtio_ring.o
		build >"$out/$name.build"
		[[ -s drivers/virtio/virtio_ring.o ]] || echo 'it does not build' >>"$out/$name.build"
	done
	# Those that are left are not worth an operation (7.3/0014); get_traced runs only while somebody listens.
	awk '/^[a-z].*\(/ { function_name = $0 }
		/packed_ring|virtqueue_is_(packed|in_order)\(/ && !/^static inline bool virtqueue_is_in_order\(/ &&
			function_name !~ /(^| )virtqueue_(add_split|get_traced)\(/' drivers/virtio/virtio_ring.c >"$out/tests"
	tables >"$out/tables"
	new_indirect_calls >"$out/calls"

	# The checks can fail: tables that the compiler cannot see through.
	sed -i -E 's/^static const struct virtqueue_ops ((split|packed)(_in_order)?_ops)( = \{|;)$/static const struct virtqueue_ops volatile \1\4/' \
		drivers/virtio/virtio_ring.c
	build >"$out/broken"
	tables >"$out/broken-tables"
	new_indirect_calls >"$out/broken-calls"
}

# cover_numbers FILE: the numbers of the patches that a cover letter's last line names, one a line.
cover_numbers() {
	sed -n 's/^Patches, as numbered in this folder: \(.*\)\.$/\1/p' "$1" | sed 's/, and / /; s/, / /g; s/ and / /g; s/ to /-/g' |
		tr ' ' '\n' | while IFS=- read -r first last; do seq -f %04g "$first" "${last:-$first}"; done
}

# Each patch of 7.3 is in one cover letter, but for the last, which is for no upstream.
patches=("$repo/kernel-patch/linux-7.3"/0*.patch)
is '7.3: each patch is in one cover letter, but for the last' \
	"$(for cover in "$repo/kernel-patch/linux-7.3"/cover-*.txt; do cover_numbers "$cover"; done | sort)" \
	"$(printf '%s\n' "${patches[@]##*/}" | cut -c 1-4 | head -n -1)"
for cover in fixes dispatch events; do
	file=$repo/kernel-patch/linux-7.3/cover-$cover.txt
	is "7.3: the cover letter of $cover says how many patches there are" \
		"$(sed -n '1s,.*PATCH 0*/\([0-9]*\)\].*,\1,p' "$file")" "$(cover_numbers "$file" | wc -l)"
done

# One after the other: to have a kernel copied may mean to have it built. Then at once.
for version in $versions; do
	"$kernel" copy "$version-stock" "$work/$version" || exit 1
	mkdir "$work/$version.out"
done
for version in $versions; do examine "$version" & done
wait

for version in $versions; do
	out=$work/$version.out
	is "$version: with retpolines" "$(grep -c '^CONFIG_MITIGATION_RETPOLINE=y' "$work/$version/.config")" 1
	like "$version: the search for calls finds those of a hook" "$(<"$out/stock-calls")" 'vring_interrupt 1'
	for patch in "$repo/kernel-patch/linux-$version"/*.patch; do
		name=${patch##*/}
		is "$version $name: checkpatch" "$(<"$out/$name.checkpatch")" ''
		is "$version $name: applies" "$(<"$out/$name.apply")" ''
		is "$version $name: builds without a new warning" "$(comm -13 "$out/stock" "$out/$name.build")" ''
	done
	is "$version: nothing else asks for the layout outside the dispatch" "$(<"$out/tests")" ''
	is "$version: no table is left to call an operation through" "$(<"$out/tables")" ''
	like "$version: a table that is called through is found" "$(<"$out/broken-tables")" 'packed_ops'
	like "$version: an operation called through a pointer is found" "$(<"$out/broken-calls")" 'virtqueue_kick_prepare'
done
# Linux 7.3 has more hooks, those for mapping a buffer. Inlining moves them, so there only the tables tell.
is '6.12: no operation is called through a pointer' "$(<"$work/6.12.out/calls")" ''
done_testing
