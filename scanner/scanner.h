/*
 * Scans messages with a rule set: views, search, confirmation, conditions. One scanner a thread; it keeps all its
 * scratch, so that scanning a clean message allocates nothing.
 */
#ifndef SCANNER_SCANNER_H
#define SCANNER_SCANNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "proto/verdict.h"
#include "scanner/ruleset.h"

struct scanner;

struct scan_hit {
    const struct rule *rule; /* lives as long as the rule set */
    enum outcome outcome;
    const char *reason; /* OUTCOME_UNSCANNED: "match_limit", "text_limit", "no_memory" or "engine"; else NULL */
    const struct verdict_span *spans;
    uint32_t span_count;

    /*
     * Only of a rule with `across`, and only of a scanner that was told to (scanner_set_across): the condition was not
     * decided, this is what was found in the message. Bit i stands for pattern i; `unknown` hit a match limit.
     * scanner/across.h decides.
     */
    bool partial;
    uint64_t found, unknown;

    /* Decided by scanner/across.h: the other messages that took part, in the order in which they were sent. */
    const struct verdict_context *parts;
    uint32_t part_count;
};

#define SCANNER_PATTERN_SPANS_MAX 16 /* of one pattern in one message */
#define SCANNER_HIT_SPANS_MAX 256    /* of one rule in one message */
#define SCANNER_SLICE_BYTES (128u << 10)
#define SCANNER_SLICE_MESSAGES 4096u

/* The rule that stands for a message of which nothing could be said. */
extern const struct rule scanner_unscanned_rule;

/* Everything it points to but the rules is valid only during the call. A status other than OK ends the scan with it. */
typedef enum status (*scanner_report)(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count);

enum status scanner_new(struct scanner **ret_scanner) MUST_USE;
void scanner_free(struct scanner **scanner);

/*
 * Scans `count` texts and calls `report` for each message that has a hit (of a live or a shadow rule) or could not be
 * scanned, in order. A message that cannot be scanned is reported, never skipped, so the only results are STATUS_OK and
 * what `report` returned.
 */
enum status scanner_scan(struct scanner *scanner, struct ruleset *ruleset, const struct span *texts, uint32_t count,
                         scanner_report report, void *context) MUST_USE;

/*
 * Rules with `across` are reported as partial hits from now on, for each message in which one of their patterns is found.
 * Otherwise their condition must hold within one message.
 */
void scanner_set_across(struct scanner *scanner, bool across);

/* Whether hits have spans (they do unless told otherwise): finding every place costs more than finding the hit. */
void scanner_set_spans(struct scanner *scanner, bool wanted);

/*
 * After how many messages regexes that nothing is searched for get their automata (scanner/sweep.h): only speed depends on
 * it. Tests want 0.
 */
void scanner_set_first(struct scanner *scanner, uint32_t messages);

/* What was done since the scanner was made: for metrics, benchmarks and `weir rules profile`. */
struct scanner_counts {
    uint64_t messages, bytes, candidates, confirmations, flagged, unscanned;
};
struct scanner_counts scanner_counts(const struct scanner *scanner);

#endif
