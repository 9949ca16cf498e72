#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/findings.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "cli/rules_sarif.h"
#include "rules/lint.h"
#include "rules/lint_names.h"
#include "rules/model.h"
#include "scanner/ruleset.h"
#include "scanner/ruletest.h"

enum { OPTION_FAIL_ON = RULES_LONG_OPTION, OPTION_LEVEL, OPTION_NAMES, OPTION_SARIF };

static const char check_help[] = "usage: weir rules check [OPTION]... [PATH]...\n"
                                 "\n"
                                 "Reads packs the way 'weir run' does when it starts, runs their tests, and\n"
                                 "reports everything that is wrong with them or hardly ever meant. A PATH is a\n"
                                 "pack or a folder of packs; without one, the packs that come with Weir.\n"
                                 "\n"
                                 "The findings go to standard error, each with its place, level, reason and name,\n"
                                 "and below it what to do about it:\n"
                                 "  error    the pack does not load\n"
                                 "  warning  a mistake, as good as always\n"
                                 "  hint     something to think about: right in some rules, not in others\n"
                                 "A rule allows itself a finding that is meant, and says why:\n"
                                 "  allow: {open-gap: 'the two may stand anywhere in a letter'}\n"
                                 "\n"
                                 "Options:\n"
                                 "      --fail-on LEVEL  exit with 1 if there are findings of this level or above:\n"
                                 "                       error (the default), warning or hint\n"
                                 "      --level LEVEL    show findings of this level and above: hint (the\n"
                                 "                       default), warning or error\n"
                                 "      --names          list the names of all findings and what each says\n"
                                 "      --rules PATH     the same as PATH; may be given several times\n"
                                 "      --json           one JSON object on standard output instead: the findings\n"
                                 "                       and how many there are\n"
                                 "      --sarif          the findings as SARIF 2.1.0 instead, for code hosts\n"
                                 "  -h, --help           this help\n"
                                 "\n"
                                 "Examples:\n"
                                 "  weir rules check my-packs/\n"
                                 "  weir rules check --fail-on warning --level warning my-packs/\n"
                                 "  weir rules check --json scams.yaml | jq '.findings[].name'\n"
                                 "\n"
                                 "Exit status: 0 no finding of the --fail-on level, 1 there is one, 2 wrong usage,\n"
                                 "3 the environment failed.\n";

struct check {
    struct rules_arguments arguments;
    enum finding_level fail_on, level;
    bool names, sarif;

    struct findings findings;
    struct ruleset *ruleset; /* NULL: a pack has an error */
    uint32_t packs, rules, tests;
    bool tests_run;
    enum status status;
};

static bool take_level(const char *option, const char *value, enum finding_level *ret_level)
{
    for (int i = 0; finding_level_names[i]; i++) {
        if (strcmp(finding_level_names[i], value) == 0) {
            *ret_level = (enum finding_level)i;
            return true;
        }
    }
    (void)command_usage_error("rules check", "%s is one of error, warning and hint, not '%s'", option, value);
    return false;
}

static bool take(void *context, int option, const char *value)
{
    struct check *check = context;
    switch (option) {
    case OPTION_FAIL_ON:
        return take_level("--fail-on", value, &check->fail_on);
    case OPTION_LEVEL:
        return take_level("--level", value, &check->level);
    case OPTION_SARIF:
        check->sarif = true;
        return true;
    default:
        check->names = true;
        return true;
    }
}

static int print_names(const struct check *check)
{
    json_t *list = check->arguments.json ? json_array() : NULL;
    for (uint32_t i = 0; i < lint_name_count; i++) {
        const struct lint_name *name = &lint_names[i];
        const char *level = finding_level_names[name->level];
        if (list) {
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:s}", "name", name->name, "level", level, "summary", name->summary));
        } else {
            printf("%-7s  %-19s  %s\n", level, name->name, name->summary);
        }
    }
    return check->arguments.json ? rules_print_json("rules check", list, EXIT_DONE) : EXIT_DONE;
}

/* The inline tests, with all their failures. */
static void run_tests(struct check *check)
{
    uint32_t pack_count = 0;
    (void)ruleset_packs(check->ruleset, &pack_count);
    bool *failed = calloc((size_t)pack_count + 1, sizeof *failed);
    check->status = failed ? ruletest_run(check->ruleset, &check->findings, failed, &check->tests) : STATUS_NO_MEMORY;
    check->tests_run = check->status == STATUS_OK;
    if (check->status == STATUS_OK && check->findings.errors > 0) {
        check->status = STATUS_INVALID;
    }
    free(failed);
}

/* Where a pack has an error there is no rule set: the linter looks at those that could be read. */
static enum status lint_readable(struct check *check)
{
    struct findings ignored = {0}; /* the load has told them */
    struct arena *arena = NULL;
    struct pack **packs = NULL;
    uint32_t count = 0;
    enum status status = arena_new(64u << 10, RULES_ARENA_SIZE_MAX, &arena);
    if (status == STATUS_OK) {
        status = rules_read_packs(&check->arguments, arena, &ignored, &packs, &count);
    }
    if (status == STATUS_OK) {
        status = lint_packs((const struct pack *const *)packs, count, NULL, &check->findings);
    }
    for (uint32_t i = 0; i < count; i++) {
        pack_free(&packs[i]);
    }
    findings_clear(&ignored);
    arena_free(&arena);
    return status;
}

static void run(struct check *check)
{
    const struct ruleset_options options = {.skip_tests = true};
    enum status linted;
    command_busy("checking the rules...");
    check->status =
        ruleset_load(check->arguments.paths, check->arguments.path_count, &options, &check->findings, &check->ruleset);
    if (check->status == STATUS_OK) {
        uint32_t count = 0;
        const struct pack *const *packs = ruleset_packs(check->ruleset, &count);
        check->rules = ruleset_rule_count(check->ruleset);
        linted = lint_packs(packs, count, ruleset_program(check->ruleset), &check->findings);
        run_tests(check);
    } else {
        linted = lint_readable(check);
    }
    check->packs = rules_count_files(&check->arguments);
    check->status = linted != STATUS_OK ? linted : check->status;
    command_busy(NULL);
    findings_sort(&check->findings);
}

static int exit_code_of(const struct check *check)
{
    const struct findings *findings = &check->findings;
    int exit_code = rules_exit_code(check->status, findings);
    bool fault = findings->errors > 0 || (check->fail_on <= FINDING_WARNING && findings->warnings > 0) ||
                 (check->fail_on == FINDING_HINT && findings->hints > 0);
    return exit_code == EXIT_DONE && fault ? EXIT_FOUND_FAULT : exit_code;
}

/* Leaves out what is below the level that is asked for. */
static void filter(struct check *check)
{
    for (uint32_t i = check->findings.count; i-- > 0;) {
        if (check->findings.items[i].level < check->level) {
            findings_remove(&check->findings, i);
        }
    }
}

static int report_json(const struct check *check, const struct findings *counts, int exit_code)
{
    json_t *object =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:o*}", "ok", exit_code == EXIT_DONE, "packs", (json_int_t)check->packs,
                  "errors", (json_int_t)counts->errors, "warnings", (json_int_t)counts->warnings, "hints",
                  (json_int_t)counts->hints, "findings", rules_findings_json(&check->findings));
    if (object && check->ruleset) {
        json_object_set_new(object, "rules", json_integer(check->rules));
        json_object_set_new(object, "tests", json_integer(check->tests));
        json_object_set_new(object, "generation", json_string(ruleset_generation(check->ruleset)));
    }
    return rules_print_json("rules check", object, exit_code);
}

static void report(const struct check *check, const struct findings *counts)
{
    findings_print(&check->findings, stderr, command_colour(stderr));
    fprintf(stderr, "%u pack%s", check->packs, command_plural(check->packs));
    if (check->ruleset) {
        fprintf(stderr, " with %u rule%s", check->rules, command_plural(check->rules));
    }
    if (counts->errors > 0) {
        fprintf(stderr, ": %u error%s", counts->errors, command_plural(counts->errors));
    } else {
        fputs(": no errors", stderr);
    }
    fprintf(stderr, ", %u warning%s, %u hint%s", counts->warnings, command_plural(counts->warnings), counts->hints,
            command_plural(counts->hints));
    if (check->tests_run && counts->errors == 0) {
        fprintf(stderr, "; %u test%s pass%s", check->tests, command_plural(check->tests),
                check->tests == 1 ? "es" : "");
    }
    fputc('\n', stderr);
}

int rules_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"fail-on", required_argument, NULL, OPTION_FAIL_ON},
        {"level", required_argument, NULL, OPTION_LEVEL},
        {"names", no_argument, NULL, OPTION_NAMES},
        {"sarif", no_argument, NULL, OPTION_SARIF},
        {NULL, 0, NULL, 0},
    };
    struct check check = {
        .arguments = {.command = "rules check", .help = check_help, .options = options, .take = take},
        .fail_on = FINDING_ERROR,
        .level = FINDING_HINT,
    };
    int exit_code = EXIT_ENVIRONMENT;
    check.arguments.context = &check;
    if (!rules_arguments_read(&check.arguments, argc, argv, &exit_code)) {
        rules_arguments_free(&check.arguments);
        return exit_code;
    }
    if (check.names) {
        exit_code = print_names(&check);
    } else {
        run(&check);
        exit_code = exit_code_of(&check);
        struct findings counts = check.findings; /* only its numbers are used */
        filter(&check);
        if (check.sarif) {
            exit_code = rules_print_json("rules check", rules_sarif(&check.findings), exit_code);
        } else if (check.arguments.json) {
            exit_code = report_json(&check, &counts, exit_code);
        } else {
            report(&check, &counts);
        }
    }
    ruleset_free(&check.ruleset);
    findings_clear(&check.findings);
    rules_arguments_free(&check.arguments);
    return exit_code;
}
