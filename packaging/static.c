// SPDX-License-Identifier: GPL-2.0
/* What the static binary does without (`make static`). */
#include <stddef.h>

void *__wrap_dlopen(const char *file, int mode);

/*
 * Stands for dlopen(), which only SQLite calls, for extensions that vringtop does not switch on. A
 * library that is loaded would need the glibc with which the binary was built.
 */
void *__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

/*
 * Stands for every function of GnuTLS, which libmicrohttpd calls when it starts and ends, and for
 * TLS, for which vringtop does not ask. 0 is success.
 */
int no_tls(void);

int no_tls(void)
{
	return 0;
}
