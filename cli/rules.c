#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/findings.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "proto/severity.h"
#include "rules/model.h"
#include "rules/reader.h"
#include "scanner/ruleset.h"
#include "scanner/ruletest.h"

#define PATHS_MAX 4096u
#define ARENA_SIZE_MAX (64u << 20)
#define TABLE_COLUMNS 6
#define TABLE_SIZE_MAX (4u << 20) /* of one line */

static const char rules_help[] = "usage: weir rules ACTION [OPTION]... [PATH]...\n"
                                 "\n"
                                 "Tools for people who write rules. A PATH is a pack (a .yaml or .yml file) or a\n"
                                 "folder of packs. Without a PATH the packs that come with Weir are meant.\n"
                                 "\n"
                                 "Actions:\n"
                                 "  check   find every fault in packs: where, what is wrong, what to do about it\n"
                                 "  test    run the tests that stand in packs and show those that fail\n"
                                 "  list    show the rules of packs as a table\n"
                                 "\n"
                                 "'weir rules ACTION --help' says more about each.\n";

static const char check_help[] = "usage: weir rules check [OPTION]... [PATH]...\n"
                                 "\n"
                                 "Reads packs the way 'weir run' does when it starts and reports everything that\n"
                                 "is wrong with them: unknown keys, regexes that are not valid, conditions that\n"
                                 "cannot be meant, faulty lists, names used twice, tests that fail. A PATH is a\n"
                                 "pack or a folder of packs; without one, the packs that come with Weir.\n"
                                 "\n"
                                 "The findings go to standard error, one a line: file:line:column: what is wrong.\n"
                                 "\n"
                                 "Options:\n"
                                 "      --rules PATH  the same as PATH; may be given several times\n"
                                 "      --json        one JSON object on standard output instead: the findings\n"
                                 "                    and how many there are\n"
                                 "  -h, --help        this help\n"
                                 "\n"
                                 "Examples:\n"
                                 "  weir rules check my-packs/\n"
                                 "  weir rules check --json scams.yaml | jq '.findings[].line'\n"
                                 "\n"
                                 "Exit status: 0 no errors (warnings are allowed), 1 errors, 2 wrong usage,\n"
                                 "3 the environment failed.\n";

static const char test_help[] = "usage: weir rules test [OPTION]... [PATH]...\n"
                                "\n"
                                "Runs the tests that stand in packs: each text under 'hits' must be flagged by\n"
                                "its rule, each text under 'clean' must not. Rules whose status is 'off' are not\n"
                                "tested. A PATH is a pack or a folder of packs; without one, the packs that come\n"
                                "with Weir.\n"
                                "\n"
                                "Options:\n"
                                "      --rules PATH  the same as PATH; may be given several times\n"
                                "      --json        one JSON object on standard output instead: the numbers\n"
                                "                    and the tests that fail\n"
                                "  -h, --help        this help\n"
                                "\n"
                                "Examples:\n"
                                "  weir rules test scams.yaml\n"
                                "  weir rules test --json my-packs/ | jq .failed\n"
                                "\n"
                                "Exit status: 0 all pass, 1 a test fails or a pack has errors, 2 wrong usage,\n"
                                "3 the environment failed.\n";

static const char list_help[] = "usage: weir rules list [OPTION]... [PATH]...\n"
                                "\n"
                                "Shows the rules of packs: id, severity, status, queue ('-': the settings of\n"
                                "'weir run' decide), how many tests they have, and the title. On a terminal long\n"
                                "ids and titles are cut to fit. A PATH is a pack or a folder of packs; without\n"
                                "one, the packs that come with Weir.\n"
                                "\n"
                                "Options:\n"
                                "      --rules PATH  the same as PATH; may be given several times\n"
                                "      --json        one JSON object a rule and line instead\n"
                                "  -h, --help        this help\n"
                                "\n"
                                "Examples:\n"
                                "  weir rules list\n"
                                "  weir rules list --json my-packs/ | jq -r 'select(.tests == 0).id'\n"
                                "\n"
                                "Exit status: 0 done, 1 a pack has errors (the others are listed), 2 wrong usage,\n"
                                "3 the environment failed.\n";

/* What the subcommands have in common: their options and paths. */
struct rules_arguments {
    const char *command; /* "rules check" */
    const char *help;
    bool json;
    const char **paths;
    uint32_t path_count;
};

static bool add_path(struct rules_arguments *arguments, const char *path, int *exit_code)
{
    if (arguments->path_count == PATHS_MAX) {
        *exit_code = command_usage_error(arguments->command, "at most %u paths are allowed", PATHS_MAX);
        return false;
    }
    arguments->paths[arguments->path_count++] = path;
    return true;
}

/* False: stop with *exit_code. `arguments->paths` has room for PATHS_MAX. */
static bool read_arguments(int argc, char **argv, struct rules_arguments *arguments, int *exit_code)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"rules", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            arguments->json = true;
            break;
        case 'r':
            if (!add_path(arguments, optarg, exit_code)) {
                return false;
            }
            break;
        case 'h':
            fputs(arguments->help, stdout);
            *exit_code = EXIT_DONE;
            return false;
        default:
            *exit_code = command_option_error(arguments->command, option, argv, options);
            return false;
        }
    }
    for (; optind < argc; optind++) {
        if (!add_path(arguments, argv[optind], exit_code)) {
            return false;
        }
    }
    if (arguments->path_count > 0) {
        return true;
    }
    const char *packs = command_default_packs();
    if (!packs) {
        *exit_code = command_fail(arguments->command, EXIT_ENVIRONMENT,
                                  "the packs that come with Weir are not installed; name a pack");
        return false;
    }
    return add_path(arguments, packs, exit_code);
}

static int exit_code_of(enum status status, const struct findings *findings)
{
    if (status == STATUS_NO_MEMORY || status == STATUS_SYSTEM || status == STATUS_LIMIT) {
        return EXIT_ENVIRONMENT;
    }
    return status != STATUS_OK || findings->errors > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
}

/* Prints the object on one line; takes it over. */
static int print_json(const char *command, json_t *object, int exit_code)
{
    if (!object) {
        return command_fail(command, EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
    }
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    json_decref(object);
    return exit_code;
}

/* The findings as a JSON array; NULL without memory. */
static json_t *findings_json(const struct findings *findings)
{
    char *text = NULL;
    size_t size = 0;
    json_t *array = NULL;
    FILE *stream = open_memstream(&text, &size);
    if (stream) {
        findings_print_json(findings, stream);
        if (fclose(stream) == 0) {
            array = json_loadb(text, size, 0, NULL);
        }
        free(text);
    }
    return array;
}

/* The number of packs that the paths stand for, as far as they can be found. */
static uint32_t count_files(const struct rules_arguments *arguments)
{
    struct findings ignored = {0};
    struct arena *arena = NULL;
    uint32_t count = 0;
    if (arena_new(64u << 10, ARENA_SIZE_MAX, &arena) != STATUS_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < arguments->path_count; i++) {
        const char *const *files = NULL;
        if (reader_find_packs(arguments->paths[i], arena, &ignored, &files) == STATUS_OK) {
            for (; *files; files++) {
                count++;
            }
        }
    }
    findings_clear(&ignored);
    arena_free(&arena);
    return count;
}

static int rules_check(struct rules_arguments *arguments)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    command_busy("loading the rules...");
    enum status status = ruleset_load(arguments->paths, arguments->path_count, NULL, &findings, &ruleset);
    command_busy(NULL);
    int exit_code = exit_code_of(status, &findings);
    uint32_t packs = count_files(arguments);
    uint32_t rules = ruleset ? ruleset_rule_count(ruleset) : 0;
    uint32_t tests = ruleset ? ruleset_test_count(ruleset) : 0;
    findings_sort(&findings);
    if (arguments->json) {
        json_t *list = findings_json(&findings);
        json_t *object =
            json_pack("{s:b, s:I, s:I, s:I, s:o*}", "ok", status == STATUS_OK, "packs", (json_int_t)packs, "errors",
                      (json_int_t)findings.errors, "warnings", (json_int_t)findings.warnings, "findings", list);
        if (object && ruleset) {
            json_object_set_new(object, "rules", json_integer(rules));
            json_object_set_new(object, "tests", json_integer(tests));
            json_object_set_new(object, "generation", json_string(ruleset_generation(ruleset)));
        }
        exit_code = print_json(arguments->command, object, exit_code);
    } else {
        findings_print(&findings, stderr, command_colour(stderr));
        if (ruleset) {
            fprintf(stderr, "%u pack%s with %u rule%s: no errors, %u warning%s; %u test%s pass%s\n", packs,
                    command_plural(packs), rules, command_plural(rules), findings.warnings,
                    command_plural(findings.warnings), tests, command_plural(tests), tests == 1 ? "es" : "");
        } else {
            fprintf(stderr, "%u pack%s: %u error%s, %u warning%s\n", packs, command_plural(packs), findings.errors,
                    command_plural(findings.errors), findings.warnings, command_plural(findings.warnings));
        }
    }
    ruleset_free(&ruleset);
    findings_clear(&findings);
    return exit_code;
}

/* Where a finding of a test stands, the test itself stands: its rule and what was expected of it. */
static const struct rule *find_test(const struct ruleset *ruleset, const struct finding *finding,
                                    const struct rule_test **ret_test)
{
    uint32_t pack_count = 0;
    const struct pack *const *packs = ruleset_packs(ruleset, &pack_count);
    for (uint32_t p = 0; p < pack_count; p++) {
        if (strcmp(packs[p]->path, finding->file) != 0) {
            continue;
        }
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            for (uint32_t t = 0; t < rule->test_count; t++) {
                const struct model_place *place = &rule->tests[t].place;
                if (place->line == finding->line && place->column == finding->column) {
                    *ret_test = &rule->tests[t];
                    return rule;
                }
            }
        }
    }
    return NULL;
}

static json_t *failures_json(const struct ruleset *ruleset, const struct findings *findings)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && ruleset && i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        const struct rule_test *test = NULL;
        const struct rule *rule = find_test(ruleset, finding, &test);
        if (rule) {
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:I, s:s, s:s, s:s%, s:s}", "file", finding->file, "line",
                                            (json_int_t)finding->line, "column", (json_int_t)finding->column, "rule",
                                            rule->id, "expected", test->hit ? "hit" : "clean", "text",
                                            (const char *)test->text.data, test->text.size, "problem", finding->text));
        }
    }
    return list;
}

static int report_tests(struct rules_arguments *arguments, const struct ruleset *ruleset,
                        const struct findings *findings, uint32_t run, int exit_code)
{
    if (arguments->json) {
        json_t *object =
            json_pack("{s:b, s:I, s:I, s:o*, s:o*}", "ok", exit_code == EXIT_DONE, "tests", (json_int_t)run, "failed",
                      (json_int_t)(ruleset ? findings->errors : 0), "failures", failures_json(ruleset, findings),
                      "findings", ruleset ? json_array() : findings_json(findings));
        return print_json(arguments->command, object, exit_code);
    }
    findings_print(findings, stderr, command_colour(stderr));
    if (!ruleset) {
        fprintf(stderr, "no test was run: the packs have %u error%s\n", findings->errors,
                command_plural(findings->errors));
    } else if (findings->errors > 0) {
        fprintf(stderr, "%u of %u test%s fail\n", findings->errors, run, command_plural(run));
    } else if (run == 0) {
        fprintf(stderr, "there are no tests\n");
    } else {
        fprintf(stderr, "%u test%s pass%s\n", run, command_plural(run), run == 1 ? "es" : "");
    }
    return exit_code;
}

static int rules_test(struct rules_arguments *arguments)
{
    const struct ruleset_options options = {.skip_tests = true};
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    uint32_t run = 0;
    command_busy("loading the rules...");
    enum status status = ruleset_load(arguments->paths, arguments->path_count, &options, &findings, &ruleset);
    command_busy(NULL);
    if (status == STATUS_OK) {
        uint32_t pack_count = 0;
        findings_clear(&findings); /* warnings are for 'rules check' */
        (void)ruleset_packs(ruleset, &pack_count);
        bool *failed = calloc((size_t)pack_count + 1, sizeof *failed);
        status = failed ? ruletest_run(ruleset, &findings, failed, &run) : STATUS_NO_MEMORY;
        free(failed);
        if (status != STATUS_OK) {
            ruleset_free(&ruleset);
            findings_clear(&findings);
            return command_fail(arguments->command, EXIT_ENVIRONMENT, "cannot run the tests: %s", status_text(status));
        }
    }
    findings_sort(&findings);
    int exit_code = report_tests(arguments, ruleset, &findings, run, exit_code_of(status, &findings));
    ruleset_free(&ruleset);
    findings_clear(&findings);
    return exit_code;
}

/* Columns of the terminal on stdout; 0: not a terminal, anything goes. */
static unsigned terminal_width(void)
{
    struct winsize size = {0};
    if (!isatty(STDOUT_FILENO)) {
        return 0;
    }
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* One line of the table, two spaces between the columns. */
static enum status print_row(struct buffer *out, const uint32_t widths[TABLE_COLUMNS],
                             const char *const texts[TABLE_COLUMNS])
{
    enum status status = STATUS_OK;
    buffer_clear(out);
    for (int i = 0; status == STATUS_OK && i < TABLE_COLUMNS; i++) {
        bool last = i + 1 == TABLE_COLUMNS;
        status = columns_append(texts[i], widths[i], !last, out);
        if (status == STATUS_OK) {
            status = buffer_append_text(out, last ? "\n" : "  ");
        }
    }
    (void)fwrite(out->data, 1, out->size, stdout);
    return status;
}

static enum status print_table(const struct pack *const *packs, uint32_t pack_count)
{
    uint32_t id_width = 2;
    uint32_t queue_width = 5;
    uint32_t title_width = UINT32_MAX;
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            id_width = larger(id_width, columns_of(rule->id));
            queue_width = larger(queue_width, rule->queue ? columns_of(rule->queue) : 1);
        }
    }
    unsigned width = terminal_width();
    if (width > 0) {
        const unsigned fixed = 8 + 6 + 5 + 5 * 2; /* the other columns, and the gaps between all */
        queue_width = queue_width > 12 ? 12 : queue_width;
        uint32_t left = width > fixed + queue_width ? width - fixed - queue_width : 1;
        id_width = id_width > left * 2 / 3 ? larger(left * 2 / 3, 2) : id_width;
        title_width = left > id_width ? left - id_width : 1;
    }
    const uint32_t widths[TABLE_COLUMNS] = {id_width, 8, 6, queue_width, 5, title_width};
    struct buffer out = BUFFER_INIT(TABLE_SIZE_MAX);
    enum status status =
        print_row(&out, widths, (const char *const[]){"ID", "SEVERITY", "STATUS", "QUEUE", "TESTS", "TITLE"});
    for (uint32_t p = 0; status == STATUS_OK && p < pack_count; p++) {
        for (uint32_t r = 0; status == STATUS_OK && r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            char tests[16];
            (void)snprintf(tests, sizeof tests, "%5u", rule->test_count);
            status = print_row(&out, widths,
                               (const char *const[]){rule->id, severity_text(rule->severity),
                                                     rule_status_names[rule->status], rule->queue ? rule->queue : "-",
                                                     tests, rule->title});
        }
    }
    buffer_free(&out);
    return status;
}

static int print_rules_json(const char *command, const struct pack *const *packs, uint32_t pack_count)
{
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            json_t *object =
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:I, s:s, s:s, s:I}", "id", rule->id, "pack",
                          packs[p]->name, "title", rule->title, "severity", severity_text(rule->severity), "status",
                          rule_status_names[rule->status], "queue", rule->queue, "patterns",
                          (json_int_t)rule->pattern_count, "tests", (json_int_t)rule->test_count, "condition",
                          rule->condition_text ? rule->condition_text : "any of them", "file", packs[p]->path, "line",
                          (json_int_t)rule->place.line);
            if (print_json(command, object, EXIT_DONE) != EXIT_DONE) {
                return EXIT_ENVIRONMENT;
            }
        }
    }
    return EXIT_DONE;
}

/* Reads the packs of all paths; what cannot be read is in the findings. */
static enum status read_packs(const struct rules_arguments *arguments, struct arena *arena, struct findings *findings,
                              struct pack ***ret_packs, uint32_t *ret_count)
{
    uint32_t count = 0;
    uint32_t capacity = count_files(arguments);
    struct pack **packs = arena_array(arena, (size_t)capacity + 1, sizeof(struct pack *));
    if (!packs) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < arguments->path_count; i++) {
        const char *const *files = NULL;
        if (reader_find_packs(arguments->paths[i], arena, findings, &files) != STATUS_OK) {
            continue;
        }
        for (; *files && count < capacity; files++) {
            if (reader_read_pack(*files, findings, &packs[count]) == STATUS_OK) {
                count++;
            }
        }
    }
    *ret_packs = packs;
    *ret_count = count;
    return STATUS_OK;
}

static int rules_list(struct rules_arguments *arguments)
{
    struct findings findings = {0};
    struct arena *arena = NULL;
    struct pack **packs = NULL;
    uint32_t count = 0;
    enum status status = arena_new(64u << 10, ARENA_SIZE_MAX, &arena);
    if (status == STATUS_OK) {
        status = read_packs(arguments, arena, &findings, &packs, &count);
    }
    if (status != STATUS_OK) {
        arena_free(&arena);
        return command_fail(arguments->command, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    int exit_code = EXIT_DONE;
    if (arguments->json) {
        exit_code = print_rules_json(arguments->command, (const struct pack *const *)packs, count);
    } else if (count > 0) {
        status = print_table((const struct pack *const *)packs, count);
        exit_code = status == STATUS_OK ? EXIT_DONE
                                        : command_fail(arguments->command, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    if (findings.errors > 0) {
        fflush(stdout);
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
        exit_code = exit_code == EXIT_DONE ? EXIT_FOUND_FAULT : exit_code;
    }
    for (uint32_t i = 0; i < count; i++) {
        pack_free(&packs[i]);
    }
    arena_free(&arena);
    findings_clear(&findings);
    return exit_code;
}

static const struct rules_command {
    const char *name, *full_name, *help;
    int (*run)(struct rules_arguments *arguments);
} rules_commands[] = {
    {"check", "rules check", check_help, rules_check},
    {"test", "rules test", test_help, rules_test},
    {"list", "rules list", list_help, rules_list},
};

int command_rules(int argc, char **argv)
{
    static const char *const names[] = {"check", "test", "list", NULL};
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
        fputs(rules_help, stdout);
        return EXIT_DONE;
    }
    if (!name) {
        return command_usage_error("rules", "say what to do: check, test or list");
    }
    for (size_t i = 0; i < sizeof rules_commands / sizeof rules_commands[0]; i++) {
        const struct rules_command *command = &rules_commands[i];
        if (strcmp(command->name, name) != 0) {
            continue;
        }
        int exit_code = EXIT_ENVIRONMENT;
        struct rules_arguments arguments = {.command = command->full_name, .help = command->help};
        arguments.paths = calloc(PATHS_MAX, sizeof *arguments.paths);
        if (!arguments.paths) {
            return command_fail(command->full_name, EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
        }
        if (read_arguments(argc - 1, argv + 1, &arguments, &exit_code)) {
            exit_code = command->run(&arguments);
        }
        free(arguments.paths);
        return exit_code;
    }
    const char *nearest = findings_nearest(name, names);
    return nearest ? command_usage_error("rules", "unknown action '%s'; did you mean '%s'?", name, nearest)
                   : command_usage_error("rules", "unknown action '%s'; there are check, test and list", name);
}
