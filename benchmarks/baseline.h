/*
 * What everybody would write first, to compare with: all patterns in one Hyperscan database, and one hs_scan for each
 * message as sent. It confirms nothing, folds nothing and decides no condition; what Hyperscan does not take is left
 * out. Words and domains become \bword\b. Ends the program on any failure.
 */
#ifndef BENCHMARKS_BASELINE_H
#define BENCHMARKS_BASELINE_H

#include <hs.h>
#include <stdbool.h>
#include <stdint.h>

#include "corpus.h"

struct baseline {
    char **texts;  /* all patterns, also those that are left out */
    bool *literal; /* made from a word or a domain: Hyperscan takes it */
    bool *refused; /* by Hyperscan; known once it is compiled */
    unsigned count, capacity, left_out;
    hs_database_t *database;
    hs_scratch_t *scratch;
    size_t database_bytes;
    double compile_seconds; /* of the one compilation, also if that was an earlier run's */
    uint64_t matches;       /* reported by the last baseline_scan */
};

void baseline_read(char *const *paths, int count, struct baseline *list); /* packs, or folders of them */

/*
 * `cache` is a folder where compiled databases are kept, by what is in them, or NULL. Compiling many patterns into one
 * database takes minutes.
 */
void baseline_compile(struct baseline *baseline, const char *cache);
uint64_t baseline_scan(struct baseline *baseline, const struct corpus *corpus); /* messages flagged, once over all */
void baseline_free(struct baseline *baseline);

#endif
