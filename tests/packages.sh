#!/bin/bash
# Builds the packages and tries them: lintian, the same bytes twice, rpmbuild; the Debian package is installed
# from nothing in Debian 12 and 13, whose own kernels then run it in a guest, and purged again.
# Usage: packages.sh     (as root; takes some ten minutes. `make test-packages`)
cd "$(dirname "$0")/.." || exit 1
. tests/vm/lib.sh
. scripts/debian.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-packages.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

# --- Build ---
ok 'make deb' make -s deb
DEB_BUILD_OPTIONS=nocheck ok 'make deb, again, in another folder' make -s deb DEB="$work/again"
package=$(echo build/deb/vringtop_*_amd64.deb)
for file in "$package" build/deb/vringtop-dbgsym_*.deb build/deb/*.dsc; do
	ok "the same bytes: ${file##*/}" cmp "$file" "$work/again/${file##*/}"
done
ok 'lintian: no errors, no warnings' lintian --fail-on error,warning build/deb/*.changes
ok 'make rpm' make -s rpm
mapfile -t in_rpm < <(rpm -qpl build/rpm/RPMS/*/vringtop-[0-9]*.rpm 2>/dev/null)
for file in /usr/bin/vringtop /usr/share/man/man1/vringtop-stat.1 /usr/share/bash-completion/completions/vringtop; do
	like "the RPM has $file" " ${in_rpm[*]} " " $file(\.gz)? "
done

# --- Install, run, purge ---

# What runs as the first process of the guest. Its console is the only way out.
guest_script() {
	cat <<'END'
#!/busybox sh
for i in mount cat dd echo sleep insmod poweroff; do eval "$i() { /busybox $i \"\$@\"; }"; done
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
insmod /virtio_blk.ko
sleep 1
export PATH=/usr/bin:/bin HOME=/tmp
cd /tmp
section() { printf '\n=== %s\n' "$1"; }
reads() { set -- $(cat /sys/block/vda/stat); echo "$1"; }
section doctor
vringtop doctor; echo "status $?"
section queues
vringtop queues; echo "status $?"
section stat
vringtop stat 0.5 1; echo "status $?"
section record
before=$(reads)
vringtop record -o a.vt -- /busybox dd if=/dev/vda of=/dev/null bs=4k count=300; echo "status $?"
after=$(reads)
section reads
echo $((after - before))
section report
vringtop report --json a.vt
section end
poweroff -f
END
}

# said SECTION: what the guest said there
said() { tr -d '\r' <"$work/console" | sed -n "/^=== $1\$/,/^=== /{/^=== /d; p}"; }

# of_vringtop ROOT: its files, without what apt and dpkg keep of what was once there
of_vringtop() {
	find "$1" -xdev -iname '*vringtop*' ! -path '*/var/log/*' ! -path '*/var/cache/apt/*' ! -name '*_amd64.deb' -printf '/%P\n'
}

# try_release CODENAME KERNEL
try_release() {
	local root=$work/$1 kernel image module
	ok "$1: a fresh root file system" mmdebstrap --quiet --mode=root --variant=apt --components=main "$1" "$root" "$(debian_mirror)"
	[[ -d $root/etc ]] || return
	is "$1: nothing of vringtop is there" "$(of_vringtop "$root")" ''
	cp "$package" "$root/vringtop_amd64.deb"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	ok "$1: apt-get install" chroot "$root" sh -c 'apt-get -q update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends /vringtop_amd64.deb'

	kernel=$(scripts/debian-kernel.sh dir "$2")
	module=$(find "$kernel/modules/" -name 'virtio_blk.ko*')
	if [[ $module == *.xz ]]; then xz -dc "$module" >"$root/virtio_blk.ko"; else cp "$module" "$root/virtio_blk.ko"; fi
	cp /bin/busybox "$root/busybox"
	guest_script >"$root/guest"
	chmod +x "$root/guest"
	truncate -s 16M "$work/disk"
	image=$kernel/bzImage
	timeout 300 scripts/qemu.sh -accel "$(scripts/accel.sh "$image")" -machine q35 -m 1G -nodefaults -display none -no-reboot \
		-serial "file:$work/console" -kernel "$image" -initrd "$kernel/initramfs" \
		-append 'console=ttyS0 quiet panic=-1 init=/guest rootflags=trans=virtio,version=9p2000.L,msize=512000' \
		-fsdev "local,id=root,path=$root,security_model=none" -device virtio-9p-pci,fsdev=root,mount_tag=/dev/root \
		-drive "if=none,id=disk,format=raw,file=$work/disk" -device virtio-blk-pci,drive=disk </dev/null
	like "$1: the guest ran to its end" "$(tail -n 40 "$work/console")" '=== end'
	echo "# $1: $(said doctor | grep -m 1 kernel)"
	like "$1: doctor" "$(said doctor)" 'Everything that vringtop needs is here\..status 0'
	like "$1: queues" "$(said queues)" 'vda +virtio_blk +0 req\.0 .*status 0'
	like "$1: stat" "$(said stat)" 'status 0'
	like "$1: record" "$(said record)" '0 lost.*status 0'
	said report | tr -d '\n' >"$work/report"
	is "$1: report: as many buffers as the disk says that it read" \
		"$(json "$work/report" 'sum(q["buffers"] for q in d["total"]["queues"] if q["role"] == "vda")')" "$(said reads | grep .)"
	ok "$1: and these are not few" test "$(said reads | grep .)" -gt 5

	ok "$1: apt-get purge" chroot "$root" apt-get -q -y purge vringtop
	is "$1: nothing of vringtop is left" "$(of_vringtop "$root")" ''
}
try_release bookworm debian-6.1
try_release trixie debian-6.12
done_testing
