/*
 * The plan: checked packs turned into what a scanner runs. Immutable once built; any thread may read it.
 *
 * A probe is one pattern of one rule over one view. The plan gives each probe the cheapest search that can never miss it:
 *
 *   literals     every entry of `words` and `domains`, confirmed where the literal stands, without PCRE2; and each regex of
 *                which some literal is required, confirmed by PCRE2 in the messages that hold one. Hyperscan searches for
 *                them, or an index of tokens (rules/plan.h)
 *   expression   what literals leave of a regex, written again more loosely for Hyperscan (rules/regex_loosen.h)
 *   always       what neither can serve, or only at a higher price: looked for in every message that is long enough and has
 *                the bytes that the regex demands (rules/regex_demand.h), by automata and PCRE2 (scanner/sweep.h)
 *   deferred     nothing: the rule cannot hold without another pattern, and that one is rarer (rules/gate.h)
 *
 * Probes of one rule have consecutive numbers, so sorting by probe groups by rule.
 */
#ifndef RULES_PROGRAM_H
#define RULES_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "rules/model.h"
#include "rules/partition.h"
#include "rules/regex.h"
#include "rules/regex_demand.h"
#include "rules/regex_literals.h"
#include "rules/token_index.h"
#include "text/phrase.h"
#include "text/skeleton.h"

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
    struct regex_demand demand;        /* of a message that is looked at without having been found by a search */
    uint32_t first_entry, entry_count; /* SEARCH_DEFERRED without a regex: its literals, in program->entries */
};

/* What a literal stands for, where it was found. */
enum target_kind { TARGET_GATE, TARGET_PHRASE, TARGET_DOMAIN };

struct program_target {
    uint32_t probe;
    enum target_kind kind;
    uint32_t phrase; /* TARGET_PHRASE: index in program->phrases */
    uint32_t anchor; /* TARGET_PHRASE: which piece the literal is */
    uint8_t edges;   /* TARGET_PHRASE, TARGET_DOMAIN: EDGE_* (rules/token_index.h), or it need not be looked at */
    bool alone;      /* TARGET_PHRASE: the literal is all of the phrase, and has an edge where the phrase has one */
    struct regex_extent before; /* TARGET_GATE: how far before the literal the match begins, in searched bytes */
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

/*
 * Literals of one view, in one Hyperscan database or in one index of tokens. Literal i has the targets [target_first[i], target_first[i + 1]): none if
 * it is there only because its database was compiled for an earlier version of the rules.
 */
struct program_literals {
    struct partition *partition; /* or NULL: */
    struct token_index *tokens;
    enum view view;
    uint32_t count;
    const uint32_t *target_first;
    const uint32_t *sizes; /* bytes of each literal */
    const uint8_t *edges;  /* EDGE_* that all its targets demand */
    const struct program_target *targets;
};

/* Loosened expressions of one view; expression i belongs to probes[probe_first[i]] and on, as above. */
struct program_expressions {
    struct partition *partition;
    enum view view;
    uint32_t count;
    const uint32_t *probe_first;
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
    struct skeleton_wanted disguised; /* the words in disguise that phrases look for */

    struct program_literals *literals; /* partitions of every view */
    uint32_t literal_partition_count;
    struct program_expressions *expressions;
    uint32_t expression_partition_count;
    const uint32_t *always[VIEW_COUNT];            /* probes, ascending: those that are not searched for */
    struct regex_demand_index demands[VIEW_COUNT]; /* what each of them demands */
    uint32_t views;                                /* bit (1 << view): some probe needs it */

    const uint32_t *heavy; /* probes that are SEARCH_ALWAYS because compiling what they search for is over the limits */
    uint32_t heavy_count;

    struct program_facts {
        uint32_t patterns, literals, gated, expressions, always, deferred;
        uint32_t groups_cached, groups_compiled; /* of what was compiled for the search (rules/partition.h) */
        bool unlimited;                          /* compiled without limits on time and memory: no helper was found */
        size_t database_bytes;
    } facts;

    struct arena *arena;
};

/*
 * Plans and compiles the rules of `packs`, which must outlive the program. `options` may be NULL. STATUS_NO_MEMORY,
 * STATUS_LIMIT (too many rules or patterns), STATUS_SYSTEM (Hyperscan refused to work at all) with words.
 */
enum status program_build(const struct pack *const *packs, uint32_t pack_count, const struct partition_options *options,
                          struct error *error, struct program **ret_program) MUST_USE;
void program_free(struct program **program);

#endif
