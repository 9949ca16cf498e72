/*
 * What each stage of a message's way costs by itself: the functions that the service calls, called in turn over the same
 * batches. Processor time of one thread. Sockets, threads and the case store are not in it: benchmarks/e2e has them.
 */
#ifndef BENCHMARKS_STAGES_H
#define BENCHMARKS_STAGES_H

#include <stdint.h>

#include "corpus.h"
#include "measure.h"
#include "scanner/ruleset.h"

#define STAGES(X)                                                                                                      \
    X(DECODE, "decode")   /* the batch read where it lies */                                                           \
    X(VIEWS, "views")     /* what is searched: one buffer a view */                                                    \
    X(SEARCH, "search")   /* every partition over it; candidates sorted */                                             \
    X(CONFIRM, "confirm") /* PCRE2 alone, once on each candidate that needs it */                                      \
    X(DECIDE, "decide")   /* the rest of deciding: conditions, further confirmation, spans of hits */                  \
    X(ACK, "ack")         /* admission, ledger and the receipt's bytes */

enum stage {
#define X(name, text) STAGE_##name,
    STAGES(X)
#undef X
        STAGE_COUNT
};
extern const char *const stage_names[STAGE_COUNT];

/* Nanoseconds a message: the medians of the rounds. Ends the program on any failure. */
void stages_measure(const struct measure_plan *plan, const struct corpus *corpus, struct ruleset *ruleset,
                    double ret_ns[STAGE_COUNT]);

/*
 * Scans with one thread and with `threads`, in turns; every thread has its own scanner and takes slices of the same
 * messages, as often as it takes to be busy for a while. Returns the median of how many times as fast the threads were together (time on the clock, not on the
 * processor).
 */
double stages_parallel(const struct measure_plan *plan, const struct corpus *corpus, struct ruleset *ruleset,
                       unsigned threads);

#endif
