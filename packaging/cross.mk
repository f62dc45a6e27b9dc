# SPDX-License-Identifier: GPL-2.0
# `make MACHINE=arm64 static` builds for another machine: build/arm64/vringtop-static. Included by the
# Makefile. The cross compiler and the machine's libraries are Debian's. scripts/machine.sh unpacks these
# libraries into a folder, and prints its name.

TRIPLET_arm64 := aarch64-linux-gnu
TRIPLET_s390x := s390x-linux-gnu
TRIPLET       := $(or $(TRIPLET_$(MACHINE)),$(error MACHINE=$(MACHINE) is not known: arm64 or s390x))
ROOT          := $(or $(shell scripts/machine.sh root $(MACHINE)),$(error there are no libraries for $(MACHINE)))

BUILD         := build/$(MACHINE)
# -B: crt1.o, too, must be that of this libc, not that of the compiler's own.
CC            := $(TRIPLET)-gcc --sysroot=$(ROOT) -B$(ROOT)/usr/lib/$(TRIPLET)
PKG_CONFIG    := PKG_CONFIG_SYSROOT_DIR=$(ROOT) \
		 PKG_CONFIG_LIBDIR=$(ROOT)/usr/lib/$(TRIPLET)/pkgconfig:$(ROOT)/usr/share/pkgconfig pkg-config
BPF_ARCH      := $(MACHINE:s390x=s390)

ifeq ($(MACHINE),s390x)
# A big-endian machine. Debian 12's bpftool makes skeletons only of objects in its own byte order, so the
# bpftool of s390x runs here, emulated.
BPF_TARGET    := bpfeb
BPFTOOL       := qemu-s390x-static -L $(ROOT) $(ROOT)/usr/sbin/bpftool
endif
