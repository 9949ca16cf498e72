/* weir scan: scans a file with no sockets; one JSON line a hit. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "cli/scan_jobs.h"
#include "scanner/ruleset.h"

static const char help[] = "Scans the messages of a file; prints one JSON line a hit.\n"
                           "\n"
                           "usage: weir scan [OPTION]... FILE|-\n"
                           "\n"
                           "      --rules PATH     a pack or a folder of packs; may be given several times\n"
                           "                       (default: the starter packs)\n"
                           "      --format FORMAT  lines, jsonl or tsv (default: by the file's name)\n"
                           "      --text-column N  tsv: the column of the text, from 1 (default: the last)\n"
                           "      --jobs N         threads (default: one for each core)\n"
                           "      --shadow         print hits of shadow rules too\n"
                           "      --quiet          no summary on stderr\n"
                           "      --help           print this\n"
                           "\n"
                           "A line: {\"message_id\", \"rule\", \"severity\", \"queue\", \"generation\",\n"
                           "\"spans\": [{\"pattern\", \"view\", \"start\", \"end\"}]}, in the order of the messages.\n"
                           "start and end count bytes of the text as sent. \"outcome\": \"unscanned\" and a\n"
                           "\"reason\" mark what could not be decided, \"status\": \"shadow\" a shadow rule.\n"
                           "\"across\" names the other messages that took part, for rules with across; then\n"
                           "one thread scans them all, in order.\n"
                           "\n"
                           "examples: weir scan messages.jsonl\n"
                           "          weir scan --rules mine.yaml --format lines - <texts.txt\n"
                           "\n"
                           "Exit status: 0 done (hits or none), 1 rules or lines of the file have errors,\n"
                           "2 wrong usage, 3 the environment failed.\n";

struct scan_options {
    const char **rules;
    uint32_t rule_count;
    struct input_options input;
    long long jobs;
    bool shadow;
    bool quiet;
    const char *path;
};

static bool parse_format(const char *name, enum input_format *ret_format)
{
    for (int i = 0; input_format_names[i]; i++) {
        if (strcmp(input_format_names[i], name) == 0) {
            *ret_format = (enum input_format)i;
            return true;
        }
    }
    return false;
}

static int parse_options(int argc, char **argv, struct scan_options *options)
{
    enum { OPTION_RULES = 256, OPTION_FORMAT, OPTION_COLUMN, OPTION_JOBS, OPTION_SHADOW, OPTION_QUIET };
    static const struct option known[] = {
        {"rules", required_argument, NULL, OPTION_RULES},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"text-column", required_argument, NULL, OPTION_COLUMN},
        {"jobs", required_argument, NULL, OPTION_JOBS},
        {"shadow", no_argument, NULL, OPTION_SHADOW},
        {"quiet", no_argument, NULL, OPTION_QUIET},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    long long column = 0;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
        switch (option) {
        case OPTION_RULES:
            options->rules[options->rule_count++] = optarg; /* the array has a place for each argument */
            break;
        case OPTION_FORMAT:
            if (!parse_format(optarg, &options->input.format)) {
                return command_usage_error("scan", "--format is lines, jsonl or tsv, not '%s'", optarg);
            }
            break;
        case OPTION_COLUMN:
            if (!command_number("scan", "--text-column", optarg, 1, 10000, &column)) {
                return EXIT_WRONG_USAGE;
            }
            options->input.text_column = (uint32_t)column;
            break;
        case OPTION_JOBS:
            if (!command_number("scan", "--jobs", optarg, 1, SCAN_JOBS_MAX, &options->jobs)) {
                return EXIT_WRONG_USAGE;
            }
            break;
        case OPTION_SHADOW:
            options->shadow = true;
            break;
        case OPTION_QUIET:
            options->quiet = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return -1;
        default:
            return command_option_error("scan", option, argv, known);
        }
    }
    if (optind + 1 != argc) {
        return command_usage_error("scan", optind < argc ? "one file at a time" : "name a file, or - for stdin");
    }
    if (column > 0 && options->input.format == INPUT_AUTO) {
        options->input.format = INPUT_TSV; /* nothing else has columns */
    }
    if (column > 0 && options->input.format != INPUT_TSV) {
        return command_usage_error("scan", "--text-column is for --format tsv");
    }
    options->path = argv[optind];
    return EXIT_DONE;
}

static int load_rules(struct scan_options *options, struct ruleset **ret_ruleset)
{
    struct findings findings = {0};
    if (options->rule_count == 0) {
        options->rules[0] = command_default_packs();
        if (!options->rules[0]) {
            return command_fail("scan", EXIT_ENVIRONMENT,
                                "the packs that come with Weir are not installed; give --rules PATH");
        }
        options->rule_count = 1;
    }
    command_busy("loading the rules...");
    enum status status = ruleset_load(options->rules, options->rule_count, NULL, &findings, ret_ruleset);
    command_busy(NULL);
    bool faulty = findings.errors > 0 && status == STATUS_INVALID;
    if (status != STATUS_OK) {
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
    }
    findings_clear(&findings);
    return status == STATUS_OK ? EXIT_DONE : faulty ? EXIT_FOUND_FAULT : EXIT_ENVIRONMENT;
}

static void print_summary(const struct scan_totals *totals, double seconds)
{
    const struct {
        unsigned long long count;
        const char *what;
        const char *ending; /* of the plural */
    } parts[] = {{totals->messages, "message", command_plural(totals->messages)},
                 {totals->flagged, "flagged", ""},
                 {totals->hits, "hit", command_plural(totals->hits)},
                 {totals->unscanned, "unscanned", ""},
                 {totals->faulty_lines, "faulty line", command_plural(totals->faulty_lines)}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (i < 3 || parts[i].count > 0) { /* the last two are worth a word only if there are any */
            (void)fprintf(stderr, "%s%llu %s%s", i ? ", " : "", parts[i].count, parts[i].what, parts[i].ending);
        }
    }
    (void)fprintf(stderr, "; %.2f s", seconds);
    if (seconds > 0.01) {
        (void)fprintf(stderr, ", %.0f messages/s", (double)totals->messages / seconds);
    }
    (void)fputc('\n', stderr);
}

static int scan_file(const struct scan_options *options, struct ruleset *ruleset)
{
    struct error error = {0};
    struct input *input;
    struct scan_totals totals = {0};
    if (input_open(options->path, &options->input, &error, &input) != STATUS_OK) {
        return command_fail("scan", EXIT_ENVIRONMENT, "%s", error.text);
    }
    struct scan_job job = {.ruleset = ruleset,
                           .input = input,
                           .jobs = (uint32_t)options->jobs,
                           .shadow = options->shadow,
                           .format_guessed = options->input.format == INPUT_AUTO,
                           .out = stdout};
    int64_t started_ms = clock_ticks_ms();
    enum status status = scan_jobs_run(&job, &error, &totals);
    double seconds = (double)(clock_ticks_ms() - started_ms) / 1e3;
    input_close(&input);
    if (status != STATUS_OK) {
        return command_fail("scan", EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
    }
    if (fflush(stdout) != 0) {
        return command_fail("scan", EXIT_ENVIRONMENT, "cannot write to standard output: %s", strerror(errno));
    }
    if (!options->quiet) {
        print_summary(&totals, seconds);
    }
    return totals.faulty_lines > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
}

int command_scan(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct scan_options options = {.jobs = cores < 1               ? 1
                                           : cores > SCAN_JOBS_MAX ? SCAN_JOBS_MAX
                                                                   : cores,
                                   .rules = calloc((size_t)argc + 1, sizeof(char *))};
    struct ruleset *ruleset = NULL;
    if (!options.rules) {
        return command_fail("scan", EXIT_ENVIRONMENT, "out of memory");
    }
    int code = parse_options(argc, argv, &options);
    if (code == EXIT_DONE) {
        code = load_rules(&options, &ruleset);
    }
    if (code == EXIT_DONE) {
        code = scan_file(&options, ruleset);
    }
    ruleset_let_go(&ruleset);
    free(options.rules);
    return code < 0 ? EXIT_DONE : code;
}
