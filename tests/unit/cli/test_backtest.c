/* Labels of lines, measures with their intervals, and counting: what is newly flagged, and which samples are kept. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka_all.h"
#include "tests/support/guard.h"

#include "cli/backtest_label.c"   // NOLINT(bugprone-suspicious-include)
#include "cli/backtest_measure.c" // NOLINT(bugprone-suspicious-include)
#include "cli/backtest_tally.c"   // NOLINT(bugprone-suspicious-include)
#include "cli/interval.c"         // NOLINT(bugprone-suspicious-include)
#include "cli/json_reader.c"      // NOLINT(bugprone-suspicious-include)

static void test_labels(void **state)
{
    static const struct {
        enum input_format format;
        const char *line;
        enum backtest_label plain, named; /* named: "ham" is said to be harmless, and nothing else */
    } rows[] = {
        {INPUT_TSV, "spam\ttext", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_TSV, "scam\ttext", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_TSV, "ham\ttext", BACKTEST_NEGATIVE, BACKTEST_NEGATIVE},
        {INPUT_TSV, "other\ttext", BACKTEST_NEGATIVE, BACKTEST_UNLABELLED},
        {INPUT_TSV, "spam\r", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_TSV, "spam ", BACKTEST_NEGATIVE, BACKTEST_UNLABELLED},
        {INPUT_TSV, "\tspam", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_TSV, "", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_LINES, "spam", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "{\"text\":\"x\",\"label\":\"spam\"}", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_JSONL, "{\"label\":\"s\\u0070am\"}", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_JSONL, "{\"a\":{\"label\":\"spam\"},\"label\":\"ham\"}", BACKTEST_NEGATIVE, BACKTEST_NEGATIVE},
        {INPUT_JSONL, "{\"a\":[\"label\",{}],\"label\":\"spam\"}", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_JSONL, "{\"label\":1}", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_JSONL, "{\"label\":0}", BACKTEST_NEGATIVE, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "{\"label\":true}", BACKTEST_POSITIVE, BACKTEST_POSITIVE},
        {INPUT_JSONL, "{\"label\":null}", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "{\"label\":[\"spam\"]}", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "{\"labels\":\"spam\"}", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "{\"text\":\"spam\"}", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "[\"label\",\"spam\"]", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "\"spam\"", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "{\"x\":", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
        {INPUT_JSONL, "", BACKTEST_UNLABELLED, BACKTEST_UNLABELLED},
    };
    struct backtest_labels plain = {.positive = {"spam", "scam", "1", "true"}, .field = "label", .column = 1};
    struct backtest_labels named = plain, rest = plain, none = {.field = "label", .column = 1};
    struct buffer copy = BUFFER_INIT(1000);
    named.negative[0] = "ham";
    rest.unlabelled_negative = none.unlabelled_negative = true;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct guard line = guard_copy(rows[i].line, strlen(rows[i].line));
        struct span span = span_of(line.data, line.size);
        enum backtest_label label;
        assert_int_equal(backtest_label_of(&plain, rows[i].format, span, &copy, &label), STATUS_OK);
        if (label != rows[i].plain) {
            fail_msg("row %zu: %d", i, label);
        }
        assert_int_equal(backtest_label_of(&named, rows[i].format, span, &copy, &label), STATUS_OK);
        assert_int_equal(label, rows[i].named);
        assert_int_equal(backtest_label_of(&rest, rows[i].format, span, &copy, &label), STATUS_OK);
        assert_int_equal(label, rows[i].plain == BACKTEST_UNLABELLED ? BACKTEST_NEGATIVE : rows[i].plain);
        assert_int_equal(backtest_label_of(&none, rows[i].format, span, &copy, &label), STATUS_OK);
        assert_int_equal(label, BACKTEST_UNLABELLED);
        assert_memory_equal(line.data, rows[i].line, line.size); /* the line itself is left alone */
        guard_free(&line);
    }
    copy.size_max = 4;
    buffer_free(&copy);
    copy = BUFFER_INIT(4);
    enum backtest_label label = BACKTEST_POSITIVE;
    assert_int_equal(backtest_label_of(&plain, INPUT_JSONL, span_text("{\"label\":1}"), &copy, &label), STATUS_LIMIT);
    assert_int_equal(label, BACKTEST_POSITIVE);
    buffer_free(&copy);
    struct backtest_labels third = {.positive = {"c"}, .field = "label", .column = 3};
    assert_int_equal(backtest_label_of(&third, INPUT_TSV, span_text("a\tb\tc\td"), &copy, &label), STATUS_OK);
    assert_int_equal(label, BACKTEST_POSITIVE);
    assert_int_equal(backtest_label_of(&third, INPUT_TSV, span_text("a\tb"), &copy, &label), STATUS_OK);
    assert_int_equal(label, BACKTEST_UNLABELLED);
}

static void test_measures(void **state)
{
    static const struct {
        struct backtest_count hits, messages;
        double precision, recall, f1, false_alarms; /* below 0: not known */
    } rows[] = {
        {{10, 8, 2}, {100, 16, 84}, 0.8, 0.5, 8 / 13.0, 10000 * 2 / 84.0},
        {{5, 5, 0}, {10, 5, 5}, 1, 1, 1, 0},
        {{5, 0, 5}, {10, 5, 5}, 0, 0, 0, 10000},
        {{0, 0, 0}, {10, 5, 5}, -1, 0, 0, 0},
        {{3, 0, 0}, {10, 0, 0}, -1, -1, -1, -1},
        {{3, 3, 0}, {10, 4, 0}, 1, 0.75, 6 / 7.0, -1},
        {{3, 0, 3}, {10, 0, 10}, 0, -1, 0, 3000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct backtest_measure measure = backtest_measure_of(&rows[i].hits, &rows[i].messages);
        const struct {
            const struct backtest_share *share;
            double expected;
        } shares[] = {
            {&measure.precision, rows[i].precision}, {&measure.recall, rows[i].recall}, {&measure.f1, rows[i].f1}};
        for (size_t k = 0; k < 3; k++) {
            const struct backtest_share *share = shares[k].share;
            assert_int_equal(share->known, shares[k].expected >= 0);
            assert_true(!share->known || fabs(share->value - shares[k].expected) < 1e-9);
            assert_true(share->interval.low <= share->value + 1e-9 || !share->known);
            assert_true(share->interval.high >= share->value - 1e-9 || !share->known);
            assert_true(share->interval.low >= 0 && share->interval.high <= 1);
        }
        assert_int_equal(measure.false_alarms_known, rows[i].false_alarms >= 0);
        assert_true(!measure.false_alarms_known || fabs(measure.false_alarms - rows[i].false_alarms) < 1e-9);
    }
}

/* ---- Counting ---- */

static const char old_pack[] = "pack: p\ndefaults: {queue: q, severity: low}\nrules:\n"
                               "  - {id: p.a, title: A, patterns: {it: {words: [aa]}}}\n"
                               "  - {id: p.b, title: B, patterns: {it: {words: [bb]}}}\n"
                               "  - {id: p.off, title: O, status: off, patterns: {it: {words: [oo]}}}\n";
static const char new_pack[] = "pack: p\ndefaults: {queue: q, severity: low}\nrules:\n"
                               "  - {id: p.b, title: B, patterns: {it: {words: [bb]}}}\n"
                               "  - {id: p.c, title: C, status: shadow, patterns: {it: {words: [cc]}}}\n";

struct sets {
    struct ruleset *old, *new;
    struct backtest_options options;
};

static const char *const files[] = {"one", "two"};

static int set_up(void **state)
{
    static struct sets sets;
    struct findings findings = {0};
    sets = (struct sets){.options = {.files = files, .file_count = 2}};
    bool failed = ruleset_parse(span_text(old_pack), "old.yaml", &findings, &sets.old) != STATUS_OK ||
                  ruleset_parse(span_text(new_pack), "new.yaml", &findings, &sets.new) != STATUS_OK;
    findings_clear(&findings);
    *state = &sets;
    return failed;
}

static int tear_down(void **state)
{
    struct sets *sets = *state;
    ruleset_free(&sets->old);
    ruleset_free(&sets->new);
    return 0;
}

static struct backtest *tally(const struct sets *sets)
{
    struct backtest *backtest = NULL;
    assert_int_equal(backtest_tally_new(sets->old, sets->new, &sets->options, &backtest), STATUS_OK);
    return backtest;
}

static void add(struct backtest *backtest, uint32_t samples, const char *text, uint64_t line, enum backtest_label label,
                const char *old_rules, const char *new_rules)
{
    struct backtest_hit hits[2][4] = {0};
    const struct backtest_hit *sides[2] = {hits[0], hits[1]};
    const char *names[2] = {old_rules, new_rules};
    uint32_t counts[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        for (const char *name = names[side]; *name; name++) {
            /* "a", "b", "c" are p.a, p.b and p.c (a shadow rule); a capital could not be decided; "!" is the whole */
            uint32_t rule = *name == '!' ? 0 : (uint32_t)((*name | 0x20) - 'a') + 1;
            hits[side][counts[side]++] = (struct backtest_hit){.rule = rule,
                                                               .live = (*name | 0x20) != 'c',
                                                               .unscanned = *name < 'a',
                                                               .span_count = 1,
                                                               .spans = {{0, 2}}};
        }
    }
    const struct backtest_message message = {.text = span_text(text), .line = line, .label = label, .file = line > 100};
    assert_int_equal(backtest_tally_message(backtest, samples, &message, sides, counts), STATUS_OK);
}

static void test_rules_of_both_sides(void **state)
{
    struct backtest *backtest = tally(*state);
    static const char *const ids[] = {"p.a", "p.b", "p.c"};
    assert_int_equal(backtest->rule_count, 4);
    for (uint32_t i = 0; i < 3; i++) {
        const struct backtest_rule *rule = &backtest->rules[i + 1];
        assert_string_equal(rule->id, ids[i]);
        assert_int_equal(rule->sides[0] != NULL, i < 2);
        assert_int_equal(rule->sides[1] != NULL, i > 0);
        assert_int_equal(backtest_tally_rule(backtest, rule->sides[0] ? rule->sides[0] : rule->sides[1]), i + 1);
    }
    const struct rule stranger = {.id = "p.off"};
    assert_int_equal(backtest_tally_rule(backtest, &stranger), 0);
    backtest_free(&backtest);
    assert_null(backtest);
    backtest_free(&backtest);
}

static void test_changes(void **state)
{
    struct backtest *backtest = tally(*state);
    add(backtest, 5, "aa one", 1, BACKTEST_POSITIVE, "a", "");      /* gone */
    add(backtest, 5, "aa bb two", 2, BACKTEST_NEGATIVE, "ab", "b"); /* still flagged, by another rule */
    add(backtest, 5, "bb", 3, BACKTEST_UNLABELLED, "", "b");        /* new */
    add(backtest, 5, "cc", 4, BACKTEST_POSITIVE, "", "c");          /* new, but in the shadow */
    add(backtest, 5, "nothing", 105, BACKTEST_NEGATIVE, "", "");
    add(backtest, 5, "undecided", 106, BACKTEST_NEGATIVE, "A", "!");
    add(backtest, 5, "decided now", 107, BACKTEST_NEGATIVE, "A", "b");
    const struct backtest_rule *set = &backtest->rules[0], *a = &backtest->rules[1], *b = &backtest->rules[2],
                               *c = &backtest->rules[3];
    assert_int_equal(backtest->messages.all, 7);
    assert_int_equal(backtest->messages.positive, 2);
    assert_int_equal(backtest->messages.negative, 4);
    assert_int_equal(set->hits[0].all, 2);
    assert_int_equal(set->hits[1].all, 3);
    assert_int_equal(set->changes[BACKTEST_NEWLY].all, 2);
    assert_int_equal(set->changes[BACKTEST_NEWLY].negative, 1);
    assert_int_equal(set->changes[BACKTEST_GONE].all, 1);
    assert_int_equal(set->changes[BACKTEST_GONE].positive, 1);
    assert_int_equal(set->unscanned[0], 2);
    assert_int_equal(set->unscanned[1], 1);
    assert_int_equal(a->changes[BACKTEST_GONE].all, 2);
    assert_int_equal(a->unscanned[0], 2);
    assert_int_equal(a->sample_count[BACKTEST_GONE], 2);
    assert_int_equal(b->hits[0].all, 1);
    assert_int_equal(b->hits[1].all, 3);
    assert_int_equal(b->changes[BACKTEST_NEWLY].all, 2);
    assert_int_equal(c->changes[BACKTEST_NEWLY].positive, 1);
    assert_int_equal(c->sample_count[BACKTEST_NEWLY], 1);
    assert_string_equal(c->samples[BACKTEST_NEWLY][0].text, "cc");
    assert_int_equal(set->sample_count[0] + set->sample_count[1], 0);
    assert_int_equal(backtest->files[0].messages.all, 4);
    assert_int_equal(backtest->files[1].messages.all, 3);
    assert_int_equal(backtest->files[1].changes[BACKTEST_NEWLY].all, 1);
    uint32_t rules[4];
    assert_int_equal(backtest_shown_rules(backtest, false, rules), 3);
    assert_int_equal(rules[0], 2); /* as many changes as p.a, and more hits */
    assert_int_equal(rules[1], 1);
    assert_int_equal(rules[2], 3);
    backtest_free(&backtest);
}

/* The same samples are kept however the messages are dealt out, and of the same text only the first. */
static void test_samples(void **state)
{
    struct backtest *whole = tally(*state), *parts[3] = {tally(*state), tally(*state), tally(*state)};
    for (uint32_t i = 0; i < 300; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "bb %u", i % 150);
        add(whole, 7, text, i, BACKTEST_UNLABELLED, "", "b");
        add(parts[(i * 7 + i / 40) % 3], 7, text, i, BACKTEST_UNLABELLED, "", "b");
    }
    for (int i = 1; i < 3; i++) {
        assert_int_equal(backtest_tally_add(parts[0], parts[i], 7), STATUS_OK);
        backtest_free(&parts[i]);
    }
    const struct backtest_rule *a = &whole->rules[2], *b = &parts[0]->rules[2];
    assert_int_equal(a->hits[1].all, 300);
    assert_int_equal(b->hits[1].all, 300);
    assert_int_equal(a->sample_count[BACKTEST_NEWLY], 7);
    assert_int_equal(b->sample_count[BACKTEST_NEWLY], 7);
    for (int i = 0; i < 7; i++) {
        const struct backtest_sample *x = &a->samples[BACKTEST_NEWLY][i], *y = &b->samples[BACKTEST_NEWLY][i];
        assert_string_equal(x->text, y->text);
        assert_true(i == 0 || x->order > x[-1].order);
        assert_int_equal(x->span_count, 1);
    }
    backtest_free(&whole);
    backtest_free(&parts[0]);
}

static void test_long_sample(void **state)
{
    static char text[3000];
    struct backtest *backtest = tally(*state);
    for (size_t i = 0; i + 3 < sizeof text; i += 3) {
        memcpy(text + i, "\xE2\x82\xAC", 3);
    }
    text[2997] = '\0';
    struct backtest_hit hit = {
        .rule = 2, .live = true, .span_count = 3, .spans = {{1500, 1506}, {1503, 1509}, {2990, 2996}}};
    const struct backtest_hit *hits[2] = {NULL, &hit};
    const uint32_t counts[2] = {0, 1};
    const struct backtest_message message = {.text = span_text(text), .line = 1};
    assert_int_equal(backtest_tally_message(backtest, 1, &message, hits, counts), STATUS_OK);
    const struct backtest_sample *sample = &backtest->rules[2].samples[BACKTEST_NEWLY][0];
    assert_true(sample->cut_before && sample->cut_after);
    assert_true(sample->size <= BACKTEST_SAMPLE_BYTES_MAX && sample->size > BACKTEST_SAMPLE_BYTES_MAX - 6);
    assert_int_equal(sample->size % 3, 0);
    assert_memory_equal(sample->text, "\xE2\x82\xAC", 3);
    assert_int_equal(sample->span_count, 2);
    assert_int_equal(sample->spans[0].end - sample->spans[0].start, 6);
    assert_int_equal(sample->spans[1].start - sample->spans[0].start, 3);
    backtest_free(&backtest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),  cmocka_unit_test(test_measures), cmocka_unit_test(test_rules_of_both_sides),
        cmocka_unit_test(test_changes), cmocka_unit_test(test_samples),  cmocka_unit_test(test_long_sample),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
