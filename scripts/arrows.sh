#!/bin/bash
# Checks that the includes of src/cli go one way, down the list of rooms, and that no files call each
# other in a circle.
# Usage: arrows.sh [SOURCES [OBJECTS]]     (src/cli, build/cli)
# Exit status: 0 all is well; 1 something is wrong, and was printed.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
objects=$(realpath "${2:-$top/build/cli}")
cd "${1:-$top/src/cli}"

# A room may include itself and rooms with a larger number. Rooms of one number stand side by side:
# none includes another. docs/architecture.md says what each is for.
declare -A level=([verbs]=1 [probe]=2 [output]=2 [recording]=3 [analysis]=3 [model]=4 [base]=5)
failed=0

for folder in */; do
	[[ -n ${level[${folder%/}]:-} ]] || {
		echo "${folder%/}: this folder is not in the list of rooms (scripts/arrows.sh)"
		failed=1
	}
done

while IFS=: read -r file line header; do
	from=${file%/*} to=${header%/*}
	[[ $from != "$file" ]] || from=main
	[[ $header == */* ]] || continue # vringtop.h and the skeletons: of src/bpf
	[[ -e $header ]] || {
		echo "$file:$line: includes $header, which is in no room"
		failed=1
		continue
	}
	[[ $from == main || $from == "$to" || ${level[$from]:-9} -lt ${level[$to]:-0} ]] || {
		echo "$file:$line: $from includes $header: $to is not below it"
		failed=1
	}
done < <(grep -nE '^#include "' -r . --include='*.[ch]' | sed -E 's,^\./,,; s/#include "([^"]*)".*/\1/')

# Who calls whom, by the symbols of the objects. tsort names the files of a circle.
# Objects whose source is gone are left out.
circles=$(find . -name '*.c' -printf '%P\n' | sort | sed 's/c$/o/' | (cd "$objects" && xargs nm -A --) |
	awk '{ file = $1; sub(/\.o:.*/, "", file) }
	$(NF - 1) ~ /^[TDBRC]$/ { home[$NF] = file }
	$(NF - 1) == "U" { uses[file, $NF] }
	END {
		for (use in uses) {
			split(use, part, SUBSEP)
			if (part[2] in home && home[part[2]] != part[1])
				print part[1], home[part[2]]
		}
	}' | tsort 2>&1 >/dev/null) || true
if [[ -n $circles ]]; then
	echo "files that call each other in a circle:"
	grep -v 'contains a loop' <<<"${circles//tsort: /  }"
	failed=1
fi
exit $failed
