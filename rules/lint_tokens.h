/*
 * A regex as a row of tokens that know where they stand, for the linter: the tree (rules/regex_tree.h) says what a regex
 * means and forgets how it was written.
 *
 * For patterns that PCRE2 has accepted. Pure functions.
 */
#ifndef RULES_LINT_TOKENS_H
#define RULES_LINT_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

enum lint_token_type {
    LINT_LITERAL,  /* one character, however it is written */
    LINT_CLASS,    /* [...] */
    LINT_TYPE,     /* one character of a sort: . \w \d \p{Lu} \R \X ... */
    LINT_EDGE,     /* \b */
    LINT_NOT_EDGE, /* \B */
    LINT_ANCHOR,   /* ^ $ \A \z \Z \G */
    LINT_OPEN,     /* ( and what belongs to it, up to the : or the > */
    LINT_CLOSE,
    LINT_BAR,
    LINT_REPEAT, /* ? * + {n,m} with its ? or + */
    LINT_OPTION, /* (?i) */
    LINT_OTHER,  /* references, \K, calls, comments, verbs */
};

enum lint_group { LINT_GROUP_PLAIN, LINT_GROUP_AHEAD, LINT_GROUP_BEHIND, LINT_GROUP_OTHER };

#define LINT_FOREVER UINT32_MAX

struct lint_token {
    enum lint_token_type type;
    uint32_t offset, size; /* bytes of the pattern */
    uint32_t character;    /* LINT_LITERAL; the letter of a LINT_TYPE, '.' for any */
    uint32_t min, max;     /* LINT_REPEAT */
    bool escaped;          /* LINT_LITERAL: written with a backslash */
    bool negative;         /* (?! (?<! */
    enum lint_group group; /* LINT_OPEN */
    uint32_t partner;      /* LINT_OPEN, LINT_CLOSE: index of the other */
    uint32_t depth;        /* groups around it */
    bool caseless, dotall; /* options in force */
};

struct lint_tokens {
    const struct lint_token *items; /* in the arena */
    uint32_t count;
    struct span pattern;
};

/* STATUS_UNSUPPORTED: it uses syntax that the linter does not follow (the (?x) option, for one). STATUS_NO_MEMORY. */
enum status lint_tokens_read(struct span pattern, struct arena *arena, struct lint_tokens *ret_tokens) MUST_USE;

/* What stands in a class, one member after the other. */
struct lint_member {
    uint32_t first, last; /* characters; not for a type */
    char type;            /* 'w', 'd', 'p' ... or ':' for [:name:]; 0: characters */
    bool escaped;         /* the first one was written with a backslash */
    uint32_t offset, size;
};

struct lint_class {
    bool negated;
    uint32_t at, end; /* offsets in the pattern; set by lint_class_open */
    struct span pattern;
};

void lint_class_open(struct span pattern, const struct lint_token *token, struct lint_class *ret_class);
/* False at the end. */
bool lint_class_next(struct lint_class *class, struct lint_member *ret_member);

#endif
