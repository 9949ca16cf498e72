#include "scanner/ruletest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "scanner/across.h"
#include "scanner/scanner.h"

#define SHOWN_BYTES_MAX 60
#define BEGIN_MS INT64_C(1700000000000) /* when the conversations of tests begin */
#define ARENA_CHUNK ((size_t)64 << 10)
#define DECIDED_SIZE_MAX ((size_t)64 << 20)

enum seen { SEEN_NOTHING, SEEN_HIT, SEEN_UNSCANNED };

struct case_of {
    const struct rule *rule;
    const struct rule_test *test;
    uint32_t pack;
    uint32_t flagged; /* the first message that is flagged, from 1; 0: none */
    enum seen seen;
};

/* A text that is scanned: of which case it is, and which message of it. */
struct text_of {
    uint32_t number, message;
};

struct run {
    struct case_of *cases;
    uint32_t count;
    struct span *texts; /* of the scan under way */
    struct text_of *owners;
    uint32_t text_count;
    struct across *across; /* NULL: each message is judged by itself */
    struct arena *decided;
    uint32_t taken; /* texts that `across` has seen */
};

static bool is_tested(const struct rule *rule)
{
    return rule->status != RULE_OFF;
}

static void count_tests(const struct pack *const *packs, const bool *passed, uint32_t pack_count, size_t *ret_cases,
                        size_t *ret_texts)
{
    *ret_cases = *ret_texts = 0;
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; !(passed && passed[p]) && r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            for (uint32_t t = 0; is_tested(rule) && t < rule->test_count; t++) {
                ++*ret_cases;
                *ret_texts += rule->tests[t].message_count > 0 ? rule->tests[t].message_count : 1;
            }
        }
    }
}

static void collect_cases(struct run *run, const struct pack *pack, uint32_t number)
{
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        const struct rule *rule = &pack->rules[r];
        for (uint32_t t = 0; is_tested(rule) && t < rule->test_count; t++) {
            run->cases[run->count++] = (struct case_of){.rule = rule, .test = &rule->tests[t], .pack = number};
        }
    }
}

/* The texts of all tests of one message, or of all those of several. */
static void collect_texts(struct run *run, bool conversations)
{
    run->text_count = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        const struct rule_test *test = run->cases[i].test;
        if ((test->message_count > 0) != conversations) {
            continue;
        }
        for (uint32_t m = 0; m < (conversations ? test->message_count : 1); m++) {
            run->texts[run->text_count] = conversations ? test->messages[m].text : test->text;
            run->owners[run->text_count++] = (struct text_of){.number = i, .message = m};
        }
    }
}

/* A hit stays a hit, whatever comes later; it stands above what could not be scanned where a hit is expected. */
static void see(struct run *run, uint32_t text, const struct scan_hit *hits, uint32_t hit_count)
{
    struct case_of *tested = &run->cases[run->owners[text].number];
    for (uint32_t i = 0; i < hit_count; i++) {
        if (hits[i].rule != tested->rule && hits[i].rule != &scanner_unscanned_rule) {
            continue;
        }
        if (hits[i].outcome == OUTCOME_FLAGGED) {
            tested->flagged = tested->flagged > 0 ? tested->flagged : run->owners[text].message + 1;
        }
        if (hits[i].outcome == OUTCOME_FLAGGED || tested->seen == SEEN_NOTHING) {
            tested->seen = hits[i].outcome == OUTCOME_FLAGGED ? SEEN_HIT : SEEN_UNSCANNED;
        }
    }
}

/* What is found in one message of a conversation, with what came before in it. */
static enum status take(struct run *run, uint32_t text, const struct scan_hit *hits, uint32_t hit_count)
{
    const struct text_of *owner = &run->owners[text];
    const struct rule_test_message *written = &run->cases[owner->number].test->messages[owner->message];
    char conversation_id[16], message_id[16];
    struct scan_hit *decided = NULL;
    uint32_t decided_count = 0;
    (void)snprintf(conversation_id, sizeof conversation_id, "%u", owner->number);
    (void)snprintf(message_id, sizeof message_id, "%u", text);
    const struct message message = {.message_id = span_text(message_id),
                                    .conversation_id = span_text(conversation_id),
                                    .sender_id = written->sender,
                                    .text = written->text,
                                    .sent_at_ms = BEGIN_MS + written->minutes * INT64_C(60000)};
    arena_reset(run->decided);
    enum status status =
        across_take(run->across, &message, message.sent_at_ms, hits, hit_count, run->decided, &decided, &decided_count);
    if (status == STATUS_OK) {
        see(run, text, decided, decided_count);
    }
    return status;
}

/* The messages before `until`, in which nothing was found; and `until` itself, if it has hits. */
static enum status take_until(struct run *run, uint32_t until, const struct scan_hit *hits, uint32_t hit_count)
{
    enum status status = STATUS_OK;
    for (; status == STATUS_OK && run->taken < until; run->taken++) {
        status = take(run, run->taken, NULL, 0);
    }
    if (status == STATUS_OK && hit_count > 0) {
        status = take(run, run->taken++, hits, hit_count);
    }
    return status;
}

static enum status on_message(void *context, uint32_t text, const struct scan_hit *hits, uint32_t hit_count)
{
    struct run *run = context;
    if (run->across) {
        return take_until(run, text, hits, hit_count);
    }
    see(run, text, hits, hit_count);
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

static const char *problem_of(const struct case_of *tested)
{
    const struct rule_test *test = tested->test;
    if (tested->seen == (test->hit ? SEEN_HIT : SEEN_NOTHING)) {
        return NULL;
    }
    return tested->seen == SEEN_UNSCANNED ? "a match limit was reached, so nothing is known"
           : test->hit                    ? "should be flagged and is not"
                                          : "should be clean and is flagged";
}

static void judge(const struct case_of *tested, struct findings *findings, bool *failed)
{
    const struct rule_test *test = tested->test;
    const char *problem = problem_of(tested);
    char which[48] = "";
    if (!problem) {
        return;
    }
    failed[tested->pack] = true;
    if (test->message_count > 0 && tested->flagged > 0) {
        (void)snprintf(which, sizeof which, ", with message %u of %u", tested->flagged, test->message_count);
    }
    findings_add_named(findings, FINDING_ERROR, "failing-test", test->place.file, test->place.line, test->place.column,
                       tested->seen == SEEN_UNSCANNED ? "make the regex cheaper: nested repeats are the usual reason"
                                                      : NULL,
                       "test of rule '%s' fails: \"%.*s%s\": %s%s", tested->rule->id, shown_size(test->text),
                       (const char *)test->text.data, test->text.size > SHOWN_BYTES_MAX ? "..." : "", problem, which);
}

static void run_free(struct run *run)
{
    free(run->cases);
    free(run->texts);
    free(run->owners);
    across_free(&run->across);
    arena_free(&run->decided);
}

/* Tests of several messages: as they would be judged one after the other, each a conversation of its own. */
static enum status scan_conversations(struct run *run, struct scanner *scanner, struct ruleset *ruleset)
{
    enum status status = STATUS_OK;
    collect_texts(run, true);
    if (run->text_count == 0) {
        return STATUS_OK;
    }
    if (across_is_needed(ruleset)) {
        bool needed;
        status = across_new(ACROSS_BYTES_DEFAULT, &run->across);
        status = status == STATUS_OK ? arena_new(ARENA_CHUNK, DECIDED_SIZE_MAX, &run->decided) : status;
        status = status == STATUS_OK ? across_use(run->across, ruleset, &needed) : status;
        scanner_set_across(scanner, true);
    }
    if (status == STATUS_OK) {
        status = scanner_scan(scanner, ruleset, run->texts, run->text_count, on_message, run);
    }
    return status == STATUS_OK && run->across ? take_until(run, run->text_count, NULL, 0) : status;
}

/* Scans the tests of the packs; free with run_free, also after a failure. */
static enum status scan(struct ruleset *ruleset, const bool *passed, struct run *run)
{
    uint32_t pack_count;
    const struct pack *const *packs = ruleset_packs(ruleset, &pack_count);
    struct scanner *scanner = NULL;
    size_t cases, texts;
    count_tests(packs, passed, pack_count, &cases, &texts);
    *run = (struct run){.cases = calloc(cases + 1, sizeof *run->cases)};
    if (texts > UINT32_MAX) {
        return STATUS_LIMIT;
    }
    run->texts = calloc(texts + 1, sizeof *run->texts);
    run->owners = calloc(texts + 1, sizeof *run->owners);
    enum status status = run->cases && run->texts && run->owners ? scanner_new(&scanner) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        for (uint32_t p = 0; p < pack_count; p++) {
            if (!(passed && passed[p])) {
                collect_cases(run, packs[p], p);
            }
        }
        collect_texts(run, false);
        status = scanner_scan(scanner, ruleset, run->texts, run->text_count, on_message, run);
    }
    if (status == STATUS_OK) {
        status = scan_conversations(run, scanner, ruleset);
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
        judge(&run.cases[i], findings, failed);
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
                                                   .problem = problem_of(&run.cases[i])});
    }
    if (status == STATUS_OK) {
        *ret_count = run.count;
    }
    run_free(&run);
    return status;
}
