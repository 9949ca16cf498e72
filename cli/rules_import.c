#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/findings.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "import/import.h"
#include "text/view.h"

enum {
    OPTION_FROM = RULES_LONG_OPTION,
    OPTION_NAME,
    OPTION_QUEUE,
    OPTION_SEVERITY,
    OPTION_STATUS,
    OPTION_VIEW,
    OPTION_FLAGS,
    OPTION_COLUMN,
    OPTION_STRICT,
    OPTION_FORCE,
    OPTION_LEVEL,
};

#define COMMAND "rules import"
#define PACK_NAME_SIZE_MAX 60u /* bytes: ids of rules begin with it */
#define FILES_SIZE_MAX ((size_t)1 << 30)
#define SORTS_MAX 64u
#define SORTS_FROM 20u /* notes: from here on they are also counted by sort */

static const char import_help[] = "usage: weir rules import [OPTION]... FILE...\n"
                                  "\n"
                                  "Makes a pack of rules of another system, on standard output. What cannot be\n"
                                  "moved, and what means something else in Weir, is told on standard error, with\n"
                                  "its line and the reason. '-' is standard input.\n"
                                  "\n"
                                  "Formats (--from), and what is guessed without it:\n"
                                  "  spamassassin  body, rawbody, uri and meta rules, with scores and descriptions\n"
                                  "  automod       AutoModerator-like word filters\n"
                                  "  sigma         Sigma-like YAML: detection and condition\n"
                                  "  regexes       one a line, NAME<TAB>REGEX, or a table with a first line that\n"
                                  "                names the columns (guessed only then)\n"
                                  "  words         one word or phrase a line; never guessed\n"
                                  "\n"
                                  "Options:\n"
                                  "      --from FORMAT     what the files hold\n"
                                  "      --name NAME       the name of the pack; without it, that of the first file\n"
                                  "  -o, --output FILE     write to FILE, which must not be there yet\n"
                                  "      --force           write to FILE although it is there\n"
                                  "      --queue QUEUE     the queue that its alerts go to\n"
                                  "      --severity LEVEL  of rules that have none of their own: low, medium (the\n"
                                  "                        default), high or critical\n"
                                  "      --status STATUS   live, shadow or off for all rules; without it, rules\n"
                                  "                        that got tests are live, all others in the shadow\n"
                                  "      --view VIEW       what regexes look at: raw (the default: they find what\n"
                                  "                        they found before) or folded (disguised letters too)\n"
                                  "      --flags LETTERS   regexes: flags of those that have none: i, m, s, x\n"
                                  "      --column COLUMN   words: the file is a table, and the words stand in the\n"
                                  "                        column of that number (from 1) or name\n"
                                  "      --level LEVEL     tell notes of this level and above: hint (the default),\n"
                                  "                        warning or error\n"
                                  "      --strict          exit with 1 if anything was left out\n"
                                  "      --json            one JSON object on standard output, with -o\n"
                                  "  -h, --help            this help\n"
                                  "\n"
                                  "Examples:\n"
                                  "  weir rules import --name spam -o packs/spam.yaml 20_phrases.cf 50_scores.cf\n"
                                  "  weir rules import --from words --queue abuse insults.txt > insults.yaml\n"
                                  "  weir rules import --from words --column term --name terms terms.csv\n"
                                  "\n"
                                  "Exit status: 0 done, 1 fault was found with a file (the rest of it is written\n"
                                  "all the same) or nothing could be moved, 2 wrong usage, 3 the environment\n"
                                  "failed.\n";

struct job {
    struct rules_arguments arguments;
    struct import_options options;
    bool has_format;
    enum import_format format;
    const char *output;
    bool force, strict;
    enum finding_level level;
    char name[MODEL_ID_SIZE_MAX + 1];

    struct arena *arena;
    struct import *import;
    struct span pack;
    uint32_t counts[FINDING_ERROR + 1];
    unsigned formats; /* that were read, as bits */
    bool written;     /* to `output` */
    int exit_code;
};

/* One of `names`, which end with NULL, as a number; says what is wrong and returns false otherwise. */
static bool take_choice(const char *option, const char *value, const char *const *names, int *ret_index)
{
    char known[128] = "";
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], value) == 0) {
            *ret_index = i;
            return true;
        }
        size_t size = strlen(known);
        (void)snprintf(known + size, sizeof known - size, "%s%s", i ? ", " : "", names[i]);
    }
    (void)command_usage_error(COMMAND, "%s is one of %s, not '%s'", option, known, value);
    return false;
}

/* An id, so that the pack can be read. */
static bool take_id(const char *option, const char *value, size_t size_max)
{
    char id[MODEL_ID_SIZE_MAX + 1];
    import_id(span_text(value), id);
    if (strcmp(id, value) == 0 && value[0] != '\0' && strlen(value) <= size_max) {
        return true;
    }
    (void)command_usage_error(COMMAND,
                              "%s is made of letters, digits, '-' and '_', in parts joined by dots, with at most %zu "
                              "bytes; '%s' is not",
                              option, size_max, value);
    return false;
}

static bool take_flags(const char *value)
{
    if (strspn(value, "imsx") == strlen(value)) {
        return true;
    }
    (void)command_usage_error(COMMAND, "--flags takes letters of 'imsx', not '%s'", value);
    return false;
}

/* Options whose value is one of a few names. */
static bool take_name(struct job *job, int option, const char *value)
{
    static const char *const views[] = {"raw", "folded", NULL};
    int index = 0;
    bool known = false;
    switch (option) {
    case OPTION_FROM:
        known = job->has_format = take_choice("--from", value, import_format_names, &index);
        job->format = (enum import_format)index;
        break;
    case OPTION_SEVERITY:
        known = take_choice("--severity", value, severity_names, &index);
        job->options.severity = (enum severity)index;
        break;
    case OPTION_STATUS:
        known = job->options.has_status = take_choice("--status", value, rule_status_names, &index);
        job->options.status = (enum rule_status)index;
        break;
    case OPTION_LEVEL:
        known = take_choice("--level", value, finding_level_names, &index);
        job->level = (enum finding_level)index;
        break;
    default:
        known = take_choice("--view", value, views, &index);
        job->options.view = index ? VIEW_FOLDED : VIEW_RAW;
    }
    return known;
}

static bool take(void *context, int option, const char *value)
{
    struct job *job = context;
    switch (option) {
    case OPTION_NAME:
        job->options.pack = value;
        return take_id("--name", value, PACK_NAME_SIZE_MAX);
    case OPTION_QUEUE:
        job->options.queue = value;
        return take_id("--queue", value, PACK_NAME_SIZE_MAX);
    case OPTION_FLAGS:
        job->options.flags = value;
        return take_flags(value);
    case OPTION_COLUMN:
        job->options.column = value;
        return true;
    case OPTION_STRICT:
        job->strict = true;
        return true;
    case OPTION_FORCE:
        job->force = true;
        return true;
    case 'o':
        job->output = value;
        return true;
    default:
        return take_name(job, option, value);
    }
}

/* What cannot be meant, before anything is read. */
static bool check_usage(struct job *job)
{
    const struct rules_arguments *arguments = &job->arguments;
    bool words = job->has_format && job->format == IMPORT_WORDS;
    bool regexes = job->has_format && job->format == IMPORT_REGEXES;
    if (arguments->path_count == 0) {
        job->exit_code = command_usage_error(COMMAND, "name a file, or '-' for standard input");
    } else if (arguments->json && !job->output) {
        job->exit_code = command_usage_error(COMMAND, "--json needs -o FILE: the pack itself goes to standard output");
    } else if (job->options.column && !words) {
        job->exit_code = command_usage_error(COMMAND, "--column belongs to --from words");
    } else if (job->options.flags && !regexes) {
        job->exit_code = command_usage_error(COMMAND, "--flags belongs to --from regexes");
    } else if (job->output && !job->force && access(job->output, F_OK) == 0) {
        job->exit_code =
            command_usage_error(COMMAND, "%s is there already; name another file, or say --force", job->output);
    } else {
        return true;
    }
    return false;
}

/* The name of the pack, of the first file if nobody gave one. */
static bool settle_name(struct job *job)
{
    if (job->options.pack) {
        return true;
    }
    const char *path = job->arguments.paths[0];
    const char *slash = strrchr(path, '/');
    const char *start = slash ? slash + 1 : path;
    const char *dot = strrchr(start, '.');
    size_t size = dot && dot > start ? (size_t)(dot - start) : strlen(start);
    import_id(span_of(start, size), job->name);
    if (job->name[0] == '\0') {
        job->exit_code = command_usage_error(COMMAND, "say what the pack shall be called: --name NAME");
        return false;
    }
    job->options.pack = job->name;
    return true;
}

static bool read_file(struct job *job, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    struct error error = {0};
    struct span text;
    enum import_format format = job->format;
    enum status status = file_read(standard ? "/dev/stdin" : path, IMPORT_FILE_SIZE_MAX, job->arena, &error, &text);
    if (status != STATUS_OK) {
        command_busy(NULL);
        job->exit_code = command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", error.text);
        return false;
    }
    if (!job->has_format && !import_guess(path, text, &format)) {
        command_busy(NULL);
        job->exit_code = command_usage_error(
            COMMAND, "%s: cannot tell what this file holds; say --from words, regexes or another format", name);
        return false;
    }
    job->formats |= 1u << format;
    if (import_read(job->import, name, text, format) != STATUS_OK) {
        command_busy(NULL);
        job->exit_code = command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
        return false;
    }
    return true;
}

/* As findings, which know how to be printed. */
static void add_finding(struct findings *findings, const struct import_note *note)
{
    findings_add_named(findings, note->level, note->sort, note->file, note->line, 0, note->remedy, "%s", note->text);
}

static void print_notes(const struct job *job, const struct import_note *notes, uint32_t count)
{
    bool colour = command_colour(stderr);
    for (uint32_t i = 0; i < count; i++) {
        if (notes[i].level >= job->level) {
            struct findings one = {0};
            add_finding(&one, &notes[i]);
            findings_print(&one, stderr, colour);
            findings_clear(&one);
        }
    }
}

/* How many notes there are of each sort: what a long report comes to. */
static void print_sorts(const struct import_note *notes, uint32_t count)
{
    struct {
        const char *name;
        enum finding_level level;
        uint32_t count;
    } sorts[SORTS_MAX];
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < used && (strcmp(sorts[at].name, notes[i].sort) != 0 || sorts[at].level != notes[i].level)) {
            at++;
        }
        if (at == used && used < SORTS_MAX) {
            sorts[used].name = notes[i].sort;
            sorts[used].level = notes[i].level;
            sorts[used++].count = 0;
        }
        sorts[at < used ? at : 0].count += at < used;
    }
    for (int level = FINDING_ERROR; level >= (int)FINDING_HINT; level--) {
        for (uint32_t i = 0; i < used; i++) {
            if (sorts[i].level == (enum finding_level)level) {
                fprintf(stderr, "  %6u  %-7s  %s\n", sorts[i].count, finding_level_names[level], sorts[i].name);
            }
        }
    }
}

/* " (2 live, 1 shadow)" */
static void print_statuses(const struct job *job)
{
    const char *before = " (";
    for (int status = 0; rule_status_names[status]; status++) {
        uint32_t count = import_status_count(job->import, (enum rule_status)status);
        if (count > 0) {
            fprintf(stderr, "%s%u %s", before, count, rule_status_names[status]);
            before = ", ";
        }
    }
    fputs(before[0] == ',' ? ")" : "", stderr);
}

static void print_summary(const struct job *job)
{
    const uint32_t rules = import_rule_count(job->import);
    const uint32_t entries = import_entry_count(job->import);
    const uint32_t *counts = job->counts;
    fprintf(stderr, "%s: ", job->options.pack);
    for (int format = 0; import_format_names[format]; format++) {
        if (job->formats & 1u << format) {
            fprintf(stderr, "%s ", import_format_names[format]);
        }
    }
    fprintf(stderr, "-> %u rule%s", rules, command_plural(rules));
    if (entries > 0) {
        fprintf(stderr, " with %u word%s", entries, command_plural(entries));
    }
    print_statuses(job);
    fprintf(stderr, "; %u fault%s, %u left out, %u hint%s\n", counts[FINDING_ERROR],
            command_plural(counts[FINDING_ERROR]), counts[FINDING_WARNING], counts[FINDING_HINT],
            command_plural(counts[FINDING_HINT]));
}

static json_t *notes_json(const struct import_note *notes, uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < count && list; i++) {
        const struct import_note *note = &notes[i];
        json_t *item =
            json_pack("{s:s, s:s, s:s, s:I, s:s, s:s?}", "level", finding_level_names[note->level], "name", note->sort,
                      "file", note->file, "line", (json_int_t)note->line, "text", note->text, "remedy", note->remedy);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static int report(const struct job *job, const struct import_note *notes, uint32_t count)
{
    if (!job->arguments.json) {
        print_notes(job, notes, count);
        print_summary(job);
        if (count > SORTS_FROM) {
            print_sorts(notes, count);
        }
        if (job->written) {
            fprintf(stderr, "written to %s; 'weir rules check %s' reads it as a colleague would\n", job->output,
                    job->output);
        }
        return job->exit_code;
    }
    json_t *object = json_pack(
        "{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o*}", "ok", job->exit_code == EXIT_DONE, "pack",
        job->options.pack, "rules", (json_int_t)import_rule_count(job->import), "live",
        (json_int_t)import_status_count(job->import, RULE_LIVE), "shadow",
        (json_int_t)import_status_count(job->import, RULE_SHADOW), "off",
        (json_int_t)import_status_count(job->import, RULE_OFF), "patterns",
        (json_int_t)import_pattern_count(job->import), "words", (json_int_t)import_entry_count(job->import), "faults",
        (json_int_t)job->counts[FINDING_ERROR], "left_out", (json_int_t)job->counts[FINDING_WARNING], "hints",
        (json_int_t)job->counts[FINDING_HINT], "notes", notes_json(notes, count));
    return rules_print_json(COMMAND, object, job->exit_code);
}

static void write_pack(struct job *job)
{
    struct error error = {0};
    if (!job->output) {
        (void)fwrite(job->pack.data, 1, job->pack.size, stdout);
    } else if (file_write_atomic(job->output, job->pack, 0644, &error) != STATUS_OK) {
        job->exit_code = command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", error.text);
    } else {
        job->written = true;
    }
}

static void run(struct job *job)
{
    command_busy("importing...");
    for (uint32_t i = 0; i < job->arguments.path_count; i++) {
        if (!read_file(job, job->arguments.paths[i])) {
            return;
        }
    }
    enum status status = import_finish(job->import, &job->pack);
    command_busy(NULL);
    if (status == STATUS_NO_MEMORY) {
        job->exit_code = command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", status_text(status));
        return;
    }
    if (status == STATUS_LIMIT) {
        job->exit_code = command_fail(COMMAND, EXIT_FOUND_FAULT, "%u rules are too many: a rule set may have %d",
                                      import_rule_count(job->import), MODEL_RULES_MAX);
        return;
    }
    uint32_t count = 0;
    const struct import_note *notes = import_notes(job->import, &count);
    for (uint32_t i = 0; i < count; i++) {
        job->counts[notes[i].level]++;
    }
    bool fault =
        job->counts[FINDING_ERROR] > 0 || status != STATUS_OK || (job->strict && job->counts[FINDING_WARNING] > 0);
    job->exit_code = fault ? EXIT_FOUND_FAULT : EXIT_DONE;
    if (status == STATUS_OK) {
        write_pack(job);
    }
    job->exit_code = report(job, notes, count);
}

int rules_import(int argc, char **argv)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, OPTION_FROM},
        {"name", required_argument, NULL, OPTION_NAME},
        {"output", required_argument, NULL, 'o'},
        {"force", no_argument, NULL, OPTION_FORCE},
        {"queue", required_argument, NULL, OPTION_QUEUE},
        {"severity", required_argument, NULL, OPTION_SEVERITY},
        {"status", required_argument, NULL, OPTION_STATUS},
        {"view", required_argument, NULL, OPTION_VIEW},
        {"flags", required_argument, NULL, OPTION_FLAGS},
        {"column", required_argument, NULL, OPTION_COLUMN},
        {"level", required_argument, NULL, OPTION_LEVEL},
        {"strict", no_argument, NULL, OPTION_STRICT},
        {NULL, 0, NULL, 0},
    };
    struct job job = {.arguments = {.command = COMMAND,
                                    .help = import_help,
                                    .options = options,
                                    .letters = "o:",
                                    .take = take,
                                    .may_lack_packs = true},
                      .options = {.severity = SEVERITY_MEDIUM, .view = VIEW_RAW},
                      .level = FINDING_HINT,
                      .exit_code = EXIT_ENVIRONMENT};
    job.arguments.context = &job;
    if (rules_arguments_read(&job.arguments, argc, argv, &job.exit_code) && check_usage(&job) && settle_name(&job)) {
        enum status status = view_start();
        if (status == STATUS_OK) {
            status = arena_new(64u << 10, FILES_SIZE_MAX, &job.arena);
        }
        if (status == STATUS_OK) {
            status = import_new(&job.options, &job.import);
        }
        if (status == STATUS_OK) {
            run(&job);
        } else {
            job.exit_code = command_fail(COMMAND, EXIT_ENVIRONMENT, "%s", status_text(status));
        }
    }
    import_free(&job.import);
    arena_free(&job.arena);
    rules_arguments_free(&job.arguments);
    return job.exit_code;
}
