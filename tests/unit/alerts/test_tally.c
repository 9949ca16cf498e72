#include "tests/unit/alerts/fixture.h"

#include <pthread.h>

#include "alerts/store_rules.h"
#include "alerts/tally.h"

/* A store that remembers what it was given, and can refuse it. */
struct fake {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool refuse;
    uint32_t calls, refusals;
    uint64_t shadow, demoted;
    uint32_t samples, texts, samples_max;
    size_t text_size_max;
    char message[64];
};
static struct fake fake;

static enum status fake_tally(struct store *store, const struct store_tally *tallies, uint32_t count,
                              uint32_t samples_max, struct error *error)
{
    (void)store;
    (void)error;
    pthread_mutex_lock(&fake.lock);
    bool refuse = fake.refuse;
    fake.calls++;
    fake.refusals += refuse;
    for (uint32_t i = 0; i < count && !refuse; i++) {
        fake.shadow += tallies[i].shadow_hits;
        fake.demoted += tallies[i].demoted_hits;
        fake.samples += tallies[i].sample_count;
        fake.samples_max = samples_max;
        for (uint32_t k = 0; k < tallies[i].sample_count; k++) {
            const struct store_sample *one = &tallies[i].samples[k];
            fake.texts += one->has_text;
            fake.text_size_max = one->text.size > fake.text_size_max ? one->text.size : fake.text_size_max;
            snprintf(fake.message, sizeof fake.message, "%.*s", (int)one->message_id.size,
                     (const char *)one->message_id.data);
        }
    }
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
    return refuse ? STATUS_TIMEOUT : STATUS_OK;
}

static void fake_close(struct store **store)
{
    *store = NULL;
}

static const struct store_ops fake_ops = {.name = "fake", .close = fake_close, .tally = fake_tally};

static const struct route_queue queues[] = {{.name = "open", .shadow_text = true}, {.name = "closed"}};

struct made {
    struct tally *tally;
    struct metrics *metrics;
    struct shadow_sink sink;
};

static struct made make(uint32_t samples_max, uint32_t every_ms)
{
    struct made made;
    struct store *store = (struct store *)&fake; /* never looked at */
    memset(&fake, 0, sizeof fake);
    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.changed, NULL);
    struct tally_settings settings = {
        .routes = {.queues = queues, .queue_count = 2, .default_queue = "closed", .unscanned_queue = "u"},
        .samples_max = samples_max,
        .every_ms = every_ms};
    assert_int_equal(metrics_new(&made.metrics), STATUS_OK);
    assert_int_equal(tally_start(&settings, &fake_ops, &store, made.metrics, &made.tally), STATUS_OK);
    assert_null(store);
    made.sink = tally_sink(made.tally);
    return made;
}

static void end(struct made *made)
{
    tally_stop(&made->tally);
    assert_null(made->tally);
    tally_stop(&made->tally);
    metrics_free(&made->metrics);
}

static void hit(const struct made *made, const char *rule, const char *queue, const char *message, struct span text,
                bool demoted)
{
    struct shadow_hit one = {.rule = rule,
                             .queue = queue,
                             .generation = "g",
                             .demoted = demoted,
                             .message_id = span_text(message),
                             .conversation_id = span_text("c"),
                             .text = text,
                             .received_at_ms = NOW};
    made->sink.take(made->sink.context, &one);
}

static void test_policy_of_texts(void **state)
{
    (void)state;
    static const struct {
        const char *queue;
        uint32_t texts;
    } cases[] = {{"open", 1}, {"closed", 0}, {NULL, 0}, {"unheard of", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made made = make(10, 1000000);
        hit(&made, "r", cases[i].queue, "m1", span_text("some text"), false);
        end(&made); /* stores what there is */
        assert_int_equal(fake.samples, 1);
        assert_int_equal(fake.texts, cases[i].texts);
        assert_int_equal(fake.text_size_max, cases[i].texts ? strlen("some text") : 0);
        assert_string_equal(fake.message, "m1");
    }
}

static void test_counts_and_bounds(void **state)
{
    (void)state;
    static uint8_t large[TALLY_TEXT_MAX * 4];
    struct made made = make(3, 1000000);
    for (int i = 0; i < 1000; i++)
        hit(&made, i % 2 ? "a" : "b", "open", "m", span_of(large, sizeof large), i % 4 == 0);
    end(&made);
    assert_int_equal(fake.shadow, 1000);
    assert_int_equal(fake.demoted, 250);
    assert_int_equal(fake.samples, 6);
    assert_int_equal(fake.samples_max, 3);
    assert_int_equal(fake.text_size_max, TALLY_TEXT_MAX);

    made = make(0, 1000000); /* no samples at all */
    hit(&made, "a", "open", "m", span_text("x"), false);
    end(&made);
    assert_int_equal(fake.shadow, 1);
    assert_int_equal(fake.samples, 0);

    made = make(10000, 1000000); /* what waits is bounded in bytes */
    for (int i = 0; i < 8000; i++)
        hit(&made, "a", "open", "m", span_of(large, sizeof large), false);
    end(&made);
    assert_int_equal(fake.shadow, 8000);
    assert_true(fake.samples < TALLY_BYTES_MAX / TALLY_TEXT_MAX);
    assert_true(fake.samples > TALLY_BYTES_MAX / TALLY_TEXT_MAX * 9 / 10);
}

/* Every hit has about the same chance to be a sample. */
static void test_samples_are_fair(void **state)
{
    (void)state;
    unsigned late = 0;
    for (int round = 0; round < 100; round++) {
        struct made made = make(1, 1000000);
        char name[16];
        for (int i = 0; i < 10; i++) {
            snprintf(name, sizeof name, "m%d", i);
            hit(&made, "a", NULL, name, span_text(""), false);
        }
        end(&made);
        late += fake.message[1] >= '5';
    }
    assert_in_range(late, 25, 75);
}

static void test_failures_are_tried_again(void **state)
{
    (void)state;
    struct made made = make(5, 1);
    pthread_mutex_lock(&fake.lock);
    fake.refuse = true;
    pthread_mutex_unlock(&fake.lock);
    for (int i = 0; i < 10; i++)
        hit(&made, "a", "open", "m", span_text("x"), i < 4);
    pthread_mutex_lock(&fake.lock);
    while (fake.refusals < 3)
        pthread_cond_wait(&fake.changed, &fake.lock);
    fake.refuse = false;
    while (fake.shadow < 10)
        pthread_cond_wait(&fake.changed, &fake.lock);
    pthread_mutex_unlock(&fake.lock);
    end(&made);
    assert_int_equal(fake.shadow, 10);
    assert_int_equal(fake.demoted, 4);
}

static void *hit_often(void *context)
{
    for (int i = 0; i < 5000; i++)
        hit(context, "a", "open", "m", span_text("x"), false);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct made made = make(5, 1);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hit_often, &made), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    end(&made);
    assert_int_equal(fake.shadow, 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_of_texts),          cmocka_unit_test(test_counts_and_bounds),
        cmocka_unit_test(test_samples_are_fair),         cmocka_unit_test(test_threads),
        cmocka_unit_test(test_failures_are_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
