#!/bin/bash
# Makes vmlinux.h again: only the types and fields of a kernel that the programs read.
#
# Usage: vmlinux.sh OBJECT VMLINUX >vmlinux.h
#   OBJECT    the compiled programs; their relocations say which fields they read
#   VMLINUX   the ELF file of a kernel with the tracepoints and with BTF
set -euo pipefail
. "$(dirname "$0")/common.sh"

[[ $# -eq 2 ]] || die "wrong use" "usage: vmlinux.sh OBJECT VMLINUX"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bpftool gen min_core_btf "$2" "$work/btf" "$1"

cat <<'END'
/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types as far as the programs read them; made by `make btf`.
 * Every field is found in the running kernel's BTF when the programs are loaded
 * (CO-RE), so only names and kinds count here, not offsets.
 */
#ifndef VMLINUX_H
#define VMLINUX_H

typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 u16;
typedef __u64 u64;
typedef u64 dma_addr_t;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false, true };

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_F_MMAPABLE = 1024,
	BPF_NOEXIST = 1,
	BPF_RB_NO_WAKEUP = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

END
# Leaves out the padding between fields, the scalar types that stand above, and the include guard.
bpftool btf dump file "$work/btf" format c | sed -E \
	-e '/^#/d' -e '/^typedef /d' -e '/^\t+(long|int|short|char): [0-9]+;$/d' | cat -s |
	sed -e '1{/^$/d}'
cat <<'END'
#pragma clang attribute pop

#endif
END
