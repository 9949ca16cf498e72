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
    uint32_t column;  /* from 1, in characters */
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
    struct model_place body; /* of the value of `regex`, `words` or `list` */
};

/* A sort of finding that a rule is allowed to have, and why (rules/lint.h). */
struct rule_allow {
    const char *name;
    const char *reason;
    struct model_place place;
    bool used; /* a finding of the reader was left out because of it */
};

/* One message of a test of several. */
struct rule_test_message {
    struct span text;
    struct span sender; /* its name; empty: the author gave none, and all those are one sender */
    uint32_t minutes;   /* from the beginning of the conversation to when it was sent; later ones may have less */
};

struct rule_test {
    struct span text; /* the message; of a conversation the messages on one line, to show them and tell tests apart */
    const struct rule_test_message *messages; /* a conversation, in the order in which they come; NULL: one message */
    uint32_t message_count;                   /* 0: one message */
    bool hit;                                 /* expected, of some message of a conversation */
    struct model_place place;
};

/* The patterns of the condition may be found in different messages of a conversation (docs/rules/across.md). */
struct rule_across {
    uint32_t messages; /* how many messages, the last one among them; 0: the rule has no `across` */
    uint32_t minutes;  /* and how far apart the first and the last may be sent */
    bool by_sender;    /* only messages of one sender count */
};

#define ACROSS_MESSAGES_MAX 100u
#define ACROSS_MINUTES_MAX 1440u
#define ACROSS_PATTERNS_MAX 64u
#define ACROSS_MESSAGES_DEFAULT 10u
#define ACROSS_MINUTES_DEFAULT 30u

struct rule {
    const char *id;
    const char *title; /* the id if the author gave none */
    const char *queue; /* NULL: the settings decide */
    enum severity severity;
    enum rule_status status;
    uint32_t max_per_minute; /* a live rule with more hits is demoted to shadow; 0: the settings decide */
    const struct pattern *patterns;
    uint32_t pattern_count;
    const struct condition *condition;
    const char *condition_text;         /* as written, or NULL for the default */
    struct model_place condition_place; /* of the condition, or of the patterns for the default */
    struct rule_across across;
    const struct rule_test *tests;
    uint32_t test_count;
    const struct rule_allow *allows;
    uint32_t allow_count;
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
#define MODEL_MINUTE_MAX 1000000000      /* of max_per_minute */
#define MODEL_RULES_MAX 200000           /* in a rule set */
#define MODEL_RULE_PATTERNS_MAX 256      /* of a rule */
#define MODEL_LIST_ENTRIES_MAX 2000000   /* of a list file */
#define MODEL_LIST_SIZE_MAX (128u << 20) /* bytes of a list file */
#define MODEL_REGEX_SIZE_MAX 65536       /* bytes */
#define MODEL_TEST_MESSAGES_MAX 200u     /* of one test */
#define MODEL_TEST_MINUTES_MAX 10080u    /* from the beginning of a test's conversation: a week */

#endif
