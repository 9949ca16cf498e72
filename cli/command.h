/*
 * What every subcommand shares: one entry in the table of cli/weir.c, one file a subcommand.
 *
 * Conventions: data on stdout, people's words on stderr; GNU long options through getopt_long; `--help` prints the
 * subcommand's help on stdout and exits 0.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

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

/* "weir send: words" on stderr; returns `code`. */
int command_fail(const char *command, enum command_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An option's number, within [min, max]; says what is wrong and returns false otherwise. */
bool command_number(const char *command, const char *option, const char *text, long long min, long long max,
                    long long *ret_value);

/* Colours on this stream: a terminal, NO_COLOR not set or empty, TERM not "dumb". */
bool command_colour(FILE *stream);

/* The packs that are used when no --rules is given: those installed with the program, or those of its source tree.
 * NULL: none found. */
const char *command_default_packs(void);

#endif
