/* `weir rules profile`: the options, and its two halves. */
#ifndef CLI_RULES_PROFILE_H
#define CLI_RULES_PROFILE_H

#include <stdint.h>

#include "cli/input.h"
#include "cli/rules.h"

#define RULES_PROFILE_SAMPLES_MAX 64u

enum rules_profile_sort {
    PROFILE_BY_TIME,
    PROFILE_BY_CANDIDATES,
    PROFILE_BY_CONFIRMATIONS,
    PROFILE_BY_HITS,
    PROFILE_BY_COMPILE,
    PROFILE_BY_BYTES,
    PROFILE_BY_RULE
};

struct rules_profile_options {
    struct rules_arguments arguments;
    const char *samples[RULES_PROFILE_SAMPLES_MAX];
    uint32_t sample_count;
    struct input_options input;
    long long text_column;
    const char *write; /* write a traffic profile here instead of measuring rules */
    long long messages_min;
    long long max_ns, max_rule_ns; /* 0: no budget */
    enum rules_profile_sort sort;
    long long top; /* rows; 0: all */
    long long messages_max;
};

/* Writes the profile of the samples' traffic: cli/rules_profile_write.c. Returns an exit code. */
int rules_profile_write(const struct rules_profile_options *options);

/* Measures the rules on the samples and prints the table: cli/rules_profile_measure.c. Returns an exit code. */
int rules_profile_measure(const struct rules_profile_options *options);

/*
 * Calls `take` for each message of the samples, with a progress bar. What cannot be read is told on stderr and counted.
 * An exit code: EXIT_DONE also with faulty lines.
 */
typedef enum status (*rules_profile_take)(void *context, const struct input_message *message);
int rules_profile_read(const struct rules_profile_options *options, const char *label, rules_profile_take take,
                       void *context, uint64_t *ret_faulty);

#endif
