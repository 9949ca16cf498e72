/* weir rules backtest: what a change of the rules would do to messages that are at hand. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/findings.h"
#include "cli/backtest.h"
#include "cli/backtest_report.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "rules/model.h"
#include "scanner/ruleset.h"

#define COMMAND "rules backtest"
#define SIDE_PATHS_MAX 64u
#define HTML_SIZE_MAX ((size_t)256 << 20)

static const char backtest_help[] = "usage: weir rules backtest [--base PATH] --new PATH [OPTION]... FILE...\n"
                                    "\n"
                                    "Scans the messages of files with two versions of rules and shows what the new\n"
                                    "one flags that the old one did not, and what it flags no longer: for each rule,\n"
                                    "with samples. Where the files have labels, also how good each version is.\n"
                                    "Without --base there is only one version, and everything it flags is new. Shadow\n"
                                    "rules are shown, but only live rules count for the whole. FILE '-' is standard\n"
                                    "input.\n"
                                    "\n"
                                    "Options:\n"
                                    "      --base PATH         the rules as they were: a pack or a folder of packs\n"
                                    "      --new PATH          the rules as they would be; both may be given several\n"
                                    "                          times\n"
                                    "      --format FORMAT     lines, jsonl or tsv (default: by the file's name)\n"
                                    "      --text-column N     tsv: the column of the text, from 1 (default: last)\n"
                                    "      --positive LABEL    a label that means harm; may be given several times.\n"
                                    "                          With it precision, recall and F1 are measured\n"
                                    "      --negative LABEL    a label that means no harm (default: every other one)\n"
                                    "      --label-field NAME  jsonl: the field of the label (default: label)\n"
                                    "      --label-column N    tsv: the column of the label, from 1 (default: 1)\n"
                                    "      --unlabelled WHAT   what a message without a label is: ignore (default) or\n"
                                    "                          negative\n"
                                    "      --unique            count the same text only once\n"
                                    "      --samples N         messages shown for each rule, of those newly and of\n"
                                    "                          those no longer flagged (default: 3, 0: none)\n"
                                    "      --all               show also the rules that flag the same as before\n"
                                    "      --max-new N         exit 1 if more than N messages are newly flagged\n"
                                    "      --max-gone N        exit 1 if more than N messages are no longer flagged\n"
                                    "      --jobs N            threads (default: one for each core)\n"
                                    "      --html FILE         also write a report to look at in a browser. It holds\n"
                                    "                          the samples: keep it as you keep messages\n"
                                    "      --json              one JSON object on standard output instead\n"
                                    "  -h, --help              this help\n"
                                    "\n"
                                    "Examples:\n"
                                    "  weir rules backtest --base live/ --new mine/ messages.jsonl\n"
                                    "  weir rules backtest --new mine.yaml --positive spam --html report.html sms.tsv\n"
                                    "  weir rules backtest --base a/ --new b/ --samples 0 --max-new 9 messages.jsonl\n"
                                    "\n"
                                    "Exit status: 0 done, 1 over --max-new or --max-gone, or rules or lines of a file\n"
                                    "have errors, 2 wrong usage, 3 the environment failed.\n";

enum {
    OPTION_BASE = RULES_LONG_OPTION,
    OPTION_NEW,
    OPTION_FORMAT,
    OPTION_COLUMN,
    OPTION_POSITIVE,
    OPTION_NEGATIVE,
    OPTION_FIELD,
    OPTION_LABEL_COLUMN,
    OPTION_UNLABELLED,
    OPTION_UNIQUE,
    OPTION_SAMPLES,
    OPTION_ALL,
    OPTION_MAX_NEW,
    OPTION_MAX_GONE,
    OPTION_JOBS,
    OPTION_HTML,
};

static const struct option backtest_known[] = {
    {"base", required_argument, NULL, OPTION_BASE},
    {"new", required_argument, NULL, OPTION_NEW},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"text-column", required_argument, NULL, OPTION_COLUMN},
    {"positive", required_argument, NULL, OPTION_POSITIVE},
    {"negative", required_argument, NULL, OPTION_NEGATIVE},
    {"label-field", required_argument, NULL, OPTION_FIELD},
    {"label-column", required_argument, NULL, OPTION_LABEL_COLUMN},
    {"unlabelled", required_argument, NULL, OPTION_UNLABELLED},
    {"unique", no_argument, NULL, OPTION_UNIQUE},
    {"samples", required_argument, NULL, OPTION_SAMPLES},
    {"all", no_argument, NULL, OPTION_ALL},
    {"max-new", required_argument, NULL, OPTION_MAX_NEW},
    {"max-gone", required_argument, NULL, OPTION_MAX_GONE},
    {"jobs", required_argument, NULL, OPTION_JOBS},
    {"html", required_argument, NULL, OPTION_HTML},
    {NULL, 0, NULL, 0},
};

struct side {
    const char *paths[SIDE_PATHS_MAX];
    uint32_t count;
    struct ruleset *ruleset;
};

struct command {
    struct rules_arguments arguments;
    struct side sides[2];
    struct backtest_options options;
    uint32_t positive_count, negative_count;
    long long column, label_column, samples, jobs;
    long long max_changes[2]; /* by enum backtest_change; below 0: any number */
    bool all;
    const char *html;
};

static bool take_path(struct side *side, const char *option, const char *path)
{
    if (side->count == SIDE_PATHS_MAX) {
        (void)command_usage_error(COMMAND, "at most %u times %s", SIDE_PATHS_MAX, option);
        return false;
    }
    side->paths[side->count++] = path;
    return true;
}

static bool take_label(const char *option, const char *label, const char **labels, uint32_t *count)
{
    if (*count == BACKTEST_LABELS_MAX || !label[0]) {
        (void)command_usage_error(COMMAND, "%s takes a label, and at most %u of them", option, BACKTEST_LABELS_MAX);
        return false;
    }
    labels[(*count)++] = label;
    return true;
}

static bool take_format(struct command *command, const char *name)
{
    for (int i = 0; input_format_names[i]; i++) {
        if (strcmp(input_format_names[i], name) == 0) {
            command->options.input.format = (enum input_format)i;
            return true;
        }
    }
    (void)command_usage_error(COMMAND, "--format is lines, jsonl or tsv, not '%s'", name);
    return false;
}

static bool take_unlabelled(struct command *command, const char *value)
{
    command->options.labels.unlabelled_negative = strcmp(value, "negative") == 0;
    if (!command->options.labels.unlabelled_negative && strcmp(value, "ignore") != 0) {
        (void)command_usage_error(COMMAND, "--unlabelled is ignore or negative, not '%s'", value);
        return false;
    }
    return true;
}

static bool take_number(struct command *command, int option, const char *value)
{
    switch (option) {
    case OPTION_COLUMN:
        return command_number(COMMAND, "--text-column", value, 1, 10000, &command->column);
    case OPTION_LABEL_COLUMN:
        return command_number(COMMAND, "--label-column", value, 1, 10000, &command->label_column);
    case OPTION_SAMPLES:
        return command_number(COMMAND, "--samples", value, 0, BACKTEST_SAMPLES_MAX, &command->samples);
    case OPTION_MAX_NEW:
        return command_number(COMMAND, "--max-new", value, 0, LLONG_MAX, &command->max_changes[BACKTEST_NEWLY]);
    case OPTION_MAX_GONE:
        return command_number(COMMAND, "--max-gone", value, 0, LLONG_MAX, &command->max_changes[BACKTEST_GONE]);
    default:
        return command_number(COMMAND, "--jobs", value, 1, BACKTEST_JOBS_MAX, &command->jobs);
    }
}

static bool take_option(void *context, int option, const char *value)
{
    struct command *command = context;
    struct backtest_labels *labels = &command->options.labels;
    switch (option) {
    case OPTION_BASE:
        return take_path(&command->sides[BACKTEST_BASE], "--base", value);
    case OPTION_NEW:
        return take_path(&command->sides[BACKTEST_NEW], "--new", value);
    case OPTION_FORMAT:
        return take_format(command, value);
    case OPTION_POSITIVE:
        return take_label("--positive", value, labels->positive, &command->positive_count);
    case OPTION_NEGATIVE:
        return take_label("--negative", value, labels->negative, &command->negative_count);
    case OPTION_UNLABELLED:
        return take_unlabelled(command, value);
    case OPTION_FIELD:
        labels->field = value;
        return true;
    case OPTION_HTML:
        command->html = value;
        return true;
    case OPTION_UNIQUE:
        command->options.unique = true;
        return true;
    case OPTION_ALL:
        command->all = true;
        return true;
    default:
        return take_number(command, option, value);
    }
}

/* Options that make no sense together, and what follows from those that do. */
static int check_options(struct command *command)
{
    struct backtest_options *options = &command->options;
    if (command->arguments.path_count > 0) {
        return command_usage_error(COMMAND, "rules are named by --base and --new");
    }
    if (command->sides[BACKTEST_NEW].count == 0) {
        return command_usage_error(COMMAND, "name the rules to try: --new PATH");
    }
    if (command->arguments.word_count == 0) {
        return command_usage_error(COMMAND, "name a file of messages, or - for standard input");
    }
    if (command->positive_count == 0 &&
        (command->negative_count > 0 || options->labels.unlabelled_negative || command->label_column > 0)) {
        return command_usage_error(COMMAND, "labels are read only with --positive LABEL");
    }
    if (command->column > 0 || command->label_column > 0) {
        options->input.format = options->input.format == INPUT_AUTO ? INPUT_TSV : options->input.format;
        if (options->input.format != INPUT_TSV) {
            return command_usage_error(COMMAND, "columns are for --format tsv");
        }
    }
    options->input.text_column = (uint32_t)command->column;
    options->labels.column = command->label_column > 0 ? (uint32_t)command->label_column : 1;
    options->samples = (uint32_t)command->samples;
    options->jobs = (uint32_t)command->jobs;
    options->files = (const char *const *)command->arguments.words;
    options->file_count = command->arguments.word_count;
    return EXIT_DONE;
}

static int load_side(struct side *side)
{
    struct findings findings = {0};
    if (side->count == 0) {
        return EXIT_DONE;
    }
    command_busy("loading the rules...");
    enum status status = ruleset_load(side->paths, side->count, NULL, &findings, &side->ruleset);
    command_busy(NULL);
    int exit_code = rules_exit_code(status, &findings);
    if (status != STATUS_OK) {
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
    }
    findings_clear(&findings);
    return status == STATUS_OK ? EXIT_DONE : exit_code;
}

/* What a reader would otherwise wonder about. */
static void tell_limits(const struct backtest *backtest)
{
    uint64_t shown = 0;
    for (; shown < backtest->faulty_lines && shown < BACKTEST_FAULTS_SHOWN_MAX; shown++) {
        (void)fprintf(stderr, "weir %s: %s\n", COMMAND, backtest->faults[shown].text);
    }
    if (backtest->faulty_lines > shown) {
        (void)fprintf(stderr, "weir %s: %llu more faulty lines\n", COMMAND,
                      (unsigned long long)(backtest->faulty_lines - shown));
    }
    for (uint32_t r = 1; r < backtest->rule_count; r++) {
        const struct backtest_rule *rule = &backtest->rules[r];
        if ((rule->sides[0] && rule->sides[0]->across.messages) ||
            (rule->sides[1] && rule->sides[1]->across.messages)) {
            (void)fprintf(stderr,
                          backtest->in_conversations > 0
                              ? "note: with rules with 'across', messages are judged in their order, in one thread\n"
                              : "note: no message has a conversation_id, so rules with 'across' see single messages\n");
            break;
        }
    }
}

static int write_html(const struct backtest_report *report, const char *path)
{
    struct buffer page = BUFFER_INIT(HTML_SIZE_MAX);
    struct error error = {0};
    enum status status = backtest_html(report, &page);
    if (status == STATUS_OK) {
        status = file_write_atomic(path, buffer_span(&page), 0600, &error); /* it holds messages */
    }
    buffer_free(&page);
    return status == STATUS_OK
               ? EXIT_DONE
               : command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
}

/* Over a budget, or nothing to measure where something was to be measured. */
static int judge(const struct command *command, const struct backtest *backtest)
{
    static const char *const words[2] = {"newly", "no longer"};
    int exit_code = backtest->faulty_lines > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
    for (int change = 0; change < 2; change++) {
        uint64_t changes = backtest->rules[0].changes[change].all;
        if (command->max_changes[change] >= 0 && changes > (uint64_t)command->max_changes[change]) {
            (void)fprintf(stderr, "weir %s: %llu message%s %s flagged; allowed are %lld\n", COMMAND,
                          (unsigned long long)changes, changes == 1 ? " is" : "s are", words[change],
                          command->max_changes[change]);
            exit_code = EXIT_FOUND_FAULT;
        }
    }
    if (command->positive_count > 0 && backtest->messages.positive == 0) {
        (void)fprintf(stderr, "weir %s: no message has a label that is given with --positive\n", COMMAND);
        exit_code = EXIT_FOUND_FAULT;
    }
    return exit_code;
}

static int report(const struct command *command, const struct backtest *backtest)
{
    const struct side *base = &command->sides[BACKTEST_BASE];
    const struct backtest_report report = {.backtest = backtest,
                                           .base_path = base->count ? base->paths[0] : NULL,
                                           .new_path = command->sides[BACKTEST_NEW].paths[0],
                                           .labels = &command->options.labels,
                                           .all = command->all};
    int exit_code = EXIT_DONE;
    if (command->arguments.json) {
        exit_code = rules_print_json(COMMAND, backtest_json(&report), EXIT_DONE);
    } else {
        enum status status = backtest_print(&report, rules_terminal_width(), command_colour(stdout));
        if (status != STATUS_OK) {
            exit_code = command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", status_text(status));
        }
    }
    (void)fflush(stdout);
    if (exit_code == EXIT_DONE && command->html) {
        exit_code = write_html(&report, command->html);
    }
    tell_limits(backtest);
    return exit_code == EXIT_DONE ? judge(command, backtest) : exit_code;
}

static int run(struct command *command)
{
    struct error error = {0};
    struct backtest *backtest = NULL;
    int exit_code = check_options(command);
    for (int side = 0; exit_code == EXIT_DONE && side < 2; side++) {
        exit_code = load_side(&command->sides[side]);
    }
    if (exit_code != EXIT_DONE) {
        return exit_code;
    }
    enum status status = backtest_run(command->sides[BACKTEST_BASE].ruleset, command->sides[BACKTEST_NEW].ruleset,
                                      &command->options, &error, &backtest);
    if (status != STATUS_OK) {
        return command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
    }
    exit_code = report(command, backtest);
    backtest_free(&backtest);
    return exit_code;
}

int rules_backtest(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct command command = {
        .arguments = {.command = COMMAND,
                      .help = backtest_help,
                      .options = backtest_known,
                      .take = take_option,
                      .takes_words = true,
                      .may_lack_packs = true},
        .options = {.labels = {.field = "label"}},
        .samples = 3,
        .jobs = cores < 1                         ? 1
                : cores > (long)BACKTEST_JOBS_MAX ? (long)BACKTEST_JOBS_MAX
                                                  : cores,
        .max_changes = {-1, -1},
    };
    int exit_code = EXIT_ENVIRONMENT;
    command.arguments.context = &command;
    if (rules_arguments_read(&command.arguments, argc, argv, &exit_code)) {
        exit_code = run(&command);
    }
    for (int side = 0; side < 2; side++) {
        ruleset_free(&command.sides[side].ruleset);
    }
    rules_arguments_free(&command.arguments);
    return exit_code;
}
