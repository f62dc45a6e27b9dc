/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs, a file each. Each takes its part of the command line and returns an exit status. */
#ifndef VERBS_H
#define VERBS_H

int verb_top(int argc, char **argv);
int verb_stat(int argc, char **argv);
int verb_stages(int argc, char **argv);
int verb_hist(int argc, char **argv);
int verb_queues(int argc, char **argv);
int verb_stalls(int argc, char **argv);
int verb_record(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_export(int argc, char **argv);
int verb_doctor(int argc, char **argv);

#endif
