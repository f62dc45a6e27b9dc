# SPDX-License-Identifier: GPL-2.0
# vringtop: `make help` lists the targets.

VERSION   := 0.1.0
BUILD     := build
PREFIX    ?= /usr/local
CC        ?= cc
CLANG     ?= clang
BPFTOOL   ?= bpftool
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= pkg-config
# The machine for which the programs are compiled, by libbpf's name for it, and their byte order.
BPF_ARCH  := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(patsubst s390x,s390,$(shell uname -m))))
BPF_TARGET := bpf
# Where Debian has bpftool, which is not on the PATH of everyone who is not root; where setup.sh puts promtool.
CACHE     := $(or $(VRINGTOP_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vringtop)
export PATH := $(PATH):/usr/sbin:/sbin:$(CACHE)/prometheus/usr/bin
# make MACHINE=arm64 ...: for another machine
ifdef MACHINE
include packaging/cross.mk
endif
PKGS      := libbpf json-c ncursesw libseccomp sqlite3 libzstd zlib libmicrohttpd

CFLAGS    ?= -O2 -g
CFLAGS    += -std=gnu11 -Wall -Wextra
# SANITIZE=1 builds with ASan and UBSan
ifdef SANITIZE
CFLAGS    += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS   += -fsanitize=address,undefined
endif
CPPFLAGS  += -D_GNU_SOURCE -DVRINGTOP_VERSION='"$(VERSION)"' -Isrc/bpf -Isrc/cli -I$(BUILD)
PKG_FLAGS  = $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKG_LIBS   = $(shell $(PKG_CONFIG) --libs $(PKGS))
BPF_FLAGS := -g -O2 -mcpu=v3 -target $(BPF_TARGET) -fdebug-compilation-dir=. -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Wno-unused-parameter -I. -Isrc/bpf

# Quiet: a line for each file. `make V=1` shows the whole commands.
ifeq ($(V),1)
Q         :=
say       := @:
else
Q         := @
say       := @printf '  %-5s %s\n'
endif

CLI_SRC   := $(wildcard src/cli/*.c src/cli/*/*.c)
CLI_OBJ   := $(CLI_SRC:src/cli/%.c=$(BUILD)/cli/%.o)

.PHONY: all check unit fuzz clean
.DELETE_ON_ERROR:
all: $(BUILD)/vringtop ## build/vringtop; needs neither root nor a patched kernel

# The programs are compiled twice: events.bpf.o also keeps single operations.
$(BUILD)/vringtop.bpf.o: BPF_FLAGS += -DEVENTS=0
$(BUILD)/events.bpf.o: BPF_FLAGS += -DEVENTS=1
$(BUILD)/vringtop.bpf.o $(BUILD)/events.bpf.o: src/bpf/vringtop.bpf.c $(wildcard src/bpf/*.h) vmlinux.h
	@mkdir -p $(@D)
	$(say) BPF $(@F)
	$(Q)$(CLANG) $(BPF_FLAGS) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(say) SKEL $(@F)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp
	$(Q)mv $@.tmp $@

# The files that include a skeleton.
$(patsubst %,$(BUILD)/cli/probe/%.o,probe probe_find probe_load probe_read probe_rings): $(BUILD)/vringtop.skel.h $(BUILD)/events.skel.h

$(BUILD)/cli/%.o: src/cli/%.c
	@mkdir -p $(@D)
	$(say) CC $*.o
	$(Q)$(CC) $(CFLAGS) $(CPPFLAGS) $(PKG_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/vringtop: $(CLI_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -lm -o $@

-include $(CLI_OBJ:.o=.d)

# Unit tests, always with the sanitizers. Each is a program that speaks TAP. It is linked with
# the whole tool but main.c and what includes a skeleton.
UNIT_FLAGS := -O1 -g -std=gnu11 -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=undefined
NEEDS_BPF  := $(addprefix src/cli/,main.c probe/probe.c probe/probe_find.c probe/probe_load.c probe/probe_read.c probe/probe_rings.c)
UNIT_SRC   := $(filter-out $(NEEDS_BPF),$(CLI_SRC))
UNIT_OBJ   := $(UNIT_SRC:src/cli/%.c=$(BUILD)/unit/cli/%.o)
# The longest two begin first.
UNIT       := $(addprefix $(BUILD)/unit/test_,recording compare)
UNIT       += $(filter-out $(UNIT),$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c)))

$(BUILD)/unit/cli/%.o: src/cli/%.c
	@mkdir -p $(@D)
	$(say) CC unit/$*.o
	$(Q)$(CC) $(UNIT_FLAGS) $(CPPFLAGS) $(PKG_FLAGS) -MMD -MP -c $< -o $@

# In place of the probe, for tests of verbs.
$(BUILD)/unit/fake_probe.o: tests/fake_probe.c
	@mkdir -p $(@D)
	$(say) CC unit/fake_probe.o
	$(Q)$(CC) $(UNIT_FLAGS) $(CPPFLAGS) -Itests $(PKG_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/unit/tool.a: $(UNIT_OBJ) $(BUILD)/unit/fake_probe.o
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(say) CC unit/$*.o
	$(Q)$(CC) $(UNIT_FLAGS) $(CPPFLAGS) $(PKG_FLAGS) -MMD -MP -c $< -o $@

# What a test answers itself instead of the function that is called.
$(BUILD)/unit/test_interval_loop: UNIT_WRAP := wait_until probe_now confine
$(BUILD)/unit/test_queues: UNIT_WRAP := confine
$(BUILD)/unit/test_stalls: UNIT_WRAP := wait_until confine
$(BUILD)/unit/test_stat: UNIT_WRAP := wait_until probe_now confine
$(BUILD)/unit/test_record: UNIT_WRAP := confine_recording
$(BUILD)/unit/test_replaced_file: UNIT_WRAP := fork
$(BUILD)/unit/test_not_shown: UNIT_WRAP := confine confine_recording confine_reading
$(BUILD)/unit/test_load_error: UNIT_WRAP := kernel_try kernel_has_loop kernel_has_bpf kernel_has_events \
	kernel_btf_is_newer kernel_confidential kernel_options_lacking bpf_btf_get_next_id geteuid
# tests/unit/made_files.h: a machine that the test makes up
MADE_FILES := fopen opendir scandir readlink gzopen access stat statfs uname
$(BUILD)/unit/test_device: UNIT_WRAP := $(MADE_FILES)
$(BUILD)/unit/test_doctor: UNIT_WRAP := $(MADE_FILES) kernel_try kernel_try_without_btf kernel_find_way \
	kernel_has_function kernel_has_loop kernel_has_bpf kernel_has_tracing kernel_btf_is_newer \
	kernel_clock_step

$(BUILD)/unit/%: $(BUILD)/unit/%.o $(BUILD)/unit/tool.a
	$(say) TEST $*
	$(Q)$(CC) $(UNIT_FLAGS) $(addprefix -Wl$(COMMA)--wrap=,$(UNIT_WRAP)) \
		$(filter %.o %.a,$^) $(PKG_LIBS) -lcmocka -lm -o $@

.SECONDARY: $(UNIT:=.o)
-include $(UNIT_OBJ:.o=.d) $(UNIT:=.d)

include tests/fuzz/fuzz.mk
include tests/tests.mk
include packaging/packaging.mk

check: all $(UNIT) $(FUZZ) ## the fast tests, no guest; format, linters, manual pages, who includes whom
	@scripts/setup.sh build lint prometheus
	@$(MAKE) -s -C tests/device check
	CMOCKA_MESSAGE_OUTPUT=TAP prove -j $(JOBS) -e '' tests/fuzz/fuzz.t $(UNIT) tests/lint.t tests/delivered.t tests/prometheus.t

unit: $(UNIT) ## the unit tests alone
	CMOCKA_MESSAGE_OUTPUT=TAP prove -j $(JOBS) -e '' $(UNIT)

fuzz: $(FUZZ) ## fuzz what parses what comes from outside, FUZZ_SECONDS for each target (3)
	@tests/fuzz/fuzz.t

clean: ## remove build/ (kernels stay in the cache)
	rm -rf $(BUILD)

# --- Guests: the scripts do it, these targets say how to ask for it ---
# Variables for the guests (see scripts/vm.sh): KERNEL CMD TIMEOUT CPUS MEMORY QEMU_OPTS APPEND ACCEL
# RNG_OPTS RNG_REPORT
KERNEL  ?= 6.12
CMD     ?= bash
export KERNEL
# The command goes on as it was written: its dollar signs are the guest's shell's.
unexport CMD
vm: export VM_COMMAND = $(value CMD)
.PHONY: setup kernel btf vm demo smoke test sanitizers bench help

setup: ## install the packages that are missing (the targets below do it by themselves)
	@scripts/setup.sh

kernel: ## get a guest kernel into the cache: KERNEL=6.12, 7.3, with -ops, -upstream, -stock, -debug, -nobtf or -nobpf; debian-6.1, debian-6.12
	@scripts/setup.sh build kernel
	@image=$$(scripts/kernel.sh image "$$KERNEL") && echo "$$image"

btf: all ## make vmlinux.h again: what the programs read of the types of KERNEL (a patched one)
	@dir=$$(scripts/kernel.sh dir "$$KERNEL") && \
		scripts/vmlinux.sh $(BUILD)/vringtop.bpf.o "$$dir/vmlinux" >$(BUILD)/vmlinux.h
	@mv $(BUILD)/vmlinux.h vmlinux.h

vm: ## run a command as root in a guest: KERNEL=debian CMD='vringtop queues'; a shell without CMD
	@scripts/setup.sh build guest
	@$(MAKE) -q --no-print-directory all 2>/dev/null || $(MAKE) --no-print-directory all >&2
	@scripts/vm.sh "$$VM_COMMAND"

demo: ## the live view in a guest under load (without a terminal: snapshots); KERNEL=debian builds no kernel
	@echo '[1/4] packages'
	@scripts/setup.sh build guest $(if $(filter debian%,$(KERNEL)),debian,kernel)
	@echo '[2/4] vringtop'
	@$(MAKE) -q --no-print-directory all 2>/dev/null || $(MAKE) --no-print-directory all
	@echo '[3/4] kernel'
	@scripts/kernel.sh image "$$KERNEL" >/dev/null
	@echo '[4/4] guest'
	@scripts/vm.sh scripts/demo.sh

smoke: ## tell whether virtqueue operations got slower than a stored recording says (docs/ci.md)
	@scripts/setup.sh build guest
	@$(MAKE) -q --no-print-directory all 2>/dev/null || $(MAKE) --no-print-directory all
	@scripts/smoke.sh

# So many tests run at once; a guest's CPUs share one thread.
JOBS ?= $(shell nproc)
TEST_KERNELS := 6.12 6.12-ops 6.12-stock 6.12-nobtf 6.12-nobpf 7.3 7.3-stock debian-6.1 debian-6.12
# These take minutes each, and what begins last ends last: so they begin first. Of these, first of all the one
# beside which no other runs.
FIRST := $(addprefix tests/vm/,64-examples.t 95-diff.t 66-faults.t 25-kernels.t 97-stalls.t 93-cost.t 00-harness.t 50-top.t \
	80-device.t 10-series.t 96-smoke.t)
# Too long for every run, and seen to hang once.
LONG := tests/vm/69-sanitizers.t
sanitizers: ## every verb under ASan, LeakSanitizer and UBSan in a guest (takes long)
	@scripts/setup.sh build kernel guest
	@prove --timer -e '' $(LONG)

test: ## all tests but sanitizers; ends with a line that counts them
	@scripts/setup.sh build lint prometheus kernel guest browser
	@$(MAKE) --no-print-directory -j $(JOBS) all static man $(UNIT) $(FUZZ)
	@$(MAKE) -s -C tests/device check
	@for kernel in $(TEST_KERNELS); do scripts/kernel.sh image $$kernel >/dev/null || exit; done
	@CMOCKA_MESSAGE_OUTPUT=TAP bash -c 'prove "$$@" 2> >(tee $(BUILD)/said >&2)' prove --timer -j $(JOBS) -e '' \
		$(FIRST) $(filter-out $(FIRST) $(LONG),$(sort $(wildcard tests/vm/*.t))) \
		$(UNIT) tests/fuzz/fuzz.t tests/lint.t tests/delivered.t tests/prometheus.t || \
		{ echo 'The first words of what failed (all: $(BUILD)/said):'; \
		{ grep -A 3 -E '^# [^ ]+\.t: ' $(BUILD)/said; for unit in $(UNIT); do $$unit 2>&1 | \
		grep -B 1 -E 'error: Failure|^Direct leak'; done; } | head -n 25 | cut -c 1-120; exit 1; }

bench: ## measure what it costs, in guests: a table, and build/bench.json; PARTS='cost growth': only these again
	@scripts/setup.sh build kernel guest bench
	@$(MAKE) --no-print-directory all
	@for kernel in 6.12 6.12-stock 7.3 7.3-stock; do scripts/kernel.sh image $$kernel >/dev/null || exit; done
	@tests/bench/bench.sh $(PARTS)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(filter Makefile %.mk,$(MAKEFILE_LIST)) | \
		while IFS='|' read -r target what; do printf 'make %-14s %s\n' "$$target" "$$what"; done
