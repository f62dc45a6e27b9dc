# SPDX-License-Identifier: GPL-2.0
# What tests the tests, and is not part of `make test`. Included by the Makefile.

.PHONY: mutants

# MUTANTS='json-* guest-*': only these. GUESTS=no: leave out those that need a guest.
MUTANTS ?= *
mutants: ## put small faults into the code one by one, and see that a test notices each (tests/mutants)
	@scripts/setup.sh build $(if $(filter no,$(GUESTS)),,guest)
	@tests/mutants/run.py --jobs $(JOBS) --only $(foreach name,$(MUTANTS),'$(name)') $(if $(filter no,$(GUESTS)),--no-guests)

# CASES='arm64-pci s390x-*': only these.
.PHONY: test-machines
test-machines: ## guests of other machines and transports, emulated: docs/machines.md (half an hour)
	@scripts/setup.sh build guest machines
	@$(MAKE) --no-print-directory -j $(JOBS) all static
	@prove --timer -v -e '' tests/machines/machines.t

# --- Coverage: all unit tests, built again with gcov ---
# The tool itself is built, too, so that files that no unit test can have count as not run. What guests
# run is not in it: the tool gives up writing files after its start, so gcov cannot write what it counted.
.PHONY: coverage coverage-programs
COVERAGE       := build/coverage
COVERAGE_FLAGS := -O0 -g -std=gnu11 -Wall -Wextra --coverage
COVERED_UNIT   := $(patsubst tests/unit/%.c,$(COVERAGE)/unit/%,$(wildcard tests/unit/*.c))

coverage-programs: all $(UNIT)

coverage: ## tell which lines and branches the unit tests reach, by folder (docs/coverage.md)
	@scripts/setup.sh build
	@$(MAKE) --no-print-directory BUILD=$(COVERAGE) CFLAGS='$(COVERAGE_FLAGS)' LDFLAGS=--coverage \
		UNIT_FLAGS='$(COVERAGE_FLAGS)' coverage-programs
	@find $(COVERAGE) -name '*.gcda' -delete
	@CMOCKA_MESSAGE_OUTPUT=TAP prove -e '' $(COVERED_UNIT) 2>$(COVERAGE)/said || { cat $(COVERAGE)/said >&2; exit 1; }
	@tests/coverage.py $(COVERAGE) docs/coverage.md
