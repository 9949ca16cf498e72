#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "scanner/flood.h"

#define NOW INT64_C(1700000000000)
#define SECOND 1000

/* What was told of demotions. */
struct told {
    uint32_t count, max_per_minute;
    char rule[64];
    int64_t at_ms;
};

static void on_demoted(void *context, const char *rule, uint32_t max_per_minute, int64_t now_ms)
{
    struct told *told = context;
    told->count++;
    told->max_per_minute = max_per_minute;
    told->at_ms = now_ms;
    (void)snprintf(told->rule, sizeof told->rule, "%s", rule);
}

static struct flood *make(uint32_t max_per_minute, struct told *told)
{
    struct flood_settings settings = {.max_per_minute = max_per_minute, .on_demoted = on_demoted, .context = told};
    struct flood *flood = NULL;
    assert_int_equal(flood_new(&settings, &flood), STATUS_OK);
    return flood;
}

static uint32_t admit(struct flood *flood, const struct rule *rule, uint32_t count, int64_t now_ms)
{
    uint32_t admitted = 0;
    for (uint32_t i = 0; i < count; i++) {
        admitted += flood_admit(flood, rule, now_ms);
    }
    return admitted;
}

static const struct rule rule_a = {.id = "p.a"}, rule_b = {.id = "p.b"},
                         rule_own = {.id = "p.own", .max_per_minute = 2};

static void test_limit_is_exact(void **state)
{
    (void)state;
    struct told told = {0};
    struct flood *flood = make(10, &told);
    assert_int_equal(admit(flood, &rule_a, 10, NOW), 10);
    assert_int_equal(told.count, 0);
    assert_false(flood_is_demoted(flood, "p.a"));
    assert_int_equal(admit(flood, &rule_a, 5, NOW), 0);
    assert_int_equal(told.count, 1); /* one alarm, however many come */
    assert_string_equal(told.rule, "p.a");
    assert_int_equal(told.max_per_minute, 10);
    assert_int_equal(told.at_ms, NOW);
    assert_true(flood_is_demoted(flood, "p.a"));
    assert_int_equal(flood_demoted_count(flood), 1);
    flood_free(&flood);
    assert_null(flood);
    flood_free(&flood);
}

static void test_others_are_untouched(void **state)
{
    (void)state;
    struct told told = {0};
    struct flood *flood = make(10, &told);
    assert_int_equal(admit(flood, &rule_b, 10, NOW), 10);
    assert_int_equal(admit(flood, &rule_a, 11, NOW), 10);
    assert_false(flood_is_demoted(flood, "p.b"));
    assert_int_equal(admit(flood, &rule_b, 1, NOW + 60 * SECOND), 1);
    flood_free(&flood);
}

/* Hits at some seconds, with a limit of 10 a minute: when is it demoted? */
static void test_minute_slides(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct {
            int64_t second;
            uint32_t hits, admitted;
        } steps[6];
    } cases[] = {
        {"spread over more than a minute", {{0, 5, 5}, {30, 5, 5}, {60, 5, 5}, {90, 5, 5}, {120, 10, 5}}},
        {"the last second of the minute counts", {{0, 5, 5}, {59, 6, 5}}},
        {"the first second after it does not", {{0, 5, 5}, {60, 6, 6}}},
        {"a long pause forgets all", {{0, 10, 10}, {100000, 10, 10}, {200000, 10, 10}}},
        {"a clock that goes back counts as now", {{100, 5, 5}, {95, 5, 5}, {100, 1, 0}}},
        {"a clock that goes back far", {{100000, 5, 5}, {0, 5, 5}, {100030, 1, 0}}},
        {"demoted stays demoted when all is quiet", {{0, 11, 10}, {100000, 5, 0}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = {0};
        struct flood *flood = make(10, &told);
        for (int k = 0; k < 6 && cases[i].steps[k].hits > 0; k++) {
            uint32_t admitted = admit(flood, &rule_a, cases[i].steps[k].hits, NOW + cases[i].steps[k].second * SECOND);
            if (admitted != cases[i].steps[k].admitted) {
                fail_msg("%s, step %d: %u admitted", cases[i].what, k, admitted);
            }
        }
        flood_free(&flood);
    }
}

static void test_own_limit(void **state)
{
    (void)state;
    struct told told = {0};
    struct flood *flood = make(10, &told);
    assert_int_equal(admit(flood, &rule_own, 5, NOW), 2);
    assert_int_equal(told.max_per_minute, 2);
    flood_free(&flood);
    flood = make(0, &told); /* without a default only rules with a limit of their own have one */
    assert_int_equal(admit(flood, &rule_a, 100000, NOW), 100000);
    assert_int_equal(admit(flood, &rule_own, 5, NOW), 2);
    assert_int_equal(told.count, 2);
    flood_free(&flood);
}

static void test_restore(void **state)
{
    (void)state;
    struct told told = {0};
    struct flood *flood = make(3, &told);
    assert_false(flood_restore(flood, "p.a"));
    assert_int_equal(admit(flood, &rule_a, 2, NOW), 2);
    assert_false(flood_restore(flood, "p.a")); /* it was not demoted, and its minute is not forgotten */
    assert_int_equal(admit(flood, &rule_a, 9, NOW), 1);
    assert_true(flood_restore(flood, "p.a"));
    assert_false(flood_restore(flood, "p.a"));
    assert_int_equal(flood_demoted_count(flood), 0);
    assert_int_equal(admit(flood, &rule_a, 9, NOW), 3); /* an empty minute, and the next alarm */
    assert_int_equal(told.count, 2);
    flood_free(&flood);
}

/* From another run of the program: without an alarm. Without a limit too. */
static void test_demoted_before(void **state)
{
    (void)state;
    struct told told = {0};
    for (uint32_t limit = 0; limit < 20; limit += 10) {
        struct flood *flood = make(limit, &told);
        assert_int_equal(flood_demote(flood, "p.a"), STATUS_OK);
        assert_int_equal(flood_demote(flood, "p.a"), STATUS_OK);
        assert_int_equal(flood_demoted_count(flood), 1);
        assert_int_equal(admit(flood, &rule_a, 3, NOW), 0);
        assert_int_equal(admit(flood, &rule_b, 3, NOW), 3);
        assert_true(flood_restore(flood, "p.a"));
        assert_int_equal(admit(flood, &rule_a, 3, NOW), 3);
        flood_free(&flood);
    }
    assert_int_equal(told.count, 0);
}

static void test_names_and_forgetting(void **state)
{
    (void)state;
    struct told told = {0};
    char name[8];
    struct flood *flood = make(3, &told);
    assert_int_equal(admit(flood, &rule_b, 3, NOW), 3);
    assert_int_equal(flood_demote(flood, "p.x"), STATUS_OK);
    assert_int_equal(flood_demote(flood, "p.a"), STATUS_OK);
    assert_true(flood_demoted_name(flood, 0, name, sizeof name));
    assert_string_equal(name, "p.x");
    assert_true(flood_demoted_name(flood, 1, name, sizeof name));
    assert_string_equal(name, "p.a");
    assert_false(flood_demoted_name(flood, 2, name, sizeof name));

    flood_forget(flood, NOW + 59 * SECOND);
    assert_int_equal(admit(flood, &rule_b, 1, NOW), 0); /* was not forgotten: the fourth of its minute */
    assert_true(flood_restore(flood, "p.b"));
    assert_int_equal(admit(flood, &rule_b, 3, NOW), 3);
    flood_forget(flood, NOW + 60 * SECOND);
    assert_int_equal(admit(flood, &rule_b, 3, NOW + 59 * SECOND), 3);
    assert_int_equal(flood_demoted_count(flood), 2); /* these stay */
    flood_free(&flood);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_is_exact),
        cmocka_unit_test(test_others_are_untouched),
        cmocka_unit_test(test_minute_slides),
        cmocka_unit_test(test_own_limit),
        cmocka_unit_test(test_restore),
        cmocka_unit_test(test_demoted_before),
        cmocka_unit_test(test_names_and_forgetting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
