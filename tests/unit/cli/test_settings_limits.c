/* cli/settings.c: what a setting allows, the stage that it is for takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/settings.c" // NOLINT(bugprone-suspicious-include): the program's own files are no library

#include "scanner/worker.h"

static const struct config_row *find_row(const char *name)
{
    for (size_t i = 0; i < settings_table.count; i++) {
        if (strcmp(settings_table.rows[i].name, name) == 0) {
            return &settings_table.rows[i];
        }
    }
    fail_msg("there is no setting %s", name);
    return NULL;
}

static enum status refuse_open(struct store *store, const struct store_verdict *verdicts, uint32_t count,
                               int64_t now_ms, struct error *error, struct store_commit_result *ret_result)
{
    (void)store;
    (void)verdicts;
    (void)count;
    (void)now_ms;
    (void)error;
    (void)ret_result;
    return STATUS_SYSTEM;
}

static void close_nothing(struct store **store)
{
    *store = NULL;
}

static void test_the_committer_takes_any_group(void **state)
{
    static const struct store_ops ops = {.name = "none", .commit = refuse_open, .close = close_nothing};
    (void)state;
    const struct config_row *row = find_row("alerts.group_max");
    const int64_t values[] = {row->min, row->max};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct metrics *metrics;
        struct store *store = NULL;
        struct committer *committer = NULL;
        const struct committer_settings settings = {
            .queue_max = 1, .group_max = (uint32_t)values[i], .retry_max_ms = 1};
        assert_int_equal(metrics_new(&metrics), STATUS_OK);
        assert_int_equal(committer_start(&settings, &ops, &store, metrics, NULL, NULL, &committer), STATUS_OK);
        committer_free(&committer);
        metrics_free(&metrics);
    }
}

static void test_workers(void **state)
{
    (void)state;
    assert_true(find_row("scanner.workers")->max <= WORKER_COUNT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_committer_takes_any_group),
        cmocka_unit_test(test_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
