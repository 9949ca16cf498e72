/*
 * Automata answer in PCRE2's place, and nobody can tell: the same hits at the same places with automata from the first
 * message on, from some later one on, and without any.
 */
#include "scanner/automata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "scanner/scanner.h"
#include "tests/fuzz/regex_random.h"
#include "tests/support/cmocka_all.h"
#include "text/view.h"

#define SCANNERS 4
#define RULES 30
#define TEXTS 300
#define REPORT_MAX ((size_t)1 << 24)

static const uint32_t firsts[SCANNERS] = {UINT32_MAX, 0, 7, 150};
static struct random_state dice;

static const char *const words[] = {"gift", "card", "free", "money", "win", "cash", "send", "me", "now", "click"};

/* Some are searched for by their words, some are not; some count, some are of several lines. No quote, no hazard (test_sweep.c). */
static void add_regex(struct buffer *pack)
{
    static const char *const shapes[] = {"\\b%s\\W{0,3}%s\\b",
                                         "%s.{0,12}%s",
                                         "[a-e]\\w{2}\\W\\d",
                                         "(?=%s)\\w+\\s%s",
                                         "^%s|%s$",
                                         "(?-i)%s\\s+%s",
                                         "\\d{2,4}\\W*%s?%s",
                                         "(?m)^%s[^x]*%s$",
                                         "\\w{6,9}\\s[^%s]{3}%s",
                                         "%s(?:|s)[^a-z]+%s",
                                         "(%s)\\W\\1%s",
                                         "[^\\w\\s]{2}.{0,4}",
                                         "\\b[%s]{3,}\\b.[%s]",
                                         "(?<!%s )%s\\b",
                                         "%s\\K.%s",
                                         "\\b\\w\\W\\w\\W\\w\\b",
                                         "[\xd0\xb0-\xd1\x8f]+%s?.%s"};
    const char *shape = RANDOM_FROM(&dice, shapes);
    assert_int_equal(buffer_append_text(pack, "{regex: '"), STATUS_OK);
    for (const char *at = shape; *at; at++) {
        if (at[0] == '%' && at[1] == 's') {
            assert_int_equal(buffer_append_text(pack, RANDOM_FROM(&dice, words)), STATUS_OK);
            at++;
        } else {
            assert_int_equal(buffer_append_byte(pack, (uint8_t)*at), STATUS_OK);
        }
    }
    assert_int_equal(buffer_print(pack, "'%s}", random_below(&dice, 4) ? "" : ", view: raw"), STATUS_OK);
}

static struct ruleset *random_rules(void)
{
    static const char *const conditions[] = {"any of them", "all of them", "p0 and not p1", "2 of them"};
    struct buffer pack = BUFFER_INIT(1 << 20);
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    assert_int_equal(buffer_append_text(&pack, "pack: p\nrules:\n"), STATUS_OK);
    for (uint32_t r = 0; r < RULES; r++) {
        uint32_t count = random_below(&dice, 2) ? 1 : 2 + random_below(&dice, 2);
        assert_int_equal(buffer_print(&pack, "  - {id: p.%u, title: t, patterns: {", r), STATUS_OK);
        for (uint32_t p = 0; p < count; p++) {
            assert_int_equal(buffer_print(&pack, "%sp%u: ", p ? ", " : "", p), STATUS_OK);
            add_regex(&pack);
        }
        assert_int_equal(buffer_print(&pack, "}%s%s}\n", count > 1 ? ", condition: " : "",
                                      count > 1 ? RANDOM_FROM(&dice, conditions) : ""),
                         STATUS_OK);
    }
    enum status status = ruleset_parse(buffer_span(&pack), "random", &findings, &ruleset);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    findings_clear(&findings);
    buffer_free(&pack);
    return ruleset;
}

struct texts {
    char bytes[TEXTS][400];
    struct span spans[TEXTS];
};

static void random_texts(struct texts *texts)
{
    static const char *const between[] = {" ",  " ",  " ",    "",   "-",        ", ",          "  ",
                                          "\n", "s ", " 12 ", "!!", "\xd0\xb6", "\xe2\x82\xac"};
    for (uint32_t i = 0; i < TEXTS; i++) {
        size_t size = 0;
        uint32_t kinds = random_below(&dice, 4) ? 7 : 13;
        for (uint32_t n = random_below(&dice, random_below(&dice, 9) ? 9 : 30); n > 0; n--) {
            const char *word = RANDOM_FROM(&dice, words);
            bool capital = random_below(&dice, 6) == 0;
            size += (size_t)snprintf(texts->bytes[i] + size, sizeof texts->bytes[i] - size, "%c%s%s",
                                     capital ? word[0] ^ 0x20 : word[0], word + 1, between[random_below(&dice, kinds)]);
        }
        texts->spans[i] = span_of(texts->bytes[i], size);
    }
}

struct report {
    struct buffer text;
    uint32_t first, hits;
};

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct report *report = context;
    for (uint32_t i = 0; i < hit_count; i++) {
        assert_int_equal(
            buffer_print(&report->text, "\n%u %s %d", report->first + message, hits[i].rule->id, (int)hits[i].outcome),
            STATUS_OK);
        for (uint32_t s = 0; s < hits[i].span_count; s++) {
            const struct verdict_span *span = &hits[i].spans[s];
            assert_int_equal(
                buffer_print(&report->text, " %s %s[%u,%u)", span->pattern, span->view, span->start, span->end),
                STATUS_OK);
        }
        report->hits++;
    }
    return STATUS_OK;
}

/* All texts in batches of this size; none of the hits without its places, unless they are not wanted. */
static void scan(struct scanner *scanner, struct ruleset *ruleset, const struct texts *texts, uint32_t batch,
                 struct report *report)
{
    buffer_clear(&report->text);
    for (uint32_t first = 0; first < TEXTS; first += batch) {
        uint32_t count = TEXTS - first < batch ? TEXTS - first : batch;
        report->first = first;
        assert_int_equal(scanner_scan(scanner, ruleset, texts->spans + first, count, on_hits, report), STATUS_OK);
    }
    assert_int_equal(buffer_append_byte(&report->text, '\0'), STATUS_OK);
}

static void test_same_hits(void **state)
{
    static const uint32_t batches[] = {1, 3, 4, 17, 300};
    struct scanner *scanners[SCANNERS];
    struct report expected = {.text = BUFFER_INIT(REPORT_MAX)}, got = {.text = BUFFER_INIT(REPORT_MAX)};
    struct texts *texts = calloc(1, sizeof *texts);
    const char *seed = getenv("WEIR_SEED");
    uint64_t confirmations[SCANNERS] = {0};
    (void)state;
    assert_non_null(texts);
    assert_int_equal(view_start(), STATUS_OK);
    dice.seed = seed ? strtoull(seed, NULL, 10) : 20260501;
    for (int i = 0; i < SCANNERS; i++) {
        assert_int_equal(scanner_new(&scanners[i]), STATUS_OK);
        scanner_set_first(scanners[i], firsts[i]);
    }
    for (int round = 0; round < 12; round++) {
        struct ruleset *ruleset = random_rules();
        for (int again = 0; again < 3; again++) {
            uint32_t batch = RANDOM_FROM(&dice, batches);
            random_texts(texts);
            for (int i = 0; i < SCANNERS; i++) {
                scanner_set_spans(scanners[i], again < 2);
                scan(scanners[i], ruleset, texts, batch, i == 0 ? &expected : &got);
                if (i > 0 && strcmp((char *)expected.text.data, (char *)got.text.data) != 0) {
                    size_t at = 0, line = 0;
                    for (; expected.text.data[at] == got.text.data[at]; at++) {
                        line = expected.text.data[at] == '\n' ? at : line;
                    }
                    print_error("round %d, batches of %u, automata after %u: expected %.200s\ngot %.200s\n", round,
                                batch, firsts[i], (char *)expected.text.data + line, (char *)got.text.data + line);
                    fail();
                }
            }
        }
        ruleset_let_go(&ruleset);
    }
    for (int i = 0; i < SCANNERS; i++) {
        confirmations[i] = scanner_counts(scanners[i]).confirmations;
        scanner_free(&scanners[i]);
    }
    print_message("%u hits; confirmations by PCRE2: %llu without automata, %llu with\n", expected.hits,
                  (unsigned long long)confirmations[0], (unsigned long long)confirmations[1]);
    assert_true(expected.hits > 2000);
    assert_true(confirmations[1] < confirmations[0] / 2); /* or else it was no test of them */
    buffer_free(&expected.text);
    buffer_free(&got.text);
    free(texts);
}

/* ---- automata.h itself ---- */

static struct ruleset *rules_of(const char *pack)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    assert_int_equal(ruleset_parse(span_text(pack), "p", &findings, &ruleset), STATUS_OK);
    findings_clear(&findings);
    return ruleset;
}

static void test_asked(void **state)
{
    struct ruleset *ruleset = rules_of("pack: p\nrules:\n"
                                       "  - {id: p.a, title: t, patterns: {r: {regex: 'ab[cd]'}}}\n"
                                       "  - {id: p.b, title: t, patterns: {r: {regex: 'ab(?=c)'}}}\n"
                                       "  - {id: p.c, title: t, patterns: {r: {regex: 'a(*ACCEPT)bc'}}}\n"
                                       "  - {id: p.d, title: t, patterns: {w: {words: [abc], view: folded}}}\n");
    const struct program *program = ruleset_program(ruleset);
    static char texts[3][20] = {"xabc\n", "xab\n", "\n"};
    struct span spans[3];
    uint32_t which[3] = {2, 0, 1};
    struct automata *automata = NULL;
    automaton_answer answers[3];
    bool certain = false;
    (void)state;
    for (int i = 0; i < 3; i++) {
        spans[i] = span_of(texts[i], strlen(texts[i]) - 1);
    }
    assert_int_equal(automata_new(&automata), STATUS_OK);
    for (int again = 0; again < 2; again++) { /* of another program nothing is known */
        assert_int_equal(automata_prepare(automata, program), STATUS_OK);
        assert_int_equal(automata_size(automata), 0);
        automata_set_first(automata, 10);
        for (uint32_t probe = 0; probe < program->probe_count; probe++) {
            automata_asked(automata, probe, 9);
            assert_false(automata_look(automata, probe, spans, which, 3, answers, &certain));
            automata_asked(automata, probe, 1);
            automata_asked(automata, probe, UINT32_MAX); /* however often */
            const struct program_probe *it = &program->probes[probe];
            const char *id = program->rules[it->rule].rule->id;
            bool has = automata_look(automata, probe, spans, which, 3, answers, &certain);
            assert_int_equal(has, strcmp(id, "p.c") != 0 && it->regex != NULL);
            if (has) {
                assert_int_equal(answers[0], 0);
                assert_int_equal(answers[1], 1);
                assert_int_equal(answers[2], strcmp(id, "p.b") == 0); /* it has ab, and c is for PCRE2 */
                assert_int_equal(certain, strcmp(id, "p.a") == 0);
                assert_true(automata_size(automata) > 0);
            }
        }
    }
    automata_free(&automata);
    assert_null(automata);
    automata_free(&automata);
    ruleset_let_go(&ruleset);
}

/* A regex over skeletons is never looked for by automata (scanner/confirm.c), so none is made. */
static void test_skeleton(void **state)
{
    struct ruleset *ruleset = rules_of("pack: p\nrules:\n"
                                       "  - {id: p.a, title: t, patterns: {r: {regex: 'ab[cd]', view: skeleton}}}\n");
    const struct program *program = ruleset_program(ruleset);
    struct automata *automata = NULL;
    (void)state;
    assert_int_equal(automata_new(&automata), STATUS_OK);
    assert_int_equal(automata_prepare(automata, program), STATUS_OK);
    automata_set_first(automata, 0);
    for (uint32_t probe = 0; probe < program->probe_count; probe++) {
        automata_asked(automata, probe, 1);
        if (program->probes[probe].view == VIEW_SKELETON) {
            struct span text = span_text("abc\n");
            uint32_t which = 0;
            automaton_answer answer;
            bool certain;
            assert_false(automata_look(automata, probe, &text, &which, 1, &answer, &certain));
        }
    }
    assert_int_equal(automata_size(automata), 0);
    automata_free(&automata);
    ruleset_let_go(&ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_asked), cmocka_unit_test(test_skeleton),
                                       cmocka_unit_test(test_same_hits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
