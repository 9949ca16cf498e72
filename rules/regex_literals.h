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
#include "rules/traffic_profile.h"
#include "text/view.h"

#define REGEX_LITERALS_MAX 256    /* strings in a set */
#define REGEX_LITERAL_SIZE_MAX 32 /* bytes of a string; longer ones are cut: still required */

#define REGEX_EXTENT_ANY UINT32_MAX

/* From min to max bytes; max may be REGEX_EXTENT_ANY. */
struct regex_extent {
    uint32_t min, max;
};

struct regex_literal {
    struct span text;           /* in the arena */
    struct regex_extent before; /* how far before it the match begins */
    double rate;                /* how often it is expected to occur, per byte of ordinary chat */
    uint32_t rated;             /* while a set is being found: of how many of its bytes that is the rate */
};

struct regex_literals {
    const struct regex_literal *items; /* in the arena */
    uint32_t count;
    double rate; /* how often one of them is expected to occur, per byte of ordinary chat */
    double cost; /* ns a byte of ordinary chat for confirming where they occur, roughly */
};

#define REGEX_LITERALS_ANY_COST 1e8

/* How many bytes the node takes of the text that is searched. */
struct regex_extent regex_literals_extent(const struct regex_node *node);

/*
 * The cheapest required set for the bytes that the search of `view` runs over, to which the tree must have been fitted
 * (rules/regex_fit.h). `traffic` says what is rare (NULL: the built-in profile). STATUS_NOT_FOUND if the regex has none that
 * costs at most `cost_max`. What is found out about each node is kept in the tree, so that asking for its parts afterwards
 * costs little: the tree is used by one thread and not changed any more, and `arena` must live
 * as long as it.
 */
enum status regex_literals_find(const struct regex_node *root, enum view view, const struct traffic_profile *traffic,
                                double cost_max, struct arena *arena, struct regex_literals *ret_literals) MUST_USE;

#endif
