#include "measure.h"

#include <stdlib.h>

#include "base/clock.h"

#define ROUNDS_MIN 3
#define TURN_MESSAGES 8192

struct flags {
    uint64_t flagged, unscanned;
};

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct flags *flags = context;
    (void)message;
    flags->flagged++;
    for (uint32_t i = 0; i < hit_count; i++)
        if (hits[i].outcome == OUTCOME_UNSCANNED) {
            flags->unscanned++;
            break;
        }
    return STATUS_OK;
}

/* Returns the processor time in seconds. */
static double weir_part(const struct measure_plan *plan, const struct corpus *part, struct scanner *scanner,
                        struct ruleset *ruleset, struct flags *flags)
{
    int64_t started = clock_thread_ns();
    for (size_t i = 0; i < part->count; i += plan->batch) {
        uint32_t count = part->count - i < plan->batch ? (uint32_t)(part->count - i) : plan->batch;
        if (scanner_scan(scanner, ruleset, part->texts + i, count, on_hits, flags) != STATUS_OK)
            corpus_die("the scan failed", "");
    }
    return (double)(clock_thread_ns() - started) * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool measure_goes_on(const struct measure_plan *plan, int64_t begun_ns, int rounds)
{
    double seconds = (double)(clock_ticks_ns() - begun_ns) * 1e-9;
    return rounds < plan->rounds && (rounds < ROUNDS_MIN || plan->seconds <= 0 || seconds < plan->seconds);
}

double measure_at(double *values, int count, double part)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[(int)(part * (count - 1) + 0.5)];
}

struct round {
    double weir, baseline; /* seconds */
    struct flags flags;
    uint64_t baseline_flagged, baseline_matches;
};

/* One round over all messages, in turns of TURN_MESSAGES, so that both have the same share of what disturbs them. */
static struct round one_round(const struct measure_plan *plan, const struct corpus *corpus, struct scanner *scanner,
                              struct ruleset *ruleset, struct baseline *baseline)
{
    struct round round = {0};
    for (size_t first = 0; first < corpus->count; first += TURN_MESSAGES) {
        size_t rest = corpus->count - first;
        struct corpus part = {.texts = corpus->texts + first, .count = rest < TURN_MESSAGES ? rest : TURN_MESSAGES};
        if (baseline) {
            int64_t started = clock_thread_ns();
            round.baseline_flagged += baseline_scan(baseline, &part);
            round.baseline += (double)(clock_thread_ns() - started) * 1e-9;
            round.baseline_matches += baseline->matches;
        }
        round.weir += weir_part(plan, &part, scanner, ruleset, &round.flags);
    }
    return round;
}

static void keep_counts(const struct round *round, double messages, struct measure_result *result)
{
    result->weir_flagged = round->flags.flagged;
    result->weir_unscanned = round->flags.unscanned;
    result->baseline_flagged = round->baseline_flagged;
    result->baseline_matches = (double)round->baseline_matches / messages;
}

struct measure_result measure_run(const struct measure_plan *plan, const struct corpus *corpus, struct scanner *scanner,
                                  struct ruleset *ruleset, struct baseline *baseline)
{
    struct measure_result result = {0};
    double ours[MEASURE_ROUNDS_MAX] = {0}, theirs[MEASURE_ROUNDS_MAX] = {0}, ratios[MEASURE_ROUNDS_MAX] = {0};
    double messages = (double)corpus->count;
    struct corpus first = {.texts = corpus->texts,
                           .count = corpus->count < TURN_MESSAGES ? corpus->count : TURN_MESSAGES};
    struct flags ignored = {0};
    int64_t begun = clock_ticks_ns();
    (void)weir_part(plan, &first, scanner, ruleset, &ignored); /* buffers grow to their size */
    struct scanner_counts before = scanner_counts(scanner);
    int count = 0;
    do {
        struct round round = one_round(plan, corpus, scanner, ruleset, baseline);
        theirs[count] = round.baseline;
        ours[count] = round.weir;
        ratios[count] = round.baseline / round.weir;
        keep_counts(&round, messages, &result);
        count++;
    } while (measure_goes_on(plan, begun, count));
    struct scanner_counts after = scanner_counts(scanner);
    double scanned = (double)(after.messages - before.messages);
    result.rounds = count;
    result.weir_ns = measure_at(ours, count, 0.5) * 1e9 / messages;
    result.candidates = (double)(after.candidates - before.candidates) / scanned;
    result.confirmations = (double)(after.confirmations - before.confirmations) / scanned;
    if (baseline) {
        result.baseline_ns = measure_at(theirs, count, 0.5) * 1e9 / messages;
        result.ratio = measure_at(ratios, count, 0.5);
        result.ratio_low = measure_at(ratios, count, 0.25);
        result.ratio_high = measure_at(ratios, count, 0.75);
    }
    return result;
}
