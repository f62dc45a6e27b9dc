#!/bin/bash
# The guests' QEMU: this machine's own, or the newer one that setup.sh fetched. Usage: qemu.sh ARG...
#
# QEMU before 8.1 may run code that another CPU of the guest has just replaced. The kernel replaces
# code whenever a tracepoint is switched on or off, and dies of that sooner or later.
set -euo pipefail
. "$(dirname "$0")/common.sh"

fetched=$cache/qemu
if [[ -x $fetched/qemu-system-x86/usr/bin/qemu-system-x86_64 ]]; then
	exec "$fetched/qemu-system-x86/usr/bin/qemu-system-x86_64" \
		-L "$fetched/qemu-system-data/usr/share/qemu" -L /usr/share/qemu -L /usr/share/seabios "$@"
fi
exec qemu-system-x86_64 "$@"
