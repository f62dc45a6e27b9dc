#!/bin/bash
# What can be checked without running anything: format, scripts, mistakes that a checker finds, and
# who includes and calls whom. Needs `make` first.
cd "$(dirname "$0")/.." || exit 1
. tests/vm/lib.sh

mapfile -t sources < <(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'scripts/*.[ch]')
mapfile -t scripts < <(git ls-files '*.sh' '*.t' '*.bash' .ci/run)

too_long() {
	perl -CSD -ne '1 while s/\t/" " x (8 - $-[0] % 8)/e; chomp;
		if (length > 100) { print "$ARGV:$.: ", length, " columns\n"; $failed = 1 }
		close ARGV if eof;
		END { $? = 1 if $failed }' "${sources[@]}"
}

# What cppcheck is told:
#   -D                    macros of libbpf, whose headers are not read, and _Noreturn, which this version does
#                         not know. No ; in a macro: cppcheck takes it for the end, and then checks nothing
#   arrayIndexThenCheck   off: our arrays and strings that are read so end with a terminator
#   invalidPointerCast    off: a table of fields (recording) says the type behind each offset
cpp_check() {
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability -j "$(nproc)" \
		-Isrc/cli -Isrc/bpf '-DLIBBPF_OPTS(type,name,...)=struct type name = {}' \
		'-Dbpf_object__for_each_program(program,object)=while (1)' '-D_Noreturn=__attribute__((noreturn))' \
		--suppress=arrayIndexThenCheck --suppress=invalidPointerCast --suppress=missingIncludeSystem \
		src/cli tests/device scripts
}

# What docs/architecture.md names in backquotes, files and functions, is there. Folders of the map stand
# before some names.
# shellcheck disable=SC2016 # backquotes of a page, no shell's
named_things() {
	local thing missing=0
	while read -r thing; do
		case $thing in
		*'()') git grep -qwF "${thing%'()'}" -- 'src/*.[ch]' 'kernel-patch/*.patch' && continue ;;
		*/* | *.[ch] | *.t | *.md)
			[[ $thing != *NAME* && $thing != drivers/* ]] || continue
			[[ -n $(git ls-files "$thing" "*/$thing") || -d $thing || -d src/cli/$thing ]] && continue
			;;
		*) continue ;;
		esac
		echo "docs/architecture.md names $thing, which is not there"
		missing=1
	done < <(grep -oE '`[A-Za-z0-9_./-]+(\(\))?`' docs/architecture.md | tr -d '`' | sort -u)
	return "$missing"
}

# Each verb is in the drawing of README.md and in a fuzzer, as the recipe in docs/architecture.md says.
verbs_are_named() {
	local verb missing=0
	while read -r verb; do
		grep -qE "^    verbs .*\\b$verb\\b" README.md || { echo "README.md: $verb is not in the drawing"; missing=1; }
		git grep -qw "verb_$verb" -- tests/fuzz || { echo "tests/fuzz: nothing calls verb_$verb()"; missing=1; }
	done < <(build/vringtop help --list)
	return "$missing"
}

# The library that prints --help breaks lines that are too long, also of examples and of columns.
help_is_whole() {
	local verb
	while read -r verb; do
		build/vringtop "$verb" --help | awk -v verb="$verb" '
			/^$/ { listed = 0 }
			listed && !/^  / { print verb " --help: this line was broken: " $0; failed = 1 }
			/^Examples:|^Columns \(/ { listed = 1 }
			END { exit failed }' || return
	done < <(build/vringtop help --list)
}

ok "the C files are formatted as .clang-format says" clang-format --dry-run -Werror "${sources[@]}"
ok "no line of them is longer than 100 columns" too_long
ok "shellcheck has nothing to say of the scripts" shellcheck "${scripts[@]}"
ok "cppcheck has nothing to say of the tool" cpp_check
ok "rooms include and files call one way only" scripts/arrows.sh
ok "docs/architecture.md names only files and functions that are there" named_things
ok "no line of an example or a column is broken in --help" help_is_whole
ok "the drawing in README.md and the fuzzers have each verb" verbs_are_named
done_testing
