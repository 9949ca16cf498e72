/*
 * fuzz_across [CONVERSATIONS [SEED [MEBIBYTES]]]: rules with `across` over many interleaved conversations, 1,000,000 by
 * default, each answer held against brute force (tests/fuzz/across_model.h); late messages and repetitions are among
 * them. Every conversation is open from the first round to the last. Tells the memory that this takes.
 *
 * Less memory than is needed makes it forget conversations: then only the bound is checked. Exit code 1: an answer was
 * wrong, or the bound was not kept.
 */
#include <sys/resource.h>
#include <time.h>

#include "tests/fuzz/across_model.h"

#define ARRIVALS_MAX 8

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t divisor(uint64_t a, uint64_t b)
{
    return b ? divisor(b, a % b) : a;
}

/* Another order of the conversations in each round: steps that have no divisor in common with their number. */
static uint64_t step_of(uint64_t round, uint64_t count)
{
    uint64_t step = 1000003 + 2 * round;
    while (divisor(step, count) != 1) {
        step++;
    }
    return step;
}

/* An answer is only wrong while nothing was forgotten. */
static bool run_round(struct model_run *run, uint64_t count, uint64_t seed, uint32_t round, size_t bytes_max)
{
    struct model_conversation conversation;
    uint64_t step = step_of(round, count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = (i * step + round) % count;
        model_make(seed + number, ARRIVALS_MAX, &conversation);
        if (round >= conversation.count) {
            continue;
        }
        bool fine = across_counts(run->across).forgotten > 0 ? model_take(run, seed + number, &conversation, round)
                                                             : model_step(run, seed + number, &conversation, round);
        struct across_counts counts = across_counts(run->across);
        if ((!fine && counts.forgotten == 0) || counts.bytes > bytes_max) {
            (void)fprintf(stderr, "held %zu bytes\n", counts.bytes);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    size_t bytes = (size_t)(argc > 3 ? strtoull(argv[3], NULL, 10) : 4096) << 20;
    struct model_run run;
    struct rusage before, after;
    (void)fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    (void)getrusage(RUSAGE_SELF, &before);
    if (count == 0 || !model_start(&run, bytes)) {
        return 3;
    }
    double started = seconds_now();
    bool fine = true;
    for (uint32_t round = 0; fine && round < ARRIVALS_MAX; round++) {
        fine = run_round(&run, count, seed, round, bytes);
    }
    (void)getrusage(RUSAGE_SELF, &after);
    struct across_counts counts = across_counts(run.across);
    (void)printf("%llu conversations, %llu messages (%llu late, %llu sent again), %llu hits (%llu unscanned) with %llu "
                 "other messages: %s; %llu scopes hold %.0f MiB (%.0f MiB resident), %llu forgotten; %.0f s\n",
                 (unsigned long long)count, (unsigned long long)run.messages, (unsigned long long)run.late,
                 (unsigned long long)run.again, (unsigned long long)run.hits, (unsigned long long)run.unscanned,
                 (unsigned long long)run.parts,
                 !fine                  ? "WRONG"
                 : counts.forgotten > 0 ? "memory bounded, answers compared until the first was forgotten"
                                        : "all as brute force says",
                 (unsigned long long)counts.scopes, (double)counts.bytes / (1 << 20),
                 (double)(after.ru_maxrss - before.ru_maxrss) / 1024, (unsigned long long)counts.forgotten,
                 seconds_now() - started);
    model_end(&run);
    return !fine;
}
