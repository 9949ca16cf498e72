/* Runs many random patterns through the check of regex_superset.h. Every pattern has its own seed, printed if it fails.
 */
#ifndef TESTS_FUZZ_REGEX_CAMPAIGN_H
#define TESTS_FUZZ_REGEX_CAMPAIGN_H

#include <time.h>

#include "tests/fuzz/regex_random.h"
#include "tests/fuzz/regex_superset.h"

#define CAMPAIGN_TEXTS (2 * RANDOM_SAMPLES)

struct campaign {
    struct superset run;
    uint64_t seed;
    uint64_t patterns, missed;
};

static inline enum superset_outcome campaign_one(struct campaign *campaign, uint64_t seed)
{
    static uint8_t text[CAMPAIGN_TEXTS][1024];
    struct random_state state = {.seed = seed};
    struct random_piece *piece = calloc(1, sizeof *piece);
    struct span texts[CAMPAIGN_TEXTS];
    if (!piece) {
        abort();
    }
    random_choice(&state, piece, 0);
    for (int i = 0; i < CAMPAIGN_TEXTS; i++) {
        texts[i] = span_of(text[i], random_text(&state, piece, i % RANDOM_SAMPLES, text[i]));
    }
    enum superset_outcome outcome =
        superset_check(&campaign->run, span_of(piece->pattern, piece->size), texts, CAMPAIGN_TEXTS);
    campaign->patterns++;
    if (outcome == SUPERSET_MISSED) {
        campaign->missed++;
        fprintf(stderr, "  seed of this pattern: %llu\n", (unsigned long long)seed);
    } else if (outcome == SUPERSET_NOT_COMPILED && getenv("WEIR_FUZZ_VERBOSE")) {
        superset_print(campaign->run.hs_message, span_of(piece->pattern, piece->size));
        superset_print("searched", span_text((const char *)campaign->run.loosened.data));
    }
    free(piece);
    return outcome;
}

static inline double campaign_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until `patterns` are done or `seconds` are over. */
static inline void campaign_run(struct campaign *campaign, uint64_t patterns, double seconds)
{
    double until = campaign_now() + seconds;
    for (uint64_t i = 0; i < patterns && campaign_now() < until; i++) {
        (void)campaign_one(campaign, campaign->seed + i);
    }
}

static inline void campaign_report(const struct campaign *campaign)
{
    static const char *const names[SUPERSET_OUTCOMES] = {"held",      "refused",      "unsupported",
                                                         "too large", "not compiled", "MISSED"};
    fprintf(stderr, "%llu patterns:", (unsigned long long)campaign->patterns);
    for (int i = 0; i < SUPERSET_OUTCOMES; i++) {
        fprintf(stderr, " %s %llu", names[i], (unsigned long long)campaign->run.outcomes[i]);
    }
    fprintf(stderr, "; %llu texts, %llu matches, %llu candidates\n", (unsigned long long)campaign->run.texts,
            (unsigned long long)campaign->run.matches, (unsigned long long)campaign->run.candidates);
    fprintf(stderr, "automata: %llu answers, %llu refuted, %llu certain matches\n",
            (unsigned long long)campaign->run.answers, (unsigned long long)campaign->run.refuted,
            (unsigned long long)campaign->run.certain);
}

#endif
