/* ledger.h and outbox.h, without sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/ledger.h"
#include "ingest/outbox.h"

static struct source sources[2];

static struct source_peer peer_of(const char *id)
{
    struct source_peer peer = {0};
    peer.frames[0] = (uint8_t)strlen(id);
    memcpy(peer.frames + 1, id, strlen(id));
    peer.size = (uint16_t)(strlen(id) + 1);
    return peer;
}

/* An entry with `count` messages and a frame of 100 bytes, in flight. */
static struct ledger_entry *enter(struct ledger *ledger, struct source *source, const char *peer, const char *id,
                                  uint32_t count)
{
    static struct message messages[5000];
    struct ledger_entry *entry = NULL;
    struct admission_result result = {.accepted = count};
    assert_int_equal(ledger_take(ledger, &entry), STATUS_OK);
    assert_int_equal(zmq_msg_close(&entry->frame.body), 0);
    assert_int_equal(zmq_msg_init_size(&entry->frame.body, 100), 0);
    entry->source = source;
    entry->frame.peer = peer_of(peer);
    entry->batch.batch_id = span_text(id);
    messages[0].index = count;
    assert_int_equal(ledger_fill(ledger, entry, messages, &result), STATUS_OK);
    assert_int_equal(entry->batch.message_count, count);
    assert_int_equal(entry->batch.messages[0].index, count);
    ledger_enter(ledger, entry);
    return entry;
}

static struct ledger_entry *find(struct ledger *ledger, struct source *source, const char *peer, const char *id)
{
    struct source_peer way = peer_of(peer);
    return ledger_find(ledger, source, &way, span_text(id));
}

static void test_found_by_source_peer_and_id(void **state)
{
    (void)state;
    struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(4, 1 << 20, &ledger), STATUS_OK);
    struct ledger_entry *one = enter(ledger, &sources[0], "p1", "b1", 1);
    struct ledger_entry *two = enter(ledger, &sources[0], "p1", "b2", 1);
    struct ledger_entry *three = enter(ledger, &sources[0], "p2", "b1", 1);
    struct ledger_entry *four = enter(ledger, &sources[1], "p1", "b1", 1);
    assert_ptr_equal(find(ledger, &sources[0], "p1", "b1"), one);
    assert_ptr_equal(find(ledger, &sources[0], "p1", "b2"), two);
    assert_ptr_equal(find(ledger, &sources[0], "p2", "b1"), three);
    assert_ptr_equal(find(ledger, &sources[1], "p1", "b1"), four);
    assert_null(find(ledger, &sources[0], "p1", "b3"));
    assert_null(find(ledger, &sources[0], "p3", "b1"));
    assert_null(find(ledger, &sources[1], "p2", "b1"));
    assert_int_equal(ledger_count(ledger), 4);
    assert_false(ledger_has_room(ledger, 1));
    ledger_put(ledger, &one);
    assert_null(one);
    ledger_put(ledger, &one);
    assert_null(find(ledger, &sources[0], "p1", "b1"));
    assert_ptr_equal(find(ledger, &sources[0], "p2", "b1"), three);
    assert_true(ledger_has_room(ledger, 1));
    ledger_free(&ledger); /* with three in flight */
    ledger_free(&ledger);
}

static void test_bytes_are_bounded(void **state)
{
    (void)state;
    struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(1000, 50000, &ledger), STATUS_OK);
    assert_true(ledger_has_room(ledger, 1 << 20)); /* alone, anything may pass */
    struct ledger_entry *entry = enter(ledger, &sources[0], "p", "b", 16);
    uint64_t each = ledger_bytes(ledger);
    assert_true(each >= 100 + 16 * sizeof(struct message));
    assert_true(ledger_has_room(ledger, 50000 - each));
    assert_false(ledger_has_room(ledger, 50000 - each + 1));
    assert_false(ledger_has_room(ledger, SIZE_MAX));
    struct ledger_entry *large = enter(ledger, &sources[0], "p", "c", 5000);
    assert_false(ledger_has_room(ledger, 0)); /* beyond the limit by what was decoded */
    ledger_put(ledger, &large);
    assert_int_equal(ledger_bytes(ledger), each);
    ledger_put(ledger, &entry);
    assert_int_equal(ledger_bytes(ledger), 0);
    assert_int_equal(ledger_count(ledger), 0);
    ledger_free(&ledger);
}

static void test_memory_is_used_again(void **state)
{
    (void)state;
    struct ledger *ledger = NULL;
    assert_int_equal(ledger_new(8, 1 << 20, &ledger), STATUS_OK);
    const struct ledger_entry *first_entry = NULL;
    const struct message *first_messages = NULL;
    for (int i = 0; i < 100; i++) {
        struct ledger_entry *entry = enter(ledger, &sources[0], "p", "b", 17 + (uint32_t)i % 15);
        if (i == 0) {
            first_entry = entry;
            first_messages = entry->batch.messages;
        }
        assert_ptr_equal(entry, first_entry);
        assert_ptr_equal(entry->batch.messages, first_messages);
        ledger_put(ledger, &entry);
    }
    ledger_free(&ledger);
}

/* A source whose replies end as told. */
static enum status told;
static uint32_t replies;

static enum status fake_reply(struct source *source, const struct source_peer *peer, struct span receipt)
{
    assert_ptr_equal(source, &sources[0]);
    assert_int_equal(peer->frames[1], receipt.data[0]); /* each receipt goes to its own peer */
    replies += told == STATUS_OK;
    return told;
}

static void test_outbox(void **state)
{
    (void)state;
    static const struct source_ops ops = {.answers = true, .reply = fake_reply};
    struct outbox *outbox = NULL;
    struct source_peer a = peer_of("a");
    struct source_peer b = peer_of("b");
    sources[0].ops = &ops;
    assert_int_equal(outbox_new(&outbox), STATUS_OK);
    assert_int_equal(outbox_add(outbox, &sources[0], &a, span_text("a1"), 1000), STATUS_OK);
    assert_int_equal(outbox_add(outbox, &sources[0], &b, span_text("b1"), 2000), STATUS_OK);
    told = STATUS_FULL;
    assert_int_equal(outbox_flush(outbox, 2000), 0);
    assert_int_equal(outbox_count(outbox), 2);
    assert_int_equal(outbox_flush(outbox, 1000 + OUTBOX_AGE_MAX_MS), 1); /* the first is too old */
    assert_int_equal(outbox_count(outbox), 1);
    told = STATUS_OK;
    assert_int_equal(outbox_flush(outbox, 3000), 0);
    assert_int_equal(outbox_count(outbox), 0);
    assert_int_equal(replies, 1);
    assert_int_equal(outbox_add(outbox, &sources[0], &a, span_text("a2"), 1000), STATUS_OK);
    told = STATUS_CLOSED;
    assert_int_equal(outbox_flush(outbox, 1000), 1); /* the peer is gone */
    assert_int_equal(outbox_count(outbox), 0);

    static uint8_t large[1 << 20] = {'a'};
    enum status status = STATUS_OK;
    uint32_t added = 0;
    for (; status == STATUS_OK; added += status == STATUS_OK) {
        status = outbox_add(outbox, &sources[0], &a, span_of(large, sizeof large), 1000);
    }
    assert_int_equal(status, STATUS_FULL);
    assert_int_equal(added, 7);
    outbox_free(&outbox);
    outbox_free(&outbox);
    sources[0].ops = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_source_peer_and_id),
        cmocka_unit_test(test_bytes_are_bounded),
        cmocka_unit_test(test_memory_is_used_again),
        cmocka_unit_test(test_outbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
