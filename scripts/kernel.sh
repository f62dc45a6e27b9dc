#!/bin/bash
# Builds the kernels of the guests, each once. The cache keeps them.
#
# Usage: kernel.sh image NAME         prints the path of its bzImage
#        kernel.sh dir NAME           prints the folder with bzImage, vmlinux, virtio_ring.o, config, ...
#        kernel.sh make NAME ARG...   runs make in its build tree (for modules: M=DIR modules)
#        kernel.sh copy NAME DIR      makes DIR a copy of its build tree (hard links: replace files,
#                                     never write into them)
# NAME: 6.12 or 7.3 (patched), with -ops (the series without its tracepoints), -upstream (without the
#       last patch, which is not for upstream), -stock (unpatched) or
#       -debug (patched, with KASAN and lockdep); -nobtf or -nobpf (unpatched and as small as can be,
#       without BTF, without BPF). Or debian, debian-6.1, debian-6.12: Debian's own packages, to boot
#       only (debian-kernel.sh).
set -euo pipefail
. "$(dirname "$0")/common.sh"

[[ $# -ge 2 && $1 =~ ^(image|dir|make|copy)$ ]] || die "wrong use" "usage: kernel.sh image|dir|make|copy NAME [ARG...]"
action=$1 name=$2
shift 2

if [[ $name == debian* ]]; then
	[[ $action =~ ^(image|dir)$ ]] || die "KERNEL=$name has no build tree: it is Debian's own package" \
		"modules and the like can be built for 6.12 and 7.3"
	exec "$checkout/scripts/debian-kernel.sh" "$action" "$name"
fi

# --- The version and the flavour of NAME ---
version=${name%%-*} flavour=${name#"${name%%-*}"}
unknown=("unknown kernel KERNEL=$name"
	"known: 6.12 and 7.3, also with -ops, -upstream, -stock, -debug, -nobtf or -nobpf (6.12-stock); debian-6.1, debian-6.12; a path")
case $version in # the numbers are for the progress only: files of the source, lines of a build from nothing
6.12)
	source_files=92500 build_lines=2160 small_lines=1600
	not_here='' # options of guest.config that only the other version has
	;;
7.3)
	source_files=102300 build_lines=2270 small_lines=1700
	not_here='CONFIG_PROC_SYSCTL' # part of CONFIG_SYSCTL
	;;
*) die "${unknown[@]}" ;;
esac
series=$checkout/kernel-patch/linux-$version
fragments=(guest) tree_name=$version
case $flavour in
'' | -ops | -upstream | -stock) ;;
-debug) fragments+=(debug) tree_name=$name ;;
-nobpf) fragments=(nobpf) tree_name=$name build_lines=$small_lines ;;
-nobtf) fragments=(nobpf nobtf) tree_name=$name build_lines=$small_lines ;;
*) die "${unknown[@]}" ;;
esac
configs=("${fragments[@]/#/$checkout/kernel-patch/}")
configs=("${configs[@]/%/.config}")
patches=()
if [[ $flavour =~ ^(|-ops|-upstream|-debug)$ ]]; then
	for patch in "$series"/*.patch; do
		[[ -e $patch ]] || die "no patches in $series" "KERNEL=$version-stock needs none"
		case $flavour,${patch##*/} in
		-ops,*trace* | -upstream,*interrupts-off*) ;;
		*) patches+=("$patch") ;;
		esac
	done
fi

if [[ $version == 6.12 ]]; then
	"$checkout/scripts/setup.sh" kernel
else
	"$checkout/scripts/setup.sh" kernel "source-$version"
fi
if [[ -e $cache/linux-source-$version/version ]]; then # of another release of Debian
	archive=$cache/linux-source-$version/usr/src/linux-source-$version.tar.xz
	source_version=$(<"$cache/linux-source-$version/version")
else
	archive=/usr/src/linux-source-$version.tar.xz
	source_version=$(dpkg-query -W -f '${Version}' "linux-source-$version")
fi

hash_of() {
	sha256sum | cut -c 1-12
}
# A hash of everything that goes into each kernel of this tree, and of everything that goes into this one.
tree_key=$({ echo "$source_version"; gcc --version | head -n 1; cat "${configs[@]}"; } | hash_of)
key=$({ echo "$tree_key"; [[ ${#patches[@]} -eq 0 ]] || cat "${patches[@]}"; } | hash_of)
pristine=$cache/sources/linux-$source_version
tree=$cache/trees/$tree_name-$tree_key
result=$cache/kernels/$name-$key
log=$cache/logs/kernel-$name.log

tree_make() {
	# The PATH of the user may find other compilers and Pythons first.
	env -u MAKEFLAGS -u MAKELEVEL PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		KBUILD_BUILD_USER=vringtop KBUILD_BUILD_HOST="$name" make -C "$tree" "$@"
}

# --- Steps. A step that fails or is interrupted leaves no half result. ---
work=''
cleanup() {
	end_job
	[[ -z $work ]] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# job TITLE LINES COMMAND...
job() {
	local title="kernel $1" lines=$2
	shift 2
	run_job "$title" "$log" "$lines" "$@" || {
		tail -n 40 "$log" | sed 's/^/    /' >&2
		die "$title failed; the end of its log is above" "the whole log: $log"
	}
}

unpack_source() {
	[[ ! -d $pristine ]] || return 0
	local lock
	exec {lock}>"$cache/lock-source-$version" # the trees of a version share it
	flock "$lock"
	if [[ ! -d $pristine ]]; then
		mkdir -p "$cache/sources"
		work=$(mktemp -d "$cache/sources/.unpack.XXXXXX")
		job "$version: unpacking the source" "$source_files" \
			tar -C "$work" --strip-components=1 -xvf "$archive"
		mv -T "$work" "$pristine"
		work=''
	fi
	exec {lock}>&-
}

# The tree has hard links to the source, so it takes no second copy. No step writes into a file in place.
make_tree() {
	[[ ! -d $tree ]] || return 0
	local free
	free=$(df --output=avail -B 1G "$cache" | tail -n 1)
	[[ $free -ge 6 ]] || die "not enough space for a kernel build in $cache: $free GiB free, 6 needed" \
		"free some, or set VRINGTOP_CACHE to a folder on another disk"
	unpack_source
	mkdir -p "$cache/trees"
	work=$(mktemp -d "$cache/trees/.tree.XXXXXX")
	cp -al -T "$pristine" "$work"
	mv -T "$work" "$tree"
	work=''
}

configure() {
	[[ ! -e $tree/.config ]] || return 0
	local config=$tree/.vringtop-config dropped
	cat "${configs[@]}" >"$config"
	tree_make allnoconfig KCONFIG_ALLCONFIG="$config" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "kernel $name: cannot configure it from ${configs[*]}" "the whole log: $log"
	}
	# Kconfig silently drops an option that it does not know, or whose dependency is missing.
	dropped=$(grep '^CONFIG_' "$config" | { grep -vxFf "$tree/.config" || true; } | while IFS='=' read -r option value; do
		[[ $option == "$not_here" ]] ||
			{ [[ $value == n ]] && ! grep -q "^$option=" "$tree/.config"; } || echo "$option=$value"
	done)
	if [[ -n $dropped ]]; then
		rm -f "$tree/.config"
		die "kernel $version: these options of ${configs[*]} did not take effect:" "${dropped//$'\n'/ }"
	fi
}

# Gives the tree the files of this kernel. A file that is the same already is not touched, so that make builds
# only what has changed.
apply_patches() {
	local file touched=$tree/.vringtop-touched
	work=$(mktemp -d "$cache/trees/.patch.XXXXXX")
	mkdir "$work/new"
	for patch in "${patches[@]}"; do
		sed -n 's,^\(---\|+++\) [ab]/\([^\t]*\).*,\2,p' "$patch"
	done | sort -u >"$work/files"
	while read -r file; do
		[[ ! -e $pristine/$file ]] || (cd "$pristine" && cp --parents "$file" "$work/new")
	done <"$work/files"
	for patch in "${patches[@]}"; do
		patch -d "$work/new" -p1 --batch --fuzz=0 --no-backup-if-mismatch <"$patch" >"$work/log" 2>&1 || {
			cat "$work/log" >&2
			die "patch ${patch##*/} does not apply to linux-source-$version $source_version" \
				"KERNEL=$version-stock builds without patches"
		}
	done
	touch "$touched"
	sort -u "$touched" "$work/files" >"$work/touched"
	cp "$work/touched" "$touched"
	while read -r file; do
		if grep -qxF "$file" "$work/files"; then wanted=$work/new/$file; else wanted=$pristine/$file; fi
		if [[ ! -e $wanted ]]; then
			rm -f "$tree/$file"
		elif ! cmp -s "$wanted" "$tree/$file"; then
			mkdir -p "$(dirname "$tree/$file")"
			cp --remove-destination "$wanted" "$tree/$file"
			touch "$tree/$file"
		fi
	done <"$touched"
	rm -rf "$work"
	work=''
}

build() {
	local lines=$build_lines
	mkdir -p "$cache/logs" "$cache/kernels"
	make_tree
	[[ ! -e $tree/vmlinux ]] || lines=51
	apply_patches
	configure
	export -f tree_make
	export tree name
	job "$name: building" "$lines" bash -c "tree_make -j$(nproc) bzImage modules"

	rm -rf "$result"
	work=$(mktemp -d "$cache/kernels/.result.XXXXXX")
	cp "$tree/arch/x86/boot/bzImage" "$tree/drivers/virtio/virtio_ring.o" "$tree/System.map" \
		"$tree/Module.symvers" "$work"
	cp "$tree/.config" "$work/config"
	objcopy --strip-debug "$tree/vmlinux" "$work/vmlinux"
	printf '%s\n' "${patches[@]##*/}" >"$work/series"
	chmod 755 "$work"
	mv -T "$work" "$result"
	work=''
	remove_old
}

# Removes old kernels and trees. The newest few stay, because another checkout may use them.
remove_old() {
	local old
	touch "$tree" "$result"
	{
		newest_first "$cache/kernels/$name"-???????????? | tail -n +4
		newest_first "$cache/trees/$tree_name"-???????????? | tail -n +3
	} | while read -r old; do
		say "kernel $name: removing the old ${old#"$cache"/}"
		rm -rf "$old"
	done
	for old in "$cache/sources/linux-$version".*; do
		[[ $old == "$pristine" ]] || rm -rf "$old"
	done
}

newest_first() {
	stat -c '%Y %n' "$@" | sort -rn | cut -d ' ' -f 2-
}

# Only one build at a time: the kernels of a tree share its files.
lock_tree() {
	mkdir -p "$cache"
	exec {lock}>"$cache/lock-$tree_name"
	flock -n "$lock" || {
		say "kernel $name: waiting for another build to end"
		flock "$lock"
	}
}

if [[ $action == make || $action == copy || ! -e $result/bzImage ]]; then
	lock_tree
	[[ -e $result/bzImage && ($action =~ ^(image|dir)$ || -e $tree/Module.symvers) ]] || build
fi
case $action in
image) echo "$result/bzImage" ;;
dir) echo "$result" ;;
make) tree_make "$@" ;;
copy)
	[[ $# -eq 1 ]] || die "wrong use" "usage: kernel.sh copy NAME DIR"
	if [[ $(stat -c %d "$tree") == "$(stat -c %d "$(dirname "$1")")" ]]; then
		cp -al -T "$tree" "$1"
		# make writes the files that it has built in place, except objects and programs. So each tree needs
		# its own copies of them.
		copy=$(realpath "$1")
		(cd "$tree" && find . -type f -newer "$pristine" ! -name '*.o' ! -name '*.a' ! -name '*.ko' \
			! -name vmlinux ! -name vmlinux.unstripped ! -name '.tmp_vmlinux?' -print0 |
			xargs -0 cp -p --parents --remove-destination -t "$copy")
	else # another file system has no hard links; the largest files are left out
		rsync -a --exclude '/vmlinux*' --exclude '/.tmp_vmlinux*' "$tree/" "$1"
	fi
	tree=$1
	apply_patches
	;;
esac
