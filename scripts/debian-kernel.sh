#!/bin/bash
# Debian's own kernel packages for guests: fetched and unpacked into the cache, never installed.
#
# Usage: debian-kernel.sh image NAME    prints the path of its kernel image
#        debian-kernel.sh dir NAME      prints the folder with
#                                         bzImage    the kernel
#                                         config     its configuration
#                                         initramfs  what loads the modules that its root needs
#                                         release    its `uname -r`
#                                         version    the package's
#                                         modules    all of its modules, as in /lib/modules/RELEASE
# NAME: debian-6.1 (Debian 12's kernel), debian-6.12 (Debian 13's), or debian (this machine's release's).
# The package that was fetched first stays: remove the folder packages/NAME-... of the cache for the
# newest one.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

[[ $# -eq 2 && $1 =~ ^(image|dir)$ ]] || die "wrong use" "usage: debian-kernel.sh image|dir NAME"
action=$1 name=$2

if [[ $name == debian ]]; then
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	case $codename in
	bookworm) name=debian-6.1 ;;
	trixie) name=debian-6.12 ;;
	*) die "KERNEL=debian: this machine's release '$codename' has no kernel that is known here" \
		"name one: KERNEL=debian-6.1 or KERNEL=debian-6.12" ;;
	esac
fi
case $name in
debian-6.1) suite=bookworm ;;
debian-6.12) suite=trixie ;;
*) die "unknown kernel KERNEL=$name" "Debian's are debian-6.1, debian-6.12, and debian" ;;
esac

work=''
cleanup() {
	end_job
	[[ -z $work ]] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# package: the folder of the newest package in the cache
package() {
	local dirs=("$cache/packages/$name"-*)
	[[ ! -e ${dirs[0]} ]] || printf '%s\n' "${dirs[@]}" | sort -V | tail -n 1
}

fetch() {
	local version release lib
	mkdir -p "$cache/packages"
	rm -rf "$cache/packages/.$name".* # of a fetch that was ended
	work=$(mktemp -d "$cache/packages/.$name.XXXXXX")
	# The meta-package says which one is the kernel.
	fetch_package "$suite" '?reverse-depends(?exact-name(linux-image-amd64))' "$work/package" \
		"the kernel with its modules (package linux-image-amd64, 100 MB)"
	trap cleanup EXIT # fetch_package had its own
	lib=$work/package/lib/modules
	[[ -d $lib ]] || lib=$work/package/usr/lib/modules # from Debian 13 on
	release=$(basename "$lib"/*)
	mkdir "$work/result"
	mv "$lib/$release" "$work/result/modules"
	mv "$work/package/boot/vmlinuz-$release" "$work/result/bzImage"
	mv "$work/package/boot/config-$release" "$work/result/config"
	mv "$work/package/version" "$work/result/version"
	echo "$release" >"$work/result/release"
	# depmod wants /lib/modules/RELEASE.
	mkdir -p "$work/root/lib/modules"
	ln -s "$work/result/modules" "$work/root/lib/modules/$release"
	run_job "kernel $name: indexing its modules" "$cache/logs/kernel-$name.log" 0 \
		/usr/sbin/depmod -b "$work/root" "$release" ||
		die "kernel $name: depmod failed" "its log: $cache/logs/kernel-$name.log"
	version=$(<"$work/result/version")
	chmod 755 "$work/result"
	mv -T "$work/result" "$cache/packages/$name-$version"
	rm -rf "$work"
	work=''
}

# The modules without which the kernel sees neither its root file system nor vm.sh, in an order in
# which they load.
needed_modules() {
	local release module
	release=$(<"$package/release")
	mkdir -p "$work/root/lib/modules"
	ln -s "$package/modules" "$work/root/lib/modules/$release"
	for module in virtio_pci 9pnet_virtio 9p overlay virtio_console; do
		/usr/sbin/modprobe -C /dev/null -d "$work/root" -S "$release" --show-depends "$module"
	done | sed -n 's/^insmod \(.*\.ko[.a-z]*\) *$/\1/p' | awk '!seen[$0]++'
}

make_kernel() {
	local file module number=10
	mkdir -p "$cache/kernels"
	work=$(mktemp -d "$cache/kernels/.result.XXXXXX")
	mkdir -p "$work/initramfs"/{modules,proc,root} "$work/result"
	needed_modules >"$work/needed"
	while read -r file; do
		module=$work/initramfs/modules/$((number++))-$(basename "${file%.xz}")
		if [[ $file == *.xz ]]; then xz -dc "$file" >"$module"; else cp "$file" "$module"; fi
	done <"$work/needed"
	gcc -O2 -Wall -Wextra -static -s -o "$work/initramfs/init" "$checkout/scripts/init.c" ||
		die "kernel $name: cannot build scripts/init.c, which starts its guests" "run: make setup"
	(cd "$work/initramfs" && find . -print | cpio --quiet -o -H newc) >"$work/result/initramfs"
	for file in bzImage config release version; do ln "$package/$file" "$work/result"; done
	ln -s "$package/modules" "$work/result/modules"
	chmod 755 "$work/result"
	rm -rf "$result"
	mv -T "$work/result" "$result"
	rm -rf "$work"
	work=''
	# Others may still be wanted by another checkout; the newest few stay.
	stat -c '%Y %n' "$cache/kernels/$name"-???????????? | sort -rn | tail -n +4 | cut -d ' ' -f 2- |
		xargs -r -d '\n' rm -rf
}

# What is made of a package depends on this script and on init.c.
result_of() {
	package=$(package)
	result=$cache/kernels/$name-$({ echo "$package"; cat "$0" "$checkout/scripts/init.c"; } | sha256sum | cut -c 1-12)
}

result_of
if [[ -z $package || ! -e $result/bzImage ]]; then
	"$checkout/scripts/setup.sh" debian
	mkdir -p "$cache"
	exec {lock}>"$cache/lock-$name"
	flock "$lock"
	[[ -n $(package) ]] || fetch
	result_of
	[[ -e $result/bzImage ]] || make_kernel
fi
case $action in
image) echo "$result/bzImage" ;;
dir) echo "$result" ;;
esac
