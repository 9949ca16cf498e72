/* Runs a case through Weir as a program would, and holds the result against the oracle. */
#ifndef TESTS_FUZZ_SCAN_COMPARE_H
#define TESTS_FUZZ_SCAN_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fuzz/scan_case.h"

enum difference_kind {
    DIFFERENCE_NONE,
    DIFFERENCE_LOAD,        /* Weir does not take the rules */
    DIFFERENCE_REPORT,      /* a report out of order, twice, or of something that does not exist */
    DIFFERENCE_MISSED,      /* the rule holds and Weir says nothing */
    DIFFERENCE_EXTRA,       /* Weir flags what the rule does not say */
    DIFFERENCE_UNEXPLAINED, /* unscanned, though no limit was hit */
    DIFFERENCE_SPANS,
    DIFFERENCE_KINDS,
};
extern const char *const difference_names[DIFFERENCE_KINDS];

struct difference {
    enum difference_kind kind;
    uint32_t rule, text;
    char words[600]; /* expected and got */
};

struct comparer_counts {
    uint64_t cases, rules, patterns, texts, bytes;
    uint64_t pairs;     /* (text, rule) compared */
    uint64_t held;      /* of them: the rule holds, and Weir says so */
    uint64_t spans;     /* checked */
    uint64_t unscanned; /* a match limit was hit on both sides, or PCRE2 takes long too: not compared further */
    uint64_t left_out;  /* nobody knows: PCRE2 gives up even with large limits, or is too slow */
    uint64_t gated, expressions, always, deferred; /* how patterns are searched: rules/program.h */
    double scan_seconds, oracle_seconds;
};

struct comparer;

struct comparer *comparer_new(void);
void comparer_free(struct comparer **comparer);

/* Cases from now on: automata are made after so many messages (scanner/scanner.h). */
void comparer_set_first(struct comparer *comparer, uint32_t messages);

/* Does Weir differ anywhere? Then where first. */
bool comparer_run(struct comparer *comparer, const struct scan_case *it, struct difference *ret_difference);

/* The same, not counted: for what is made of a case that was. */
bool comparer_try(struct comparer *comparer, const struct scan_case *it, struct difference *ret_difference);

struct comparer_counts comparer_counts(const struct comparer *comparer);

/* What a correct scan reports, a line a hit: "0 f.0 a0[3,9) b0[11,14)". Of words and domains every place is told. */
void comparer_print_expected(struct comparer *comparer, const struct scan_case *it, struct buffer *out);

#endif
