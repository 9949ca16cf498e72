#include "base/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

static void assert_render(struct metrics *metrics, const char *expected)
{
    struct buffer out = BUFFER_INIT(1 << 20);

    assert_int_equal(metrics_render(metrics, &out), STATUS_OK);
    assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
    assert_string_equal((const char *)out.data, expected);
    buffer_free(&out);
}

static void test_exposition(void **state)
{
    struct metrics *metrics = NULL;

    (void)state;
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    assert_render(metrics, "");
    metric_set(metrics_gauge(metrics, "weir_queue_size", "Items.", "queue", "b"), -3);
    metric_set(metrics_gauge(metrics, "weir_queue_size", "Other words.", "queue", "a\"\\\n\xff\xc3\xa9"), 5);
    struct metric *counter =
        metrics_counter(metrics, "weir_messages_total", "Messages\nwith a \\ and \"quotes\".", NULL, NULL);
    metric_add(counter, 40);
    metric_add(counter, 2);
    assert_int_equal(metric_value(counter), 42);
    struct metric *histogram = metrics_histogram(metrics, "weir_scan_seconds", "Time.", 1e-9, 1, 3);
    static const uint64_t observed[] = {0, 1, 2, 3, 4, 5, 8, 9, 1000};
    for (size_t i = 0; i < sizeof observed / sizeof *observed; i++)
        metric_observe(histogram, observed[i]);
    assert_int_equal(metric_value(histogram), 9);

    static const char expected[] = "# HELP weir_messages_total Messages\\nwith a \\\\ and \"quotes\".\n"
                                   "# TYPE weir_messages_total counter\n"
                                   "weir_messages_total 42\n"
                                   "# HELP weir_queue_size Items.\n"
                                   "# TYPE weir_queue_size gauge\n"
                                   "weir_queue_size{queue=\"a\\\"\\\\\\n\xef\xbf\xbd\xc3\xa9\"} 5\n"
                                   "weir_queue_size{queue=\"b\"} -3\n"
                                   "# HELP weir_scan_seconds Time.\n"
                                   "# TYPE weir_scan_seconds histogram\n"
                                   "weir_scan_seconds_bucket{le=\"2e-09\"} 3\n"
                                   "weir_scan_seconds_bucket{le=\"4e-09\"} 5\n"
                                   "weir_scan_seconds_bucket{le=\"8e-09\"} 7\n"
                                   "weir_scan_seconds_bucket{le=\"+Inf\"} 9\n"
                                   "weir_scan_seconds_sum 1.032e-06\n"
                                   "weir_scan_seconds_count 9\n";
    assert_render(metrics, expected);

    /* Over the limit of the buffer nothing is appended at all. */
    for (size_t limit = 0; limit < sizeof expected - 1; limit++) {
        struct buffer out = BUFFER_INIT(limit + 1);
        assert_int_equal(buffer_append_byte(&out, 'x'), STATUS_OK);
        assert_int_equal(metrics_render(metrics, &out), STATUS_LIMIT);
        assert_int_equal(out.size, 1);
        buffer_free(&out);
    }
    metrics_free(&metrics);
    assert_null(metrics);
    metrics_free(&metrics);
}

static void test_same_name_same_metric(void **state)
{
    struct metrics *metrics = NULL;

    (void)state;
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    struct metric *a = metrics_counter(metrics, "n", "h", "rule", "a");
    assert_ptr_equal(metrics_counter(metrics, "n", "h", "rule", "a"), a);
    assert_ptr_not_equal(metrics_counter(metrics, "n", "h", "rule", "b"), a);
    struct metric *histogram = metrics_histogram(metrics, "h", "h", 1, 0, 63);
    assert_ptr_equal(metrics_histogram(metrics, "h", "h", 1, 0, 63), histogram);
    metric_observe(histogram, UINT64_MAX);
    metric_add(histogram, 5); /* not what it is for: nothing happens */
    metric_set(histogram, 5);
    assert_int_equal(metric_value(histogram), 1);
    metrics_free(&metrics);
}

static void test_refusals_give_the_spare(void **state)
{
    struct metrics *metrics = NULL;

    (void)state;
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    metric_add(metrics_counter(metrics, "n", "h", NULL, NULL), 1);
    struct metric *refused[] = {
        metrics_counter(metrics, "", "h", NULL, NULL),
        metrics_counter(metrics, "9n", "h", NULL, NULL),
        metrics_counter(metrics, "a b", "h", NULL, NULL),
        metrics_counter(metrics, "m", "h", "a\"", "v"),
        metrics_gauge(metrics, "n", "h", NULL, NULL), /* a counter by then */
        metrics_histogram(metrics, "n", "h", 1, 0, 1),
        metrics_counter(metrics, "n", "h", "label", "v"), /* had none */
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_non_null(refused[i]);
        metric_add(refused[i], 1);
        metric_set(refused[i], 7);
        metric_observe(refused[i], 1);
    }
    assert_render(metrics, "# HELP n h\n# TYPE n counter\nn 1\n");

    for (int i = 0; i < METRICS_MAX + 10; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        assert_non_null(metrics_counter(metrics, "many", "h", "i", value));
    }
    assert_ptr_equal(metrics_counter(metrics, "many", "h", "i", "new"),
                     metrics_counter(metrics, "more", "h", "i", "x"));
    metrics_free(&metrics);
}

enum { THREADS = 4, ROUNDS = 2000 };

static void *count(void *argument)
{
    struct metrics *metrics = argument;
    struct metric *histogram = metrics_histogram(metrics, "h", "h", 1, 0, 4);

    for (int i = 0; i < ROUNDS; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i % 50);
        metric_add(metrics_counter(metrics, "c", "h", "i", value), 1);
        metric_observe(histogram, 1);
        metric_add(metrics_gauge(metrics, "g", "h", NULL, NULL), i % 2 ? UINT64_MAX : 1); /* up and down by one */
        if (i % 500 == 0) {
            struct buffer out = BUFFER_INIT(1 << 20);
            if (metrics_render(metrics, &out) != STATUS_OK)
                return NULL;
            buffer_free(&out);
        }
    }
    return argument;
}

static void test_threads(void **state)
{
    struct metrics *metrics = NULL;
    pthread_t threads[THREADS];

    (void)state;
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, metrics), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    int64_t total = 0;
    for (int i = 0; i < 50; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        total += metric_value(metrics_counter(metrics, "c", "h", "i", value));
    }
    assert_int_equal(total, THREADS * ROUNDS);
    assert_int_equal(metric_value(metrics_histogram(metrics, "h", "h", 1, 0, 4)), THREADS * ROUNDS);
    assert_int_equal(metric_value(metrics_gauge(metrics, "g", "h", NULL, NULL)), 0);
    metrics_free(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exposition),
        cmocka_unit_test(test_same_name_same_metric),
        cmocka_unit_test(test_refusals_give_the_spare),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("base/metrics", tests, NULL, NULL);
}
