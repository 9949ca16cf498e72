/*
 * Conditions: `ask and code and not known`, `2 of them`, `any of (ask*, tell)`.
 *
 * Grammar, loosest binding first, keywords in lower case, names as in `patterns:` (a letter or `_`, then letters,
 * digits,
 * `_` and `-`), white space and line breaks anywhere between words:
 *   expression := conjunction { "or" conjunction }
 *   conjunction := factor { "and" factor }
 *   factor := "not" factor | "(" expression ")" | count "of" set | name
 *   count := "any" | "all" | number          set := "them" | "(" selector { "," selector } ")"
 *   selector := name | prefix "*" | "*"
 * any = at least 1; a number = at least that many; "none of" is written "not any of". A pattern that several selectors
 * of a set name counts once. A number that is 0 or more than the patterns of its set is a fault.
 *
 * Values are three-valued: a pattern that hit a match limit is unknown, and a condition that depends on it is unknown
 * too (Kleene's strong logic).
 *
 * Pure functions: any thread.
 */
#ifndef RULES_CONDITION_H
#define RULES_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };

enum condition_type { CONDITION_PATTERN, CONDITION_NOT, CONDITION_AND, CONDITION_OR, CONDITION_COUNT };

struct condition {
    enum condition_type type;
    uint32_t pattern;         /* CONDITION_PATTERN: index in the rule */
    uint32_t at_least;        /* CONDITION_COUNT */
    const uint32_t *patterns; /* CONDITION_COUNT: sorted, each once */
    uint32_t pattern_count;
    const struct condition *left, *right; /* NOT uses left */
};

#define CONDITION_DEPTH_MAX 64    /* parentheses and `not` inside each other */
#define CONDITION_SIZE_MAX 16384u /* bytes of text */

struct condition_fault {
    uint32_t offset; /* byte offset in the text */
    char text[200];
    char remedy[120]; /* may be empty */
};

/*
 * `names` are the pattern names of the rule in order, at least one. STATUS_INVALID with ret_fault filled. A chain of
 * `and` or `or` becomes a balanced tree, so that evaluating never recurses deeply.
 */
enum status condition_parse(const char *text, const char *const *names, uint32_t name_count, struct arena *arena,
                            struct condition_fault *ret_fault, const struct condition **ret_condition) MUST_USE;

/* `values[i]` for each pattern of the rule. */
enum truth condition_evaluate(const struct condition *condition, const enum truth *values);

/* Does the condition mention pattern i? For the finding "pattern is never used". */
bool condition_uses(const struct condition *condition, uint32_t pattern);

/* A name that a condition can spell: the syntax above, and none of the words of the grammar in any case. */
bool condition_is_name(const char *text);
bool condition_is_reserved(const char *text);

#endif
