/* SPDX-License-Identifier: GPL-2.0 */
/* What the process may still do once all is attached: next to nothing. */
#ifndef CONFINE_H
#define CONFINE_H

/**
 * Gives up every capability, the way to new ones, and all system calls but those
 * that reading and showing takes. To be called when the programs are attached and
 * the terminal is open; there is no way back. A kernel without seccomp filters
 * leaves out the last step.
 * Returns 0, or -1 after it has printed why not.
 */
int confine(void);

/** The same, but that a recording that is open may still be written, and a command be told to end.
 */
int confine_recording(void);

/** The same as confine(), but that clients may be served on a socket that listens. */
int confine_serving(void);

/**
 * The same for verbs that read recordings, whose content is not trusted, and without what the
 * attached programs need. Recordings and the file to write (output_open()) must be open.
 */
int confine_reading(void);

/**
 * Gives up every capability and the way to new ones, and nothing else: for a process that writes
 * files for one that is confined.
 * Returns 0, or -1 after it has printed why not.
 */
int drop_capabilities(void);

#endif
