#!/bin/bash
# What the cross build for another machine, and its guests, take from Debian: unpacked into the cache, never
# installed.
#
# Usage: machine.sh root MACHINE      prints the folder with its libraries, as the root of a file system;
#                                     with busybox and bpftool of that machine
#        machine.sh kernel MACHINE    prints the folder with Debian's kernel for it: vmlinuz, release,
#                                     config, and modules as in /lib/modules/RELEASE
#        machine.sh own-kernel s390x  prints the folder with the bzImage of Linux 6.12, built here from
#                                     tests/machines/s390x.config (ten minutes)
# MACHINE: arm64 or s390x
set -euo pipefail
. "$(dirname "$0")/debian.sh"

[[ $# -eq 2 && $1 =~ ^(root|kernel|own-kernel)$ && $2 =~ ^(arm64|s390x)$ ]] ||
	die "wrong use" "usage: machine.sh root|kernel|own-kernel arm64|s390x"
what=$1 machine=$2

# Debian 13's kernel is there for arm64. Debian 12's is for s390x, because the archive did not have the other.
suite=trixie
[[ $machine != s390x ]] || suite=bookworm
libraries=libc6-dev,libbpf-dev,libelf-dev,zlib1g-dev,libncurses-dev,libjson-c-dev,libseccomp-dev
libraries+=,libsqlite3-dev,libzstd-dev,libmicrohttpd-dev,busybox-static,bpftool

make_root() {
	local codename log=$cache/logs/machine-$machine.log mirror
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$(debian_mirror)
	trap end_job EXIT
	run_job "$machine: fetching its libraries" "$log" 0 mmdebstrap --variant=extract \
		--architectures="$machine" --include="$libraries" "$codename" "$result.new" "$mirror" || {
		tail -n 20 "$log" | sed 's/^/    /' >&2
		die "cannot fetch the libraries of $machine; the last messages of mmdebstrap are above" \
			"the whole log: $log"
	}
	# A link such as libm.so -> /lib/... would lead to a library of this machine.
	find "$result.new" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link to; do
		ln -sfn -r "$result.new$to" "$link"
	done
}

make_kernel() {
	local work=$result.package modules
	FETCH_FOR=$machine fetch_package "$suite" "?reverse-depends(?exact-name(linux-image-$machine))" "$work" \
		"the kernel for $machine with its modules"
	modules=$work/lib/modules
	[[ -d $modules ]] || modules=$work/usr/lib/modules # from Debian 13 on
	mkdir "$result.new"
	basename "$modules"/* >"$result.new/release"
	mv "$modules"/* "$result.new/modules"
	mv "$work"/boot/vmlinuz-* "$result.new/vmlinuz"
	mv "$work"/boot/config-* "$result.new/config"
	rm -rf "$work"
}

make_own_kernel() {
	local source=$result.source log=$cache/logs/machine-$machine.log cross=s390x-linux-gnu-
	[[ $machine == s390x ]] || die "no own kernel for $machine is known" "Debian's runs: machine.sh kernel $machine"
	"$checkout/scripts/setup.sh" kernel
	mkdir -p "$source" "$result.build"
	tar -C "$source" --strip-components=1 -xf /usr/src/linux-source-6.12.tar.xz
	local build=(env -u MAKEFLAGS -u MAKELEVEL PATH=/usr/sbin:/usr/bin:/sbin:/bin
		make -C "$source" "O=$result.build" ARCH=s390 "CROSS_COMPILE=$cross")
	trap end_job EXIT
	if ! run_job "$machine: configuring Linux 6.12" "$log" 0 "${build[@]}" allnoconfig \
		KCONFIG_ALLCONFIG="$checkout/tests/machines/s390x.config" ||
		! run_job "$machine: building Linux 6.12" "$log" 0 "${build[@]}" "-j$(nproc)" bzImage; then
		tail -n 20 "$log" | sed 's/^/    /' >&2
		die "cannot build a kernel for $machine; the end of its log is above" "the whole log: $log"
	fi
	mkdir "$result.new"
	cp "$result.build/arch/s390/boot/bzImage" "$result.new"
	rm -rf "$source" "$result.build"
}

result=$cache/machines/$machine-$what
if [[ ! -d $result ]]; then
	"$checkout/scripts/setup.sh" machines
	mkdir -p "$cache/machines"
	exec {lock}>"$cache/lock-$machine-$what"
	flock "$lock"
	rm -rf "$result".*
	if [[ ! -d $result ]]; then
		"make_${what//-/_}"
		mv -T "$result.new" "$result"
	fi
fi
echo "$result"
