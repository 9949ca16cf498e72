#include "tests/support/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "scanner/slot.h"

static struct ruleset *make(unsigned number)
{
    char yaml[128];
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    (void)snprintf(yaml, sizeof yaml, "pack: p\nrules:\n  - {id: p.r, patterns: {w: {words: [word%u]}}}\n", number);
    assert_int_equal(ruleset_parse(span_text(yaml), "test.yaml", &findings, &ruleset), STATUS_OK);
    findings_clear(&findings);
    return ruleset;
}

static void test_swap_and_reap(void **state)
{
    (void)state;
    struct slot *slot = NULL;
    struct ruleset *first = make(1), *second = make(2);
    assert_int_equal(slot_new(first, &slot), STATUS_OK);
    struct ruleset *taken = slot_take(slot);
    assert_ptr_equal(taken, first);
    slot_swap(slot, second);
    struct ruleset *now = slot_take(slot);
    assert_ptr_equal(now, second);
    assert_int_equal(slot_reap(slot), 1); /* a worker still has it */
    assert_int_equal(ruleset_holds(first), 2);
    ruleset_let_go(&taken);
    assert_int_equal(ruleset_holds(first), 1); /* it is there until it is reaped */
    assert_int_equal(slot_reap(slot), 0);
    assert_int_equal(slot_reap(slot), 0);
    assert_int_equal(ruleset_holds(second), 2);
    ruleset_let_go(&now);
    slot_free(&slot);
    assert_null(slot);
    slot_free(&slot);
}

/* However many are held, what lies aside is bounded, and nothing that is held is freed. */
static void test_crowded(void **state)
{
    (void)state;
    enum { COUNT = SLOT_RETIRED_MAX + 5 };
    struct ruleset *held[COUNT];
    struct slot *slot = NULL;
    assert_int_equal(slot_new(make(0), &slot), STATUS_OK);
    for (unsigned i = 0; i < COUNT; i++) {
        held[i] = slot_take(slot);
        slot_swap(slot, make(i + 1));
    }
    assert_int_equal(slot_reap(slot), SLOT_RETIRED_MAX);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(ruleset_holds(held[i]), i < COUNT - SLOT_RETIRED_MAX ? 1 : 2);
        assert_int_equal(ruleset_rule_count(held[i]), 1);
        ruleset_let_go(&held[i]);
    }
    assert_int_equal(slot_reap(slot), 0);
    slot_free(&slot);
}

struct race {
    struct slot *slot;
    atomic_bool over;
};

static void *take_and_use(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->over)) {
        struct ruleset *ruleset = slot_take(race->slot);
        assert_int_equal(ruleset_rule_count(ruleset), 1);
        ruleset_let_go(&ruleset);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct race race = {0};
    pthread_t threads[3];
    assert_int_equal(slot_new(make(0), &race.slot), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_use, &race), 0);
    }
    for (unsigned i = 0; i < 100; i++) {
        slot_swap(race.slot, make(i));
        (void)slot_reap(race.slot);
    }
    atomic_store(&race.over, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(slot_reap(race.slot), 0);
    slot_free(&race.slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swap_and_reap),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
