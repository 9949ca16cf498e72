#include "scanner/ruletest.h"

#include <stdlib.h>

#include "scanner/scanner.h"

#define SHOWN_BYTES_MAX 60

enum seen { SEEN_NOTHING, SEEN_HIT, SEEN_UNSCANNED };

struct case_of {
    const struct rule *rule;
    const struct rule_test *test;
    uint32_t pack;
};

struct run {
    struct case_of *cases;
    struct span *texts;
    uint8_t *seen;
    uint32_t count;
};

static uint32_t count_tests(const struct pack *const *packs, const bool *passed, uint32_t pack_count)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; !(passed && passed[p]) && r < packs[p]->rule_count; r++) {
            count += packs[p]->rules[r].status == RULE_OFF ? 0 : packs[p]->rules[r].test_count;
        }
    }
    return count;
}

static void collect(struct run *run, const struct pack *pack, uint32_t number)
{
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        const struct rule *rule = &pack->rules[r];
        for (uint32_t t = 0; rule->status != RULE_OFF && t < rule->test_count; t++) {
            run->cases[run->count] = (struct case_of){.rule = rule, .test = &rule->tests[t], .pack = number};
            run->texts[run->count++] = rule->tests[t].text;
        }
    }
}

static enum status on_message(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct run *run = context;
    for (uint32_t i = 0; i < hit_count; i++) {
        if (hits[i].rule == run->cases[message].rule || hits[i].rule == &scanner_unscanned_rule) {
            run->seen[message] = hits[i].outcome == OUTCOME_FLAGGED ? SEEN_HIT : SEEN_UNSCANNED;
        }
    }
    return STATUS_OK;
}

/* Cuts a text for display without cutting a character in two. */
static int shown_size(struct span text)
{
    size_t size = text.size < SHOWN_BYTES_MAX ? text.size : SHOWN_BYTES_MAX;
    while (size < text.size && size > 0 && (text.data[size] & 0xC0) == 0x80) {
        size--;
    }
    return (int)size;
}

static const char *problem_of(const struct rule_test *test, enum seen seen)
{
    if (seen == (test->hit ? SEEN_HIT : SEEN_NOTHING)) {
        return NULL;
    }
    return seen == SEEN_UNSCANNED ? "a match limit was reached, so nothing is known"
           : test->hit            ? "should be flagged and is not"
                                  : "should be clean and is flagged";
}

static void judge(const struct case_of *tested, enum seen seen, struct findings *findings, bool *failed)
{
    const struct rule_test *test = tested->test;
    const char *problem = problem_of(test, seen);
    if (!problem) {
        return;
    }
    failed[tested->pack] = true;
    findings_add_named(findings, FINDING_ERROR, "failing-test", test->place.file, test->place.line, test->place.column,
                       seen == SEEN_UNSCANNED ? "make the regex cheaper: nested repeats are the usual reason" : NULL,
                       "test of rule '%s' fails: \"%.*s%s\": %s", tested->rule->id, shown_size(test->text),
                       (const char *)test->text.data, test->text.size > SHOWN_BYTES_MAX ? "..." : "", problem);
}

static void run_free(struct run *run)
{
    free(run->cases);
    free(run->texts);
    free(run->seen);
}

/* Scans the tests of the packs; free with run_free, also after a failure. */
static enum status scan(struct ruleset *ruleset, const bool *passed, struct run *ret_run)
{
    uint32_t pack_count;
    const struct pack *const *packs = ruleset_packs(ruleset, &pack_count);
    uint32_t count = count_tests(packs, passed, pack_count);
    struct scanner *scanner = NULL;
    *ret_run = (struct run){
        .cases = calloc((size_t)count + 1, sizeof *ret_run->cases),
        .texts = calloc((size_t)count + 1, sizeof *ret_run->texts),
        .seen = calloc((size_t)count + 1, sizeof *ret_run->seen),
    };
    enum status status = ret_run->cases && ret_run->texts && ret_run->seen ? scanner_new(&scanner) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        for (uint32_t p = 0; p < pack_count; p++) {
            if (!(passed && passed[p])) {
                collect(ret_run, packs[p], p);
            }
        }
        status = scanner_scan(scanner, ruleset, ret_run->texts, ret_run->count, on_message, ret_run);
    }
    scanner_free(&scanner);
    return status;
}

enum status ruletest_run(struct ruleset *ruleset, struct findings *findings, bool *failed, uint32_t *ret_count)
{
    return ruletest_run_some(ruleset, NULL, findings, failed, ret_count);
}

enum status ruletest_run_some(struct ruleset *ruleset, const bool *passed, struct findings *findings, bool *failed,
                              uint32_t *ret_count)
{
    struct run run;
    enum status status = scan(ruleset, passed, &run);
    for (uint32_t i = 0; status == STATUS_OK && i < run.count; i++) {
        judge(&run.cases[i], run.seen[i], findings, failed);
    }
    if (status == STATUS_OK) {
        *ret_count = run.count;
    }
    run_free(&run);
    return status;
}

enum status ruletest_run_each(struct ruleset *ruleset, void (*report)(void *, const struct ruletest_outcome *),
                              void *context, uint32_t *ret_count)
{
    struct run run;
    enum status status = scan(ruleset, NULL, &run);
    for (uint32_t i = 0; status == STATUS_OK && i < run.count; i++) {
        report(context, &(struct ruletest_outcome){.rule = run.cases[i].rule,
                                                   .test = run.cases[i].test,
                                                   .problem = problem_of(run.cases[i].test, run.seen[i])});
    }
    if (status == STATUS_OK) {
        *ret_count = run.count;
    }
    run_free(&run);
    return status;
}
