#include "tests/support/cmocka_all.h"

#include <stdio.h>

#include "base/arena.h"
#include "rules/gate.h"

/* Patterns a, b, c, d with their rates; the chosen ones as letters. */
static void test_choices(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    static const double rates[] = {0.1, 0.2, 0.3, 0.4};
    static const struct {
        const char *condition, *searched;
    } rows[] = {
        {"a", "a"},
        {"a and b", "a"},
        {"d and c", "c"},
        {"a or b", "ab"},
        {"(a or c) and b", "b"},
        {"(a or b) and d", "ab"}, /* 0.3 against 0.4 */
        {"a and not b", "a"},
        {"not b and d", "d"},
        {"not (not a)", "abcd"}, /* nothing is known of it */
        {"a or not b", "abcd"},
        {"any of them", "abcd"},
        {"all of them", "a"},
        {"2 of them", "abc"},
        {"3 of them", "ab"},
        {"2 of (b, d) or c", "bc"},
        {"d and any of (a, b, c)", "d"},
        {"2 of (a, b) and 2 of (c, d)", "a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena;
        struct condition_fault fault;
        const struct condition *condition;
        bool searched[4];
        char chosen[5] = "";
        assert_int_equal(arena_new(4096, 1 << 20, &arena), STATUS_OK);
        assert_int_equal(condition_parse(rows[i].condition, names, 4, arena, &fault, &condition), STATUS_OK);
        gate_choose(condition, rates, 4, searched);
        for (int p = 0, at = 0; p < 4; p++) {
            if (searched[p]) {
                chosen[at++] = *names[p];
            }
        }
        assert_string_equal(chosen, rows[i].searched);
        arena_free(&arena);
    }
}

/* For every condition of the table and every outcome of the patterns: it cannot hold where nothing chosen is found. */
static void test_never_misses(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    static const char *const conditions[] = {
        "a and b or c and d", "(a or b) and (c or d)", "2 of them and not d", "a and (b or not c)",
        "all of them or d",   "2 of (a, b, c) and d",  "not (a and b) and c", "any of (a, b) and 2 of (b, c, d)",
    };
    static const double orders[][4] = {{1, 2, 3, 4}, {4, 3, 2, 1}, {2, 4, 1, 3}, {0, 0, 0, 0}};
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
            struct arena *arena;
            struct condition_fault fault;
            const struct condition *condition;
            bool searched[4];
            assert_int_equal(arena_new(4096, 1 << 20, &arena), STATUS_OK);
            assert_int_equal(condition_parse(conditions[i], names, 4, arena, &fault, &condition), STATUS_OK);
            gate_choose(condition, orders[o], 4, searched);
            for (unsigned found = 0; found < 16; found++) {
                enum truth values[4];
                bool any = false;
                for (unsigned p = 0; p < 4; p++) {
                    values[p] = found >> p & 1 ? TRUTH_TRUE : TRUTH_FALSE;
                    any |= searched[p] && values[p] == TRUTH_TRUE;
                }
                if (condition_evaluate(condition, values) == TRUTH_TRUE) {
                    assert_true(any);
                }
            }
            arena_free(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choices), cmocka_unit_test(test_never_misses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
