/* decode.h: known frames, every truncation at a guard page, and protobuf-c as the oracle for random and damaged
 * batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "proto/decode.h"
#include "proto/encode.h"
#include "proto/weir.pb-c.h"

#define GUARDED_SIZE (64u << 10)
#define MESSAGES_MAX 64

/* Memory whose last byte is followed by a page that must not be touched. */
static uint8_t *guarded;

static int set_up(void **state)
{
    (void)state;
    long page = sysconf(_SC_PAGESIZE);
    guarded = mmap(NULL, GUARDED_SIZE + (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded == MAP_FAILED) {
        return -1;
    }
    return mprotect(guarded + GUARDED_SIZE, (size_t)page, PROT_NONE);
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(guarded, GUARDED_SIZE + (size_t)sysconf(_SC_PAGESIZE));
}

/* The bytes, ending at the guard page. */
static struct span at_guard(struct span bytes)
{
    assert_true(bytes.size <= GUARDED_SIZE);
    uint8_t *start = guarded + GUARDED_SIZE - bytes.size;
    if (bytes.size > 0) {
        memmove(start, bytes.data, bytes.size);
    }
    return span_of(start, bytes.size);
}

static bool inside(struct span outer, struct span inner)
{
    return inner.size == 0 || (inner.data >= outer.data && inner.data + inner.size <= outer.data + outer.size);
}

/* xorshift: the same bytes on every machine. */
static uint32_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (uint32_t)(*seed >> 32);
}

struct known {
    const char *what;
    const char *bytes;
    size_t size;
    enum status status;
    const char *batch_id;
    uint64_t count;
    const char *first_id, *first_conversation, *first_text;
    int64_t sent_at_ms;
};

#define BYTES(text) (text), sizeof(text) - 1

static const struct known knowns[] = {
    {"nothing", BYTES(""), STATUS_OK, "", 0, NULL, NULL, NULL, 0},
    {"an id",
     BYTES("\x0a\x01"
           "b"),
     STATUS_OK, "b", 0, NULL, NULL, NULL, 0},
    {"the last id wins",
     BYTES("\x0a\x01"
           "b\x0a\x02"
           "cd"),
     STATUS_OK, "cd", 0, NULL, NULL, NULL, 0},
    {"an empty message", BYTES("\x12\x00"), STATUS_OK, "", 1, "", "", "", 0},
    {"a message",
     BYTES("\x12\x0c\x0a\x01m\x12\x01"
           "c\x28\x80\x01\x32\x01t"),
     STATUS_OK, "", 1, "m", "c", "t", 128},
    {"the last text wins", BYTES("\x12\x06\x32\x01t\x32\x01u"), STATUS_OK, "", 1, "", "", "u", 0},
    {"text of any bytes", BYTES("\x12\x05\x32\x03\xff\x01\xfe"), STATUS_OK, "", 1, "", "", "\xff\x01\xfe", 0},
    {"a negative time", BYTES("\x12\x0b\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), STATUS_OK, "", 1, "", "", "",
     -1},
    {"bits beyond 64 are dropped", BYTES("\x12\x0b\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), STATUS_OK, "", 1, "",
     "", "", -1},
    {"unknown fields of all types",
     BYTES("\x18\x05\x21"
           "12345678\x2d"
           "1234\x7a\x02hi\x0a\x01"
           "b"),
     STATUS_OK, "b", 0, NULL, NULL, NULL, 0},
    {"the highest field number", BYTES("\xf8\xff\xff\xff\x0f\x01"), STATUS_OK, "", 0, NULL, NULL, NULL, 0},
    {"an id of several bytes a character", BYTES("\x0a\x0a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!"), STATUS_OK,
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!", 0, NULL, NULL, NULL, 0},
    {"an attribute", BYTES("\x12\x08\x42\x06\x0a\x01k\x12\x01v"), STATUS_OK, "", 1, "", "", "", 0},

    {"a cut tag", BYTES("\x8a"), STATUS_INCOMPLETE, NULL, 0, NULL, NULL, NULL, 0},
    {"a cut length", BYTES("\x0a"), STATUS_INCOMPLETE, NULL, 0, NULL, NULL, NULL, 0},
    {"cut bytes",
     BYTES("\x0a\x02"
           "b"),
     STATUS_INCOMPLETE, NULL, 0, NULL, NULL, NULL, 0},
    {"a cut varint", BYTES("\x18\xff"), STATUS_INCOMPLETE, NULL, 0, NULL, NULL, NULL, 0},
    {"a cut fixed64",
     BYTES("\x21"
           "1234567"),
     STATUS_INCOMPLETE, NULL, 0, NULL, NULL, NULL, 0},
    {"a cut fixed32",
     BYTES("\x2d"
           "123"),
     STATUS_INCOMPLETE, NULL, 0, NULL, NULL, NULL, 0},
    {"a cut message inside", BYTES("\x12\x03\x0a\x02m"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a cut attribute inside", BYTES("\x12\x04\x42\x02\x0a\x02"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a group", BYTES("\x1b\x1c"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"the end of a group", BYTES("\x1c"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"wire type 6", BYTES("\x1e"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"wire type 7", BYTES("\x1f"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"field 0", BYTES("\x02\x00"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a tag of six bytes", BYTES("\x8a\x80\x80\x80\x80\x00\x00"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a field number over 29 bits", BYTES("\xf8\xff\xff\xff\x1f\x01"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a varint of eleven bytes", BYTES("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), STATUS_INVALID, NULL, 0,
     NULL, NULL, NULL, 0},
    {"a length over INT_MAX", BYTES("\x0a\xff\xff\xff\xff\x0f"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"an id as a number", BYTES("\x08\x01"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a message as a number", BYTES("\x10\x01"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a time as bytes", BYTES("\x12\x03\x2a\x01\x01"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a text as a number", BYTES("\x12\x02\x30\x01"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"an id that is not UTF-8", BYTES("\x0a\x01\xff"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"an overlong slash", BYTES("\x12\x04\x0a\x02\xc0\xaf"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a surrogate", BYTES("\x12\x05\x12\x03\xed\xa0\x80"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"beyond U+10FFFF", BYTES("\x12\x06\x1a\x04\xf4\x90\x80\x80"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a cut character in a recipient", BYTES("\x12\x04\x22\x02\xe2\x82"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a bad locale", BYTES("\x12\x03\x3a\x01\x80"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a bad attribute name", BYTES("\x12\x05\x42\x03\x0a\x01\xff"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
    {"a bad attribute value", BYTES("\x12\x05\x42\x03\x12\x01\xff"), STATUS_INVALID, NULL, 0, NULL, NULL, NULL, 0},
};

static void assert_text(struct span bytes, const char *text, const char *what)
{
    if (!span_equal(bytes, span_text(text))) {
        fail_msg("%s: got %zu other bytes", what, bytes.size);
    }
}

static void test_known_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof knowns / sizeof *knowns; i++) {
        const struct known *known = &knowns[i];
        struct message messages[MESSAGES_MAX];
        struct decode_header header = {.message_count = 77};
        struct span batch_id = {.size = 77};
        struct span frame = at_guard(span_of(known->bytes, known->size));
        enum status status = decode_batch(frame, messages, MESSAGES_MAX, &header);
        if (status != known->status) {
            fail_msg("%s: %s", known->what, status_text(status));
        }
        if (status != STATUS_OK) {
            assert_int_equal(header.message_count, 77); /* untouched */
            continue;
        }
        assert_int_equal(header.message_count, known->count);
        assert_text(header.batch_id, known->batch_id, known->what);
        assert_int_equal(decode_batch_id(frame, &batch_id), STATUS_OK);
        assert_text(batch_id, known->batch_id, known->what);
        if (known->count > 0) {
            assert_text(messages[0].message_id, known->first_id, known->what);
            assert_text(messages[0].conversation_id, known->first_conversation, known->what);
            assert_text(messages[0].text, known->first_text, known->what);
            assert_true(messages[0].sent_at_ms == known->sent_at_ms);
        }
    }
}

static void test_limit(void **state)
{
    (void)state;
    static const char frame[] = "\x12\x03\x0a\x01x\x12\x03\x0a\x01y\x12\x00\x0a\x01"
                                "b";
    struct message messages[3];
    struct decode_header header = {0};
    struct span bytes = span_of(frame, sizeof frame - 1);
    assert_int_equal(decode_batch(bytes, messages, 2, &header), STATUS_LIMIT);
    assert_int_equal(header.message_count, 3);
    assert_text(header.batch_id, "b", "the id of a batch over the limit");
    assert_int_equal(decode_batch(bytes, messages, 0, &header), STATUS_LIMIT);
    assert_int_equal(decode_batch(bytes, messages, 3, &header), STATUS_OK);
    assert_int_equal(messages[0].index, 0);
    assert_int_equal(messages[1].index, 1);
    assert_int_equal(messages[2].index, 2);
    assert_text(messages[1].message_id, "y", "the second message");
}

static void test_conversation_hash(void **state)
{
    (void)state;
    static const char frame[] = "\x12\x03\x12\x01x\x12\x03\x12\x01y\x12\x06\x0a\x01m\x12\x01x";
    struct message messages[3];
    struct decode_header header;
    assert_int_equal(decode_batch(span_of(frame, sizeof frame - 1), messages, 3, &header), STATUS_OK);
    assert_true(messages[0].conversation_hash == messages[2].conversation_hash);
    assert_true(messages[0].conversation_hash != messages[1].conversation_hash);
}

/* Random texts of ids: mostly ASCII, sometimes longer characters, sometimes empty. */
static char *random_string(uint64_t *seed, char *out)
{
    static const char *const characters[] = {"a", "Z", "7", "-", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    size_t size = 0;
    for (uint32_t left = next_random(seed) % 9; left > 0; left--) {
        const char *character = characters[next_random(seed) % (next_random(seed) % 4 == 0 ? 7 : 4)];
        memcpy(out + size, character, strlen(character));
        size += strlen(character);
    }
    out[size] = '\0';
    return out;
}

/* A valid batch, packed by protobuf-c. */
static size_t random_batch(uint64_t *seed, uint8_t *out)
{
    static char strings[MESSAGES_MAX][8][64];
    static uint8_t texts[MESSAGES_MAX][64];
    static Weir__V1__DirectMessage messages[MESSAGES_MAX];
    static Weir__V1__DirectMessage__AttributesEntry attributes[MESSAGES_MAX];
    Weir__V1__DirectMessage__AttributesEntry *attribute_list[MESSAGES_MAX];
    Weir__V1__DirectMessage *list[MESSAGES_MAX];
    char *recipients[MESSAGES_MAX][2];
    char id[64];
    Weir__V1__Batch batch;
    weir__v1__batch__init(&batch);
    batch.batch_id = random_string(seed, id);
    batch.messages = list;
    batch.n_messages = next_random(seed) % 6;
    for (size_t i = 0; i < batch.n_messages; i++) {
        Weir__V1__DirectMessage *message = list[i] = &messages[i];
        weir__v1__direct_message__init(message);
        message->message_id = random_string(seed, strings[i][0]);
        message->conversation_id = random_string(seed, strings[i][1]);
        message->sender_id = random_string(seed, strings[i][2]);
        message->locale = random_string(seed, strings[i][3]);
        message->recipient_ids = recipients[i];
        message->n_recipient_ids = next_random(seed) % 3;
        recipients[i][0] = random_string(seed, strings[i][4]);
        recipients[i][1] = random_string(seed, strings[i][5]);
        message->sent_at_ms = (int64_t)((uint64_t)next_random(seed) << (next_random(seed) % 33));
        message->text.data = texts[i];
        message->text.len = next_random(seed) % sizeof texts[i];
        for (size_t j = 0; j < message->text.len; j++) {
            texts[i][j] = (uint8_t)next_random(seed);
        }
        weir__v1__direct_message__attributes_entry__init(&attributes[i]);
        attributes[i].key = random_string(seed, strings[i][6]);
        attributes[i].value = random_string(seed, strings[i][7]);
        attribute_list[i] = &attributes[i];
        message->attributes = &attribute_list[i];
        message->n_attributes = next_random(seed) % 2;
    }
    assert_true(weir__v1__batch__get_packed_size(&batch) <= GUARDED_SIZE);
    return weir__v1__batch__pack(&batch, out);
}

/* protobuf-c's strings end at a NUL; what follows it cannot be compared. */
static void assert_string(struct span bytes, const char *string)
{
    size_t size = strnlen(bytes.size > 0 ? (const char *)bytes.data : "", bytes.size);
    assert_true(span_equal(span_of(bytes.data, size), span_text(string)));
}

/* What this decoder takes the oracle must take too, and see the same in it. Returns whether it was taken. */
static bool compare(struct span frame)
{
    struct message messages[MESSAGES_MAX * 4];
    struct decode_header header;
    struct span batch_id;
    enum status status = decode_batch(frame, messages, MESSAGES_MAX * 4, &header);
    enum status id_status = decode_batch_id(frame, &batch_id);
    if (status != STATUS_OK) {
        assert_true(status == STATUS_INVALID || status == STATUS_INCOMPLETE);
        return false;
    }
    assert_int_equal(id_status, STATUS_OK);
    assert_true(span_equal(batch_id, header.batch_id));
    Weir__V1__Batch *batch = weir__v1__batch__unpack(NULL, frame.size, frame.data);
    assert_non_null(batch);
    assert_string(header.batch_id, batch->batch_id);
    assert_int_equal(header.message_count, batch->n_messages);
    for (uint32_t i = 0; i < header.message_count; i++) {
        const struct message *message = &messages[i];
        const Weir__V1__DirectMessage *expected = batch->messages[i];
        assert_int_equal(message->index, i);
        assert_string(message->message_id, expected->message_id);
        assert_string(message->conversation_id, expected->conversation_id);
        assert_string(message->sender_id, expected->sender_id);
        assert_string(message->locale, expected->locale);
        assert_true(message->sent_at_ms == expected->sent_at_ms);
        assert_true(span_equal(message->text, span_of(expected->text.data, expected->text.len)));
        assert_true(inside(frame, message->record) && inside(message->record, message->text));
        assert_true(inside(message->record, message->message_id) && inside(message->record, message->locale));
        Weir__V1__DirectMessage *alone =
            weir__v1__direct_message__unpack(NULL, message->record.size, message->record.data);
        assert_non_null(alone); /* whoever unpacks the record of a flagged message can rely on it */
        assert_int_equal(alone->n_recipient_ids, expected->n_recipient_ids);
        weir__v1__direct_message__free_unpacked(alone, NULL);
    }
    weir__v1__batch__free_unpacked(batch, NULL);
    return true;
}

static void test_random_batches_agree(void **state)
{
    (void)state;
    static uint8_t bytes[GUARDED_SIZE];
    uint64_t seed = 20260131;
    for (int i = 0; i < 2000; i++) {
        size_t size = random_batch(&seed, bytes);
        assert_true(compare(at_guard(span_of(bytes, size))));
    }
}

static void test_every_truncation(void **state)
{
    (void)state;
    static uint8_t bytes[GUARDED_SIZE];
    uint64_t seed = 7;
    for (int i = 0; i < 40; i++) {
        size_t size = random_batch(&seed, bytes);
        for (size_t cut = 0; cut < size; cut++) {
            struct message messages[MESSAGES_MAX];
            struct decode_header header;
            struct span frame = at_guard(span_of(bytes, cut));
            enum status status = decode_batch(frame, messages, MESSAGES_MAX, &header);
            /* A cut between two fields is a shorter batch; any other is incomplete, never invalid. */
            assert_true(status == STATUS_OK ? compare(frame) : status == STATUS_INCOMPLETE);
        }
    }
}

static void test_damaged_batches_agree(void **state)
{
    (void)state;
    static uint8_t bytes[GUARDED_SIZE];
    uint64_t seed = 42;
    unsigned taken = 0;
    for (int i = 0; i < 30000; i++) {
        size_t size = random_batch(&seed, bytes);
        for (uint32_t left = 1 + next_random(&seed) % 4; size > 0 && left > 0; left--) {
            uint32_t at = next_random(&seed) % (uint32_t)size;
            switch (next_random(&seed) % 4) {
            case 0:
                bytes[at] ^= (uint8_t)(1u << next_random(&seed) % 8);
                break;
            case 1:
                bytes[at] = (uint8_t)next_random(&seed);
                break;
            case 2:
                memmove(bytes + at, bytes + at + 1, size - at - 1);
                size--;
                break;
            default:
                memmove(bytes + at + 1, bytes + at, size - at);
                bytes[at] = (uint8_t)next_random(&seed);
                size++;
            }
        }
        taken += compare(at_guard(span_of(bytes, size)));
    }
    assert_in_range(taken, 1000, 29000); /* both sides were tried */
}

static void test_encode_agrees(void **state)
{
    (void)state;
    struct buffer message = BUFFER_INIT(4096);
    struct buffer batch = BUFFER_INIT(4096);
    static const uint64_t numbers[] = {1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        buffer_clear(&message);
        buffer_clear(&batch);
        assert_int_equal(encode_bytes(&message, 1, span_text("m\xc3\xa9")), STATUS_OK);
        assert_int_equal(encode_number(&message, 5, numbers[i]), STATUS_OK);
        assert_int_equal(encode_bytes(&message, 6, span_of("a\0b", 3)), STATUS_OK);
        assert_int_equal(encode_bytes(&batch, 1, span_text("b")), STATUS_OK);
        assert_int_equal(encode_bytes(&batch, 2, buffer_span(&message)), STATUS_OK);
        Weir__V1__Batch *oracle = weir__v1__batch__unpack(NULL, batch.size, batch.data);
        assert_non_null(oracle);
        assert_true((uint64_t)oracle->messages[0]->sent_at_ms == numbers[i]);
        assert_string_equal(oracle->messages[0]->message_id, "m\xc3\xa9");
        assert_int_equal(oracle->messages[0]->text.len, 3);
        weir__v1__batch__free_unpacked(oracle, NULL);
        assert_true(compare(buffer_span(&batch)));
    }
    buffer_clear(&batch);
    assert_int_equal(encode_number(&batch, 5, 0), STATUS_OK);
    assert_int_equal(batch.size, 0); /* as proto3 does */
    struct buffer small = BUFFER_INIT(4);
    assert_int_equal(encode_bytes(&small, 1, span_text("too long")), STATUS_LIMIT);
    buffer_free(&small);
    buffer_free(&message);
    buffer_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_frames),      cmocka_unit_test(test_limit),
        cmocka_unit_test(test_conversation_hash), cmocka_unit_test(test_random_batches_agree),
        cmocka_unit_test(test_every_truncation),  cmocka_unit_test(test_damaged_batches_agree),
        cmocka_unit_test(test_encode_agrees),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
