/* SPDX-License-Identifier: GPL-2.0 */
/* What the device saw, in numbers, and what it has to complain about. */
#ifndef REPORT_H
#define REPORT_H

/* All of them since the device was started, over all connections. */
struct counters {
	unsigned long long connections;
	unsigned long long kicks;	   /* doorbells: the sum of what the eventfd said */
	unsigned long long kicks_at_start; /* the front-end's own, with each start of the ring */
	unsigned long long wakeups;	   /* reads of the eventfd; fewer when kicks merged */
	unsigned long long kicks_ignored; /* that came while a fault kept the device from looking */
	unsigned long long empty_looks;	  /* wakeups that found no new buffer */
	unsigned long long taken;	  /* buffers */
	unsigned long long buffers;	  /* returned as used */
	unsigned long long bytes;	  /* written into them */
	/* Each returned buffer is in one of these three: */
	unsigned long long interrupts;		  /* sent */
	unsigned long long interrupts_suppressed; /* the driver did not want it */
	unsigned long long interrupts_withheld;	  /* a fault */
	unsigned long long wraps; /* how often the ring was gone through to its end */
	unsigned long long errors;
};

extern struct counters counters;
extern char last_complaint[256];

/* Says what somebody did wrong, and counts it as an error. Returns -1, for `return complain(...)`.
 */
__attribute__((format(printf, 1, 2))) int complain(const char *fmt, ...);

#endif
