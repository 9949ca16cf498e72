/* Rules come in their order, with what was found out about their own regexes, however many there are. */
#include "rules/weighed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tests/support/cmocka_all.h"

#define MANY 20000u /* more than are weighed at a time */

static struct arena *arena;

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK && arena_new(1 << 16, 1 << 28, &arena) == STATUS_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* It is what weighing the regex alone gives. */
static void check_choice(const struct weighed *weighed, struct span pattern, enum view view)
{
    struct regex_choice alone = {.expression = BUFFER_INIT(REGEX_EXPRESSION_SIZE_MAX)};
    enum status status = STATUS_INVALID;
    const struct regex_choice *choice = weighed_find(weighed, pattern, view, &status);
    assert_non_null(choice);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(regex_weigh(pattern, view, arena, NULL, &alone), STATUS_OK);
    assert_true(choice->rate == alone.rate && choice->search_ns == alone.search_ns);
    assert_true(choice->always_ns == alone.always_ns);
    assert_true(choice->never == alone.never && choice->searchable == alone.searchable);
    assert_int_equal(choice->demand.size_min, alone.demand.size_min);
    assert_int_equal(choice->search.rest != NULL, alone.search.rest != NULL);
    assert_int_equal(choice->search.literal_count, alone.search.literal_count);
    for (uint32_t i = 0; i < alone.search.literal_count; i++) {
        const struct regex_literal *a = &choice->search.literals[i], *b = &alone.search.literals[i];
        assert_true(span_equal(a->text, b->text) && a->before.min == b->before.min && a->before.max == b->before.max);
    }
    assert_true(span_equal(buffer_span(&choice->expression), buffer_span(&alone.expression)));
    buffer_free(&alone.expression);
}

static void check_rule(const struct weighed *weighed, const struct rule *rule)
{
    enum status status;
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        const struct pattern *pattern = &rule->patterns[i];
        for (unsigned view = 0; view < VIEW_COUNT; view++) {
            bool there =
                pattern->kind == PATTERN_REGEX && (pattern->views & (1u << view)) != 0 && rule->status != RULE_OFF;
            if (there) {
                check_choice(weighed, pattern->regex, (enum view)view);
            } else {
                assert_null(weighed_find(weighed, pattern->regex, (enum view)view, &status));
            }
        }
    }
}

static void check_packs(const struct pack *const *packs, uint32_t count)
{
    struct weighed *weighed = NULL;
    const struct rule *rule = NULL;
    assert_int_equal(weighed_new(packs, count, NULL, &weighed), STATUS_OK);
    for (uint32_t p = 0; p < count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            assert_int_equal(weighed_next(weighed, &rule), STATUS_OK);
            assert_ptr_equal(rule, &packs[p]->rules[r]);
            check_rule(weighed, rule);
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(weighed_next(weighed, &rule), STATUS_OK);
        assert_null(rule);
    }
    weighed_free(&weighed);
    assert_null(weighed);
    weighed_free(&weighed);
}

#define BOTH (1u << VIEW_RAW | 1u << VIEW_FOLDED)
#define REGEX(text)                                                                                                    \
    {                                                                                                                  \
        .kind = PATTERN_REGEX, .regex = {(const uint8_t *)(text), sizeof(text) - 1}, .views = BOTH                     \
    }

static void test_packs(void **state)
{
    (void)state;
    static const char shared[] = "the same text";
    static const struct pattern one[] = {REGEX("one")};
    static const struct pattern ways[] = {REGEX("zebra|quagga"), REGEX("a(*ACCEPT)b"), REGEX("[a-z]{9}\\d+|okapi"),
                                          REGEX("(?-i)SHOUT"), REGEX("x.{3,9}z")};
    static const struct pattern mixed[] = {
        {.kind = PATTERN_WORDS, .views = BOTH},
        REGEX(""),
        {.kind = PATTERN_REGEX, .regex = {(const uint8_t *)shared, 13}, .views = 1u << VIEW_RAW},
        {.kind = PATTERN_REGEX, .regex = {(const uint8_t *)shared, 8}, .views = 1u << VIEW_FOLDED},
        {.kind = PATTERN_REGEX, .regex = {(const uint8_t *)shared, 13}, .views = BOTH},
    };
    static const struct rule rules[] = {
        {.patterns = one, .pattern_count = 1, .status = RULE_LIVE},
        {.patterns = one, .pattern_count = 1, .status = RULE_OFF},
        {.patterns = ways, .pattern_count = 5, .status = RULE_LIVE},
        {.patterns = mixed, .pattern_count = 1, .status = RULE_LIVE}, /* without a regex */
        {.patterns = mixed + 1, .pattern_count = 2, .status = RULE_SHADOW},
        {.patterns = mixed + 3, .pattern_count = 2, .status = RULE_LIVE},
    };
    const struct pack empty = {0}, some = {.rules = rules, .rule_count = 6},
                      off = {.rules = rules + 1, .rule_count = 1};
    const struct pack end = {.rules = rules, .rule_count = 2};
    const struct pack *const packs[] = {&empty, &some, &empty, &off, &end, &empty};
    for (uint32_t count = 0; count <= sizeof packs / sizeof *packs; count++) {
        check_packs(packs, count);
    }
}

static void test_many(void **state)
{
    (void)state;
    char(*texts)[24] = calloc(MANY, sizeof *texts);
    struct pattern *patterns = calloc(MANY, sizeof *patterns);
    struct rule *rules = calloc(MANY, sizeof *rules);
    assert_true(texts && patterns && rules);
    uint32_t rule_count = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        int size = snprintf(texts[i], sizeof texts[i], i % 3 ? "regex%u" : "a.{%u}\\d", i);
        patterns[i] = (struct pattern){
            .kind = PATTERN_REGEX, .regex = span_of(texts[i], (size_t)size), .views = 1u << VIEW_FOLDED};
    }
    for (uint32_t i = 0; i < MANY; rule_count++) {
        uint32_t count = rule_count % 5 == 4 ? 7 : 1;
        count = MANY - i < count ? MANY - i : count;
        rules[rule_count] = (struct rule){.patterns = patterns + i, .pattern_count = count, .status = RULE_LIVE};
        i += count;
    }
    const struct pack first = {.rules = rules, .rule_count = rule_count / 3};
    const struct pack second = {.rules = rules + first.rule_count, .rule_count = rule_count - first.rule_count};
    const struct pack *const packs[] = {&first, &second};
    check_packs(packs, 2);
    free(texts);
    free(patterns);
    free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_packs), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, start, stop);
}
