/*
 * Required literals: a set of strings of which at least one stands in every text that the regex matches.
 *
 * Found on the tree (rules/regex_tree.h) from the inside out: a node knows either all the strings it can match, if they
 * are few, or the rarest set of which one is required. A sequence multiplies the strings of its parts as long as they
 * stay few, a choice needs a set from each branch. The idea is that of RE2's FilteredRE2 and of Rust's regex-syntax
 * `literal` module.
 */
#ifndef RULES_REGEX_LITERALS_H
#define RULES_REGEX_LITERALS_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/regex_tree.h"
#include "text/view.h"

#define REGEX_LITERALS_MAX 256    /* strings in a set */
#define REGEX_LITERAL_SIZE_MAX 32 /* bytes of a string; longer ones are cut: still required */

struct regex_literals {
    const struct span *strings; /* in the arena */
    uint32_t count;
    double rate; /* how often one of them is expected to occur, per byte of ordinary chat */
};

/* Above this expected rate a literal is no gate: confirming would cost more than searching for the whole expression. */
#define REGEX_LITERALS_RATE_MAX 2e-4

/* How often a string is expected to occur, per byte of ordinary chat. */
double regex_literals_rate(struct span string);

/*
 * The rarest required set for the bytes that the search of `view` runs over, to which the tree must have been fitted
 * (rules/regex_fit.h). STATUS_NOT_FOUND if the regex has none that is rare enough.
 */
enum status regex_literals_find(const struct regex_node *root, enum view view, struct arena *arena,
                                struct regex_literals *ret_literals) MUST_USE;

#endif
