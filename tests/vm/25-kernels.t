#!/bin/bash
# One vringtop and one set of tests on kernels with the series, as they come, and of a distribution:
# lists every queue, counts what the kernel does, knows what it cannot see. Each guest prints its line of
# the table in docs/kernels.md, which must be the one that is there.
# Environment: KERNELS   to try others: "7.3 debian-6.1"
. "$(dirname "$0")/lib.sh"
. "$repo/tests/vm/exact.sh"
if [[ -z ${VRINGTOP_GUEST:-} ]]; then
	out=$(make -s -C "$repo" vm KERNEL=6.12 CMD='vringtop stat --json 1 3' 2>/dev/null </dev/null)
	lines=$(while read -r line; do /usr/bin/python3 -m json.tool <<<"$line" >/dev/null && echo ok; done <<<"$out")
	is "make vm CMD='vringtop stat --json 1 3' prints three lines of JSON" "$lines" $'ok\nok\nok'
fi
# shellcheck disable=SC2086 # a list
in_guests ${KERNELS:-6.12 7.3 7.3-stock debian-6.12 debian-6.1}
# Set by the parts.
listed='' named='' shown_layouts='' way='' functions='' not_there='' without_time='' shown_bytes='' shown_data=''
for part in queues counts doctor; do
	# shellcheck disable=SC1090
	. "$repo/tests/vm/$part.sh"
done

release=$(uname -v | grep -o 'Debian [0-9][^ ]*' || uname -r)
release=${release#Debian }
[[ $way == tracepoints ]] || way="$functions functions"
seen=$((13 - $(wc -w <<<"$not_there")))
line="| $kernel | $release | $way | $seen | ${not_there// /, } | ${without_time// /, } | $listed | $named | ${shown_layouts// /, } | $shown_bytes | $shown_data |"
echo "# $line"
documented=$(grep "^| $kernel |" "$repo/docs/kernels.md")
# A newer package may have been compiled to other functions; what can be seen is to stay.
[[ $documented == *"| $release |"* ]] ||
	documented=$(sed -E "s/^(\| [^|]*\|) [^|]* \|/\1 $release |/; s/[0-9]+ functions/$way/" <<<"$documented")
is "$kernel: docs/kernels.md says so" "$line" "$documented"
done_testing
