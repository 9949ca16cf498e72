/* ingest/outbox.h: receipts wait for producers that do not read, and cost little while they do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/outbox.h"

/* A source whose peers are named by their first byte. */
static struct {
    enum status result[256]; /* of a reply to a peer */
    unsigned tries[256];
    char sent[4096]; /* the first bytes of peers and receipts */
    size_t sent_size;
} wire;

static enum status reply(struct source *source, const struct source_peer *peer, struct span receipt)
{
    (void)source;
    uint8_t name = peer->frames[1];
    wire.tries[name]++;
    if (wire.result[name] == STATUS_OK) {
        wire.sent[wire.sent_size++] = (char)name;
        wire.sent[wire.sent_size++] = (char)receipt.data[0];
    }
    return wire.result[name];
}

static const struct source_ops ops = {.answers = true, .reply = reply};
static struct source source = {.ops = &ops};

static struct source_peer peer_of(uint8_t name)
{
    return (struct source_peer){.size = 2, .frames = {1, name}};
}

static enum status add(struct outbox *outbox, uint8_t name, const char *receipt, int64_t now_ms)
{
    struct source_peer peer = peer_of(name);
    return outbox_add(outbox, &source, &peer, span_text(receipt), now_ms);
}

static struct outbox *make(void)
{
    struct outbox *outbox = NULL;
    memset(&wire, 0, sizeof wire);
    for (int i = 0; i < 256; i++) {
        wire.result[i] = STATUS_FULL;
    }
    assert_int_equal(outbox_new(&outbox), STATUS_OK);
    return outbox;
}

static void test_order_of_each_producer(void **state)
{
    (void)state;
    struct outbox *outbox = make();
    assert_int_equal(outbox_flush(outbox, 0), 0);
    assert_int_equal(add(outbox, 'a', "1", 0), STATUS_OK);
    assert_int_equal(add(outbox, 'b', "1", 0), STATUS_OK);
    assert_int_equal(add(outbox, 'a', "2", 0), STATUS_OK);
    assert_int_equal(outbox_flush(outbox, 1), 0);
    assert_int_equal(outbox_count(outbox), 3);
    wire.result['a'] = wire.result['b'] = STATUS_OK;
    assert_int_equal(outbox_flush(outbox, 2), 0);
    assert_int_equal(outbox_count(outbox), 0);
    assert_int_equal(wire.sent_size, 6);
    assert_memory_equal(wire.sent, "a1a2b1", 6);
    outbox_free(&outbox);
    assert_null(outbox);
    outbox_free(&outbox);
}

/* However much waits for a producer that does not read, a flush tries once, and the others get theirs. */
static void test_one_try_for_each_producer(void **state)
{
    (void)state;
    struct outbox *outbox = make();
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(add(outbox, 's', "x", 0), STATUS_OK);
    }
    assert_int_equal(add(outbox, 'q', "y", 0), STATUS_OK);
    wire.result['q'] = STATUS_OK;
    assert_int_equal(outbox_flush(outbox, 1), 0);
    assert_int_equal(wire.tries['s'], 1);
    assert_int_equal(wire.tries['q'], 1);
    assert_int_equal(outbox_count(outbox), 10000);
    outbox_free(&outbox);
}

static void test_given_up(void **state)
{
    (void)state;
    struct outbox *outbox = make();
    assert_int_equal(add(outbox, 'a', "1", 0), STATUS_OK);
    assert_int_equal(add(outbox, 'a', "2", 5), STATUS_OK);
    assert_int_equal(add(outbox, 'g', "1", 0), STATUS_OK);
    assert_int_equal(add(outbox, 'g', "2", 0), STATUS_OK);
    wire.result['g'] = STATUS_CLOSED; /* gone */
    assert_int_equal(outbox_flush(outbox, 1), 2);
    assert_int_equal(outbox_count(outbox), 2);
    assert_int_equal(outbox_flush(outbox, OUTBOX_AGE_MAX_MS - 1), 0);
    assert_int_equal(outbox_flush(outbox, OUTBOX_AGE_MAX_MS), 1); /* the first is too old */
    assert_int_equal(outbox_flush(outbox, OUTBOX_AGE_MAX_MS + 5), 1);
    assert_int_equal(outbox_count(outbox), 0);
    outbox_free(&outbox);
}

static void test_bounded(void **state)
{
    (void)state;
    struct outbox *outbox = make();
    static char large[1 << 20];
    memset(large, 'x', sizeof large - 1);
    int added = 0;
    while (add(outbox, 'a', large, 0) == STATUS_OK) {
        added++;
    }
    assert_in_range(added, 7, 8);
    wire.result['a'] = STATUS_OK;
    assert_int_equal(outbox_flush(outbox, 1), 0);
    assert_int_equal(add(outbox, 'a', large, 0), STATUS_OK); /* there is room again */
    outbox_free(&outbox);
}

/* More producers than one flush tries: all have their turn. */
static void test_many_producers(void **state)
{
    (void)state;
    struct outbox *outbox = make();
    enum { PRODUCERS = OUTBOX_TRIES_MAX * 2 + 10 };
    for (int i = 0; i < PRODUCERS; i++) {
        struct source_peer peer = {.size = 4, .frames = {3, 'm', (uint8_t)(i / 256), (uint8_t)(i % 256)}};
        assert_int_equal(outbox_add(outbox, &source, &peer, span_text("x"), 0), STATUS_OK);
    }
    assert_int_equal(outbox_flush(outbox, 1), 0);
    assert_int_equal(wire.tries['m'], OUTBOX_TRIES_MAX);
    wire.result['m'] = STATUS_OK;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outbox_flush(outbox, 1), 0);
    }
    assert_int_equal(outbox_count(outbox), 0);
    assert_int_equal(wire.sent_size, PRODUCERS * 2);
    outbox_free(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_each_producer),
        cmocka_unit_test(test_one_try_for_each_producer),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_many_producers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
