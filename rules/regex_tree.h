/*
 * PCRE2 syntax as a tree, for the planner: to find out what a regex requires, and to write it again more loosely.
 *
 * The reader knows what Weir's rules accept. What it cannot know (back-references, calls of groups, {,3}, which
 * versions of PCRE2 read differently) becomes a NODE_ANY that may be anything, also nothing; a look-around, \K and the
 * verbs that only take matches away become nothing; a conditional becomes a choice. (*ACCEPT) and unknown syntax are
 * STATUS_UNSUPPORTED. Never guess: a node must allow at least what PCRE2 allows.
 */
#ifndef RULES_REGEX_TREE_H
#define RULES_REGEX_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

enum regex_node_type {
    NODE_EMPTY,      /* matches nothing, takes no text (also: look-arounds, options) */
    NODE_CHARACTERS, /* one character out of a set */
    NODE_SEQUENCE,   /* children one after the other */
    NODE_CHOICE,     /* one of the children */
    NODE_REPEAT,     /* child, min to max times */
    NODE_START,      /* ^ or \A or \G: start of text or of a line */
    NODE_END,        /* $ or \Z or \z */
    NODE_EDGE,       /* \b */
    NODE_NOT_EDGE,   /* \B */
    NODE_ANY,        /* anything of any length, also nothing */
};

#define REGEX_REPEAT_FOREVER UINT32_MAX

/* A set of characters, case already closed: exact for ASCII, listed or "any" beyond. */
struct regex_set {
    uint64_t ascii[2];      /* bit c: character c is in the set */
    bool other_any;         /* any character beyond ASCII may be in the set */
    bool other_stand_ins;   /* other_any: also those for which an ASCII letter stands without case (K, \u017F) */
    const uint32_t *others; /* if not other_any: the characters beyond ASCII, sorted */
    uint32_t other_count;
};

struct regex_node {
    enum regex_node_type type;
    struct regex_set set;          /* NODE_CHARACTERS */
    uint32_t min, max;             /* NODE_REPEAT */
    struct regex_node *first;      /* children */
    struct regex_node *next;       /* sibling */
    bool empty;                    /* it may take no text */
    bool empty_freely;             /* it may take no text, and then demands nothing of the place where it stands */
    bool loose;                    /* of the root: the tree allows more than PCRE2 does, even in ASCII on one line */
    struct regex_learned *learned; /* what rules/regex_literals.c found out about it; NULL: nothing yet */
};

#define REGEX_TREE_NODES_MAX 200000
#define REGEX_TREE_DEPTH_MAX 200

/*
 * Reads `pattern` (which PCRE2 has accepted) under Weir's default options. STATUS_UNSUPPORTED: nothing certain can be
 * said; the pattern has to be confirmed on every message. STATUS_LIMIT, STATUS_NO_MEMORY.
 */
enum status regex_tree_parse(struct span pattern, struct arena *arena, struct regex_node **ret_root) MUST_USE;

#endif
