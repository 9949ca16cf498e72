/*
 * Writes a regex as a byte-wise expression for Hyperscan that matches at least wherever PCRE2 matches: the search may
 * be looser than the rule, never tighter.
 *
 * The expression is made for hs_compile with HS_FLAG_DOTALL | HS_FLAG_MULTILINE and without UTF8, UCP and CASELESS,
 * over views of many messages separated by newlines. Parts before the first and after the last required part are cut
 * off (so that `foo.*` does not report every byte), a set of characters is written as
 * it stands in the tree (fit it to what is searched first: rules/regex_fit.h), a character beyond ASCII is its UTF-8 bytes,
 * `\w` and the like allow any character beyond ASCII, and `\b` is kept only where an ASCII word character stands on its
 * inner side.
 */
#ifndef RULES_REGEX_LOOSEN_H
#define RULES_REGEX_LOOSEN_H

#include "base/buffer.h"
#include "rules/regex_tree.h"

struct regex_loosened {
    uint32_t length_min; /* bytes of the shortest match */
    uint32_t
        weight; /* bytes of the expression with its repeats spelled out: what searching for it costs grows with it */
    double likelihood; /* that a match begins at some place of ordinary text, roughly */
};

/*
 * Appends the expression, NUL-terminated. STATUS_UNSUPPORTED if it would match the empty string or every character (the
 * pattern must then be confirmed on every message); STATUS_LIMIT if it grew too large.
 */
enum status regex_loosen(const struct regex_node *root, struct buffer *out, struct regex_loosened *ret_facts) MUST_USE;

#endif
