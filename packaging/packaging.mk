# SPDX-License-Identifier: GPL-2.0
# What makes vringtop ready for other machines. Included by the Makefile.

.PHONY: static install uninstall

# --- The static binary: the same objects with all libraries inside, glibc too (docs/install.md) ---
# Debian has no static archives of what GnuTLS needs. libmicrohttpd calls GnuTLS only for TLS, which
# vringtop does not ask for: packaging/static.c answers instead.
ifneq ($(filter libmicrohttpd,$(PKGS)),)
MICROHTTPD  = $(shell $(CC) -print-file-name=libmicrohttpd.a)
NO_TLS      = -lmicrohttpd -lpthread $(shell nm -u $(MICROHTTPD) 2>/dev/null | \
		sed -n 's/^ *U \(gnutls_[a-z0-9_]*\)$$/-Wl,--defsym=\1=no_tls/p' | sort -u)
endif
STATIC_LIBS = $(NO_TLS) $(shell pkg-config --static --libs $(filter-out libmicrohttpd,$(PKGS)))

$(BUILD)/vringtop-static: $(CLI_OBJ) packaging/static.c
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -s -Wl,--wrap=dlopen $^ $(STATIC_LIBS) -lm -o $@

static: $(BUILD)/vringtop-static ## build/vringtop-static: one file that runs where nothing else is installed
	@stat -c '%n: %s bytes' $<

# --- Installing ---
install: all ## install vringtop under PREFIX (/usr/local); DESTDIR is honoured
	install -D -m 755 $(BUILD)/vringtop $(DESTDIR)$(PREFIX)/bin/vringtop

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/vringtop
