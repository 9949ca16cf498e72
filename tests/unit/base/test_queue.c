#include "base/queue.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/support/cmocka_all.h"

static int numbers[64]; /* items are the addresses of these */

static bool readable(struct queue *queue)
{
    struct pollfd item = {.fd = queue_fd(queue), .events = POLLIN};
    return poll(&item, 1, 0) == 1 && (item.revents & POLLIN) != 0;
}

static void test_order_and_results(void **state)
{
    struct queue *queue = NULL;
    void *item = &queue;

    (void)state;
    assert_int_equal(queue_new(0, &queue), STATUS_INVALID);
    assert_null(queue);
    assert_int_equal(queue_new(3, &queue), STATUS_OK);
    assert_int_equal(queue_pop(queue, 0, &item), STATUS_TIMEOUT);
    assert_ptr_equal(item, &queue);

    /* More rounds than the ring has places, so that it wraps at each of them. */
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(queue_try_push(queue, &numbers[i]), STATUS_OK);
        assert_int_equal(queue_try_push(queue, &numbers[3]), STATUS_FULL);
        assert_int_equal(queue_size(queue), 3);
        assert_int_equal(queue_pop(queue, 0, &item), STATUS_OK);
        assert_ptr_equal(item, &numbers[0]);
        assert_int_equal(queue_push(queue, &numbers[4]), STATUS_OK);
        static const int rest[] = {1, 2, 4};
        for (int i = 0; i < 3; i++) {
            assert_int_equal(queue_pop(queue, -1, &item), STATUS_OK);
            assert_ptr_equal(item, &numbers[rest[i]]);
        }
        if (round % 2 == 0) { /* moves the head by one */
            assert_int_equal(queue_try_push(queue, NULL), STATUS_OK);
            assert_int_equal(queue_pop(queue, 0, &item), STATUS_OK);
            assert_null(item);
        }
    }
    queue_free(&queue);
    assert_null(queue);
    queue_free(&queue);
    queue_free(NULL);
}

static void test_pop_many(void **state)
{
    struct queue *queue = NULL;
    void *items[8] = {NULL};
    size_t count = 99;

    (void)state;
    assert_int_equal(queue_new(5, &queue), STATUS_OK);
    assert_int_equal(queue_pop_many(queue, 0, items, 8, &count), STATUS_TIMEOUT);
    assert_int_equal(queue_pop_many(queue, 0, items, 0, &count), STATUS_INVALID);
    assert_int_equal(count, 99);
    for (int i = 0; i < 5; i++)
        assert_int_equal(queue_push(queue, &numbers[i]), STATUS_OK);
    assert_int_equal(queue_pop_many(queue, 0, items, 2, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_ptr_equal(items[1], &numbers[1]);
    assert_null(items[2]);
    assert_int_equal(queue_push(queue, &numbers[5]), STATUS_OK);
    assert_int_equal(queue_pop_many(queue, -1, items, 8, &count), STATUS_OK);
    assert_int_equal(count, 4);
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(items[i], &numbers[i + 2]);
    queue_free(&queue);
}

static void test_close(void **state)
{
    struct queue *queue = NULL;
    void *item;
    size_t count;

    (void)state;
    assert_int_equal(queue_new(2, &queue), STATUS_OK);
    assert_int_equal(queue_push(queue, &numbers[0]), STATUS_OK);
    queue_close(queue);
    queue_close(queue);
    assert_int_equal(queue_try_push(queue, &numbers[1]), STATUS_CLOSED);
    assert_int_equal(queue_push(queue, &numbers[1]), STATUS_CLOSED);
    assert_int_equal(queue_pop(queue, 0, &item), STATUS_OK);
    assert_ptr_equal(item, &numbers[0]);
    assert_int_equal(queue_pop(queue, 0, &item), STATUS_CLOSED);
    assert_int_equal(queue_pop(queue, -1, &item), STATUS_CLOSED);
    assert_int_equal(queue_pop(queue, 60000, &item), STATUS_CLOSED);
    assert_int_equal(queue_pop_many(queue, -1, &item, 1, &count), STATUS_CLOSED);
    queue_free(&queue);
}

static void test_timeout(void **state)
{
    struct queue *queue = NULL;
    void *item;

    (void)state;
    assert_int_equal(queue_new(2, &queue), STATUS_OK);
    int64_t start = clock_ticks_ms();
    assert_int_equal(queue_pop(queue, 5, &item), STATUS_TIMEOUT);
    assert_true(clock_ticks_ms() - start >= 4);
    assert_int_equal(queue_push(queue, &numbers[0]), STATUS_OK);
    assert_int_equal(queue_pop(queue, INT64_MAX, &item), STATUS_OK);
    queue_free(&queue);
}

static void test_fd_mirrors_the_queue(void **state)
{
    struct queue *queue = NULL;
    void *items[4];
    size_t count;

    (void)state;
    assert_int_equal(queue_new(4, &queue), STATUS_OK);
    assert_int_equal(queue_push(queue, &numbers[0]), STATUS_OK); /* before anyone asks for the descriptor */
    assert_true(readable(queue));
    assert_int_equal(fcntl(queue_fd(queue), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(queue_push(queue, &numbers[1]), STATUS_OK);
    assert_int_equal(queue_pop(queue, 0, &items[0]), STATUS_OK);
    assert_true(readable(queue));
    assert_int_equal(queue_pop(queue, 0, &items[0]), STATUS_OK);
    assert_false(readable(queue));
    assert_int_equal(queue_pop(queue, 0, &items[0]), STATUS_TIMEOUT);
    assert_false(readable(queue));
    for (int i = 0; i < 4; i++)
        assert_int_equal(queue_try_push(queue, &numbers[i]), STATUS_OK);
    assert_true(readable(queue));
    assert_int_equal(queue_pop_many(queue, 0, items, 4, &count), STATUS_OK);
    assert_false(readable(queue));
    queue_close(queue);
    assert_true(readable(queue));
    assert_int_equal(queue_pop(queue, 0, &items[0]), STATUS_CLOSED);
    assert_true(readable(queue));
    queue_free(&queue);

    assert_int_equal(queue_new(1, &queue), STATUS_OK);
    queue_close(queue);
    assert_true(readable(queue));
    queue_free(&queue);
}

enum { PRODUCERS = 4, CONSUMERS = 3, ITEMS_EACH = 5000 };

struct traffic {
    struct queue *queue;
    unsigned char *seen; /* one a sent item; each is touched by exactly one consumer */
    _Atomic size_t received;
    _Atomic bool wrong;
};

struct producer {
    struct traffic *traffic;
    int number;
};

static void *produce(void *argument)
{
    const struct producer *producer = argument;
    struct traffic *traffic = producer->traffic;

    for (int i = 0; i < ITEMS_EACH; i++) {
        unsigned char *item = &traffic->seen[producer->number * ITEMS_EACH + i];
        enum status status = i % 2 == 0 ? queue_push(traffic->queue, item) : queue_try_push(traffic->queue, item);
        if (status == STATUS_FULL)
            status = queue_push(traffic->queue, item);
        if (status != STATUS_OK)
            traffic->wrong = true;
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct traffic *traffic = argument;
    ptrdiff_t last[PRODUCERS];

    for (int i = 0; i < PRODUCERS; i++)
        last[i] = -1;
    for (;;) {
        void *items[5];
        size_t count;
        enum status status = queue_pop_many(traffic->queue, -1, items, 5, &count);
        if (status == STATUS_CLOSED)
            return NULL;
        for (size_t i = 0; i < count; i++) {
            ptrdiff_t index = (unsigned char *)items[i] - traffic->seen;
            ptrdiff_t *previous = &last[index / ITEMS_EACH];
            if (traffic->seen[index]++ != 0 || index <= *previous)
                traffic->wrong = true; /* twice, or out of its producer's order */
            *previous = index;
        }
        traffic->received += count;
    }
}

static void test_many_threads(void **state)
{
    struct traffic traffic = {.seen = calloc(PRODUCERS * ITEMS_EACH, 1)};
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS + CONSUMERS];

    (void)state;
    assert_non_null(traffic.seen);
    assert_int_equal(queue_new(7, &traffic.queue), STATUS_OK);
    assert_true(queue_fd(traffic.queue) >= 0);
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&threads[PRODUCERS + i], NULL, consume, &traffic), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&traffic, i};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    queue_close(traffic.queue);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(threads[PRODUCERS + i], NULL);
    assert_false(traffic.wrong);
    assert_int_equal(traffic.received, PRODUCERS * ITEMS_EACH);
    assert_int_equal(queue_size(traffic.queue), 0);
    queue_free(&traffic.queue);
    free(traffic.seen);
}

static void *push_blocked(void *argument)
{
    /* The queue is full and nobody pops: only queue_close ends this. */
    return queue_push(argument, &numbers[1]) == STATUS_CLOSED ? argument : NULL;
}

static void *pop_blocked(void *argument)
{
    void *item;
    return queue_pop(argument, -1, &item) == STATUS_CLOSED ? argument : NULL;
}

static void test_close_wakes_everyone(void **state)
{
    struct queue *full = NULL, *empty = NULL;
    pthread_t threads[6];

    (void)state;
    assert_int_equal(queue_new(1, &full), STATUS_OK);
    assert_int_equal(queue_new(1, &empty), STATUS_OK);
    assert_int_equal(queue_push(full, &numbers[0]), STATUS_OK);
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? push_blocked : pop_blocked, i % 2 ? full : empty),
                         0);
    queue_close(full);
    queue_close(empty);
    for (int i = 0; i < 6; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    queue_free(&full);
    queue_free(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_results),
        cmocka_unit_test(test_pop_many),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_fd_mirrors_the_queue),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_close_wakes_everyone),
    };
    return cmocka_run_group_tests_name("base/queue", tests, NULL, NULL);
}
