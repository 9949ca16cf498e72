/*
 * Weir's scan and the baseline in turns: on a noisy machine only the ratio of neighbours counts. A scan is everything
 * from the text as sent to the decided hits: views, search, confirmation, conditions, spans. One thread, whose processor
 * time is measured: what others take of the machine is not in it.
 */
#ifndef BENCHMARKS_MEASURE_H
#define BENCHMARKS_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "baseline.h"
#include "corpus.h"
#include "scanner/ruleset.h"
#include "scanner/scanner.h"

#define MEASURE_ROUNDS_MAX 101

struct measure_plan {
    int rounds;     /* 1 to MEASURE_ROUNDS_MAX */
    double seconds; /* fewer rounds, but at least 3, where they would take longer; 0: never */
    uint32_t batch; /* messages given to a scan at once */
};

/* Medians over the rounds. Without a baseline its fields are 0. */
struct measure_result {
    int rounds;
    double weir_ns, baseline_ns;                        /* of a message */
    double ratio, ratio_low, ratio_high;                /* baseline / weir of the same round: median and quartiles */
    double candidates, confirmations, baseline_matches; /* of a message */
    uint64_t weir_flagged, weir_unscanned, baseline_flagged;
};

/* `baseline` may be NULL. Ends the program on any failure. */
struct measure_result measure_run(const struct measure_plan *plan, const struct corpus *corpus, struct scanner *scanner,
                                  struct ruleset *ruleset, struct baseline *baseline);

/* Whether one more round belongs to a measurement that began at `begun_ns` (clock_ticks_ns) and had `rounds`. */
bool measure_goes_on(const struct measure_plan *plan, int64_t begun_ns, int rounds);

/* Sorts `values`; the value at a share of `part`: 0.5 is the median. */
double measure_at(double *values, int count, double part);

#endif
