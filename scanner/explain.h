/*
 * Why a rule flags a text, or does not: what each of its patterns finds there, by itself.
 *
 * A scan stops looking as soon as a condition is decided, so it does not know of every pattern. Here each pattern is made
 * a rule of its own and scanned by the same engine, and the conditions are decided over what that finds.
 */
#ifndef SCANNER_EXPLAIN_H
#define SCANNER_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/findings.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/condition.h"
#include "rules/model.h"
#include "rules/program.h"

struct ruleset;

/* Which patterns are found in a text: bytes of the text as sent. */
struct explain_span {
    const char *view;
    uint32_t start, end;
};

struct explain_pattern {
    const struct pattern *pattern;
    enum truth found; /* TRUTH_UNKNOWN: a match limit was hit */
    const struct explain_span *spans;
    uint32_t span_count;
    /* How a scan with the whole rule set comes upon it; not for rules that are off. */
    bool planned;
    enum search_kind search;
    const struct span *literals; /* of a regex: what is searched for, at least for some of its alternatives */
    uint32_t literal_count;
};

struct explain_rule {
    const struct rule *rule;
    enum truth holds;
    uint32_t found_count;                   /* of its patterns */
    const struct explain_pattern *patterns; /* as many as the rule has */
};

struct explanation {
    const char *views[VIEW_COUNT]; /* the text in each view, NUL-terminated; NULs inside are possible: see sizes */
    uint32_t view_sizes[VIEW_COUNT];
    const struct explain_rule *rules; /* all that were asked about, in the order of the packs */
    uint32_t rule_count;
};

/*
 * Looks at every rule of the set, or at `only`. Everything lies in the arena, beside what the set holds. Findings are
 * added where the engine refuses to work. STATUS_LIMIT: the text is too large; STATUS_NO_MEMORY; STATUS_SYSTEM.
 */
enum status explain_text(const struct ruleset *set, const struct rule *only, struct span text, struct arena *arena,
                         struct findings *findings, struct explanation *ret_explanation) MUST_USE;

/*
 * What keeps a condition from holding, in words: "secret", "card and no known", "2 more of (a, b, c)". Empty if nothing
 * does. `values` as for condition_evaluate.
 */
enum status explain_missing(const struct rule *rule, const enum truth *values, struct buffer *out) MUST_USE;

#endif
