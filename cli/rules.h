/*
 * `weir rules ACTION`: one row in the table of cli/rules.c and one file an action. What actions have in common is here:
 * options, finding packs, printing.
 *
 * A new action declares its function below, adds its row to the table, and reads its options with
 * rules_arguments_read.
 */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/status.h"

struct pack;
struct rule;
struct ruleset;

/* argv[0] is the name of the action. They return an exit code (enum command_exit). */
int rules_check(int argc, char **argv);    /* cli/rules_check.c */
int rules_test(int argc, char **argv);     /* cli/rules_test.c */
int rules_list(int argc, char **argv);     /* cli/rules_list.c */
int rules_fmt(int argc, char **argv);      /* cli/rules_fmt.c */
int rules_import(int argc, char **argv);   /* cli/rules_import.c */
int rules_mutate(int argc, char **argv);   /* cli/rules_mutate.c */
int rules_explain(int argc, char **argv);  /* cli/rules_explain.c */
int rules_profile(int argc, char **argv);  /* cli/rules_profile.c */
int rules_backtest(int argc, char **argv); /* cli/rules_backtest.c */
int rules_diff(int argc, char **argv);     /* cli/rules_diff.c */
int rules_status(int argc, char **argv);   /* cli/rules_status.c */
int rules_rollback(int argc, char **argv); /* cli/rules_rollback.c, also the next two */
int rules_resume(int argc, char **argv);
int rules_restore(int argc, char **argv);
int rules_stats(int argc, char **argv); /* cli/rules_stats.c */

#define RULES_PATHS_MAX 4096u
#define RULES_OPTIONS_MAX 24 /* of one action, beside --rules, --json and --help */

/* Values for options that have no letter. */
#define RULES_LONG_OPTION 256

/*
 * What the actions have in common. An action fills the first part (zero is fine for what it has no use for), calls
 * rules_arguments_read, and frees with rules_arguments_free.
 */
struct rules_arguments {
    const char *command; /* "rules check", for messages */
    const char *help;
    const struct option *options; /* its own; val is a letter, or RULES_LONG_OPTION and above; ends with a zeroed row */
    const char *letters;          /* of its own options as getopt knows them: "n:q" */
    /* Takes one of its own options; `value` may be NULL. False: it was wrong, and the words have been said. */
    bool (*take)(void *context, int option, const char *value);
    void *context;
    bool takes_words;    /* what is no option goes to `words`: PATHs only by --rules */
    bool may_lack_packs; /* no PATH given stands for none, instead of the packs that come with Weir */

    bool json;
    const char **paths; /* borrowed from argv, the array is freed by rules_arguments_free */
    uint32_t path_count;
    char *const *words; /* only with takes_words: the rest of argv */
    uint32_t word_count;
};

/* False: stop with *ret_exit (--help, or wrong usage that has been told). */
bool rules_arguments_read(struct rules_arguments *arguments, int argc, char **argv, int *ret_exit) MUST_USE;
void rules_arguments_free(struct rules_arguments *arguments);

/* Exit code of a load: the environment's fault, the rules' fault, or none. */
int rules_exit_code(enum status status, const struct findings *findings);

/* Prints the object on one line of stdout and returns `exit_code`; takes the object over, and NULL is no memory. */
int rules_print_json(const char *command, json_t *object, int exit_code);

/* The findings as a JSON array; NULL without memory. */
json_t *rules_findings_json(const struct findings *findings);

/* The number of pack files that the paths stand for, as far as they can be found. */
uint32_t rules_count_files(const struct rules_arguments *arguments);

#define RULES_ARENA_SIZE_MAX (64u << 20) /* of an arena that holds paths and packs' addresses */

/*
 * Reads the packs of all paths, without compiling or testing them; what cannot be read is in the findings. The array lives
 * in the arena, each pack is freed with pack_free.
 */
enum status rules_read_packs(const struct rules_arguments *arguments, struct arena *arena, struct findings *findings,
                             struct pack ***ret_packs, uint32_t *ret_count) MUST_USE;

/* The rule with that id; false after saying on stderr that there is none, and which may be meant. */
bool rules_find(const struct ruleset *set, const char *id, const char *command, const struct rule **ret_rule) MUST_USE;

/* Columns of the terminal on stdout, at least 40; 0: not a terminal, anything goes. */
unsigned rules_terminal_width(void);

#endif
