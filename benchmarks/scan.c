/*
 * Weir's scan beside the baseline, in one process and interleaved: on a noisy machine only the ratio of neighbours
 * counts.
 *
 *     scan_benchmark [--batch N] [--rounds N] [--no-baseline] MESSAGES PACK...
 *
 * One thread; a scan is everything from the text as sent to the decided hits: views, search, confirmation, conditions,
 * spans. Prints the medians, and what was done for a message.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "baseline.h"
#include "scanner/ruleset.h"
#include "scanner/scanner.h"

#define ROUNDS_MAX 101

struct run {
    struct ruleset *ruleset;
    struct scanner *scanner;
    uint32_t batch;
    uint64_t flagged;
};

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct run *run = context;
    (void)message, (void)hits, (void)hit_count;
    run->flagged++;
    return STATUS_OK;
}

static double weir_round(struct run *run, const struct corpus *corpus)
{
    int64_t started = clock_ticks_ns();
    run->flagged = 0;
    for (size_t i = 0; i < corpus->count; i += run->batch) {
        uint32_t count = corpus->count - i < run->batch ? (uint32_t)(corpus->count - i) : run->batch;
        if (scanner_scan(run->scanner, run->ruleset, corpus->texts + i, count, on_hits, run) != STATUS_OK)
            corpus_die("the scan failed", "");
    }
    return (double)(clock_ticks_ns() - started) / (double)corpus->count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static void load(char *const *paths, int count, struct run *run)
{
    struct findings findings = {0};
    struct ruleset_options options = {.skip_tests = true};
    int64_t started = clock_ticks_ns();
    if (ruleset_load((const char *const *)paths, (uint32_t)count, &options, &findings, &run->ruleset) != STATUS_OK) {
        findings_print(&findings, stderr, false);
        corpus_die("the rules do not load", paths[0]);
    }
    const struct program *program = ruleset_program(run->ruleset);
    printf(
        "rules %u, patterns %u: %u literals gate %u regexes, %u expressions, %u confirmed on every message; %.1f MiB, "
        "loaded in %.2f s\n",
        ruleset_rule_count(run->ruleset), program->facts.patterns, program->facts.literals, program->facts.gated,
        program->facts.expressions, program->facts.always, (double)program->facts.database_bytes / (1 << 20),
        (double)(clock_ticks_ns() - started) * 1e-9);
    findings_clear(&findings);
    if (scanner_new(&run->scanner) != STATUS_OK)
        corpus_die("out of memory", "");
}

static void report(const char *name, double ns, const struct corpus *corpus, uint64_t flagged)
{
    printf("%-10s %9.1f ns/message %12.0f messages/s %8.1f MB/s %8llu flagged\n", name, ns, 1e9 / ns,
           (double)corpus->bytes / (double)corpus->count / ns * 1e3, (unsigned long long)flagged);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"batch", required_argument, NULL, 'b'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"no-baseline", no_argument, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
    struct run run = {.batch = 256};
    struct corpus corpus = {0};
    struct baseline baseline = {0};
    int rounds = 7;
    bool compared = true;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'b')
            run.batch = (uint32_t)strtoul(optarg, NULL, 10);
        else if (option == 'r')
            rounds = (int)strtol(optarg, NULL, 10);
        else if (option == 'n')
            compared = false;
    }
    if (argc - optind < 2 || run.batch == 0 || rounds < 1 || rounds > ROUNDS_MAX)
        corpus_die("wrong usage", "[--batch N] [--rounds N] [--no-baseline] MESSAGES PACK...");
    corpus_read(argv[optind], &corpus);
    load(argv + optind + 1, argc - optind - 1, &run);
    if (compared) {
        baseline_read(argv + optind + 1, argc - optind - 1, &baseline);
        baseline_compile(&baseline);
        printf("baseline: %u patterns, %u more are not taken by Hyperscan; compiled in %.2f s\n", baseline.count,
               baseline.left_out, baseline.compile_seconds);
    }
    double ours[ROUNDS_MAX] = {0}, theirs[ROUNDS_MAX] = {0}, ratios[ROUNDS_MAX] = {0};
    uint64_t flagged = 0;
    (void)weir_round(&run, &corpus); /* warms up */
    struct scanner_counts before = scanner_counts(run.scanner);
    for (int i = 0; i < rounds; i++) {
        int64_t started = clock_ticks_ns();
        flagged = compared ? baseline_scan(&baseline, &corpus) : 0;
        theirs[i] = (double)(clock_ticks_ns() - started) / (double)corpus.count;
        ours[i] = weir_round(&run, &corpus);
        ratios[i] = theirs[i] / ours[i];
    }
    struct scanner_counts after = scanner_counts(run.scanner);
    double messages = (double)(after.messages - before.messages);
    if (compared)
        report("baseline", median(theirs, rounds), &corpus, flagged);
    report("weir", median(ours, rounds), &corpus, run.flagged);
    printf("batches of %u: %.2f candidates and %.2f confirmations a message", run.batch,
           (double)(after.candidates - before.candidates) / messages,
           (double)(after.confirmations - before.confirmations) / messages);
    if (compared)
        printf("; %.2f x the baseline (median of %d rounds)", median(ratios, rounds), rounds);
    printf("\n");
    scanner_free(&run.scanner);
    ruleset_let_go(&run.ruleset);
    baseline_free(&baseline);
    corpus_free(&corpus);
    return 0;
}
