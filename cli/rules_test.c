#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/findings.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "cli/rules_test_report.h"
#include "rules/model.h"
#include "scanner/ruleset.h"
#include "scanner/ruletest.h"

static const char test_help[] = "usage: weir rules test [OPTION]... [PATH]...\n"
                                "\n"
                                "Runs the tests that stand in packs: each text under 'hits' must be flagged by\n"
                                "its rule, each text under 'clean' must not. A list of texts is a conversation:\n"
                                "one of its messages must be flagged, or none. Rules whose status is 'off' are\n"
                                "not tested. A PATH is a pack or a folder of packs; without one, the packs that\n"
                                "come with Weir.\n"
                                "\n"
                                "Options:\n"
                                "      --format FMT  what goes to standard output: text (nothing; the default),\n"
                                "                    tap (Test Anything Protocol 14) or junit (XML), for CI\n"
                                "      --rules PATH  the same as PATH; may be given several times\n"
                                "      --json        one JSON object on standard output instead: the numbers\n"
                                "                    and the tests that fail\n"
                                "  -h, --help        this help\n"
                                "\n"
                                "Examples:\n"
                                "  weir rules test scams.yaml\n"
                                "  weir rules test --format junit my-packs/ > report.xml\n"
                                "  weir rules test --json my-packs/ | jq .failed\n"
                                "\n"
                                "Exit status: 0 all pass, 1 a test fails or a pack has errors, 2 wrong usage,\n"
                                "3 the environment failed.\n";

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

/* The messages of a test of several; NULL for a test of one. */
static json_t *messages_json(const struct rule_test *test)
{
    json_t *list = test->message_count > 0 ? json_array() : NULL;
    for (uint32_t i = 0; list && i < test->message_count; i++) {
        const struct rule_test_message *message = &test->messages[i];
        json_t *object = json_pack("{s:s%, s:I}", "text", (const char *)message->text.data, message->text.size,
                                   "minutes", (json_int_t)message->minutes);
        if (object && message->sender.size > 0) {
            json_object_set_new(object, "from", json_stringn((const char *)message->sender.data, message->sender.size));
        }
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *failures_json(const struct ruleset *ruleset, const struct findings *findings)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && ruleset && i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        const struct rule_test *test = NULL;
        const struct rule *rule = find_test(ruleset, finding, &test);
        if (rule) {
            json_array_append_new(
                list, json_pack("{s:s, s:I, s:I, s:s, s:s, s:s%, s:o*, s:s}", "file", finding->file, "line",
                                (json_int_t)finding->line, "column", (json_int_t)finding->column, "rule", rule->id,
                                "expected", test->hit ? "hit" : "clean", "text", (const char *)test->text.data,
                                test->text.size, "messages", messages_json(test), "problem", finding->text));
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
                      "findings", ruleset ? json_array() : rules_findings_json(findings));
        return rules_print_json(arguments->command, object, exit_code);
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

static int run(struct rules_arguments *arguments, enum rules_test_format format)
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
        if (format != RULES_TEST_TEXT) {
            int exit_code = rules_test_report(ruleset, format);
            ruleset_free(&ruleset);
            return exit_code;
        }
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
    int exit_code = report_tests(arguments, ruleset, &findings, run, rules_exit_code(status, &findings));
    ruleset_free(&ruleset);
    findings_clear(&findings);
    return exit_code;
}

struct test_options {
    enum rules_test_format format;
};

static bool take(void *context, int option, const char *value)
{
    static const char *const names[] = {"text", "tap", "junit"};
    struct test_options *chosen = context;
    (void)option;
    for (int i = 0; i < 3; i++) {
        if (strcmp(names[i], value) == 0) {
            chosen->format = (enum rules_test_format)i;
            return true;
        }
    }
    (void)command_usage_error("rules test", "--format is one of text, tap and junit, not '%s'", value);
    return false;
}

int rules_test(int argc, char **argv)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, RULES_LONG_OPTION},
        {NULL, 0, NULL, 0},
    };
    struct test_options chosen = {RULES_TEST_TEXT};
    struct rules_arguments arguments = {
        .command = "rules test", .help = test_help, .options = options, .take = take, .context = &chosen};
    int exit_code = EXIT_ENVIRONMENT;
    if (rules_arguments_read(&arguments, argc, argv, &exit_code)) {
        exit_code = arguments.json && chosen.format != RULES_TEST_TEXT
                        ? command_usage_error("rules test", "--json and --format exclude each other")
                        : run(&arguments, chosen.format);
    }
    rules_arguments_free(&arguments);
    return exit_code;
}
