/*
 * Finds literals that stand between characters which can be told at a glance: words, beginnings of words, pieces of phrases,
 * domains, and whatever has a character beyond ASCII. A token is a run of letters and digits of ASCII. Each literal is filed
 * under one of its keys, the one that occurs least; a text is cut into its tokens, and each of them is looked up.
 *
 * How many literals there are hardly matters to a look at a token (what it looks at leaves the caches as they grow), and there
 * is nothing to compile: this is why words and domains are searched this way, and other literals by Hyperscan. Domains are
 * filed under two tokens with a dot between: few messages have such. What has characters
 * beyond ASCII is filed under one of these, of which most messages have none.
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
#include "rules/token_cut.h"
#include "rules/traffic_profile.h"

struct token_index;

/* What a literal is filed under. */
enum token_kind {
    TOKEN_ANY,       /* a whole token */
    TOKEN_DOTTED,    /* two of them with a dot between: "name.tld" */
    TOKEN_BEGINNING, /* the first letters of a token: "kill" where "killing" is to be found */
    TOKEN_BEYOND,    /* a character beyond ASCII and what stands behind it, up to TOKEN_GRAM_MAX bytes */
    TOKEN_KINDS,
};
#define TOKEN_GRAM_MAX 6u

/* No letter or digit of ASCII stands right before the literal, or right after it. */
enum { EDGE_BEFORE_LITERAL = 1, EDGE_AFTER_LITERAL = 2 };

struct token_literal {
    struct span text;
    enum token_kind kind;
    uint8_t edges; /* EDGE_*: it is found only where these hold */
};

/* Has the literal a key of its kind, and no token of more than TOKEN_SIZE_MAX bytes, which is not looked up? */
#define TOKEN_SIZE_MAX 255u
bool token_index_takes(const struct token_literal *literal);

/*
 * An index of `count` literals, each of which token_index_takes, in the arena; their bytes are not copied and must
 * stay. NULL for `traffic`: the profile in use. STATUS_NO_MEMORY.
 */
enum status token_index_make(const struct token_literal *literals, uint32_t count,
                             const struct traffic_profile *traffic, struct arena *arena,
                             struct token_index **ret_index) MUST_USE;

/* Of the index itself, without the literals. */
size_t token_index_bytes(const struct token_index *index);

/* Literal `id` stands at [start, end) of the text. False ends the search. */
typedef bool token_index_found(void *context, uint32_t id, size_t start, size_t end);

/*
 * Calls `found` for each place of each literal where its edges hold, in no order but that places far apart come in that of the
 * text. True if the search came to the end of the text.
 */
bool token_index_search(const struct token_index *index, struct span text, token_index_found *found, void *context);

/* With the given instructions, if the machine has them, else with lesser ones: for the tests. */
bool token_index_search_by(enum token_way way, const struct token_index *index, struct span text,
                           token_index_found *found, void *context);

#endif
