/* weir rules profile: what each rule and pattern costs on a sample, and a profile of the sample's traffic. */
#include "cli/rules_profile.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "rules/traffic_profile.h"

#define FAULTS_SHOWN_MAX 5

static const char profile_help[] = "usage: weir rules profile --sample FILE [OPTION]... [PATH]...\n"
                                   "\n"
                                   "Shows what each pattern costs on a sample of messages: nanoseconds of a message\n"
                                   "for searching and confirming it, how often it was looked at and found, and what\n"
                                   "compiling it takes. A PATH is a pack or a folder of packs; without one, the\n"
                                   "packs that come with Weir.\n"
                                   "\n"
                                   "With --write no rules are measured: a profile of the traffic is written instead,\n"
                                   "how often strings of up to four bytes occur in the sample. Rules that are loaded\n"
                                   "with it (WEIR_PROFILE=FILE, or a setting of 'weir run') search for what is rare\n"
                                   "in this traffic. It holds no messages.\n"
                                   "\n"
                                   "Options:\n"
                                   "      --sample FILE      messages, or - for standard input; may be given several\n"
                                   "                         times\n"
                                   "      --format FORMAT    lines, jsonl or tsv (default: by the file's name)\n"
                                   "      --text-column N    tsv: the column of the text, from 1 (default: the last)\n"
                                   "      --messages N       measure the first N messages (default: 50000, 0: all)\n"
                                   "      --rules PATH       the same as PATH; may be given several times\n"
                                   "      --sort KEY         time (default), candidates, confirmations, hits,\n"
                                   "                         compile, bytes or rule\n"
                                   "      --top N            show N patterns (default: 20, 0: all)\n"
                                   "      --max-ns N         exit 1 if a message costs more than N ns, and name the\n"
                                   "                         patterns that cost most\n"
                                   "      --max-rule-ns N    exit 1 if one rule costs more than N ns a message\n"
                                   "      --json             one JSON object on standard output instead\n"
                                   "      --write FILE       write a profile of the traffic\n"
                                   "      --min-messages N   --write: leave out what fewer different messages hold\n"
                                   "                         (default and least: 20)\n"
                                   "  -h, --help             this help\n"
                                   "\n"
                                   "Examples:\n"
                                   "  weir rules profile --sample messages.jsonl my-packs/\n"
                                   "  weir rules profile --sample messages.jsonl --max-rule-ns 200 my-packs/\n"
                                   "  weir rules profile --sample messages.jsonl --write traffic.profile\n"
                                   "\n"
                                   "Exit status: 0 done, 1 over a budget, or rules or lines of the sample have\n"
                                   "errors, 2 wrong usage, 3 the environment failed.\n";

enum {
    OPTION_SAMPLE = RULES_LONG_OPTION,
    OPTION_FORMAT,
    OPTION_COLUMN,
    OPTION_MESSAGES,
    OPTION_SORT,
    OPTION_TOP,
    OPTION_MAX_NS,
    OPTION_MAX_RULE_NS,
    OPTION_WRITE,
    OPTION_MIN_MESSAGES,
};

static const struct option profile_options[] = {
    {"sample", required_argument, NULL, OPTION_SAMPLE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"text-column", required_argument, NULL, OPTION_COLUMN},
    {"messages", required_argument, NULL, OPTION_MESSAGES},
    {"sort", required_argument, NULL, OPTION_SORT},
    {"top", required_argument, NULL, OPTION_TOP},
    {"max-ns", required_argument, NULL, OPTION_MAX_NS},
    {"max-rule-ns", required_argument, NULL, OPTION_MAX_RULE_NS},
    {"write", required_argument, NULL, OPTION_WRITE},
    {"min-messages", required_argument, NULL, OPTION_MIN_MESSAGES},
    {NULL, 0, NULL, 0},
};

static const char *const sort_names[] = {"time",    "candidates", "confirmations", "hits",
                                         "compile", "bytes",      "rule",          NULL};

/* The index of a name in a list that ends with NULL; -1: not there. */
static int index_of(const char *name, const char *const *names)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static bool take_name(const char *option, const char *value, const char *const *names, const char *allowed,
                      int *ret_index)
{
    *ret_index = index_of(value, names);
    if (*ret_index < 0) {
        (void)command_usage_error("rules profile", "%s is %s, not '%s'", option, allowed, value);
    }
    return *ret_index >= 0;
}

static bool take_option(void *context, int option, const char *value)
{
    struct rules_profile_options *options = context;
    const char *command = "rules profile";
    int index = 0;
    switch (option) {
    case OPTION_SAMPLE:
        if (options->sample_count == RULES_PROFILE_SAMPLES_MAX) {
            (void)command_usage_error(command, "at most %u samples are allowed", RULES_PROFILE_SAMPLES_MAX);
            return false;
        }
        options->samples[options->sample_count++] = value;
        return true;
    case OPTION_FORMAT:
        if (!take_name("--format", value, input_format_names, "lines, jsonl or tsv", &index)) {
            return false;
        }
        options->input.format = (enum input_format)index;
        return true;
    case OPTION_SORT:
        if (!take_name("--sort", value, sort_names, "time, candidates, confirmations, hits, compile, bytes or rule",
                       &index)) {
            return false;
        }
        options->sort = (enum rules_profile_sort)index;
        return true;
    case OPTION_COLUMN:
        return command_number(command, "--text-column", value, 1, 10000, &options->text_column);
    case OPTION_MESSAGES:
        return command_number(command, "--messages", value, 0, LLONG_MAX, &options->messages_max);
    case OPTION_TOP:
        return command_number(command, "--top", value, 0, LLONG_MAX, &options->top);
    case OPTION_MAX_NS:
        return command_number(command, "--max-ns", value, 1, LLONG_MAX, &options->max_ns);
    case OPTION_MAX_RULE_NS:
        return command_number(command, "--max-rule-ns", value, 1, LLONG_MAX, &options->max_rule_ns);
    case OPTION_MIN_MESSAGES:
        return command_number(command, "--min-messages", value, TRAFFIC_PROFILE_MESSAGES_MIN, 1000000000,
                              &options->messages_min);
    default:
        options->write = value;
        return true;
    }
}

static int read_sample(const struct rules_profile_options *options, const char *path, const char *label,
                       rules_profile_take take, void *context, uint64_t *faulty)
{
    const char *command = options->arguments.command;
    struct error error = {0};
    struct input *input;
    struct input_message message;
    struct progress progress;
    if (input_open(path, &options->input, &error, &input) != STATUS_OK) {
        return command_fail(command, EXIT_ENVIRONMENT, "%s", error.text);
    }
    progress_start(&progress, label, "bytes", input_size(input));
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = input_next(input, &error, &message);
        if (status == STATUS_INVALID || status == STATUS_LIMIT) {
            if (++*faulty <= FAULTS_SHOWN_MAX) {
                progress_end(&progress);
                (void)fprintf(stderr, "weir %s: %s: %s\n", command, path, error.text);
            }
            status = STATUS_OK;
        } else if (status == STATUS_OK) {
            status = take(context, &message);
        }
        progress_update(&progress, input_position(input));
    }
    progress_end(&progress);
    input_close(&input);
    if (status != STATUS_CLOSED) {
        return command_fail(command, EXIT_ENVIRONMENT, "%s: %s", path,
                            error.text[0] ? error.text : status_text(status));
    }
    return EXIT_DONE;
}

int rules_profile_read(const struct rules_profile_options *options, const char *label, rules_profile_take take,
                       void *context, uint64_t *ret_faulty)
{
    int exit_code = EXIT_DONE;
    uint64_t faulty = 0;
    for (uint32_t i = 0; exit_code == EXIT_DONE && i < options->sample_count; i++) {
        exit_code = read_sample(options, options->samples[i], label, take, context, &faulty);
    }
    if (faulty > FAULTS_SHOWN_MAX) {
        (void)fprintf(stderr, "weir %s: %llu more faulty lines\n", options->arguments.command,
                      (unsigned long long)(faulty - FAULTS_SHOWN_MAX));
    }
    *ret_faulty = faulty;
    return exit_code;
}

static int run(struct rules_profile_options *options)
{
    if (options->sample_count == 0) {
        return command_usage_error("rules profile", "name the messages to measure with: --sample FILE");
    }
    if (options->text_column > 0) {
        if (options->input.format == INPUT_AUTO) {
            options->input.format = INPUT_TSV; /* nothing else has columns */
        }
        if (options->input.format != INPUT_TSV) {
            return command_usage_error("rules profile", "--text-column is for --format tsv");
        }
        options->input.text_column = (uint32_t)options->text_column;
    }
    return options->write ? rules_profile_write(options) : rules_profile_measure(options);
}

int rules_profile(int argc, char **argv)
{
    struct rules_profile_options options = {
        .arguments = {.command = "rules profile",
                      .help = profile_help,
                      .options = profile_options,
                      .take = take_option},
        .messages_min = TRAFFIC_PROFILE_MESSAGES_MIN,
        .messages_max = 50000,
        .top = 20,
    };
    int exit_code = EXIT_ENVIRONMENT;
    options.arguments.context = &options;
    if (rules_arguments_read(&options.arguments, argc, argv, &exit_code)) {
        exit_code = run(&options);
    }
    rules_arguments_free(&options.arguments);
    return exit_code;
}
