/* Each piece of work is done once, and all of it before crew_run returns. */
#include "rules/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

#define PIECES 10000u

struct work {
    atomic_uint next, calls, elsewhere;
    pthread_t caller;
    uint8_t done[PIECES];
};

static void *work_some(void *context)
{
    struct work *work = context;
    atomic_fetch_add(&work->calls, 1);
    atomic_fetch_add(&work->elsewhere, pthread_equal(pthread_self(), work->caller) == 0);
    for (uint32_t i; (i = atomic_fetch_add(&work->next, 1)) < PIECES;) {
        work->done[i]++;
    }
    return NULL;
}

static void test_all_is_done_once(void **state)
{
    (void)state;
    static const uint32_t most[] = {0, 1, 2, 3, 8, 100, UINT32_MAX};
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        static struct work work;
        memset(work.done, 0, sizeof work.done);
        atomic_init(&work.next, 0);
        atomic_init(&work.calls, 0);
        atomic_init(&work.elsewhere, 0);
        work.caller = pthread_self();
        crew_run(work_some, &work, most[i]);
        for (uint32_t k = 0; k < PIECES; k++) {
            assert_int_equal(work.done[k], 1);
        }
        assert_true(atomic_load(&work.calls) <= (most[i] > 1 ? most[i] : 1));
        assert_int_equal(atomic_load(&work.calls), atomic_load(&work.elsewhere) + 1); /* the caller works too */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_is_done_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
