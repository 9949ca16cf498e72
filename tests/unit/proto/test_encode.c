/* proto/encode.h: what is written by hand is what protobuf-c reads, under the numbers of weir.proto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/encode.h"
#include "proto/fields.h"
#include "proto/weir.pb-c.h"

#define SIZE_MAX_OF_BUFFER 100000

static void test_field_numbers(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCMessageDescriptor *message;
        const char *name;
        unsigned number;
    } numbers[] = {
        {&weir__v1__batch__descriptor, "batch_id", FIELDS_BATCH_ID},
        {&weir__v1__batch__descriptor, "messages", FIELDS_BATCH_MESSAGES},
        {&weir__v1__direct_message__descriptor, "message_id", FIELDS_MESSAGE_ID},
        {&weir__v1__direct_message__descriptor, "conversation_id", FIELDS_MESSAGE_CONVERSATION_ID},
        {&weir__v1__direct_message__descriptor, "sender_id", FIELDS_MESSAGE_SENDER_ID},
        {&weir__v1__direct_message__descriptor, "recipient_ids", FIELDS_MESSAGE_RECIPIENT_IDS},
        {&weir__v1__direct_message__descriptor, "sent_at_ms", FIELDS_MESSAGE_SENT_AT_MS},
        {&weir__v1__direct_message__descriptor, "text", FIELDS_MESSAGE_TEXT},
        {&weir__v1__direct_message__descriptor, "locale", FIELDS_MESSAGE_LOCALE},
        {&weir__v1__direct_message__descriptor, "attributes", FIELDS_MESSAGE_ATTRIBUTES},
        {&weir__v1__direct_message__attributes_entry__descriptor, "key", FIELDS_ENTRY_KEY},
        {&weir__v1__direct_message__attributes_entry__descriptor, "value", FIELDS_ENTRY_VALUE},
        {&weir__v1__receipt__descriptor, "batch_id", FIELDS_RECEIPT_BATCH_ID},
        {&weir__v1__receipt__descriptor, "accepted", FIELDS_RECEIPT_ACCEPTED},
        {&weir__v1__receipt__descriptor, "rejected", FIELDS_RECEIPT_REJECTED},
        {&weir__v1__receipt__descriptor, "status", FIELDS_RECEIPT_STATUS},
        {&weir__v1__receipt__descriptor, "retry_after_ms", FIELDS_RECEIPT_RETRY_AFTER_MS},
        {&weir__v1__receipt__descriptor, "reason", FIELDS_RECEIPT_REASON},
        {&weir__v1__receipt__rejected__descriptor, "index", FIELDS_REJECTED_INDEX},
        {&weir__v1__receipt__rejected__descriptor, "reason", FIELDS_REJECTED_REASON},
    };
    unsigned fields = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(numbers[i].message, numbers[i].name);
        assert_non_null(field);
        assert_int_equal(field->id, numbers[i].number);
        if (i == 0 || numbers[i].message != numbers[i - 1].message) {
            fields += numbers[i].message->n_fields;
        }
    }
    assert_int_equal(fields, sizeof numbers / sizeof *numbers); /* none is missing */
}

static void assert_text(const char *text, struct span expected)
{
    assert_int_equal(strlen(text), expected.size);
    assert_memory_equal(text, expected.data, expected.size);
}

static void check(const struct encode_message *message)
{
    struct buffer out = BUFFER_INIT(SIZE_MAX_OF_BUFFER);
    assert_int_equal(buffer_append_text(&out, ""), STATUS_OK);
    assert_int_equal(encode_message(&out, FIELDS_BATCH_MESSAGES, message), STATUS_OK);
    assert_int_equal(out.size, encode_message_size(FIELDS_BATCH_MESSAGES, message));
    Weir__V1__Batch *batch = weir__v1__batch__unpack(NULL, out.size, out.data);
    assert_non_null(batch);
    assert_int_equal(batch->n_messages, 1);
    const Weir__V1__DirectMessage *read = batch->messages[0];
    assert_text(read->message_id, message->message_id);
    assert_text(read->conversation_id, message->conversation_id);
    assert_text(read->sender_id, message->sender_id);
    assert_text(read->locale, message->locale);
    assert_true(span_equal(span_of(read->text.data, read->text.len), message->text));
    assert_true(read->sent_at_ms == message->sent_at_ms);
    assert_int_equal(read->n_recipient_ids, message->recipient_count);
    for (uint32_t i = 0; i < message->recipient_count; i++) {
        assert_text(read->recipient_ids[i], message->recipient_ids[i]);
    }
    assert_int_equal(read->n_attributes, message->attribute_count);
    for (uint32_t i = 0; i < message->attribute_count; i++) {
        assert_text(read->attributes[i]->key, message->attributes[i].key);
        assert_text(read->attributes[i]->value, message->attributes[i].value);
    }
    weir__v1__batch__free_unpacked(batch, NULL);
    buffer_free(&out);
}

static void test_messages(void **state)
{
    (void)state;
    static char text[40000];
    memset(text, 't', sizeof text);
    const struct span recipients[] = {span_text("r1"), span_text(""), span_of(text, 300)};
    const struct encode_pair attributes[] = {
        {span_text("k"), span_text("v")}, {span_text(""), span_text("")}, {span_of(text, 130), span_of(text, 20000)}};
    check(&(struct encode_message){0});
    check(&(struct encode_message){.message_id = span_text("m"), .text = span_of("a\0b", 3)});
    /* Sizes on both sides of where another byte is needed to say them. */
    for (size_t size = 100; size < sizeof text; size += size < 140     ? 1
                                                        : size < 16370 ? 4057
                                                        : size < 16400 ? 1
                                                                       : 9999) {
        check(&(struct encode_message){.message_id = span_text("m"), .text = span_of(text, size), .sent_at_ms = -1});
    }
    check(&(struct encode_message){.message_id = span_text("m"),
                                   .conversation_id = span_text("c"),
                                   .sender_id = span_text("s"),
                                   .text = span_text("hello"),
                                   .locale = span_text("pt-BR"),
                                   .recipient_ids = recipients,
                                   .recipient_count = 3,
                                   .attributes = attributes,
                                   .attribute_count = 3,
                                   .sent_at_ms = INT64_MAX});
}

static void test_limit(void **state)
{
    (void)state;
    struct encode_message message = {.message_id = span_text("12345678")};
    struct buffer out = BUFFER_INIT(20);
    assert_int_equal(encode_message_size(2, &message), 12);
    assert_int_equal(encode_message(&out, 2, &message), STATUS_OK);
    assert_int_equal(encode_message(&out, 2, &message), STATUS_LIMIT);
    assert_int_equal(out.size, 12);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_field_numbers), cmocka_unit_test(test_messages),
                                       cmocka_unit_test(test_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
