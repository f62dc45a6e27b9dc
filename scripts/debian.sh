# shellcheck shell=bash
# Installs Debian packages, and fetches packages of other suites. Sourced.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# install_packages PACKAGE...: installs the packages that are missing. If none is, apt is not called.
install_packages() {
	local missing
	mapfile -t missing < <(comm -23 <(printf '%s\n' "$@" | sort -u) \
		<(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
			sed -n 's/^installed //p' | sort -u))
	[[ ${#missing[@]} -gt 0 ]] || return 0

	if [[ $(id -u) -ne 0 ]]; then
		die "cannot install packages: not root; missing: ${missing[*]}" \
			"run: sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
	fi
	local log=$cache/logs/setup.log
	trap end_job EXIT
	# A new machine has no package lists yet. Old lists may have versions that the mirror no longer has.
	apt_install "${missing[@]}" || {
		say "setup: that needs newer package lists"
		run_job "setup: fetching the package lists" "$log" 0 apt-get -q update && apt_install "${missing[@]}"
	} || {
		tail -n 20 "$log" | sed 's/^/    /' >&2
		die "apt-get could not install ${missing[*]}; its last messages are above" \
			"check this machine's package sources (apt-get update), then try again"
	}
	trap - EXIT
}

apt_install() {
	run_job "setup: installing $*" "$log" 0 env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}

# fetch_package SUITE PACKAGE DIR [TITLE]: unpacks a package of another Debian suite into DIR, and
# writes its version into DIR/version. PACKAGE may be a pattern of apt's that one package matches.
# The configuration of the machine's apt is not changed. Only its mirror is used.
# FETCH_FOR, if set, is the architecture of the package: arm64.
fetch_package() {
	local suite=$1 package=$2 dir=$3 title=${4:-$2} mirror work packages log=$cache/logs/setup.log
	mirror=$(debian_mirror)
	work=$(mktemp -d "$cache/.fetch.XXXXXX")
	mkdir -p "$work"/{sources,lists/partial,cache/archives/partial}
	cat >"$work/sources/debian.sources" <<-END
		Types: deb
		URIs: $mirror
		Suites: $suite
		Components: main
		Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	END
	local -a apt=(apt-get -q
		-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/sources"
		-o "Dir::Etc::preferences=/dev/null" -o "Dir::Etc::preferencesparts=/dev/null"
		-o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache"
		-o "Acquire::Languages=none" -o "APT::Sandbox::User=$(id -un)")
	[[ -z ${FETCH_FOR:-} ]] || apt+=(-o "APT::Architecture=$FETCH_FOR" -o "APT::Architectures=$FETCH_FOR"
		-o "Dir::State::status=/dev/null")
	trap end_job EXIT
	# shellcheck disable=SC2016 # the inner shell's
	run_job "setup: fetching $title of Debian's $suite" "$log" 0 bash -c \
		'cd "$1" && "${@:3}" update && "${@:3}" download "$2"' fetch "$work" "$package" "${apt[@]}" || {
		rm -rf "$work"
		tail -n 20 "$log" | sed 's/^/    /' >&2
		die "cannot fetch $title of Debian's $suite; the last messages of apt-get are above" \
			"check that the mirror $mirror is within reach and that debian-archive-keyring is up to date"
	}
	trap - EXIT
	packages=("$work"/*.deb)
	mkdir "$work/unpacked"
	dpkg-deb -x "${packages[0]}" "$work/unpacked"
	dpkg-deb -f "${packages[0]}" Version >"$work/unpacked/version"
	mkdir -p "$(dirname "$dir")"
	rm -rf "$dir"
	mv -T "$work/unpacked" "$dir"
	rm -rf "$work"
}

# Prints the mirror from which apt of this machine gets the packages of the running release.
debian_mirror() {
	local codename mirror
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	mirror=$(apt-get update --print-uris 2>/dev/null |
		sed -n "s,^'\(.*\)/dists/$codename/InRelease'.*,\1,p" | head -n 1)
	[[ -n $mirror ]] || die "no apt source for the release '$codename' of this machine found" \
		"vringtop's guests need Debian 12 or later; see: apt-get update --print-uris"
	echo "$mirror"
}
