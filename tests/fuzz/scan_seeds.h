/* Real material to start from: what WEIR_SHARED_DATA names, or a few lines built in. */
#ifndef TESTS_FUZZ_SCAN_SEEDS_H
#define TESTS_FUZZ_SCAN_SEEDS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct seed_list {
    struct span *items;
    uint32_t count, capacity;
};

struct seeds {
    struct seed_list regexes, words, domains, messages;
    struct arena *arena;
};

/*
 * `folder`: NULL for what is built in alone. A part of each file is read, the same each time, so that the start is quick.
 * Never fails: what is not there is left out.
 */
void seeds_load(struct seeds *seeds, const char *folder);
void seeds_free(struct seeds *seeds);

#endif
