/* Which queue a hit goes to: a table of settings and hits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alerts/route.h"

static const char *const prefix_scams[] = {"scams.", NULL};
static const char *const prefix_care[] = {"selfharm", "threats.suicide", NULL};
static const char *const prefix_none[] = {"", NULL};

static const struct route_queue queues[] = {
    {"urgent", 1u << SEVERITY_CRITICAL, NULL, 15, 10, false},
    {"fraud", 1u << SEVERITY_HIGH | 1u << SEVERITY_MEDIUM, prefix_scams, 60, 5, false},
    {"care", 0, prefix_care, 30, 10, false},
    {"never", 0, prefix_none, 1, 1, false},
    {"plain", 0, NULL, 240, 2, false},
};

static const struct route_table table = {queues, sizeof queues / sizeof queues[0], "review", "unscanned", 1440};

static void test_table(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *queue;
        enum severity severity;
        enum outcome outcome;
        const char *expected;
        int64_t minutes;
        uint32_t context;
    } cases[] = {
        {"scams.gift-card", NULL, SEVERITY_HIGH, OUTCOME_FLAGGED, "fraud", 60, 5},
        {"scams.gift-card", "plain", SEVERITY_HIGH, OUTCOME_FLAGGED, "fraud", 60, 5},
        {"scams.gift-card", NULL, SEVERITY_CRITICAL, OUTCOME_FLAGGED, "urgent", 15, 10},
        {"scams.gift-card", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, "review", 1440, 0},
        {"scams.gift-card", "plain", SEVERITY_LOW, OUTCOME_FLAGGED, "plain", 240, 2},
        {"scams", NULL, SEVERITY_HIGH, OUTCOME_FLAGGED, "review", 1440, 0},
        {"scamster.x", NULL, SEVERITY_HIGH, OUTCOME_FLAGGED, "review", 1440, 0},
        {"selfharm", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, "care", 30, 10},
        {"selfharm.plans", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, "care", 30, 10},
        {"selfharmless.x", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, "review", 1440, 0},
        {"threats.suicide", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, "care", 30, 10},
        {"threats.suicides", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, "review", 1440, 0},
        {"spam.x", "own", SEVERITY_LOW, OUTCOME_FLAGGED, "own", 1440, 0},
        {"spam.x", "plain", SEVERITY_CRITICAL, OUTCOME_FLAGGED, "urgent", 15, 10},
        {"scams.gift-card", "plain", SEVERITY_CRITICAL, OUTCOME_UNSCANNED, "unscanned", 1440, 0},
        {"", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, "review", 1440, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct verdict_hit hit = {
            .rule = cases[i].rule, .queue = cases[i].queue, .severity = cases[i].severity, .outcome = cases[i].outcome};
        struct route route = {0};
        route_hit(&table, &hit, &route);
        assert_string_equal(route.queue, cases[i].expected);
        assert_int_equal(route.service_level_ms, cases[i].minutes * 60000);
        assert_int_equal(route.context_max, cases[i].context);
    }
}

static void test_no_queues(void **state)
{
    (void)state;
    const struct route_table empty = {NULL, 0, "review", "unscanned", 60};
    struct verdict_hit hit = {.rule = "a.b", .severity = SEVERITY_HIGH};
    struct route route = {0};
    route_hit(&empty, &hit, &route);
    assert_string_equal(route.queue, "review");
    assert_int_equal(route.service_level_ms, 3600000);
}

static void test_first_fits(void **state)
{
    (void)state;
    static const struct route_queue both[] = {{"one", 0, prefix_scams, 1, 0, false},
                                              {"two", 0, prefix_scams, 2, 0, false}};
    const struct route_table pair = {both, 2, "review", "two", 60};
    struct verdict_hit hit = {.rule = "scams.x"};
    struct route route = {0};
    route_hit(&pair, &hit, &route);
    assert_string_equal(route.queue, "one");
    hit.outcome = OUTCOME_UNSCANNED;
    route_hit(&pair, &hit, &route);
    assert_string_equal(route.queue, "two");
    assert_int_equal(route.service_level_ms, 120000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_no_queues),
        cmocka_unit_test(test_first_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
