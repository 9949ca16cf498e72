/* admission.h and receipt.h: who is taken, why others are not, and how that is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/admission.h"
#include "ingest/receipt.h"
#include "proto/weir.pb-c.h"

#define TEXT_MAX 8
#define COUNT_MAX 64

static char id_256[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static char id_257[sizeof id_256 + 1];

#define TAKEN ADMISSION_REASON_COUNT

struct judged {
    const char *message_id, *conversation_id, *sender_id, *text;
    enum admission_reason expected;
};

static const struct judged judgeds[] = {
    {"a", "c", "", "hi", TAKEN},
    {"b", "c", "s", "", TAKEN},
    {"", "c", "s", "hi", ADMISSION_MISSING_MESSAGE_ID},
    {"c", "", "s", "hi", ADMISSION_MISSING_CONVERSATION_ID},
    {"a", "c", "s", "hi", ADMISSION_DUPLICATE_MESSAGE_ID},
    {"d", "c", "s", "12345678", TAKEN},
    {"e", "c", "s", "123456789", ADMISSION_TEXT_TOO_LONG},
    {"e", "c", "s", "short", ADMISSION_DUPLICATE_MESSAGE_ID},
    {id_256, id_256, id_256, "hi", TAKEN},
    {id_257, "c", "s", "hi", ADMISSION_ID_TOO_LONG},
    {"f", id_257, "s", "hi", ADMISSION_ID_TOO_LONG},
    {"g", "c", id_257, "hi", ADMISSION_ID_TOO_LONG},
    {"h\n", "c", "s", "hi", ADMISSION_INVALID_ID},
    {"i", "c\x1b[", "s", "hi", ADMISSION_INVALID_ID},
    {"j", "c", "s\x7f", "hi", ADMISSION_INVALID_ID},
    {"k\xc3\xa9 space", "\xd0\xb6", "s", "\x01\x1b\xff", TAKEN},
    {"", "", "", "123456789", ADMISSION_MISSING_MESSAGE_ID},
};
#define JUDGED_COUNT (sizeof judgeds / sizeof *judgeds)

static struct admission *new_admission(void)
{
    struct admission *admission = NULL;
    memset(id_257, 'x', sizeof id_257 - 1);
    assert_int_equal(admission_new(COUNT_MAX, TEXT_MAX, &admission), STATUS_OK);
    return admission;
}

static void test_judges(void **state)
{
    (void)state;
    struct admission *admission = new_admission();
    for (int round = 0; round < 3; round++) { /* what one batch held is forgotten in the next */
        struct message messages[JUDGED_COUNT];
        for (uint32_t i = 0; i < JUDGED_COUNT; i++) {
            messages[i] = (struct message){.message_id = span_text(judgeds[i].message_id),
                                           .conversation_id = span_text(judgeds[i].conversation_id),
                                           .sender_id = span_text(judgeds[i].sender_id),
                                           .text = span_text(judgeds[i].text),
                                           .index = i};
        }
        struct admission_result result = admission_judge(admission, messages, JUDGED_COUNT);
        uint32_t taken = 0;
        uint32_t rejected = 0;
        for (uint32_t i = 0; i < JUDGED_COUNT; i++) {
            if (judgeds[i].expected == TAKEN) {
                assert_int_equal(messages[taken++].index, i);
            } else {
                assert_true(rejected < result.rejected);
                assert_int_equal(result.rejections[rejected].index, i);
                assert_int_equal(result.rejections[rejected].reason, judgeds[i].expected);
                rejected++;
            }
        }
        assert_int_equal(result.accepted, taken);
        assert_int_equal(result.rejected, rejected);
    }
    admission_free(&admission);
    assert_null(admission);
    admission_free(&admission);
}

static void test_full_batches(void **state)
{
    (void)state;
    struct admission *admission = new_admission();
    char ids[COUNT_MAX][8];
    struct message messages[COUNT_MAX];
    for (uint32_t distinct = 1; distinct <= COUNT_MAX; distinct *= 2) {
        for (uint32_t i = 0; i < COUNT_MAX; i++) {
            (void)snprintf(ids[i], sizeof ids[i], "%u", i % distinct);
            messages[i] =
                (struct message){.message_id = span_text(ids[i]), .conversation_id = span_text("c"), .index = i};
        }
        struct admission_result result = admission_judge(admission, messages, COUNT_MAX);
        assert_int_equal(result.accepted, distinct);
        assert_int_equal(result.rejected, COUNT_MAX - distinct);
    }
    struct admission_result result = admission_judge(admission, messages, 0);
    assert_int_equal(result.accepted + result.rejected, 0);
    admission_free(&admission);
}

static void test_batch_ids(void **state)
{
    (void)state;
    struct admission *admission = new_admission();
    assert_null(admission_batch_id_fault(span_text("b")));
    assert_null(admission_batch_id_fault(span_text(id_256)));
    assert_string_equal(admission_batch_id_fault(span_of(NULL, 0)), "missing_batch_id");
    assert_string_equal(admission_batch_id_fault(span_text(id_257)), "batch_id_too_long");
    assert_string_equal(admission_batch_id_fault(span_of("a\0b", 3)), "invalid_batch_id");
    admission_free(&admission);
}

static void test_receipts_read_back(void **state)
{
    (void)state;
    struct admission_rejection rejections[ADMISSION_REASON_COUNT];
    for (uint32_t i = 0; i < ADMISSION_REASON_COUNT; i++) {
        rejections[i] = (struct admission_rejection){.index = i * 1000, .reason = (enum admission_reason)i};
    }
    const struct receipt receipts[] = {
        {.batch_id = span_text("b"), .status = RECEIPT_OK, .accepted = 4096},
        {.batch_id = span_text("b"),
         .status = RECEIPT_OK,
         .rejections = rejections,
         .rejected = ADMISSION_REASON_COUNT},
        {.batch_id = span_text("b"), .status = RECEIPT_RETRY_LATER, .retry_after_ms = 250, .reason = "overloaded"},
        {.status = RECEIPT_MALFORMED, .reason = "not_a_batch"},
    };
    struct buffer out = BUFFER_INIT(4096);
    for (size_t i = 0; i < sizeof receipts / sizeof *receipts; i++) {
        const struct receipt *expected = &receipts[i];
        assert_int_equal(receipt_encode(expected, &out), STATUS_OK);
        Weir__V1__Receipt *got = weir__v1__receipt__unpack(NULL, out.size, out.data);
        assert_non_null(got);
        assert_true(span_equal(span_text(got->batch_id), expected->batch_id));
        assert_int_equal(got->status, expected->status);
        assert_int_equal(got->accepted, expected->accepted);
        assert_int_equal(got->retry_after_ms, expected->retry_after_ms);
        assert_string_equal(got->reason, expected->reason != NULL ? expected->reason : "");
        assert_int_equal(got->n_rejected, expected->rejected);
        for (size_t j = 0; j < got->n_rejected; j++) {
            assert_int_equal(got->rejected[j]->index, rejections[j].index);
            assert_string_equal(got->rejected[j]->reason, admission_reason_texts[rejections[j].reason]);
        }
        weir__v1__receipt__free_unpacked(got, NULL);
    }
    buffer_free(&out);
    struct buffer small = BUFFER_INIT(8);
    assert_int_equal(receipt_encode(&receipts[1], &small), STATUS_LIMIT);
    buffer_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judges),
        cmocka_unit_test(test_full_batches),
        cmocka_unit_test(test_batch_ids),
        cmocka_unit_test(test_receipts_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
