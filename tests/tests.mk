# SPDX-License-Identifier: GPL-2.0
# What tests the tests, and is not part of `make test`. Included by the Makefile.

.PHONY: mutants

# MUTANTS='json-* guest-*': only these. GUESTS=no: leave out those that need a guest.
MUTANTS ?= *
mutants: ## put small faults into the code one by one, and see that a test notices each (tests/mutants)
	@scripts/setup.sh build $(if $(filter no,$(GUESTS)),,guest)
	@tests/mutants/run.py --jobs $(JOBS) --only $(foreach name,$(MUTANTS),'$(name)') $(if $(filter no,$(GUESTS)),--no-guests)
