/* What the parts of the linter share. Only for rules/lint*.c. */
#ifndef RULES_LINT_CONTEXT_H
#define RULES_LINT_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/findings.h"
#include "rules/lint_tokens.h"
#include "rules/model.h"
#include "rules/program.h"

struct regex_scratch;

struct lint {
    const struct pack *const *packs;
    uint32_t pack_count;
    const struct program *program; /* may be NULL */
    struct findings *findings;
    struct arena *arena;   /* of the whole run */
    struct arena *scratch; /* of one rule */
    struct regex_scratch *regex_scratch;
    uint32_t program_rule; /* the program's rules before this one belong to rules that were looked at */
    bool no_memory;

    /* At hand. */
    const struct pack *pack;
    const struct rule *rule;
    bool *const *used;    /* by rule of the pack: which of its allows were needed */
    struct span source;   /* of the pack's file; may be empty */
    uint32_t source_line; /* the line that begins at source_at; 0: none yet */
    size_t source_at;

    bool *const *const *all_used; /* by pack; set before lint_between_check */
};

/* Makes a rule the one at hand, for lint_report. */
static inline void lint_take(struct lint *lint, uint32_t pack, const struct rule *rule)
{
    lint->pack = lint->packs[pack];
    lint->used = lint->all_used[pack];
    lint->rule = rule;
}

/* A finding of the rule at hand, unless the rule allows itself that. */
void lint_report(struct lint *lint, const char *name, const struct model_place *place, const char *remedy,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Byte `offset` of a pattern's regex in its file, as near as can be told. */
struct model_place lint_place_inside(struct lint *lint, const struct pattern *pattern, uint32_t offset);

struct model_place lint_place_of_entry(const struct pattern *pattern, const struct pattern_entry *entry);

/* rules/lint_rule.c: conditions, tests, patterns beside each other. */
void lint_rule_check(struct lint *lint);
/* Is the pattern alone enough for the rule to hold? */
bool lint_rule_flags_alone(const struct rule *rule, uint32_t pattern);

/* rules/lint_entries.c: one pattern of words or domains. */
void lint_entries_check(struct lint *lint, const struct pattern *pattern);

/* rules/lint_between.c: all packs together. */
void lint_between_check(struct lint *lint);

/* rules/lint_regex.c: how a regex is written. */
void lint_regex_check(struct lint *lint, const struct pattern *pattern);
/* rules/lint_class.c: one class of it. */
void lint_class_check(struct lint *lint, const struct pattern *pattern, const struct lint_token *token);

/* rules/lint_meaning.c: what a regex means, and what it costs. */
void lint_meaning_check(struct lint *lint, uint32_t pattern);

/* rules/lint_talk.c: rules and regexes on everyday messages. */
void lint_talk_check(struct lint *lint);

#endif
