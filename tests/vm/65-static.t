#!/bin/bash
# The static binary (`make static`) in a guest that has nothing but it, busybox and, for the live view,
# one terminfo entry: an initramfs, no root file system. It runs from a tmpfs.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/vringtop-static.XXXXXX")
trap 'rm -rf "$work"' EXIT
binary=$repo/build/vringtop-static
make -s -C "$repo" build/vringtop-static || exit

unlike 'it names no program that loads libraries' "$(LC_ALL=C readelf -l "$binary")" INTERP
unlike 'and no library' "$(LC_ALL=C readelf -d "$binary")" NEEDED

# The guest. The console is its only way out: `section` begins a part of what it says.
mkdir -p "$work"/root/{bin,dev,proc,sys,tmp,terminfo/v}
cp "$binary" "$work/root/vringtop"
cp /bin/busybox "$work/root/bin"
cp /lib/terminfo/v/vt100 "$work/root/terminfo/v"
cat >"$work/root/init" <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
stty -onlcr cols 80 rows 24 </dev/console
cp /vringtop /tmp
cd /tmp
section() { printf '\n=== %s\n' "$1"; }
reads() { set -- $(cat /sys/block/vda/stat); echo "$1"; }

section doctor
./vringtop doctor; echo "status $?"
section queues
./vringtop queues
section stat
./vringtop stat --json 0.2 1 2>/dev/null
section record
before=$(reads)
./vringtop record -o a.vt -- dd if=/dev/vda of=/dev/null bs=4k count=300 2>/dev/null
after=$(reads)
section report
./vringtop report --json a.vt
section reads
echo $((after - before))
section export
ifconfig lo up
./vringtop export & # says when it serves
export=$!
until wget -q -O - http://127.0.0.1:9842/metrics >metrics 2>/dev/null; do sleep 0.1; done
grep 'vringtop_build_info' metrics
kill -INT $export
wait $export; echo "status $?"
section 'no terminfo'
TERM=vt100 ./vringtop top 0.2 1; echo "status $?"
section 'live view'
TERM=vt100 TERMINFO=/terminfo ./vringtop top 0.2 2; echo "status $?"
section end
poweroff -f
END
chmod +x "$work/root/init"
(cd "$work/root" && find . | cpio --quiet -o -H newc) >"$work/initramfs"
truncate -s 16M "$work/disk"

image=$("$repo/scripts/kernel.sh" image 6.12)
timeout "$TIMEOUT" "$repo/scripts/qemu.sh" -accel "$("$repo/scripts/accel.sh" "$image")" -machine q35 -m 512M \
	-nodefaults -display none -no-reboot -serial "file:$work/console" \
	-drive "if=none,id=disk,format=raw,file=$work/disk" -device virtio-blk-pci,drive=disk \
	-kernel "$image" -initrd "$work/initramfs" -append 'console=ttyS0 quiet panic=-1' </dev/null

# said SECTION: what the guest said there
said() { tr -d '\r' <"$work/console" | sed -n "/^=== $1\$/,/^=== /{/^=== /d; p}"; }

like 'the guest ran to its end' "$(cat "$work/console")" '=== end'
like 'doctor: nothing is missing' "$(said doctor)" 'Everything that vringtop needs is here\..status 0'
like 'queues: that of the disk' "$(said queues)" 'virtio0 vda +virtio_blk +0 req\.0 '
said stat >"$work/stat"
is 'stat: JSON' "$(json "$work/stat" 'type(d["queues"]).__name__')" list
said report | tr -d '\n' >"$work/report" # one document in several lines
is 'record: as many buffers as the disk says that it read' \
	"$(json "$work/report" 'sum(q["buffers"] for q in d["total"]["queues"])')" "$(said reads | grep .)"
ok 'and these are not few' test "$(said reads | grep .)" -gt 5
like 'export: metrics by HTTP' "$(said export)" 'vringtop_build_info.*status 0'
like 'the live view without terminfo: status and advice' "$(said 'no terminfo')" \
	"cannot use a terminal of type 'vt100'.*vringtop stat.*status 1"
like 'the live view with the one entry' "$(said 'live view')" '1 queues.*1 idle queue.*status 0'
done_testing
