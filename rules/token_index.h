/*
 * Finds literals that can only stand between characters that are neither letters nor digits: words, pieces of phrases,
 * domains. Such a literal is made of whole tokens, runs of letters and digits of ASCII. Each is filed under one of its
 * tokens, the one that occurs least; a text is cut into its tokens, and each of them is looked up.
 *
 * How many literals there are hardly matters to a look at a token (what it looks at leaves the caches as they grow), and there
 * is nothing to compile: this is why long lists are searched this way, and short lists of words by Hyperscan. Domains are filed
 * under a token with a dot behind it that another token follows at once: few messages have one.
 *
 * Immutable once made, any thread may search.
 */
#ifndef RULES_TOKEN_INDEX_H
#define RULES_TOKEN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/traffic_profile.h"

struct token_index;

enum token_kind {
    TOKEN_ANY,
    TOKEN_DOTTED, /* "name" in "name.tld" */
    TOKEN_KINDS,
};

/* Has the literal a token of the kind, and none of more than TOKEN_SIZE_MAX bytes, which is not looked up? */
#define TOKEN_SIZE_MAX 255u
bool token_index_takes(struct span literal, enum token_kind kind);

/*
 * An index of `count` literals, each of which token_index_takes, in the arena; their bytes are not copied. NULL
 * for `traffic`: the profile in use. STATUS_NO_MEMORY.
 */
enum status token_index_make(const struct span *literals, uint32_t count, enum token_kind kind,
                             const struct traffic_profile *traffic, struct arena *arena,
                             struct token_index **ret_index) MUST_USE;

/* Of the index itself, without the literals. */
size_t token_index_bytes(const struct token_index *index);

/* As Hyperscan's: the number of the literal, 0, the offset behind it, 0, and the context. Another value than 0 ends the search. */
typedef int token_index_found(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                              void *context);

/*
 * Calls `found` for each literal that stands in the text with neither a letter nor a digit of ASCII beside it, in the order
 * of the tokens that they are filed under. True if the search came to the end of the text.
 */
bool token_index_search(const struct token_index *index, struct span text, token_index_found *found, void *context);

/* The same without vector instructions: for the tests. */
bool token_index_search_portable(const struct token_index *index, struct span text, token_index_found *found,
                                 void *context);

#endif
