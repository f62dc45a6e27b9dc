/* SPDX-License-Identifier: GPL-2.0 */
/* Gives up what the process no longer needs once the programs are attached. */
#ifndef CONFINE_H
#define CONFINE_H

/**
 * Gives up every capability, every way to get one again, and all system calls but those that it
 * takes to read and to show counts. Call it when the programs are attached and the terminal is
 * open; there is no way back. On a kernel without seccomp filters all system calls stay.
 * Returns 0, or -1 after it has printed why not.
 */
int confine(void);

/** The same, but an open recording may still be written, and a command may get a signal. */
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
