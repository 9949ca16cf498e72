/*
 * Mutation testing of rules: every small change of a rule is tried on the rule's own inline tests. A change that no test
 * notices (a survivor) is either a part that the rule does not need, or one that lacks a test.
 *
 * Changes: a pattern that finds nothing; an entry left out; of a regex an alternative, a \b or another condition of the
 * place left out, a repeat made wider or narrower; an operator of the condition turned or left out. A mutated regex is
 * compiled with PCRE2 alone and run on the views of the tests, so no search is compiled for it.
 *
 * Whether the patterns as they are, and each of their entries, are found in the tests is asked of the engine once.
 */
#ifndef SCANNER_MUTATE_H
#define SCANNER_MUTATE_H

#include <stdint.h>

#include "base/findings.h"
#include "base/status.h"
#include "rules/model.h"

struct ruleset;

enum mutate_kind {
    MUTATE_PATTERN,   /* a pattern finds nothing */
    MUTATE_ENTRY,     /* a phrase or domain is left out */
    MUTATE_BRANCH,    /* an alternative of a regex is left out */
    MUTATE_PLACE,     /* \b ^ $ or a look-around is left out */
    MUTATE_REPEAT,    /* ? * + {n,m} is another */
    MUTATE_CONDITION, /* an operator is another */
};
#define MUTATE_KIND_COUNT 6
extern const char *const mutate_kind_names[MUTATE_KIND_COUNT + 1]; /* "pattern", "entry", ... NULL */

/* A change that no test noticed. */
struct mutate_survivor {
    const struct rule *rule;
    const struct pattern *pattern; /* NULL: the condition */
    enum mutate_kind kind;
    struct model_place place;
    const char *piece;  /* what was left out or changed, as written, cut to a line: "\b", "scratch off", "and" */
    const char *change; /* the change as a whole, in words */
};

struct mutate_score {
    const struct rule *rule;
    uint32_t tried, noticed;
};

struct mutation {
    struct mutate_score *scores; /* one a rule that has tests, live and shadow; in the order of the packs */
    uint32_t score_count;
    struct mutate_survivor *survivors; /* by rule and place */
    uint32_t survivor_count;
    uint32_t untested_count;      /* live and shadow rules without tests: nothing was tried */
    uint32_t left_out_count;      /* tests of several messages in which a phrase is cut in two: they cannot be judged */
    uint32_t left_out_rule_count; /* rules that have no others: nothing was tried */
    struct arena **arenas;
    uint32_t arena_count;
};

/* From one thread at a time, with how many rules are done. */
typedef void (*mutate_progress)(void *context, uint32_t done, uint32_t total);

/*
 * Tries the changes of every rule of the set, or of `only`, on `threads` threads. The tests must pass as things are.
 * STATUS_NO_MEMORY, STATUS_SYSTEM, STATUS_LIMIT. Free with mutation_free; the survivors point into the set.
 */
enum status mutate_rules(const struct ruleset *set, const struct rule *only, unsigned threads, mutate_progress progress,
                         void *context, struct findings *findings, struct mutation *ret_mutation) MUST_USE;
void mutation_free(struct mutation *mutation);

#endif
