/* Counting for a back-test: one tally a thread, added together at the end. Private to cli/backtest.c and its tests. */
#ifndef CLI_BACKTEST_TALLY_H
#define CLI_BACKTEST_TALLY_H

#include "cli/backtest.h"

/* What one side's rules found in one message: by rule, each rule once. */
struct backtest_hit {
    uint32_t rule; /* index in backtest->rules; 0: the message could not be scanned */
    bool live, unscanned;
    uint32_t span_count;
    struct backtest_span spans[BACKTEST_SAMPLE_SPANS_MAX]; /* of the message */
};

struct backtest_message {
    struct span text;
    uint64_t line;
    uint32_t file;
    enum backtest_label label;
};

/* A backtest with all rules of both sides, and nothing counted. */
enum status backtest_tally_new(struct ruleset *base, struct ruleset *new, const struct backtest_options *options,
                               struct backtest **ret_backtest) MUST_USE;

/* The index of a rule of either set; 0 for one that is in neither. */
uint32_t backtest_tally_rule(const struct backtest *backtest, const struct rule *rule);

/* Counts a message. The hits of both sides are sorted by rule. STATUS_NO_MEMORY. */
enum status backtest_tally_message(struct backtest *backtest, uint32_t samples, const struct backtest_message *message,
                                   const struct backtest_hit *const hits[2], const uint32_t hit_counts[2]) MUST_USE;

/* Adds what `from` counted; takes its samples. Both are of the same sets. */
enum status backtest_tally_add(struct backtest *to, struct backtest *from, uint32_t samples) MUST_USE;

#endif
