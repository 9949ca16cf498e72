/*
 * A pack as its author wrote it, checked: plain data, immutable, in one arena. Any thread may read it.
 */
#ifndef RULES_MODEL_H
#define RULES_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"
#include "proto/severity.h"
#include "rules/condition.h"
#include "text/view.h"

enum rule_status { RULE_LIVE, RULE_SHADOW, RULE_OFF };
extern const char *const rule_status_names[4]; /* "live", "shadow", "off", NULL */

enum pattern_kind { PATTERN_REGEX, PATTERN_WORDS, PATTERN_DOMAINS };

struct model_place {
    const char *file;
    uint32_t line, column;
};

/* One phrase, or one domain. */
struct pattern_entry {
    struct span text; /* as written but for white space around it, NUL-terminated */
    uint32_t line;    /* in its file */
};

struct pattern {
    const char *name;
    enum pattern_kind kind;
    unsigned views;    /* bit (1 << VIEW_x) for each view that it looks at */
    struct span regex; /* PATTERN_REGEX */
    const struct pattern_entry *entries;
    uint32_t entry_count;  /* 0 only for a list file that holds no entries */
    const char *list_path; /* of a `list`, as opened; NULL otherwise */
    struct model_place place;
};

struct rule_test {
    struct span text;
    bool hit; /* expected */
    struct model_place place;
};

struct rule {
    const char *id;
    const char *title; /* the id if the author gave none */
    const char *queue; /* NULL: the settings decide */
    enum severity severity;
    enum rule_status status;
    const struct pattern *patterns;
    uint32_t pattern_count;
    const struct condition *condition;
    const char *condition_text; /* as written, or NULL for the default */
    const struct rule_test *tests;
    uint32_t test_count;
    struct model_place place;
};

struct pack {
    const char *name;
    const char *path;
    struct model_place place; /* of its name */
    const struct rule *rules;
    uint32_t rule_count;
    uint64_t digest[2];  /* of everything that decides its meaning: the file and the lists it names */
    struct arena *arena; /* owns all of the above */
};

/* Accepts NULL inside; clears the pointer. */
void pack_free(struct pack **pack);

/*
 * Something that a person wrote, for a message of one line: cut off after about 40 bytes, control characters replaced.
 * Returns `quote`.
 */
#define MODEL_QUOTE_SIZE 64
const char *model_quote(struct span text, char quote[MODEL_QUOTE_SIZE]);

/* XXH3-128: tells versions of a rule set apart; no defence against somebody who wants two to look the same. */
void model_digest(struct span bytes, uint64_t ret_digest[2]);

#define MODEL_ID_SIZE_MAX 128            /* of ids, names of packs, queues and patterns; bytes */
#define MODEL_TITLE_SIZE_MAX 1024        /* bytes */
#define MODEL_RULES_MAX 200000           /* in a rule set */
#define MODEL_RULE_PATTERNS_MAX 256      /* of a rule */
#define MODEL_LIST_ENTRIES_MAX 2000000   /* of a list file */
#define MODEL_LIST_SIZE_MAX (128u << 20) /* bytes of a list file */
#define MODEL_REGEX_SIZE_MAX 65536       /* bytes */

#endif
