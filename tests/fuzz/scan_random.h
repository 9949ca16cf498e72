/* Random rule sets, and texts that are likely to hit them or to miss them narrowly. */
#ifndef TESTS_FUZZ_SCAN_RANDOM_H
#define TESTS_FUZZ_SCAN_RANDOM_H

#include "base/arena.h"
#include "tests/fuzz/scan_case.h"
#include "tests/fuzz/scan_seeds.h"

/* Every so manyth seed gives a case in which many match limits are hit. */
#define SCAN_RANDOM_RUNAWAY 10u

/* The case of a seed; the same for the same seeds. */
void scan_random_case(uint64_t seed, const struct seeds *seeds, struct arena *arena, struct scan_case *ret_case);

/* For scan_random.c: one text for the rules. One in `run_chance` texts is a run of one character. */
struct random_state;
struct span scan_random_text(struct random_state *state, const struct seeds *seeds, const struct scan_case *it,
                             struct arena *arena, uint32_t run_chance);

#endif
