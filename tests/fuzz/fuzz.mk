# SPDX-License-Identifier: GPL-2.0
# The fuzzers: one for each file here, with libFuzzer and the sanitizers, linked with what it calls of
# the tool. Included by the Makefile; fuzz.t runs them.

FUZZ       := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(filter-out tests/fuzz/files.c,$(wildcard tests/fuzz/*.c)))
FUZZ_TOOL  := $(UNIT_SRC:src/cli/%.c=$(BUILD)/fuzz/cli/%.o)
FUZZ_FLAGS := -O1 -g -std=gnu11 -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=undefined

$(BUILD)/fuzz/cli/%.o: src/cli/%.c
	@mkdir -p $(@D)
	$(say) CC fuzz/$*.o
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(CPPFLAGS) $(PKG_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/fuzz/fake_probe.o: tests/fake_probe.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(CPPFLAGS) -Itests $(PKG_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/fuzz/tool.a: $(FUZZ_TOOL) $(BUILD)/fuzz/fake_probe.o
	@rm -f $@
	$(Q)ar rc $@ $^

# What a target answers itself instead of the function that is called.
FUZZ_FILES := fopen opendir readdir closedir scandir readlink uname
FUZZ_WRAP_sysfs   := $(FUZZ_FILES)
FUZZ_WRAP_doctor  := $(FUZZ_FILES) kernel_try kernel_try_without_btf kernel_find_way kernel_has_function \
	kernel_has_loop kernel_options_lacking kernel_clock_step
FUZZ_WRAP_views   := interval_loop
FUZZ_WRAP_recording := confine_reading
# It parses, and does nothing of what is asked for.
FUZZ_WRAP_options := interval_loop recording_open output_open listen_open replaced_file_open
$(BUILD)/fuzz/sysfs $(BUILD)/fuzz/doctor: tests/fuzz/files.c tests/fuzz/files.h

$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(BUILD)/fuzz/tool.a
	$(say) FUZZ $*
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer $(CPPFLAGS) $(addprefix -Wl$(COMMA)--wrap=,$(FUZZ_WRAP_$*)) \
		$(filter %.c %.a,$^) $(PKG_LIBS) -lm -o $@
COMMA := ,

-include $(FUZZ_TOOL:.o=.d)
