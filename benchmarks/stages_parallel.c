#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "measure.h"
#include "stages.h"

#define THREADS_MAX 64
#define BUSY_NS 1e8 /* of one thread: starting another must not count */

struct worker {
    pthread_t thread;
    const struct corpus *corpus;
    struct ruleset *ruleset;
    struct scanner *scanner;
    uint32_t batch;
    unsigned index, threads;
    unsigned laps; /* over all messages */
};

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    (void)context, (void)message, (void)hits, (void)hit_count;
    return STATUS_OK;
}

/* Every n-th batch of all, so that each thread has the same share of easy and hard ones. */
static void lap(const struct worker *worker)
{
    size_t step = (size_t)worker->batch * worker->threads;
    for (size_t i = (size_t)worker->batch * worker->index; i < worker->corpus->count; i += step) {
        size_t rest = worker->corpus->count - i;
        if (scanner_scan(worker->scanner, worker->ruleset, worker->corpus->texts + i,
                         rest < worker->batch ? (uint32_t)rest : worker->batch, on_hits, NULL) != STATUS_OK)
            corpus_die("the scan failed", "");
    }
}

static void *work(void *argument)
{
    const struct worker *worker = argument;
    for (unsigned i = 0; i < worker->laps; i++)
        lap(worker);
    return NULL;
}

static double run(struct worker *workers, unsigned threads)
{
    int64_t started = clock_ticks_ns();
    for (unsigned i = 0; i < threads; i++) {
        workers[i].index = i;
        workers[i].threads = threads;
        if (i > 0 && pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            corpus_die("cannot start a thread", "");
    }
    (void)work(&workers[0]);
    for (unsigned i = 1; i < threads; i++)
        (void)pthread_join(workers[i].thread, NULL);
    return (double)(clock_ticks_ns() - started);
}

double stages_parallel(const struct measure_plan *plan, const struct corpus *corpus, struct ruleset *ruleset,
                       unsigned threads)
{
    struct worker workers[THREADS_MAX] = {0};
    double ratios[MEASURE_ROUNDS_MAX];
    int rounds = 0;
    int64_t begun = clock_ticks_ns();
    if (threads < 1 || threads > THREADS_MAX)
        corpus_die("wrong usage", "threads");
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.corpus = corpus, .ruleset = ruleset, .batch = plan->batch, .laps = 1};
        if (scanner_new(&workers[i].scanner) != STATUS_OK)
            corpus_die("out of memory", "");
    }
    (void)run(workers, threads); /* buffers grow to their size */
    double once = run(workers, 1);
    for (unsigned i = 0; i < threads; i++)
        workers[i].laps = once < BUSY_NS ? (unsigned)(BUSY_NS / (once + 1)) + 1 : 1;
    do {
        double alone = run(workers, 1);
        ratios[rounds++] = alone / run(workers, threads);
    } while (measure_goes_on(plan, begun, rounds));
    for (unsigned i = 0; i < threads; i++)
        scanner_free(&workers[i].scanner);
    return measure_at(ratios, rounds, 0.5);
}
