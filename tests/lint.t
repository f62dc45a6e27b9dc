#!/bin/bash
# What can be checked without running anything: format, scripts, mistakes that a checker finds, and
# who includes and calls whom. Needs `make` first.
cd "$(dirname "$0")/.." || exit 1
. tests/vm/lib.sh

mapfile -t sources < <(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'scripts/*.[ch]')
mapfile -t scripts < <(git ls-files '*.sh' '*.t' .ci/run)

too_long() {
	local file lines=''
	for file in "${sources[@]}"; do
		lines+=$(expand -t 8 "$file" | awk -v file="$file" 'length > 100 { print file ":" FNR ": " length " columns" }')
	done
	[[ -z $lines ]] || {
		echo "$lines"
		return 1
	}
}

# What cppcheck is told:
#   -D                    macros of libbpf, whose headers are not read
#   arrayIndexThenCheck   off: our arrays and strings that are read so end with a terminator
#   invalidPointerCast    off: a table of fields (recording) says the type behind each offset
cpp_check() {
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability -j "$(nproc)" \
		-Isrc/cli -Isrc/bpf '-DLIBBPF_OPTS(type,name,...)=struct type name = {}' \
		'-Dbpf_object__for_each_program(program,object)=for (;;)' \
		--suppress=arrayIndexThenCheck --suppress=invalidPointerCast --suppress=missingIncludeSystem \
		src/cli tests/device scripts
}

ok "the C files are formatted as .clang-format says" clang-format --dry-run -Werror "${sources[@]}"
ok "no line of them is longer than 100 columns" too_long
ok "shellcheck has nothing to say of the scripts" shellcheck "${scripts[@]}"
ok "cppcheck has nothing to say of the tool" cpp_check
ok "rooms include and files call one way only" scripts/arrows.sh
done_testing
