/*
 * Builds the character sets of a regex tree: exact for ASCII, never too small beyond. Used by the tree's reader alone.
 *
 * Prepare it with regex_set_clear. What cannot be listed becomes "any beyond ASCII"; a want of memory shows at the end.
 * Since a set may be negated, its ASCII part must never be too large either.
 */
#ifndef RULES_REGEX_SET_H
#define RULES_REGEX_SET_H

#include "rules/regex_tree.h"

#define REGEX_SET_OTHERS_MAX 2048 /* listed characters beyond ASCII; more than that are "any" */

struct regex_set_builder {
    uint64_t ascii[2];
    bool other_any;
    bool stand_ins; /* the Kelvin sign or the long s may be among what was added */
    bool failed;    /* out of memory: the set is good for nothing */
    uint32_t other_count;
    uint32_t others[REGEX_SET_OTHERS_MAX]; /* neither sorted nor unique */
};

void regex_set_clear(struct regex_set_builder *builder);

/* Adds the characters from first to last; with `caseless` also every character that PCRE2 takes for one of them. */
void regex_set_add(struct regex_set_builder *builder, uint32_t first, uint32_t last, bool caseless);

/* What \d \w \s \h \v \R (one character) \N and their opposites allow; `letter` is the one after the backslash. */
void regex_set_add_type(struct regex_set_builder *builder, char letter);

/* [:name:] or, negated, [:^name:], with regard to case. False if the name is not known. */
bool regex_set_add_posix(struct regex_set_builder *builder, struct span name, bool negated);

/* \p{...} or [:lower:], written as in the pattern: the ASCII part is what PCRE2 says, beyond it is any. */
enum status regex_set_add_property(struct regex_set_builder *builder, struct span source, bool in_class,
                                   bool caseless) MUST_USE;

/* Everything that is not in the set; beyond ASCII the outcome is "any". */
void regex_set_negate(struct regex_set_builder *builder);

/* The set, with its list in the arena. STATUS_NO_MEMORY, also if adding ran out of it. */
enum status regex_set_finish(struct regex_set_builder *builder, struct arena *arena,
                             struct regex_set *ret_set) MUST_USE;

static inline bool regex_set_has_ascii(const uint64_t ascii[2], uint32_t character)
{
    return (ascii[character >> 6] >> (character & 63) & 1) != 0;
}

#endif
