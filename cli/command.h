/*
 * What every subcommand shares: one entry in the table of cli/weir.c, one file a subcommand.
 *
 * Conventions: data on stdout, people's words on stderr; GNU long options through getopt_long; `--help` prints the
 * subcommand's help on stdout and exits 0. What cannot be written to stdout is noticed once, by main: a subcommand need
 * not check each write, unless it goes on for long.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/findings.h"

enum command_exit {
    EXIT_DONE = 0,        /* done */
    EXIT_FOUND_FAULT = 1, /* it found fault with the input or the rules */
    EXIT_WRONG_USAGE = 2, /* wrong usage */
    EXIT_ENVIRONMENT = 3, /* the environment failed */
};

int command_run(int argc, char **argv);    /* weir run     cli/run.c */
int command_send(int argc, char **argv);   /* weir send    cli/send.c */
int command_scan(int argc, char **argv);   /* weir scan    cli/scan.c */
int command_rules(int argc, char **argv);  /* weir rules   cli/rules.c */
int command_alerts(int argc, char **argv); /* weir alerts  cli/alerts.c */
int command_config(int argc, char **argv); /* weir config  cli/config.c */
int command_doctor(int argc, char **argv); /* weir doctor  cli/doctor.c */
int command_demo(int argc, char **argv);   /* weir demo    cli/demo.c */

/* "weir send: words" on stderr, then how to get help; returns EXIT_WRONG_USAGE. */
int command_usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * What getopt_long did not take, in words; returns EXIT_WRONG_USAGE. For an optstring that begins with ':', with opterr
 * 0: `outcome` is the ':' or '?' that getopt_long returned.
 */
int command_option_error(const char *command, int outcome, char *const argv[], const struct option *known);

/* "weir send: words" on stderr; returns `code`. */
int command_fail(const char *command, enum command_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An option's number, within [min, max] (LLONG_MAX: no limit); says what is wrong and returns false otherwise. */
bool command_number(const char *command, const char *option, const char *text, long long min, long long max,
                    long long *ret_value);

/* What the program is busy with, on stderr if that is a terminal; NULL wipes it away. */
void command_busy(const char *words);

/* "" for 1, else "s". */
const char *command_plural(unsigned long long count);

/* Colours on this stream: a terminal, NO_COLOR not set or empty, TERM not "dumb". */
bool command_colour(FILE *stream);

/* The packs that are used when no --rules is given: those installed with the program, or those of its source tree.
 * NULL: none found. */
const char *command_default_packs(void);

#endif
