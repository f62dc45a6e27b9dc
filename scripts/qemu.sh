#!/bin/bash
# Runs the QEMU of the guests: the newer one that setup.sh fetched, or the machine's own.
# Usage: qemu.sh ARG...
#
# QEMU 10.0 is the first with rings in order (in_order=on).
set -euo pipefail
. "$(dirname "$0")/common.sh"

fetched=$cache/qemu
if [[ -x $fetched/qemu-system-x86/usr/bin/qemu-system-x86_64 ]]; then
	export QEMU_MODULE_DIR=$fetched/qemu-system-common/usr/lib/x86_64-linux-gnu/qemu
	exec "$fetched/qemu-system-x86/usr/bin/qemu-system-x86_64" \
		-L "$fetched/qemu-system-data/usr/share/qemu" -L /usr/share/qemu -L /usr/share/seabios "$@"
fi
exec qemu-system-x86_64 "$@"
