# SPDX-License-Identifier: GPL-2.0
# Installs vringtop, and makes packages, manual pages and a static binary. Included by the Makefile.

.PHONY: static man install uninstall dist deb rpm test-packages

# --- The static binary: the same objects, linked with all libraries, glibc too (docs/install.md) ---
# Debian has no static archives of the libraries that GnuTLS needs. libmicrohttpd calls GnuTLS only for TLS,
# which vringtop does not use. So packaging/static.c stands in for GnuTLS.
ifneq ($(filter libmicrohttpd,$(PKGS)),)
MICROHTTPD  = $(shell $(CC) -print-file-name=libmicrohttpd.a)
NO_TLS      = -lmicrohttpd -lpthread $(shell nm -u $(MICROHTTPD) 2>/dev/null | \
		sed -n 's/^ *U \(gnutls_[a-z0-9_]*\)$$/-Wl,--defsym=\1=no_tls/p' | sort -u)
endif
STATIC_LIBS = $(NO_TLS) $(shell $(PKG_CONFIG) --static --libs $(filter-out libmicrohttpd,$(PKGS)))

$(BUILD)/vringtop-static: $(CLI_OBJ) packaging/static.c
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -s -Wl,--wrap=dlopen $^ $(STATIC_LIBS) -lm -o $@

static: $(BUILD)/vringtop-static ## build/vringtop-static: one file that needs no library on the machine
	@stat -c '%n: %s bytes' $<

# --- Manual pages: made from --help ---
RELEASED = $(shell sed -n 's/^\#\# \[[0-9.]*\] - //p' CHANGELOG.md | head -n 1)

# This page is made last, so it stands for all pages.
$(BUILD)/man/vringtop.1: $(BUILD)/vringtop docs/man/page.pl docs/man/vringtop.man CHANGELOG.md
	@mkdir -p $(@D)
	$(say) MAN $(@D)
	$(Q)for verb in $$($(BUILD)/vringtop help --list); do \
		docs/man/page.pl $(BUILD)/vringtop $(VERSION) $(RELEASED) $$verb >$(@D)/vringtop-$$verb.1 || exit; done
	$(Q)docs/man/page.pl $(BUILD)/vringtop $(VERSION) $(RELEASED) >$@

man: $(BUILD)/man/vringtop.1 ## build/man: the manual pages, from --help (man -l build/man/vringtop-stat.1)

# --- Installing ---
BINDIR  ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
BASH_COMPLETIONS ?= $(DATADIR)/bash-completion/completions
ZSH_COMPLETIONS  ?= $(DATADIR)/zsh/site-functions
FISH_COMPLETIONS ?= $(DATADIR)/fish/vendor_completions.d

install: all man ## install vringtop under PREFIX (/usr/local); DESTDIR is honoured
	install -D -m 755 $(BUILD)/vringtop $(DESTDIR)$(BINDIR)/vringtop
	install -d $(DESTDIR)$(DATADIR)/man/man1
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(DATADIR)/man/man1
	install -D -m 644 packaging/completions/vringtop.bash $(DESTDIR)$(BASH_COMPLETIONS)/vringtop
	install -D -m 644 packaging/completions/_vringtop $(DESTDIR)$(ZSH_COMPLETIONS)/_vringtop
	install -D -m 644 packaging/completions/vringtop.fish $(DESTDIR)$(FISH_COMPLETIONS)/vringtop.fish

uninstall: ## remove the files that install copied
	rm -f $(DESTDIR)$(BINDIR)/vringtop
	rm -f $(DESTDIR)$(DATADIR)/man/man1/vringtop.1 $(DESTDIR)$(DATADIR)/man/man1/vringtop-*.1
	rm -f $(DESTDIR)$(BASH_COMPLETIONS)/vringtop $(DESTDIR)$(ZSH_COMPLETIONS)/_vringtop
	rm -f $(DESTDIR)$(FISH_COMPLETIONS)/vringtop.fish

# --- Source archive of the last commit; the same commit gives the same bytes ---
SOURCE := vringtop-$(VERSION)

dist: ## build/vringtop-VERSION.tar.gz: the source as committed
	@mkdir -p $(BUILD)
	$(say) DIST $(BUILD)/$(SOURCE).tar.gz
	$(Q)git archive --prefix=$(SOURCE)/ HEAD | gzip -9n >$(BUILD)/$(SOURCE).tar.gz
	@git diff --quiet HEAD || echo 'make dist: the archive lacks the changes that are not committed' >&2

# --- Debian package: from the source archive, in a folder of its own ---
DEB_VERSION = $(shell sed -n '1s/.*(\(.*\)).*/\1/p' packaging/debian/changelog)
DEB         = $(BUILD)/deb

deb: dist ## build/deb: the package for Debian 12 and later, from make dist
	@scripts/setup.sh build deb
	@rm -rf $(DEB) && mkdir -p $(DEB)
	@cp $(BUILD)/$(SOURCE).tar.gz $(DEB)/vringtop_$(VERSION).orig.tar.gz
	@tar -xzf $(BUILD)/$(SOURCE).tar.gz -C $(DEB)
	@cp -r $(DEB)/$(SOURCE)/packaging/debian $(DEB)/$(SOURCE)/debian
	$(say) DEB $(DEB)/vringtop_$(DEB_VERSION)_amd64.deb
	$(Q)cd $(DEB)/$(SOURCE) && env -u MAKEFLAGS -u MAKELEVEL -u CC -u CFLAGS dpkg-buildpackage -us -uc >../log 2>&1 || \
		{ tail -n 30 ../log; exit 1; }

# --- RPM: the same, by packaging/vringtop.spec ---
# --nodeps: on Debian the tools that the spec requires come from Debian's packages, not from RPMs.
RPM = $(abspath $(BUILD)/rpm)

rpm: dist ## build/rpm: an RPM, from make dist
	@scripts/setup.sh build deb
	@rm -rf $(RPM) && mkdir -p $(RPM)
	$(say) RPM $(BUILD)/rpm
	$(Q)env -u MAKEFLAGS -u MAKELEVEL -u CC -u CFLAGS rpmbuild -bb --nodeps $(RPM_OPTIONS) --define '_topdir $(RPM)' \
		--define '_sourcedir $(abspath $(BUILD))' --define 'vringtop_version $(VERSION)' \
		--define 'source_date_epoch_from_changelog 0' packaging/vringtop.spec >$(RPM)/log 2>&1 || \
		{ tail -n 30 $(RPM)/log; exit 1; }

test-packages: ## build the packages twice, check them, install, run and purge them in Debian 12 and 13 (ten minutes)
	@scripts/setup.sh build deb guest debian
	@tests/packages.sh
