#include "cli/rules_test_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "cli/command.h"
#include "rules/model.h"
#include "scanner/ruleset.h"
#include "scanner/ruletest.h"

#define SHOWN_BYTES_MAX 60u

struct report {
    struct ruletest_outcome *outcomes;
    uint32_t count, failed;
};

/* `outcomes` has room for all tests of the set. */
static void on_outcome(void *context, const struct ruletest_outcome *outcome)
{
    struct report *report = context;
    report->outcomes[report->count++] = *outcome;
    report->failed += outcome->problem != NULL;
}

/*
 * The text of a test on one line, at most about `size_max` bytes of it. `xml`: with entities, and without the
 * characters that XML cannot hold. TAP takes a # for the beginning of a directive.
 */
static void put_text(const char *data, size_t size, size_t size_max, bool xml)
{
    for (size_t at = 0; at < size;) {
        uint32_t character;
        size_t length = json_text_character((const uint8_t *)data + at, size - at, &character);
        if (at >= size_max) {
            fputs("...", stdout);
            return;
        }
        if (length == 0 || character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0xfffe ||
            character == 0xffff) {
            putchar(' ');
        } else if (xml && strchr("<>&\"'", (int)character) && character < 0x80) {
            printf("&#%" PRIu32 ";", character);
        } else if (!xml && (character == '#' || character == '\\')) {
            printf("\\%c", (char)character);
        } else {
            fwrite(data + at, 1, length, stdout);
        }
        at += length ? length : 1;
    }
}

static void print_tap(const struct report *report)
{
    printf("TAP version 14\n1..%" PRIu32 "\n", report->count);
    for (uint32_t i = 0; i < report->count; i++) {
        const struct ruletest_outcome *outcome = &report->outcomes[i];
        const struct rule_test *test = outcome->test;
        printf("%s %" PRIu32 " - %s %s: ", outcome->problem ? "not ok" : "ok", i + 1, outcome->rule->id,
               test->hit ? "hit" : "clean");
        put_text((const char *)test->text.data, test->text.size, SHOWN_BYTES_MAX, false);
        putchar('\n');
        if (outcome->problem) {
            printf("  ---\n  message: %s\n  at: '", outcome->problem);
            for (const char *c = test->place.file; *c; c++) {
                fputs(*c == '\'' ? "''" : (char[]){*c, 0}, stdout);
            }
            printf(":%" PRIu32 ":%" PRIu32 "'\n  ...\n", test->place.line, test->place.column);
        }
    }
}

static bool same_pack(const struct report *report, uint32_t a, uint32_t b)
{
    return strcmp(report->outcomes[a].test->place.file, report->outcomes[b].test->place.file) == 0;
}

/* The tests of one pack are a suite. Returns the first that belongs to the next. */
static uint32_t print_suite(const struct report *report, uint32_t first)
{
    uint32_t end = first, failed = 0;
    for (; end < report->count && same_pack(report, first, end); end++) {
        failed += report->outcomes[end].problem != NULL;
    }
    const char *file = report->outcomes[first].test->place.file;
    fputs("  <testsuite name=\"", stdout);
    put_text(file, strlen(file), SIZE_MAX, true);
    printf("\" tests=\"%" PRIu32 "\" failures=\"%" PRIu32 "\" errors=\"0\" skipped=\"0\">\n", end - first, failed);
    for (uint32_t i = first; i < end; i++) {
        const struct ruletest_outcome *outcome = &report->outcomes[i];
        const struct rule_test *test = outcome->test;
        printf("    <testcase classname=\"%s\" name=\"%s: ", outcome->rule->id, test->hit ? "hit" : "clean");
        put_text((const char *)test->text.data, test->text.size, SHOWN_BYTES_MAX, true);
        fputs("\" file=\"", stdout);
        put_text(test->place.file, strlen(test->place.file), SIZE_MAX, true);
        printf("\" line=\"%" PRIu32 "\"", test->place.line);
        if (outcome->problem) {
            printf(">\n      <failure message=\"%s\"/>\n    </testcase>\n", outcome->problem);
        } else {
            fputs("/>\n", stdout);
        }
    }
    fputs("  </testsuite>\n", stdout);
    return end;
}

static void print_junit(const struct report *report)
{
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"weir rules\" tests=\"%" PRIu32
           "\" failures=\"%" PRIu32 "\" errors=\"0\">\n",
           report->count, report->failed);
    for (uint32_t i = 0; i < report->count;) {
        i = print_suite(report, i);
    }
    fputs("</testsuites>\n", stdout);
}

static size_t count_tests(const struct ruleset *ruleset)
{
    uint32_t pack_count = 0;
    size_t count = 0;
    const struct pack *const *packs = ruleset_packs(ruleset, &pack_count);
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            count += packs[p]->rules[r].test_count;
        }
    }
    return count;
}

int rules_test_report(struct ruleset *ruleset, enum rules_test_format format)
{
    struct report report = {.outcomes = calloc(count_tests(ruleset) + 1, sizeof *report.outcomes)};
    uint32_t count = 0;
    enum status status = report.outcomes ? ruletest_run_each(ruleset, on_outcome, &report, &count) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        free(report.outcomes);
        return command_fail("rules test", EXIT_ENVIRONMENT, "cannot run the tests: %s", status_text(status));
    }
    if (format == RULES_TEST_TAP) {
        print_tap(&report);
    } else {
        print_junit(&report);
    }
    free(report.outcomes);
    fflush(stdout);
    if (report.failed > 0) {
        fprintf(stderr, "%" PRIu32 " of %" PRIu32 " test%s fail\n", report.failed, count, command_plural(count));
    } else {
        fprintf(stderr, "%" PRIu32 " test%s pass%s\n", count, command_plural(count), count == 1 ? "es" : "");
    }
    return report.failed > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
}
