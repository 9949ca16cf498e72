/*
 * Weir's scan beside the baseline, in one process and interleaved (measure.h).
 *
 *     scan_benchmark [OPTION]... MESSAGES PACK...
 *
 *       --messages PATH   one more set of messages, measured after the first; may be given several times
 *       --batch N,...     messages given to a scan at once (256); several: each is measured
 *       --rounds N        (7)
 *       --seconds S       fewer rounds, but at least 3, for a measurement that would take longer
 *       --sample N        at most so many messages of each set, spread evenly
 *       --cache DIR       where compiled baselines are kept
 *       --rules-cache DIR where Weir keeps what it compiled; without it every load is cold
 *       --no-baseline
 *       --spans           hits with their places too, which the baseline does not find
 *       --stages          also what each stage costs apart (stages.h)
 *       --threads N       also how many times as fast N threads are as one
 *       --baseline-only   compile the baseline, or find it in the cache, and end
 *       --load-only       load the rules, say how long it took and what memory it needed, and end
 *       --json            one JSON object on standard output instead of words
 */
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "baseline.h"
#include "measure.h"
#include "scanner/compiling.h"
#include "stages.h"
#include "text/view.h"

#define SETS_MAX 16
#define BATCHES_MAX 16

struct settings {
    struct measure_plan plan;
    bool spans;
    const char *messages[SETS_MAX];
    int message_sets;
    uint32_t batches[BATCHES_MAX];
    int batch_count;
    size_t sample;
    const char *cache, *rules_cache;
    bool bare, load_only, baseline_only, json, stages;
    unsigned threads;
    char *const *packs;
    int pack_count;
};

static const char usage[] =
    "[--messages PATH]... [--batch N,...] [--rounds N] [--seconds S] [--sample N] [--cache DIR] "
    "[--rules-cache DIR] [--no-baseline] [--spans] [--stages] [--threads N] [--load-only] [--json] "
    "MESSAGES PACK...";

static void read_batches(const char *text, struct settings *settings)
{
    settings->batch_count = 0;
    for (char *end; settings->batch_count < BATCHES_MAX; text = end + 1) {
        unsigned long value = strtoul(text, &end, 10);
        if (end == text || value == 0 || value > SCANNER_SLICE_MESSAGES * UINT64_C(16))
            corpus_die("not a number of messages", text);
        settings->batches[settings->batch_count++] = (uint32_t)value;
        if (*end != ',')
            break;
    }
}

static void add_messages(const char *path, struct settings *settings)
{
    if (settings->message_sets == SETS_MAX)
        corpus_die("too many sets of messages", path);
    settings->messages[settings->message_sets++] = path;
}

static void read_options(int argc, char **argv, struct settings *settings)
{
    static const struct option known[] = {{"messages", required_argument, NULL, 'm'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"sample", required_argument, NULL, 'S'},
                                          {"cache", required_argument, NULL, 'c'},
                                          {"rules-cache", required_argument, NULL, 'C'},
                                          {"no-baseline", no_argument, NULL, 'n'},
                                          {"load-only", no_argument, NULL, 'l'},
                                          {"baseline-only", no_argument, NULL, 'B'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"spans", no_argument, NULL, 'p'},
                                          {"stages", no_argument, NULL, 'g'},
                                          {"threads", required_argument, NULL, 't'},
                                          {NULL, 0, NULL, 0}};
    add_messages(NULL, settings); /* the first is the argument */
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'm':
            add_messages(optarg, settings);
            break;
        case 'b':
            read_batches(optarg, settings);
            break;
        case 'r':
            settings->plan.rounds = (int)strtol(optarg, NULL, 10);
            break;
        case 'p':
            settings->spans = true;
            break;
        case 's':
            settings->plan.seconds = strtod(optarg, NULL);
            break;
        case 'S':
            settings->sample = strtoul(optarg, NULL, 10);
            break;
        case 'c':
            settings->cache = optarg;
            break;
        case 'C':
            settings->rules_cache = optarg;
            break;
        case 'n':
            settings->bare = true;
            break;
        case 'l':
            settings->load_only = true;
            break;
        case 'B':
            settings->baseline_only = true;
            break;
        case 'j':
            settings->json = true;
            break;
        case 'g':
            settings->stages = true;
            break;
        case 't':
            settings->threads = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            corpus_die("wrong usage", usage);
        }
    }
    int places = settings->load_only || settings->baseline_only ? 1 : 2;
    if (argc - optind < places || settings->plan.rounds < 1 || settings->plan.rounds > MEASURE_ROUNDS_MAX)
        corpus_die("wrong usage", usage);
    settings->messages[0] = argv[optind];
    settings->packs = argv + optind + places - 1;
    settings->pack_count = argc - optind - places + 1;
}

/* A line of /proc/self/status in bytes: VmHWM is the most that was resident so far. */
static double memory_of(const char *name)
{
    FILE *in = fopen("/proc/self/status", "re");
    char line[256];
    double bytes = 0;
    while (in && fgets(line, sizeof line, in))
        if (strncmp(line, name, strlen(name)) == 0)
            bytes = strtod(line + strlen(name) + 1, NULL) * 1024;
    if (in)
        (void)fclose(in);
    return bytes;
}

static struct ruleset *load(const struct settings *settings, double *ret_seconds)
{
    struct findings findings = {0};
    struct ruleset_options options = {.skip_tests = true};
    struct ruleset *ruleset = NULL;
    int64_t started = clock_ticks_ns();
    if (ruleset_load((const char *const *)settings->packs, (uint32_t)settings->pack_count, &options, &findings,
                     &ruleset) != STATUS_OK) {
        findings_print(&findings, stderr, false);
        corpus_die("the rules do not load", settings->packs[0]);
    }
    *ret_seconds = (double)(clock_ticks_ns() - started) * 1e-9;
    findings_clear(&findings);
    return ruleset;
}

/* Rules are compiled as `weir` does it: in the helper, and kept where the caller says. */
static void keep_compiled(const char *folder)
{
    struct compiling compiling = {.cache_folder = folder, .cache_bytes_max = COMPILING_CACHE_BYTES_MAX};
    if (folder && compiling_set(&compiling) != STATUS_OK)
        corpus_die("the folder for compiled rules cannot be used", folder);
}

static json_t *describe_load(const struct ruleset *ruleset, double seconds)
{
    const struct program_facts *facts = &ruleset_program(ruleset)->facts;
    return json_pack("{s:f,s:f,s:f,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:f,s:s,s:b}", "load_seconds", seconds, "resident_bytes",
                     memory_of("VmRSS"), "resident_peak_bytes", memory_of("VmHWM"), "rules",
                     (int)ruleset_rule_count(ruleset), "patterns", (int)facts->patterns, "literals",
                     (int)facts->literals, "gated", (int)facts->gated, "expressions", (int)facts->expressions, "always",
                     (int)facts->always, "deferred", (int)facts->deferred, "database_bytes",
                     (double)facts->database_bytes, "generation", ruleset_generation(ruleset), "has_rules_cache", 1);
}

static json_t *describe_baseline(const struct baseline *baseline)
{
    return json_pack("{s:i,s:i,s:f,s:f}", "patterns", (int)(baseline->count - baseline->left_out), "left_out",
                     (int)baseline->left_out, "compile_seconds", baseline->compile_seconds, "database_bytes",
                     (double)baseline->database_bytes);
}

static json_t *describe_run(const char *path, const struct corpus *corpus, uint32_t batch,
                            const struct measure_result *result)
{
    return json_pack("{s:s,s:I,s:I,s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:I,s:I}", "messages_file", path,
                     "messages", (json_int_t)corpus->count, "bytes", (json_int_t)corpus->bytes, "batch", (int)batch,
                     "rounds", result->rounds, "weir_ns", result->weir_ns, "baseline_ns", result->baseline_ns, "ratio",
                     result->ratio, "ratio_low", result->ratio_low, "ratio_high", result->ratio_high, "candidates",
                     result->candidates, "confirmations", result->confirmations, "baseline_matches",
                     result->baseline_matches, "weir_flagged", (json_int_t)result->weir_flagged, "weir_unscanned",
                     (json_int_t)result->weir_unscanned, "baseline_flagged", (json_int_t)result->baseline_flagged);
}

static void print_one(const char *name, double ns, const struct corpus *corpus, uint64_t flagged)
{
    printf("%-10s %9.1f ns/message %12.0f messages/s %8.1f MB/s %8llu flagged\n", name, ns, 1e9 / ns,
           (double)corpus->bytes / (double)corpus->count / ns * 1e3, (unsigned long long)flagged);
}

static void print_run(const char *path, const struct corpus *corpus, uint32_t batch,
                      const struct measure_result *result, bool compared)
{
    printf("%s: %zu messages, batches of %u\n", path, corpus->count, batch);
    if (compared)
        print_one("baseline", result->baseline_ns, corpus, result->baseline_flagged);
    print_one("weir", result->weir_ns, corpus, result->weir_flagged);
    printf("%.2f candidates and %.2f confirmations a message", result->candidates, result->confirmations);
    if (compared)
        printf("; %.2f x the baseline (%.2f to %.2f; median and quartiles of %d rounds)", result->ratio,
               result->ratio_low, result->ratio_high, result->rounds);
    printf("\n");
}

/* Stages and threads, with the last size of batches. */
static void measure_more(const struct settings *settings, const char *path, const struct corpus *corpus,
                         struct ruleset *ruleset, json_t *more)
{
    json_t *item = json_pack("{s:s}", "messages_file", path);
    if (settings->stages) {
        double ns[STAGE_COUNT];
        json_t *stages = json_object();
        stages_measure(&settings->plan, corpus, ruleset, ns);
        for (int stage = 0; stage < STAGE_COUNT; stage++) {
            (void)json_object_set_new(stages, stage_names[stage], json_real(ns[stage]));
            if (!settings->json)
                printf("%s %.0f ns%s", stage_names[stage], ns[stage], stage + 1 < STAGE_COUNT ? ", " : " a message\n");
        }
        (void)json_object_set_new(item, "stages", stages);
    }
    if (settings->threads) {
        double ratio = stages_parallel(&settings->plan, corpus, ruleset, settings->threads);
        (void)json_object_set_new(item, "threads", json_integer((json_int_t)settings->threads));
        (void)json_object_set_new(item, "threads_ratio", json_real(ratio));
        if (!settings->json)
            printf("%u threads: %.2f x one\n", settings->threads, ratio);
    }
    (void)json_array_append_new(more, item);
}

static void measure_sets(struct settings *settings, struct ruleset *ruleset, struct baseline *baseline, json_t *runs,
                         json_t *more)
{
    struct scanner *scanner = NULL;
    if (scanner_new(&scanner) != STATUS_OK)
        corpus_die("out of memory", "");
    scanner_set_spans(scanner, settings->spans);
    for (int set = 0; set < settings->message_sets; set++) {
        struct corpus corpus = {0};
        const char *path = settings->messages[set];
        corpus_read(path, &corpus);
        if (settings->sample)
            corpus_thin(&corpus, settings->sample);
        for (int i = 0; i < settings->batch_count; i++) {
            settings->plan.batch = settings->batches[i];
            struct measure_result result = measure_run(&settings->plan, &corpus, scanner, ruleset, baseline);
            if (settings->json)
                (void)json_array_append_new(runs, describe_run(path, &corpus, settings->plan.batch, &result));
            else
                print_run(path, &corpus, settings->plan.batch, &result, baseline != NULL);
        }
        measure_more(settings, path, &corpus, ruleset, more);
        corpus_free(&corpus);
    }
    scanner_free(&scanner);
}

static void print_load(const struct ruleset *ruleset, double seconds)
{
    const struct program_facts *facts = &ruleset_program(ruleset)->facts;
    printf("rules %u, patterns %u: %u literals gate %u regexes, %u expressions, %u looked for in every message; %.1f "
           "MiB, loaded in %.2f s, %.0f MiB resident, at most %.0f\n",
           ruleset_rule_count(ruleset), facts->patterns, facts->literals, facts->gated, facts->expressions,
           facts->always, (double)facts->database_bytes / (1 << 20), seconds, memory_of("VmRSS") / (1 << 20),
           memory_of("VmHWM") / (1 << 20));
}

static void print_json(json_t *object)
{
    if (json_dumpf(object, stdout, JSON_SORT_KEYS) != 0)
        corpus_die("cannot write", "standard output");
    putchar('\n');
}

/* NULL if only the baseline is wanted. */
static struct ruleset *load_first(const struct settings *settings, json_t *report)
{
    double seconds;
    if (settings->baseline_only) {
        if (view_start() != STATUS_OK)
            corpus_die("cannot start", "the Unicode tables");
        return NULL;
    }
    struct ruleset *ruleset = load(settings, &seconds);
    json_t *described = describe_load(ruleset, seconds);
    (void)json_object_update(report, described);
    json_decref(described);
    if (!settings->json)
        print_load(ruleset, seconds);
    return ruleset;
}

static void load_baseline(const struct settings *settings, struct baseline *baseline, json_t *report)
{
    baseline_read(settings->packs, settings->pack_count, baseline);
    baseline_compile(baseline, settings->cache);
    (void)json_object_set_new(report, "baseline", describe_baseline(baseline));
    if (!settings->json)
        printf("baseline: %u patterns, %u more are not taken by Hyperscan; %.1f MiB, compiled in %.2f s\n",
               baseline->count - baseline->left_out, baseline->left_out, (double)baseline->database_bytes / (1 << 20),
               baseline->compile_seconds);
}

int main(int argc, char **argv)
{
    struct settings settings = {.plan = {.rounds = 7}, .batches = {256}, .batch_count = 1};
    struct baseline baseline = {0};
    json_t *report = json_object(), *runs = json_array(), *more = json_array();
    read_options(argc, argv, &settings);
    keep_compiled(settings.rules_cache);
    struct ruleset *ruleset = load_first(&settings, report);
    bool compared = !settings.bare && !settings.load_only;
    if (compared)
        load_baseline(&settings, &baseline, report);
    if (!settings.load_only && !settings.baseline_only)
        measure_sets(&settings, ruleset, compared ? &baseline : NULL, runs, more);
    (void)json_object_set_new(report, "runs", runs);
    (void)json_object_set_new(report, "more", more);
    if (settings.json)
        print_json(report);
    json_decref(report);
    ruleset_let_go(&ruleset);
    baseline_free(&baseline);
    return 0;
}
