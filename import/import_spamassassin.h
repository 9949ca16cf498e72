/* What is known of SpamAssassin's rules while their files are read. Only for import/import_spamassassin*.c. */
#ifndef IMPORT_IMPORT_SPAMASSASSIN_H
#define IMPORT_IMPORT_SPAMASSASSIN_H

#include <stdbool.h>
#include <stdint.h>

#include "import/import_draft.h"
#include "import/import_regex.h"

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->lost = true)
#include <uthash.h>

enum import_spamassassin_kind {
    SPAMASSASSIN_UNKNOWN, /* described or scored, and never defined */
    SPAMASSASSIN_BODY,    /* body and rawbody */
    SPAMASSASSIN_URI,
    SPAMASSASSIN_META,
    SPAMASSASSIN_OTHER, /* `why` it cannot be moved */
};

struct import_spamassassin_rule {
    const char *name;
    enum import_spamassassin_kind kind;
    struct import_place place;
    struct span text; /* the regex between its delimiters, or the condition of a meta rule */
    struct import_flags flags;
    const char *sort, *why; /* SPAMASSASSIN_OTHER */
    const char *title;
    bool has_score;
    double score;
    bool nice, multiple; /* tflags */
    bool has_tags;       /* replace_rules */
    bool used;           /* a rule that was moved has it as a part */
    bool told;           /* that it is left out */

    /* Made when it is first needed. */
    bool prepared;
    struct span regex;

    /* While a rule is made that it is a part of. */
    const struct import_rule *part_of;
    const struct import_expression *part;
    bool part_counts; /* its number may be more than 1 */
    bool visiting;

    bool lost;
    struct import_spamassassin_rule *next; /* in the order in which they were named first */
    UT_hash_handle hh;
};

/* replace_tag, replace_pre, replace_post, replace_inter */
struct import_spamassassin_tag {
    char type; /* 't', 'p', 'o', 'i' */
    struct span name, text;
    struct import_spamassassin_tag *next;
};

#define IMPORT_SPAMASSASSIN_BLOCKS_MAX 64

struct import_spamassassin_block {
    bool taken;       /* its lines count */
    bool outer;       /* those around it count */
    uint32_t line;    /* of its `if` */
    uint32_t skipped; /* lines */
};

struct import_spamassassin {
    struct import_spamassassin_rule *by_name, *first, *last;
    struct import_spamassassin_tag *tags;
    struct span tag_start, tag_end;
    struct import_spamassassin_block blocks[IMPORT_SPAMASSASSIN_BLOCKS_MAX];
    uint32_t depth;
    uint32_t nesting; /* of meta rules, while one is made */
};

/* if, ifplugin, else, endif. False: the line is none of them. */
bool import_spamassassin_block(struct import *import, struct span key, struct span rest, uint32_t line);
bool import_spamassassin_skips(struct import_spamassassin *state); /* counts the line, too */
void import_spamassassin_end_blocks(struct import *import);        /* at the end of a file */

/* replace_start, ..., but for replace_rules. False: the line is none of them. */
bool import_spamassassin_tag(struct import *import, struct span key, struct span rest);
/* Puts the tags' texts into a regex. */
struct span import_spamassassin_expand(struct import *import, struct span regex);

/*
 * The condition of a meta rule over patterns that are added to `draft`. NULL: it cannot be moved, and *ret_sort and *ret_why
 * (in the arena) say so.
 */
const struct import_expression *import_spamassassin_meta(struct import *import, struct import_spamassassin_rule *rule,
                                                         struct import_rule *draft, const char **ret_sort,
                                                         const char **ret_why);

/* The rule as a pattern of `draft`. NULL likewise. */
const struct import_expression *import_spamassassin_part(struct import *import, struct import_spamassassin_rule *rule,
                                                         struct import_rule *draft, const char **ret_sort,
                                                         const char **ret_why);

struct import_spamassassin_rule *import_spamassassin_find(struct import *import, struct span name, bool make);

#endif
