/*
 * A campaign: random patterns and texts, for as long as one likes. Exit code 1 if a match was missed.
 * Usage: fuzz_regex_superset [SECONDS [SEED]]
 */
#include <time.h>

#include "tests/fuzz/regex_campaign.h"

int main(int argc, char **argv)
{
    unsigned long seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 60;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
    fprintf(stderr, "seed %llu, %lu s\n", (unsigned long long)seed, seconds);
    struct campaign campaign = {.seed = seed};
    if (!superset_init(&campaign.run)) {
        return 3;
    }
    campaign_run(&campaign, UINT64_MAX, (double)seconds);
    campaign_report(&campaign);
    superset_free(&campaign.run);
    return campaign.missed > 0;
}
