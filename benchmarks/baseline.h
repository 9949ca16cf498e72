/*
 * What everybody would write first, to compare with: all patterns in one Hyperscan database, and one hs_scan for each
 * message as sent. It confirms nothing, folds nothing and decides no condition; what Hyperscan does not take is left
 * out. Words and domains become \bword\b. Ends the program on any failure.
 */
#ifndef BENCHMARKS_BASELINE_H
#define BENCHMARKS_BASELINE_H

#include <hs.h>
#include <stdint.h>

#include "corpus.h"

struct baseline {
    char **texts;
    unsigned *flags, *ids;
    unsigned count, capacity, left_out;
    hs_database_t *database;
    hs_scratch_t *scratch;
    double compile_seconds;
};

void baseline_read(char *const *paths, int count, struct baseline *list); /* packs, or folders of them */
void baseline_compile(struct baseline *baseline);
uint64_t baseline_scan(struct baseline *baseline, const struct corpus *corpus); /* messages flagged, once over all */
void baseline_free(struct baseline *baseline);

#endif
