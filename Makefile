# SPDX-License-Identifier: GPL-2.0
# vringtop: `make help` lists the targets.

VERSION   := 0.1.0
BUILD     := build
PREFIX    ?= /usr/local
CC        ?= cc
CLANG     ?= clang
BPFTOOL   ?= bpftool
PKGS      := libbpf json-c ncursesw

CFLAGS    ?= -O2 -g
CFLAGS    += -std=gnu11 -Wall -Wextra
# SANITIZE=1 builds with ASan and UBSan
ifdef SANITIZE
CFLAGS    += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS   += -fsanitize=address,undefined
endif
CPPFLAGS  += -D_GNU_SOURCE -DVRINGTOP_VERSION='"$(VERSION)"' -Isrc/bpf -Isrc/cli -I$(BUILD)
PKG_FLAGS  = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))
BPF_FLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -Wall -Wextra -Wno-unused-parameter -I. -Isrc/bpf

CLI_SRC   := $(wildcard src/cli/*.c)
CLI_OBJ   := $(CLI_SRC:src/cli/%.c=$(BUILD)/%.o)

.PHONY: all check clean
all: $(BUILD)/vringtop

$(BUILD):
	mkdir -p $@

$(BUILD)/vringtop.bpf.o: src/bpf/vringtop.bpf.c src/bpf/vringtop.h vmlinux.h | $(BUILD)
	$(CLANG) $(BPF_FLAGS) -c $< -o $@

$(BUILD)/vringtop.skel.h: $(BUILD)/vringtop.bpf.o
	$(BPFTOOL) gen skeleton $< name vringtop_bpf > $@.tmp
	mv $@.tmp $@

$(BUILD)/probe.o: $(BUILD)/vringtop.skel.h
$(BUILD)/%.o: src/cli/%.c | $(BUILD)
	$(CC) $(CFLAGS) $(CPPFLAGS) $(PKG_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/vringtop: $(CLI_OBJ)
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -lm -o $@

-include $(CLI_OBJ:.o=.d)

# Unit tests, always with the sanitizers. Each is a program that speaks TAP.
UNIT_SRC  := $(addprefix src/cli/,error.c format.c loglin.c options.c ring.c snapshot.c table.c)
UNIT      := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))

$(BUILD)/unit/%: tests/unit/%.c $(UNIT_SRC) $(wildcard src/cli/*.h src/bpf/*.h)
	mkdir -p $(@D)
	$(CC) -O1 -g -std=gnu11 -Wall -Wextra -fsanitize=address,undefined \
		-fno-sanitize-recover=undefined $(CPPFLAGS) $< $(UNIT_SRC) -lcmocka -lm -o $@

check: all $(UNIT)
	CMOCKA_MESSAGE_OUTPUT=TAP prove -e '' $(UNIT)

clean:
	rm -rf $(BUILD)
