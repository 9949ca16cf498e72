/*
 * Regexes that nothing is searched for, swept with automata from the first message on, later or not at all: whatever PCRE2
 * finds is a candidate, and what is held PCRE2 finds.
 */
#include "scanner/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "scanner/ruleset.h"
#include "scanner/search.h"
#include "tests/fuzz/regex_random.h"
#include "tests/support/cmocka_all.h"
#include "text/view.h"

#define MESSAGES_MAX 600
#define RULES_MAX 40
#define TEXT_MAX 256

static struct random_state dice;
static struct regex_scratch *scratch;

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK && regex_scratch_new(&scratch) == STATUS_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    regex_scratch_free(&scratch);
    return 0;
}

/* ---- Rules and messages ---- */

static struct ruleset *rules_of(const char *const *regexes, uint32_t count, enum view view)
{
    struct buffer pack = BUFFER_INIT(1 << 20);
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    assert_int_equal(buffer_append_text(&pack, "pack: p\nrules:\n"), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(buffer_print(&pack, "  - {id: p.%u, title: t, patterns: {r: {regex: '%s', view: %s}}}\n", i,
                                      regexes[i], view_names[view]),
                         STATUS_OK);
    }
    enum status status = ruleset_parse(buffer_span(&pack), "sweep", &findings, &ruleset);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    findings_clear(&findings);
    buffer_free(&pack);
    return ruleset;
}

/*
 * A regex without a literal that could be searched for. No branch comes behind one that takes more: the machine code of
 * PCRE2 10.42 then misses matches, as those of (?:ab|a)b*b.
 */
static char *random_regex(void)
{
    static const char *const pieces[] = {"[a-c]",        "[^a]",
                                         "\\w",          "\\W",
                                         "\\d",          ".",
                                         "[ab1]",        "\\b",
                                         "\\B",          "[\xd0\xb0-\xd0\xb3]",
                                         "(?:[ab]|\\d)", "[a-c ]",
                                         "\\s",          "(?=\\w)",
                                         "(?:|[a-c])",   "(?:^|\\W)",
                                         "(?:$|\\W)",    "[[:punct:]]",
                                         "[k-s]"};
    static const char *const repeats[] = {"", "", "", "", "+", "*", "?", "{2}", "{2,4}", "{0,9}", "++", "*?", "{3,}"};
    char text[400];
    size_t size = 0;
    if (random_below(&dice, 8) == 0) {
        size += (size_t)snprintf(text, sizeof text, "^");
    }
    for (uint32_t n = 2 + random_below(&dice, 4); n > 0; n--) {
        const char *piece = RANDOM_FROM(&dice, pieces), *repeat = RANDOM_FROM(&dice, repeats);
        bool place = piece[0] == '\\' && (piece[1] == 'b' || piece[1] == 'B');
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", piece,
                                 place || strstr(piece, "(?=") ? "" : repeat);
    }
    if (random_below(&dice, 8) == 0) {
        (void)snprintf(text + size, sizeof text - size, "$");
    }
    return strdup(text);
}

struct messages {
    char texts[MESSAGES_MAX][TEXT_MAX];
    struct span spans[MESSAGES_MAX];
    uint32_t count;
    struct view_batch batch;
};

static void random_messages(struct messages *messages, uint32_t count, enum view view, const char *letters)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         "c",
                                         "ab",
                                         " ",
                                         "-",
                                         "1",
                                         "23",
                                         "_",
                                         "K",
                                         "S",
                                         "xyz",
                                         "!",
                                         "\xd0\xb1",
                                         "\xd0\x92",
                                         "\xe2\x82\xac",
                                         "\xe2\x84\xaa",
                                         "\n"};
    messages->count = count;
    for (uint32_t i = 0; i < count; i++) {
        size_t size = 0, wanted = random_below(&dice, random_below(&dice, 8) ? 30 : TEXT_MAX - 8);
        uint32_t kinds = random_below(&dice, 3) ? 13 : 18; /* most are ASCII */
        while (size < wanted) {
            const char *piece = pieces[random_below(&dice, kinds)];
            char letter[2] = {letters ? letters[random_below(&dice, (uint32_t)strlen(letters))] : '\0'};
            piece = letters ? letter : piece;
            memcpy(messages->texts[i] + size, piece, strlen(piece));
            size += strlen(piece);
        }
        messages->spans[i] = span_of(messages->texts[i], size);
    }
    assert_int_equal(view_batch_make(&messages->batch, view, messages->spans, count), STATUS_OK);
}

/* ---- Sweeping ---- */

struct outcome {
    const struct program *program;
    enum view view;
    struct messages *messages;
    uint8_t seen[MESSAGES_MAX][RULES_MAX]; /* by probe: 1 a candidate, 2 held */
    uint32_t candidates, held, matches;
    uint32_t fail_after; /* 0: never */
    bool failed;
};

static enum status on_found(void *context, uint32_t message, uint32_t probe, bool held)
{
    struct outcome *outcome = context;
    assert_false(outcome->failed); /* nothing comes behind it */
    assert_true(message < outcome->messages->count);
    assert_true(probe < outcome->program->probe_count && probe < RULES_MAX);
    assert_int_equal(outcome->program->probes[probe].search, SEARCH_ALWAYS);
    assert_int_equal(outcome->seen[message][probe], 0); /* once */
    outcome->seen[message][probe] = held ? 2 : 1;
    outcome->candidates++;
    outcome->held += held;
    outcome->failed = outcome->fail_after > 0 && outcome->candidates == outcome->fail_after;
    return outcome->failed ? STATUS_SYSTEM : STATUS_OK;
}

static void check(struct outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->messages->count; i++) {
        struct span text =
            outcome->view == VIEW_RAW ? outcome->messages->spans[i] : view_batch_text(&outcome->messages->batch, i);
        for (uint32_t place = 0; place < outcome->program->demands[outcome->view].count; place++) {
            uint32_t number = outcome->program->always[outcome->view][place], from, to;
            const struct program_probe *probe = &outcome->program->probes[number];
            enum status match = regex_match(probe->regex, scratch, text, 0, &from, &to);
            uint8_t seen = outcome->seen[i][number];
            outcome->matches += match == STATUS_OK;
            if ((match == STATUS_OK && !seen) || (match == STATUS_NOT_FOUND && seen == 2)) {
                struct span regex = outcome->program->rules[probe->rule].rule->patterns[probe->pattern].regex;
                print_error("/%.*s/ on \"%.*s\": PCRE2 %s, %u\n", (int)regex.size, (const char *)regex.data,
                            (int)text.size, (const char *)text.data, status_text(match), seen);
                fail();
            }
        }
    }
}

static struct outcome *outcome_new(const struct ruleset *ruleset, enum view view, struct messages *messages)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);
    assert_non_null(outcome);
    outcome->program = ruleset_program(ruleset);
    outcome->view = view;
    outcome->messages = messages;
    return outcome;
}

static void sweep_and_check(struct sweep *sweep, const struct ruleset *ruleset, enum view view,
                            struct messages *messages, uint64_t *counts)
{
    struct outcome *outcome = outcome_new(ruleset, view, messages);
    assert_int_equal(sweep_run(sweep, outcome->program, view, &messages->batch, on_found, outcome), STATUS_OK);
    check(outcome);
    counts[0] += outcome->matches;
    counts[1] += outcome->candidates;
    counts[2] += outcome->held;
    counts[3] += (uint64_t)messages->count * outcome->program->demands[view].count;
    free(outcome);
}

static void test_random(void **state)
{
    static const uint32_t sizes[] = {1, 3, 4, 17, 600}, firsts[] = {0, 0, 20, UINT32_MAX};
    struct messages *messages = calloc(1, sizeof *messages);
    uint64_t counts[2][4] = {{0}}, with = 0;
    struct sweep *sweep = NULL;
    const char *seed = getenv("WEIR_SEED");
    (void)state;
    assert_non_null(messages);
    assert_int_equal(sweep_new(&sweep), STATUS_OK);
    dice.seed = seed ? strtoull(seed, NULL, 10) : 20260401;
    for (uint32_t round = 0; round < 45; round++) {
        enum view view = round % 3 == 2 ? VIEW_RAW : VIEW_FOLDED;
        char *regexes[RULES_MAX];
        uint32_t count = 1 + random_below(&dice, RULES_MAX), first = firsts[round % 4];
        for (uint32_t i = 0; i < count; i++) {
            regexes[i] = random_regex();
            assert_non_null(regexes[i]);
        }
        struct ruleset *ruleset = rules_of((const char *const *)regexes, count, view);
        sweep_forget(sweep); /* another program */
        assert_int_equal(sweep_size(sweep), 0);
        sweep_set_first(sweep, first);
        for (int batch = 0; batch < 5; batch++) {
            uint32_t size = sizes[random_below(&dice, round % 5 == 0 ? 5 : 4)];
            random_messages(messages, size, view, NULL);
            sweep_and_check(sweep, ruleset, view, messages, counts[view == VIEW_RAW]);
        }
        assert_true(first != UINT32_MAX || sweep_size(sweep) == 0);
        with += sweep_size(sweep) > 0;
        ruleset_let_go(&ruleset);
        for (uint32_t i = 0; i < count; i++) {
            free(regexes[i]);
        }
    }
    for (int raw = 0; raw < 2; raw++) {
        print_message("%s: %llu matches among %llu candidates, %llu of them held, of %llu pairs\n",
                      raw ? "raw" : "folded", (unsigned long long)counts[raw][0], (unsigned long long)counts[raw][1],
                      (unsigned long long)counts[raw][2], (unsigned long long)counts[raw][3]);
        assert_true(counts[raw][0] > 1000 && counts[raw][1] >= counts[raw][0] && counts[raw][3] > counts[raw][1]);
    }
    assert_true(with > 15);
    assert_true(counts[0][2] > 1000);
    assert_int_equal(counts[1][2], 0); /* of the raw view nothing is certain */
    sweep_free(&sweep);
    assert_null(sweep);
    sweep_free(&sweep);
    view_batch_free(&messages->batch);
    free(messages);
}

/* Regexes that have too many states together, and at last alone. What they say stays true while they part. */
static void test_parting(void **state)
{
    /* Each of the last so many characters may have begun a match. */
    static const char *const regexes[] = {"[^b]\\w{9}\\W",      "[^a]\\w{12}\\W",    "[^b1]\\w{11}\\W\\w",
                                          "[^a]\\w{13}[^\\w-]", "[^b]\\w{60}\\W",    "[^a]\\w{55}\\W",
                                          "[^b]\\w{8}\\W.$",    "[^1]\\w{15}\\W\\W", "[^b].{40}[^\\w ]$",
                                          "^\\w{3}\\W.\\w",     "\\b\\w\\d\\b",      "[^a]\\w{7}\\W\\d"};
    static const uint32_t sizes[] = {17, 1, 600, 3, 4};
    struct messages *messages = calloc(1, sizeof *messages);
    struct ruleset *ruleset = rules_of(regexes, sizeof regexes / sizeof *regexes, VIEW_FOLDED);
    struct sweep *sweep = NULL;
    uint64_t counts[4] = {0};
    uint32_t shrunk = 0;
    (void)state;
    assert_true(ruleset_program(ruleset)->demands[VIEW_FOLDED].count >= 8);
    assert_non_null(messages);
    assert_int_equal(sweep_new(&sweep), STATUS_OK);
    sweep_set_first(sweep, 0);
    dice.seed = 77;
    for (int batch = 0; batch < 60; batch++) {
        size_t before = sweep_size(sweep);
        random_messages(messages, sizes[batch % 5], VIEW_FOLDED, "abababababababababababababc1- ");
        sweep_and_check(sweep, ruleset, VIEW_FOLDED, messages, counts);
        shrunk += sweep_size(sweep) < before; /* an automaton was given up */
        assert_true(sweep_size(sweep) < (size_t)64 << 20);
    }
    print_message("%llu matches among %llu candidates, %llu of them held, of %llu pairs; %u times smaller\n",
                  (unsigned long long)counts[0], (unsigned long long)counts[1], (unsigned long long)counts[2],
                  (unsigned long long)counts[3], shrunk);
    assert_true(shrunk > 0);
    assert_true(counts[0] > 100 && counts[2] > 100 && counts[3] > counts[1]);
    sweep_free(&sweep);
    ruleset_let_go(&ruleset);
    view_batch_free(&messages->batch);
    free(messages);
}

/* Wherever the one that is told gives up, the sweep ends there; and the next one says all again. */
static void test_failing(void **state)
{
    static const char *const regexes[] = {"[ab][ab1]", "[ab]+[c1]", "\\d\\W",   "[a-c]\\b",     "[^a][ab]{2}", "\\w{3}",
                                          "^[ab]",     "[bc]$",     "[a1-]{2}", "(?=[ab])[^b]", "[b-c] "};
    static const uint32_t sizes[] = {1, 3, 17, 600};
    struct messages *messages = calloc(1, sizeof *messages);
    struct ruleset *ruleset = rules_of(regexes, sizeof regexes / sizeof *regexes, VIEW_FOLDED);
    (void)state;
    assert_non_null(messages);
    dice.seed = 9;
    for (int round = 0; round < 24; round++) {
        struct sweep *sweep = NULL;
        uint64_t counts[4] = {0};
        assert_int_equal(sweep_new(&sweep), STATUS_OK);
        sweep_set_first(sweep, round % 3 ? 0 : UINT32_MAX);
        random_messages(messages, sizes[round % 4], VIEW_FOLDED, "ab1c -");
        for (uint32_t fail_after = 1; fail_after < 2000; fail_after = fail_after * 2 + 1) {
            struct outcome *outcome = outcome_new(ruleset, VIEW_FOLDED, messages);
            outcome->fail_after = fail_after;
            enum status status = sweep_run(sweep, outcome->program, VIEW_FOLDED, &messages->batch, on_found, outcome);
            assert_int_equal(status, outcome->failed ? STATUS_SYSTEM : STATUS_OK);
            free(outcome);
            sweep_and_check(sweep, ruleset, VIEW_FOLDED, messages, counts);
        }
        sweep_free(&sweep);
    }
    ruleset_let_go(&ruleset);
    view_batch_free(&messages->batch);
    free(messages);
}

/* States that were made before a sweep failed are counted as well. */
static void test_size_after_failure(void **state)
{
    static const char *const regexes[] = {"[^b]\\w{10}\\W"};
    struct messages *messages = calloc(1, sizeof *messages);
    struct ruleset *ruleset = rules_of(regexes, 1, VIEW_FOLDED);
    (void)state;
    assert_int_equal(ruleset_program(ruleset)->demands[VIEW_FOLDED].count, 1);
    assert_non_null(messages);
    dice.seed = 3;
    for (uint32_t size = 1; size < 100; size += 90) {
        struct sweep *fails = NULL, *runs = NULL;
        struct outcome *outcome = outcome_new(ruleset, VIEW_FOLDED, messages);
        uint64_t counts[4] = {0};
        assert_int_equal(sweep_new(&fails), STATUS_OK);
        assert_int_equal(sweep_new(&runs), STATUS_OK);
        sweep_set_first(fails, 0);
        sweep_set_first(runs, 0);
        random_messages(messages, size, VIEW_FOLDED, "ababababababababababababc1-");
        for (uint32_t i = 0; i < size; i++) { /* as long as may be, and all match */
            for (size_t k = 0; k < TEXT_MAX; k++) {
                messages->texts[i][k] = "ab"[random_below(&dice, 2)];
            }
            messages->texts[i][TEXT_MAX - 1] = '-';
            messages->texts[i][TEXT_MAX - 12] = 'a';
            messages->spans[i] = span_of(messages->texts[i], TEXT_MAX);
        }
        assert_int_equal(view_batch_make(&messages->batch, VIEW_FOLDED, messages->spans, size), STATUS_OK);
        outcome->fail_after = 1;
        assert_int_equal(sweep_run(fails, outcome->program, VIEW_FOLDED, &messages->batch, on_found, outcome),
                         STATUS_SYSTEM);
        sweep_and_check(runs, ruleset, VIEW_FOLDED, messages, counts);
        assert_int_equal(sweep_size(fails), sweep_size(runs));
        sweep_free(&fails);
        sweep_free(&runs);
        free(outcome);
    }
    ruleset_let_go(&ruleset);
    view_batch_free(&messages->batch);
    free(messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_parting),
                                       cmocka_unit_test(test_failing), cmocka_unit_test(test_size_after_failure)};
    return cmocka_run_group_tests(tests, start, stop);
}
