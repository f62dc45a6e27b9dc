#!/bin/bash
# The events are any tracer's: trace-cmd and perf read them as they read the kernel's own.
. "$(dirname "$0")/lib.sh"
in_guest 6.12

cd /tmp || exit 1
ok 'trace-cmd records' trace-cmd record -q -e virtio_ring \
	dd if=/dev/vdb of=/dev/null bs=4k count=50 iflag=direct
report=$(trace-cmd report -q 2>/dev/null)
common='device=virtio[0-9]+ queue=[0-9]+ id=[0-9]+ layout=packed duration=[0-9]+'
like 'an add' "$report" "virtqueue_add: +$common result=0 data=0x[0-9a-f]+ out_bytes=16 in_bytes=4097 buf_id=[0-9]+ descs=1 free=[0-9]+ indirect=1"
like 'a get' "$report" "virtqueue_get: +$common data=0x[0-9a-f]+ len=4097 buf_id=[0-9]+"
like 'a kick_prepare' "$report" "virtqueue_kick_prepare: +$common result=1"
like 'a doorbell' "$report" "virtqueue_notify: +$common result=1"
like 'an interrupt' "$report" "virtqueue_interrupt: +$common result=1 irq=[1-9][0-9]*"
is 'each buffer that comes back has the token and the id of an add' \
	"$(grep -E 'virtqueue_get:.*layout=packed.* len=4097' <<<"$report" | grep -oE 'data=\S+|buf_id=\S+' | paste -d ' ' - - | sort)" \
	"$(grep -E 'virtqueue_add:.*layout=packed.* in_bytes=4097' <<<"$report" | grep -oE 'data=\S+|buf_id=\S+' | paste -d ' ' - - | sort)"
is 'as many adds as reads' "$(grep -c 'virtqueue_add:.*layout=packed.*out_bytes=16 in_bytes=4097' <<<"$report")" 50
grep -m 4 'layout=packed' <<<"$report" | sed 's/^/# /'

traced=$(perf trace -e 'virtio_ring:virtqueue_add' dd if=/dev/vdb of=/dev/null bs=4k count=5 iflag=direct 2>&1)
like 'perf trace prints it' "$traced" 'virtio_ring:virtqueue_add\([^)]*device: [0-9]+[^)]*layout: 1[^)]*out_bytes: 16, in_bytes: 4097'
grep -m 2 'in_bytes: 4097' <<<"$traced" | sed 's/^/# /'

# Queues come and go: created and deleted events.
device=$(basename "$(readlink -f /sys/block/vdb/device)")
echo 1 >/sys/kernel/tracing/events/virtio_ring/enable
echo "$device" >/sys/bus/virtio/drivers/virtio_blk/unbind
echo "$device" >/sys/bus/virtio/drivers/virtio_blk/bind
echo 0 >/sys/kernel/tracing/events/virtio_ring/enable
trace=$(cat /sys/kernel/tracing/trace)
like 'a queue is deleted' "$trace" "virtqueue_deleted: device=$device queue=0 id=[0-9]+ layout=packed"
like 'and created' "$trace" "virtqueue_created: device=$device queue=0 id=[0-9]+ layout=packed num=[0-9]+ name=req.0"
done_testing
