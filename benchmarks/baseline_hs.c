/*
 * The baseline alone (baseline.h): the best of some rounds over all messages. Reading the messages is not measured.
 *
 *     baseline_hs MESSAGES PACK...        one JSON line on stdout
 *     baseline_hs --expressions PACK...   only writes what it searches for, one regex a line, for other matchers
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "baseline.h"
#include "text/view.h"

#define ROUNDS 3

/* One that holds a line break cannot be written as a line. */
static void print_expressions(const struct baseline *baseline)
{
    for (unsigned i = 0; i < baseline->count; i++)
        if (!strchr(baseline->texts[i], '\n'))
            puts(baseline->texts[i]);
}

static void scan(struct baseline *baseline, const char *messages)
{
    struct corpus corpus = {0};
    corpus_read(messages, &corpus);
    baseline_compile(baseline, NULL);
    double best = 1e9;
    uint64_t flagged = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t started = clock_ticks_ns();
        flagged = baseline_scan(baseline, &corpus);
        double took = (double)(clock_ticks_ns() - started) * 1e-9;
        best = took < best ? took : best;
    }
    printf("{\"patterns\": %u, \"left_out\": %u, \"messages\": %zu, \"flagged\": %llu, \"compile_seconds\": %.3f, "
           "\"seconds\": %.4f, \"messages_per_second\": %.0f}\n",
           baseline->count - baseline->left_out, baseline->left_out, corpus.count, (unsigned long long)flagged,
           baseline->compile_seconds, best, (double)corpus.count / best);
    corpus_free(&corpus);
}

int main(int argc, char **argv)
{
    struct baseline baseline = {0};
    if (argc < 3)
        corpus_die("wrong usage", "baseline_hs MESSAGES PACK..., or baseline_hs --expressions PACK...");
    if (view_start() != STATUS_OK)
        corpus_die("cannot start", "the Unicode tables");
    baseline_read(argv + 2, argc - 2, &baseline);
    if (baseline.count == 0)
        corpus_die("no patterns", argv[2]);
    if (strcmp(argv[1], "--expressions") == 0)
        print_expressions(&baseline);
    else
        scan(&baseline, argv[1]);
    baseline_free(&baseline);
    return 0;
}
