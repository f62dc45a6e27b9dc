// SPDX-License-Identifier: GPL-2.0
/* Functions that the static binary (`make static`) has instead of those of libraries. */
#include <stddef.h>

void *__wrap_dlopen(const char *file, int mode);

/*
 * Replaces dlopen(). Only SQLite calls it, to load extensions, which vringtop does not use. A static
 * binary could load a library only with the same glibc on the machine.
 */
void *__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

/*
 * Replaces every function of GnuTLS. libmicrohttpd calls them when it starts and when it ends, and
 * for TLS, which vringtop does not use. Returns 0, which is success.
 */
int no_tls(void);

int no_tls(void)
{
	return 0;
}
