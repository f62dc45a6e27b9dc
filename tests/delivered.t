#!/bin/bash
# What comes with the binary: manual pages, completions, make install, uninstall and dist.
cd "$(dirname "$0")/.." || exit 1
. tests/vm/lib.sh
. tests/pages.sh
make -s man || exit
PATH=$repo/build:$PATH
mapfile -t verbs < <(vringtop help --list)
work=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-delivered.XXXXXX")
trap 'rm -rf "$work"' EXIT

# --- Manual pages ---

# Options as --help prints them: one set of names a line.
options_of_help() { vringtop "$@" --help | sed -nE 's/^ {2,6}(-[^ ].*[^ ,])(  .*|$)/\1/p' | sed 's/  .*//' | sort; }
# The same as a reader sees them on the page.
options_of_page() { mandoc -T ascii "$1" | col -b | sed -n '/^OPTIONS/,/^[A-NP-Z]/p' | sed -nE 's/^(\t| {7})(-[^ ].*)/\2/p' | sed -E 's/\t.*| {2,}.*//' | sort; }

for verb in "${verbs[@]}"; do
	is "the page of $verb has the options of --help" "$(options_of_page "build/man/vringtop-$verb.1")" "$(options_of_help "$verb")"
done
is 'there is a page for each verb, and one for the tool' "$(cd build/man && printf '%s\n' *.1)" \
	"$(printf '%s.1\n' vringtop "${verbs[@]/#/vringtop-}" | LC_ALL=C sort)"
for page in build/man/*.1; do
	is "mandoc has nothing to say of ${page##*/}" "$(mandoc -T lint -W warning "$page")" ''
done

# Examples that need no guest: what reads recordings. The others, and what needs times from available to
# used, which format-1.vt does not have: tests/vm/64-examples.t
for recording in a b before after b1 b2 b3 n1 n2 n3; do cp tests/format-1.vt "$work/$recording.vt"; done
mapfile -t examples < <(page_examples build/man/*.1 | grep -E '^vringtop (report|diff) ' | grep -v avail_to_used | sort -u)
ok "there are examples of report and diff: ${#examples[@]}" test "${#examples[@]}" -ge 10
for example in "${examples[@]}"; do
	ok "example: $example" bash -o pipefail -c "cd ${work@Q} && $example"
done

# --- Completions ---

# completes WORD...: what bash makes of a command line whose last word is completed
completes() {
	bash -c '. packaging/completions/vringtop.bash
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_vringtop vringtop
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort
}
is 'bash: verbs' "$(completes vringtop '')" "$(printf '%s\n' "${verbs[@]}" help | sort)"
is 'bash: some verbs' "$(completes vringtop re)" "$(printf '%s\n' "${verbs[@]}" | grep ^re | sort)"
for verb in "${verbs[@]}"; do
	is "bash: options of $verb" "$(completes vringtop "$verb" --)" \
		"$(options_of_help "$verb" | grep -oE -- '--[a-z-]+' | sort)"
done
is 'bash: without a verb, options of top' "$(completes vringtop --dev)" --device
is 'bash: pages' "$(completes vringtop stat -p l)" layouts
is 'bash: pages after =' "$(completes vringtop stat --page = l)" layouts
is 'bash: the last of several operations' "$(completes vringtop stat -o add,kick_p)" add,kick_prepare
is 'bash: record -d takes a time, no device' "$(completes vringtop record -d '')" ''
is 'bash: record -- COMMAND' "$(completes vringtop record -o a.vt -- mkfif | sort -u)" mkfifo
is 'bash: devices are those of this machine' "$(completes vringtop record --device virtio)" \
	"$(find /sys/bus/virtio/devices/ -name 'virtio*' -printf '%f\n' 2>/dev/null | sort)"

if [[ $(type -t fish) ]]; then
	# fish_completes LINE
	# shellcheck disable=SC2016 # of fish
	fish_completes() { fish -N -c 'source packaging/completions/vringtop.fish; complete -C $argv' "$1" | cut -f 1 | sort; }
	is 'fish: verbs' "$(fish_completes 'vringtop re')" $'record\nreport'
	is 'fish: options' "$(fish_completes 'vringtop stat --' | grep -v '^--version')" "$(completes vringtop stat -- | grep -v '^--version')"
	is 'fish: pages' "$(fish_completes 'vringtop stat -p l')" layouts
	is 'fish: operations' "$(fish_completes 'vringtop stat -o add,kick_p')" add,kick_prepare
	is 'fish: devices' "$(fish_completes 'vringtop stat -d virtio')" "$(completes vringtop stat -d virtio)"
else
	skip 'fish is not installed' 'completion in fish'
fi

if [[ $(type -t zsh) ]]; then
	# zsh completes only what is typed: tests/zsh_completes.py types it.
	is 'zsh: verb, option, page, operations' \
		"$(tests/zsh_completes.py packaging/completions 'vringtop rec' 'vringtop stat --js' 'vringtop stat -p lay' 'vringtop stat -o add,kick_p')" \
		$'vringtop record \nvringtop stat --json \nvringtop stat -p layouts \nvringtop stat -o add,kick_prepare,'
else
	skip 'zsh is not installed' 'completion in zsh'
fi

# --- make install, uninstall, dist ---

installed() { (cd "$work/root" && find . ! -type d -printf '%P %m\n' | LC_ALL=C sort); }
ok 'make install' make -s install DESTDIR="$work/root" PREFIX=/usr
is 'it puts what is documented there' "$(installed)" "$({
	echo usr/bin/vringtop 755
	echo usr/share/bash-completion/completions/vringtop 644
	echo usr/share/fish/vendor_completions.d/vringtop.fish 644
	printf 'usr/share/man/man1/%s.1 644\n' vringtop "${verbs[@]/#/vringtop-}"
	echo usr/share/zsh/site-functions/_vringtop 644
} | LC_ALL=C sort)"
ok 'make uninstall' make -s uninstall DESTDIR="$work/root" PREFIX=/usr
is 'it takes all of it' "$(installed)" ''

if git rev-parse -q --verify HEAD >/dev/null 2>&1; then
	ok 'make dist' make -s dist BUILD="$work/1"
	ok 'make dist, again' make -s dist BUILD="$work/2"
	ok 'it gives the same bytes' cmp "$work"/[12]/vringtop-*.tar.gz
	is 'it has every committed file' "$(tar -tzf "$work"/1/vringtop-*.tar.gz | grep -v '/$' | sed 's,^[^/]*/,,' | LC_ALL=C sort)" \
		"$(git ls-tree -r --name-only HEAD | LC_ALL=C sort)"
else
	skip 'this is no git checkout' 'make dist'
fi
done_testing
