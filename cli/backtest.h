/*
 * What two versions of a rule set make of the same messages: the numbers and samples of `weir rules backtest`.
 *
 * All cores read and scan; but with rules with `across` on either side it is one thread, which judges the messages of each
 * conversation in their order (scanner/across.h). The numbers do not depend on which thread saw what; neither do the samples, which are those
 * whose texts have the smallest hashes. Message texts are kept only for samples, in memory only.
 */
#ifndef CLI_BACKTEST_H
#define CLI_BACKTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"
#include "cli/backtest_label.h"
#include "cli/input.h"
#include "rules/model.h"
#include "scanner/ruleset.h"

#define BACKTEST_JOBS_MAX 256u
#define BACKTEST_SAMPLES_MAX 100u      /* of a rule, newly and no longer flagged each */
#define BACKTEST_SAMPLE_BYTES_MAX 600u /* of a message, around its first span */
#define BACKTEST_SAMPLE_SPANS_MAX 16u
#define BACKTEST_FAULTS_SHOWN_MAX 5u

enum backtest_side { BACKTEST_BASE, BACKTEST_NEW };
enum backtest_change { BACKTEST_NEWLY, BACKTEST_GONE };

struct backtest_options {
    const char *const *files;
    uint32_t file_count;
    struct input_options input;
    struct backtest_labels labels;
    uint32_t jobs;
    uint32_t samples; /* of each rule and change */
    bool unique;      /* the same text with the same label counts once */
};

/* Of the messages that are meant: all, those that are labelled harmful, and those that are labelled harmless. */
struct backtest_count {
    uint64_t all, positive, negative;
};

struct backtest_sample {
    uint64_t order; /* a hash of the text: the smallest are kept */
    uint32_t file;
    uint64_t line;
    enum backtest_label label;
    bool cut_before, cut_after;
    char *text; /* NUL-terminated; may hold anything */
    uint32_t size, span_count;
    struct backtest_span {
        uint32_t start, end; /* of text, in order; they may overlap */
    } spans[BACKTEST_SAMPLE_SPANS_MAX];
};

/* Of one rule; or of the set as a whole (any live rule), which is rule 0. */
struct backtest_rule {
    const char *id;                /* NULL for the set */
    const struct rule *sides[2];   /* NULL: the set of that side has no such rule, or it is off */
    struct backtest_count hits[2]; /* by side */
    uint64_t unscanned[2];
    struct backtest_count changes[2]; /* by enum backtest_change */
    struct backtest_sample *samples[2];
    uint32_t sample_count[2];
};

struct backtest_file {
    const char *path;
    struct backtest_count messages;
    struct backtest_count flagged[2], changes[2]; /* by any live rule */
};

struct backtest {
    struct ruleset *sides[2]; /* borrowed; base may be NULL: then nothing was flagged before */
    struct backtest_rule *rules;
    uint32_t rule_count;
    struct backtest_file *files;
    uint32_t file_count;
    struct backtest_count messages;
    uint64_t repeated;         /* left out by `unique` */
    uint64_t in_conversations; /* messages with a conversation_id; told apart only if there are rules with `across` */
    uint64_t faulty_lines;
    struct error faults[BACKTEST_FAULTS_SHOWN_MAX]; /* the first words about them */
    double seconds;
};

/*
 * Runs it. STATUS_SYSTEM with words if a file cannot be read; STATUS_NO_MEMORY. A message text is only ever in a sample.
 */
enum status backtest_run(struct ruleset *base, struct ruleset *new, const struct backtest_options *options,
                         struct error *error, struct backtest **ret_backtest) MUST_USE;
void backtest_free(struct backtest **backtest);

#endif
