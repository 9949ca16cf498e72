/* Precision, recall and F1 with their 95% intervals, and the order in which rules are shown. Pure. */
#ifndef CLI_BACKTEST_MEASURE_H
#define CLI_BACKTEST_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/backtest.h"
#include "cli/interval.h"

struct backtest_share {
    bool known; /* false: nothing to divide by */
    double value;
    struct interval interval;
};

struct backtest_measure {
    struct backtest_share precision; /* of the labelled messages that were flagged, how many are harmful */
    struct backtest_share recall;    /* of the harmful messages, how many were flagged */
    struct backtest_share f1;
    double false_alarms; /* of 10,000 harmless messages */
    bool false_alarms_known;
};

/* `hits` out of `messages`. */
struct backtest_measure backtest_measure_of(const struct backtest_count *hits, const struct backtest_count *messages);

/* Whether any message had a label. */
static inline bool backtest_labelled(const struct backtest *backtest)
{
    return backtest->messages.positive + backtest->messages.negative > 0;
}

/*
 * The rules to be shown, as indices of backtest->rules, most changes first: those that flag other messages than before or
 * are only in one of the sets; with labels, or with `all`, also every one that flags. `ret_rules` has room for
 * backtest->rule_count. Returns how many.
 */
uint32_t backtest_shown_rules(const struct backtest *backtest, bool all, uint32_t *ret_rules);

#endif
