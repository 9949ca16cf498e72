/*
 * What a regex demands of any text that it matches, and that is seen in one look at the bytes: a least length, and bytes
 * of which some must occur. It spares PCRE2 the messages that cannot match a regex that nothing better can be searched
 * for.
 */
#ifndef RULES_REGEX_DEMAND_H
#define RULES_REGEX_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "rules/regex_tree.h"
#include "rules/traffic_profile.h"

/* Which bytes occur in a text: bit c for the ASCII character c. */
struct regex_bytes_seen {
    uint64_t ascii[2];
    bool other; /* any byte beyond ASCII */
    size_t size;
};

#define REGEX_DEMAND_SETS_MAX 4u

struct regex_demand {
    uint32_t size_min;
    uint32_t set_count;
    struct regex_bytes_seen sets[REGEX_DEMAND_SETS_MAX]; /* of each set one byte must occur */
};

struct regex_bytes_seen regex_demand_look(struct span text);

static inline bool regex_demand_met(const struct regex_demand *demand, const struct regex_bytes_seen *seen)
{
    bool met = seen->size >= demand->size_min;
    for (uint32_t i = 0; i < demand->set_count; i++) {
        const struct regex_bytes_seen *set = &demand->sets[i];
        met &=
            ((set->ascii[0] & seen->ascii[0]) | (set->ascii[1] & seen->ascii[1])) != 0 || (set->other && seen->other);
    }
    return met;
}

/* Many demands, laid out so that one look at a text tells which of them it meets. */
struct regex_demand_index {
    uint32_t count, words;       /* `words` of 64 bits hold a bit for each */
    const uint32_t *sizes;       /* the least length of each */
    const uint64_t *no_set;      /* [set][word]: has this demand no such set? */
    const uint64_t *with_symbol; /* [symbol][set][word]: is the symbol in this set of this demand? Symbol 128: others */
};

/* In the arena. STATUS_NO_MEMORY. */
enum status regex_demand_index_make(const struct regex_demand *demands, uint32_t count, struct arena *arena,
                                    struct regex_demand_index *ret_index) MUST_USE;
/* Sets bit i of ret_met, which has index->words words, if the text meets demand i. */
void regex_demand_index_meet(const struct regex_demand_index *index, struct span text, uint64_t *ret_met);

/* The share of ordinary messages that have one of the bytes, roughly. */
double regex_demand_set_share(const struct regex_bytes_seen *set, const struct traffic_profile *traffic);

/* Of a tree that is fitted to what is searched (rules/regex_fit.h); the demand is one on those bytes. */
struct regex_demand regex_demand_find(const struct regex_node *root, const struct traffic_profile *traffic);

/* The share of places in an ordinary message at which a match may begin, roughly; 0 if only at its start. */
double regex_demand_starts(const struct regex_node *root, const struct traffic_profile *traffic);

/* The share of ordinary messages that meet it, roughly. */
double regex_demand_share(const struct regex_demand *demand, const struct traffic_profile *traffic);

#endif
