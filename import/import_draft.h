/* An import at work, and the rules in the making. Only for rules/import*.c. */
#ifndef IMPORT_IMPORT_DRAFT_H
#define IMPORT_IMPORT_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "import/import.h"

struct condition;
struct import_spamassassin;
struct import_expression;
struct regex_scratch;

struct import_place {
    const char *file;
    uint32_t file_number, line;
};

struct import_pattern {
    const char *name;
    struct span regex;        /* size 0: words */
    const char *const *words; /* as entries of `words` */
    uint32_t word_count;
    enum view view; /* of a regex */
    struct import_pattern *next;
};

struct import_text {
    const char *text;
    struct import_text *next;
};

struct import_rule {
    const char *id;
    const char *title;   /* or NULL */
    const char *comment; /* lines above the rule, without `#`; or NULL */
    enum severity severity;
    enum rule_status status_min; /* what the source says: a rule that was being tried out does not come live */
    enum rule_status status;     /* settled when the pack is written */
    struct import_pattern *patterns, *last_pattern;
    uint32_t pattern_count;
    const char *condition; /* NULL: any of them */
    const struct condition *parsed;
    bool negates;             /* the condition has a `not` */
    struct import_text *hits; /* tests, each of which was tried */
    struct import_place place;
    struct import_rule *next;
};

struct import_id; /* of a hash */

struct import {
    const struct import_options *options;
    struct arena *arena;
    bool no_memory; /* sticky: tells that the rest means nothing */
    uint32_t file_count;
    const char *file;     /* that is being read */
    const char *stem;     /* its name without folder and ending, for ids */
    uint32_t line_offset; /* of a document inside it */
    struct import_note *notes;
    uint32_t note_count, note_capacity;
    struct import_rule *rules, *last_rule;
    uint32_t rule_count, pattern_count, entry_count;
    struct import_id *ids;
    unsigned formats; /* bit (1 << enum import_format) */
    struct import_spamassassin *spamassassin;
    struct regex_scratch *scratch; /* for trying tests */
};

void import_draft_free_ids(struct import *import);

/* A note at the line of the file that is being read. `sort` and `remedy` (or NULL) must be constants or in the arena. */
void import_note(struct import *import, enum finding_level level, const char *sort, uint32_t line, const char *remedy,
                 const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The same at a place of any file. */
void import_note_at(struct import *import, enum finding_level level, const char *sort, struct import_place place,
                    const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Copies into the arena; "" without memory, which import->no_memory tells. */
const char *import_copy(struct import *import, struct span text);
const char *import_print(struct import *import, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Something that was read, for a note: cut off after about 40 bytes. In the arena. */
const char *import_quote(struct import *import, struct span text);

/* Words for people as a name: "Asks for money!" is asks-for-money. Empty if nothing is left. */
const char *import_slug(struct import *import, struct span text);

/* The name of a file without its folder. */
const char *import_base(const char *path);

struct import_place import_here(const struct import *import, uint32_t line);

/* A rule in the making, of which nothing is in the pack yet. NULL without memory. */
struct import_rule *import_draft_new(struct import *import, struct import_place place);

/*
 * Adds a pattern after checking it: PCRE2 takes the regex. NULL: a note says why not, about `what`. The name that is
 * returned is made of `name`: one that conditions can spell, and one that is free.
 */
const char *import_draft_regex(struct import *import, struct import_rule *rule, struct import_place place,
                               const char *name, struct span regex, enum view view, const char *what);
/* Words that were read with import/import_entries.h. */
const char *import_draft_words(struct import *import, struct import_rule *rule, const char *name,
                               const char *const *words, uint32_t count);

/* One line without control characters, not over MODEL_TITLE_SIZE_MAX bytes. */
void import_draft_title(struct import *import, struct import_rule *rule, struct span title);

/* Adds the text as a test if the rule, whose condition is settled, flags it. */
void import_draft_try(struct import *import, struct import_rule *rule, const char *text);

/*
 * The rule is complete: gives it an id from `name` and puts it into the pack. `condition` names its patterns; NULL: any of
 * them. False: a note says why not; `what` is the rule for people.
 */
bool import_draft_settle(struct import *import, struct import_rule *rule, const struct import_expression *condition,
                         const char *what);
void import_draft_add(struct import *import, struct import_rule *rule, const char *name);

/* One format each. They note what is wrong; the only failure is import->no_memory. */
void import_read_spamassassin(struct import *import, struct span text);
void import_finish_spamassassin(struct import *import);
void import_free_spamassassin(struct import *import);
void import_read_words(struct import *import, struct span text);
void import_read_automod(struct import *import, struct span text);
void import_read_sigma(struct import *import, struct span text);
void import_read_regexes(struct import *import, struct span text);

#endif
