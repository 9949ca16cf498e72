/*
 * The plan: checked packs turned into what a scanner runs. Immutable once built; any thread may read it.
 *
 * A probe is one pattern of one rule over one view. The plan gives each probe the cheapest search that can never miss it:
 *
 *   literals     every entry of `words` and `domains`, confirmed where the literal stands, without PCRE2; and each regex of
 *                which some literal is required, confirmed by PCRE2 in the messages that hold one
 *   expression   what literals leave of a regex, written again more loosely for Hyperscan (rules/regex_loosen.h)
 *   always       what neither can serve: PCRE2 on every message
 *   deferred     nothing: the rule cannot hold without another pattern, and that one is rarer (rules/gate.h)
 *
 * Probes of one rule have consecutive numbers, so sorting by probe groups by rule.
 */
#ifndef RULES_PROGRAM_H
#define RULES_PROGRAM_H

#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "rules/model.h"
#include "rules/partition.h"
#include "rules/regex.h"
#include "text/phrase.h"

enum search_kind {
    SEARCH_LITERALS,
    SEARCH_EXPRESSION, /* and perhaps literals for some of its branches */
    SEARCH_ALWAYS,
    SEARCH_DEFERRED,
};

struct program_probe {
    uint32_t rule;    /* index in program->rules */
    uint32_t pattern; /* index in that rule's patterns */
    enum view view;
    enum search_kind search;
    struct regex *regex;               /* confirms; NULL if its literals are confirmed in place */
    uint32_t first_entry, entry_count; /* SEARCH_DEFERRED without a regex: its literals, in program->entries */
};

/* What a literal stands for, where it was found. */
enum target_kind { TARGET_GATE, TARGET_PHRASE, TARGET_DOMAIN };

struct program_target {
    uint32_t probe;
    enum target_kind kind;
    uint32_t phrase; /* TARGET_PHRASE: index in program->phrases */
    uint32_t anchor; /* TARGET_PHRASE: which piece the literal is */
};

/* A literal that nobody searches for, of a deferred probe. */
struct program_entry {
    struct span literal;
    struct program_target target;
};

struct program_rule {
    const struct rule *rule;
    uint32_t first_probe, probe_count;
    uint32_t deferred_count; /* of its probes */
};

/* All literals of one view in one Hyperscan database. Literal i has the targets [target_first[i], target_first[i + 1]).
 */
struct program_literals {
    struct partition *partition; /* NULL: none */
    uint32_t count;
    const uint32_t *target_first;
    const uint32_t *sizes; /* bytes of each literal */
    const struct program_target *targets;
};

/* Loosened expressions of one view; expression i belongs to probes[i]. */
struct program_expressions {
    struct partition *partition;
    uint32_t count;
    const uint32_t *probes;
};

struct program {
    const struct program_rule *rules; /* live and shadow ones */
    uint32_t rule_count;
    const struct program_probe *probes;
    uint32_t probe_count;
    const struct phrase *phrases;
    uint32_t phrase_count;
    const struct program_entry *entries;

    struct program_literals literals[VIEW_COUNT];
    struct program_expressions *expressions; /* partitions of every view */
    enum view *expression_views;
    uint32_t expression_partition_count;
    const uint32_t *always[VIEW_COUNT]; /* probes, ascending */
    uint32_t always_count[VIEW_COUNT];
    uint32_t views; /* bit (1 << view): some probe needs it */

    struct program_facts {
        uint32_t patterns, literals, gated, expressions, always, deferred;
        size_t database_bytes;
    } facts;

    struct arena *arena;
};

/*
 * Plans and compiles the rules of `packs`, which must outlive the program. STATUS_NO_MEMORY, STATUS_LIMIT (too many
 * rules or patterns), STATUS_SYSTEM (Hyperscan refused to work at all) with words.
 */
enum status program_build(const struct pack *const *packs, uint32_t pack_count, struct error *error,
                          struct program **ret_program) MUST_USE;
void program_free(struct program **program);

#endif
