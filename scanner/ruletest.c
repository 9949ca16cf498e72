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

static uint32_t count_tests(const struct pack *const *packs, uint32_t pack_count)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
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

static void judge(const struct case_of *tested, enum seen seen, struct findings *findings, bool *failed)
{
    const struct rule_test *test = tested->test;
    if (seen == (test->hit ? SEEN_HIT : SEEN_NOTHING)) {
        return;
    }
    const char *what = seen == SEEN_UNSCANNED ? "a match limit was reached, so nothing is known"
                       : test->hit            ? "should be flagged and is not"
                                              : "should be clean and is flagged";
    failed[tested->pack] = true;
    findings_add(findings, FINDING_ERROR, test->place.file, test->place.line, test->place.column,
                 seen == SEEN_UNSCANNED ? "make the regex cheaper: nested repeats are the usual reason" : NULL,
                 "test of rule '%s' fails: \"%.*s%s\": %s", tested->rule->id, shown_size(test->text),
                 (const char *)test->text.data, test->text.size > SHOWN_BYTES_MAX ? "..." : "", what);
}

enum status ruletest_run(struct ruleset *ruleset, struct findings *findings, bool *failed, uint32_t *ret_count)
{
    uint32_t pack_count;
    const struct pack *const *packs = ruleset_packs(ruleset, &pack_count);
    uint32_t count = count_tests(packs, pack_count);
    struct run run = {
        .cases = calloc((size_t)count + 1, sizeof *run.cases),
        .texts = calloc((size_t)count + 1, sizeof *run.texts),
        .seen = calloc((size_t)count + 1, sizeof *run.seen),
    };
    struct scanner *scanner = NULL;
    enum status status = run.cases && run.texts && run.seen ? scanner_new(&scanner) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        for (uint32_t p = 0; p < pack_count; p++) {
            collect(&run, packs[p], p);
        }
        status = scanner_scan(scanner, ruleset, run.texts, run.count, on_message, &run);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < run.count; i++) {
        judge(&run.cases[i], run.seen[i], findings, failed);
    }
    scanner_free(&scanner);
    free(run.cases);
    free(run.texts);
    free(run.seen);
    if (status == STATUS_OK) {
        *ret_count = count;
    }
    return status;
}
