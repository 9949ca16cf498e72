/*
 * fuzz_scan [SECONDS [SEED]]: random rule sets and texts through the whole of Weir, against plain PCRE2.
 *
 * Each case has a seed of its own, counted up from SEED; `--one` runs only the case of SEED. With WEIR_SHARED_DATA set,
 * real patterns and messages are among what is varied, and other cases come of the same seed. The first difference is
 * made small, printed with a row for tests/unit/scanner/test_scan_found.c, and ends the program with 1.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scanner/compiling.h"
#include "tests/fuzz/scan_compare.h"
#include "tests/fuzz/scan_plant.h"
#include "tests/fuzz/scan_random.h"
#include "tests/fuzz/scan_shrink.h"

#define JOBS_MAX 64
#define CASE_ARENA_MAX ((size_t)2 << 30)
#define SHRINK_SECONDS 60
#define DIFFERENCES_MAX 50
#define CASES_FOR_A_PLANT 60 /* a planted fault must be found within so many cases */
#define REPORT_SECONDS 60

struct options {
    double seconds;
    uint64_t seed;
    unsigned jobs;
    bool one, keep_going, verbose;
    double shrink_seconds;
    bool plants;
    enum plant plant; /* PLANT_NONE: all */
};

struct run {
    const struct options *options;
    struct seeds seeds;
    struct comparer *comparer;
    struct arena *arena, *shrink_arena;
    unsigned differences;
};

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void usage(FILE *out)
{
    (void)fputs("Usage: fuzz_scan [OPTION]... [SECONDS [SEED]]\n"
                "Compare Weir with plain PCRE2 on random rule sets and texts, for 60 seconds.\n\n"
                "  -j, --jobs N      run N of them side by side\n"
                "      --one         run only the case of SEED\n"
                "      --keep-going  do not end at the first difference\n"
                "      --shrink S    spend at most S seconds on making a difference small (60)\n"
                "      --plant NAME  plant a fault and see that it is found; 'all': each of them in turn\n"
                "  -v, --verbose     name each case before it is run\n"
                "      --help        show this\n\n"
                "WEIR_SHARED_DATA names a folder of real patterns and messages to vary.\n"
                "Exit code: 0 no difference, 1 a difference (or a planted fault that was not found), 2 wrong usage,\n"
                "3 no memory or no temporary folder.\n",
                out);
}

static bool read_number(const char *text, double *ret_number)
{
    char *end;
    double number = strtod(text, &end);
    bool fine = end != text && *end == '\0' && number >= 0;
    *ret_number = fine ? number : *ret_number;
    return fine;
}

static bool read_seed(const char *text, uint64_t *ret_seed)
{
    char *end;
    unsigned long long seed = strtoull(text, &end, 10);
    *ret_seed = seed;
    return end != text && *end == '\0';
}

static bool read_plant(const char *text, struct options *options)
{
    options->plants = true;
    for (int i = 1; i < PLANTS; i++) {
        if (strcmp(text, plant_names[i]) == 0) {
            options->plant = (enum plant)i;
            return true;
        }
    }
    return strcmp(text, "all") == 0;
}

/* -1: go on; otherwise an exit code. */
static int read_options(int argc, char **argv, struct options *options)
{
    enum { OPTION_ONE = 256, OPTION_KEEP_GOING, OPTION_PLANT, OPTION_HELP, OPTION_SHRINK };
    static const struct option longs[] = {{"jobs", required_argument, NULL, 'j'},
                                          {"one", no_argument, NULL, OPTION_ONE},
                                          {"keep-going", no_argument, NULL, OPTION_KEEP_GOING},
                                          {"shrink", required_argument, NULL, OPTION_SHRINK},
                                          {"plant", required_argument, NULL, OPTION_PLANT},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, OPTION_HELP},
                                          {0}};
    bool fine = true;
    double jobs = 1;
    for (int option; (option = getopt_long(argc, argv, "j:v", longs, NULL)) >= 0;) {
        switch (option) {
        case 'j':
            fine &= read_number(optarg, &jobs) && jobs >= 1 && jobs <= JOBS_MAX;
            break;
        case OPTION_ONE:
            options->one = true;
            break;
        case OPTION_KEEP_GOING:
            options->keep_going = true;
            break;
        case OPTION_SHRINK:
            fine &= read_number(optarg, &options->shrink_seconds);
            break;
        case OPTION_PLANT:
            fine &= read_plant(optarg, options);
            break;
        case 'v':
            options->verbose = true;
            break;
        case OPTION_HELP:
            usage(stdout);
            return 0;
        default:
            fine = false;
        }
    }
    fine &= argc - optind <= 2;
    fine = fine && (argc - optind < 1 || read_number(argv[optind], &options->seconds));
    fine = fine && (argc - optind < 2 || read_seed(argv[optind + 1], &options->seed));
    options->jobs = (unsigned)jobs;
    if (!fine) {
        usage(stderr);
        return 2;
    }
    return -1;
}

/* ---------------------------------------------------------------- cases */

static void run_start(struct run *run, const struct options *options)
{
    *run = (struct run){.options = options};
    if (view_start() != STATUS_OK || arena_new(1u << 20, CASE_ARENA_MAX, &run->arena) != STATUS_OK ||
        arena_new(1u << 20, CASE_ARENA_MAX, &run->shrink_arena) != STATUS_OK) {
        exit(3);
    }
    /* planted faults are found in the same cases everywhere */
    seeds_load(&run->seeds, options->plants ? NULL : getenv("WEIR_SHARED_DATA"));
    run->comparer = comparer_new();
}

static void run_end(struct run *run)
{
    comparer_free(&run->comparer);
    seeds_free(&run->seeds);
    arena_free(&run->arena);
    arena_free(&run->shrink_arena);
}

static void tell_difference(struct run *run, uint64_t seed, struct scan_case *it, struct difference *difference)
{
    struct buffer expected = BUFFER_INIT(64u << 20);
    (void)printf("difference in the case of seed %llu: %s: rule f.%u, text %u: %s\n", (unsigned long long)seed,
                 difference_names[difference->kind], difference->rule, difference->text, difference->words);
    (void)fflush(stdout);
    arena_reset(run->shrink_arena);
    scan_shrink(run->comparer, run->shrink_arena, run->options->shrink_seconds, it, difference);
    (void)printf("made small: %s: rule f.%u, text %u, batches of %u: %s\n", difference_names[difference->kind],
                 difference->rule, difference->text, it->batch, difference->words);
    for (uint32_t i = 0; i < it->text_count && i < 20; i++) {
        (void)printf("text %u: ", i);
        case_print_bytes(it->texts[i], stdout);
        (void)putchar('\n');
    }
    comparer_print_expected(run->comparer, it, &expected);
    if (buffer_append_byte(&expected, '\0') != STATUS_OK) {
        abort();
    }
    (void)puts("as a row of tests/unit/scanner/test_scan_found.c:");
    case_print_test(it, (const char *)expected.data, stdout);
    (void)fflush(stdout);
    buffer_free(&expected);
}

/* False: it differs. */
static bool run_case(struct run *run, uint64_t seed, bool tell)
{
    struct scan_case it;
    struct difference difference;
    arena_reset(run->arena);
    if (run->options->verbose) {
        (void)fprintf(stderr, "case %llu\n", (unsigned long long)seed);
    }
    /* Half of the cases search their few words as long lists of them are. */
    struct compiling compiling = {.words_min = seed & 1};
    if (compiling_set(&compiling) != STATUS_OK) {
        abort();
    }
    /* Of both halves, half answer by automata from the first message on, and half ask PCRE2 alone. */
    comparer_set_first(run->comparer, seed & 2 ? UINT32_MAX : 0);
    scan_random_case(seed, &run->seeds, run->arena, &it);
    if (!comparer_run(run->comparer, &it, &difference)) {
        return true;
    }
    run->differences++;
    if (tell) {
        tell_difference(run, seed, &it, &difference);
    }
    return false;
}

static void tell_counts(const struct run *run, double seconds, FILE *out)
{
    struct comparer_counts counts = comparer_counts(run->comparer);
    (void)fprintf(out, "regexes searched by literals %llu, as expressions %llu, always %llu; patterns deferred %llu\n",
                  (unsigned long long)counts.gated, (unsigned long long)counts.expressions,
                  (unsigned long long)counts.always, (unsigned long long)counts.deferred);
    (void)fprintf(out,
                  "%llu rule sets, %llu rules, %llu patterns, %llu messages (%.1f MB); %llu pairs of rule and message "
                  "compared, %llu held, %llu spans, %llu unscanned and explained, %llu left out, %u differ; "
                  "%.0f s (compile and scan %.0f, PCRE2 %.0f), %.0f pairs/s\n",
                  (unsigned long long)counts.cases, (unsigned long long)counts.rules,
                  (unsigned long long)counts.patterns, (unsigned long long)counts.texts, (double)counts.bytes / 1e6,
                  (unsigned long long)counts.pairs, (unsigned long long)counts.held, (unsigned long long)counts.spans,
                  (unsigned long long)counts.unscanned, (unsigned long long)counts.left_out, run->differences, seconds,
                  counts.scan_seconds, counts.oracle_seconds, seconds > 0 ? (double)counts.pairs / seconds : 0);
}

static int fuzz(const struct options *options, unsigned job)
{
    struct run run;
    double started = seconds_now(), told = started;
    run_start(&run, options);
    for (uint64_t seed = options->seed + job; seconds_now() - started < options->seconds; seed += options->jobs) {
        bool same = run_case(&run, seed, true);
        if (options->one || (!same && (!options->keep_going || run.differences >= DIFFERENCES_MAX))) {
            break;
        }
        if (seconds_now() - told > REPORT_SECONDS) {
            told = seconds_now();
            tell_counts(&run, told - started, stderr);
        }
    }
    tell_counts(&run, seconds_now() - started, stdout);
    int code = run.differences > 0;
    run_end(&run);
    return code;
}

/* One process a job: none of them can harm another. */
static int fuzz_jobs(const struct options *options)
{
    int code = 0;
    if (options->jobs == 1) {
        return fuzz(options, 0);
    }
    for (unsigned job = 0; job < options->jobs; job++) {
        pid_t child = fork();
        if (child == 0) {
            exit(fuzz(options, job));
        }
        code = child < 0 ? 3 : code;
    }
    for (int result; wait(&result) > 0;) {
        int one = WIFEXITED(result) ? WEXITSTATUS(result) : 3;
        code = one > code ? one : code;
    }
    return code;
}

/* ---------------------------------------------------------------- planted faults */

static bool is_found(struct run *run, enum plant plant, uint64_t seed)
{
    unsigned cases = 0, step = plant == PLANT_LIMIT ? SCAN_RANDOM_RUNAWAY : 1;
    double started = seconds_now();
    bool found = false;
    plant_kind = plant;
    while (cases < CASES_FOR_A_PLANT && !found) {
        found = !run_case(run, seed / step * step + (uint64_t)step * cases++, false);
    }
    plant_kind = PLANT_NONE;
    (void)printf("planted fault '%s': %s after %u cases, %.2f s\n", plant_names[plant], found ? "found" : "NOT FOUND",
                 cases, seconds_now() - started);
    return found;
}

static int find_plants(const struct options *options)
{
    struct run run;
    bool all = true;
    run_start(&run, options);
    for (int i = 1; i < PLANTS; i++) {
        if (options->plant == PLANT_NONE || (int)options->plant == i) {
            all &= is_found(&run, (enum plant)i, options->seed);
        }
    }
    run_end(&run);
    return !all;
}

int main(int argc, char **argv)
{
    struct options options = {.seconds = 60, .seed = (uint64_t)time(NULL), .shrink_seconds = SHRINK_SECONDS};
    int code = read_options(argc, argv, &options);
    if (code >= 0) {
        return code;
    }
    (void)fprintf(stderr, "seed %llu\n", (unsigned long long)options.seed);
    return options.plants ? find_plants(&options) : fuzz_jobs(&options);
}
