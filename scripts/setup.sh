#!/bin/bash
# Installs the packages that are missing, and nothing else.
# Usage: setup.sh [build|lint|prometheus|kernel|guest|browser|bench|debian|deb|machines|source-7.3]...
# Without an argument: all groups but bench, deb and machines.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

setup_build() {
	packages+=(gcc make clang libclang-rt-dev llvm libbpf-dev libelf-dev zlib1g-dev libncurses-dev
		libjson-c-dev libseccomp-dev libsqlite3-dev libzstd-dev libmicrohttpd-dev libcmocka-dev pkg-config bpftool perl)
}

# For tests/lint.t and tests/delivered.t.
setup_lint() {
	packages+=(clang-format shellcheck cppcheck binutils git mandoc bsdextrautils jq zsh fish python3)
}

# For promtool and Prometheus (tests/prometheus.t). The package would start a service on this machine, so it
# is only unpacked.
setup_prometheus() {
	packages+=(debian-archive-keyring)
}

setup_kernel() {
	packages+=(gcc make linux-source-6.12 flex bison bc libelf-dev libssl-dev dwarves cpio
		rsync zstd xz-utils kmod patch)
}

# With the dependencies of virtme-ng (kmod, file, python3-*), because virtme-ng itself is not in Debian 12.
setup_guest() {
	packages+=(qemu-system-x86 udev python3 python3-argcomplete python3-pkg-resources
		python3-requests kmod file fio iproute2 iputils-ping ethtool tmux trace-cmd linux-perf bpftrace procps
		alsa-utils bsdutils libcap2-bin sqlite3 debian-archive-keyring busybox-static cpio ncurses-base binutils jq)
}

# For tests of pages (tests/browser.py).
setup_browser() {
	packages+=(chromium python3)
}

# For tests/bench: virtiostat, and strace, which counts system calls.
setup_bench() {
	packages+=(bpfcc-tools strace)
}

# For make deb, make rpm and tests/packages.sh.
setup_deb() {
	packages+=(debhelper dpkg-dev lintian rpm mmdebstrap debian-archive-keyring)
}

# For make MACHINE=..., and make test-machines.
setup_machines() {
	packages+=(gcc-aarch64-linux-gnu gcc-s390x-linux-gnu qemu-system-arm qemu-system-misc qemu-user-static
		mmdebstrap kmod cpio xz-utils debian-archive-keyring)
}

# For guests with Debian's own kernels (debian-kernel.sh).
setup_debian() {
	packages+=(gcc libc6-dev kmod cpio xz-utils debian-archive-keyring)
}

[[ $# -gt 0 ]] || set -- build lint prometheus kernel guest browser debian source-7.3
packages=() fetch_source=''
for group in "$@"; do
	case $group in
	build | lint | prometheus | kernel | guest | browser | bench | debian | deb | machines) "setup_$group" ;;
	source-7.3)
		if [[ $(LC_ALL=C apt-cache policy linux-source-7.3) == *Candidate:\ [0-9]* ]]; then
			packages+=(linux-source-7.3)
		else
			packages+=(debian-archive-keyring xz-utils)
			fetch_source=yes
		fi
		;;
	*) die "unknown group '$group'" "the groups are: build, lint, prometheus, kernel, guest, browser, bench, debian, deb, machines, source-7.3" ;;
	esac
done
install_packages "${packages[@]}"

# The source of Linux 7.3 is in the backports of Debian 13. It can be used on every release.
if [[ -n $fetch_source && ! -e $cache/linux-source-7.3/version ]]; then
	mkdir -p "$cache"
	exec {lock}>"$cache/lock-source-7.3"
	flock "$lock"
	[[ -e $cache/linux-source-7.3/version ]] ||
		fetch_package trixie-backports linux-source-7.3 "$cache/linux-source-7.3"
	exec {lock}>&-
fi

if [[ " $* " == *" prometheus "* && ! -x $cache/prometheus/usr/bin/promtool ]]; then
	mkdir -p "$cache"
	# shellcheck disable=SC1091
	fetch_package "$(. /etc/os-release && echo "$VERSION_CODENAME")" prometheus "$cache/prometheus"
fi

if [[ " $* " == *" guest "* ]] && ! [[ -x /usr/bin/virtme-run || -x $cache/virtme-ng/usr/bin/virtme-run ]]; then
	mkdir -p "$cache"
	fetch_package trixie virtme-ng "$cache/virtme-ng"
fi

# Guests that trace need QEMU 8.1 or later, or they die. QEMU 9.0 is the first whose vhost-user-rng-pci offers
# the features of its back-end, such as notification data. The libraries and the firmware of an older QEMU are
# used in any case.
if [[ " $* " == *" guest "* && ! -e $cache/qemu/qemu-system-common ]]; then
	version=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9]*\.[0-9]*\).*/\1/p')
	if [[ $(printf '%s\n' "$version" 9.0 | sort -V | head -n 1) != 9.0 ]]; then
		mkdir -p "$cache"
		# shellcheck disable=SC1091
		suite=$(. /etc/os-release && echo "$VERSION_CODENAME")-backports
		# The last one has the devices that are modules of QEMU, as virtio-gpu.
		for package in qemu-system-x86 qemu-system-data qemu-system-common; do
			[[ -e $cache/qemu/$package ]] || fetch_package "$suite" $package "$cache/qemu/$package"
		done
	fi
fi
