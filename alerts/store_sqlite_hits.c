#include "alerts/store_sqlite_hits.h"

#include <string.h>

#include "alerts/store_sqlite.h"
#include "alerts/store_sqlite_words.h"

#define STORE_HITS_TEXT_MAX ((size_t)1000000000) /* what SQLite takes in one value */
#define STORE_HITS_KEPT_MAX ((size_t)1 << 20)    /* memory kept for the next message */
#define STORE_NUMBER_SIZE_MAX 21                 /* of 64 bits, with a sign and a comma */

void store_hits_init(struct store_hits_text *text)
{
    *text =
        (struct store_hits_text){.kinds = BUFFER_INIT(STORE_HITS_TEXT_MAX), .spans = BUFFER_INIT(STORE_HITS_TEXT_MAX)};
}

void store_hits_free(struct store_hits_text *text)
{
    buffer_free(&text->kinds);
    buffer_free(&text->spans);
}

static int store_hits_result(enum status status)
{
    return status == STATUS_OK ? SQLITE_OK : status == STATUS_LIMIT ? SQLITE_TOOBIG : SQLITE_NOMEM;
}

void store_hits_begin(struct store_hits_text *text)
{
    if (text->kinds.capacity > STORE_HITS_KEPT_MAX || text->spans.capacity > STORE_HITS_KEPT_MAX)
        store_hits_free(text);
    buffer_clear(&text->kinds);
    buffer_clear(&text->spans);
    text->count = 0;
}

/* The buffer has room. */
static void store_hits_put(struct buffer *out, uint64_t number)
{
    uint8_t digits[STORE_NUMBER_SIZE_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(out->data + out->size, digits + at, sizeof digits - at);
    out->size += sizeof digits - at;
}

static void store_hits_put_byte(struct buffer *out, char byte)
{
    out->data[out->size++] = (uint8_t)byte;
}

int store_hits_add(struct store *store, int64_t kind, const struct verdict_hit *hit, struct store_hits_text *text)
{
    enum status status = buffer_reserve(&text->kinds, STORE_NUMBER_SIZE_MAX + 2);
    if (status == STATUS_OK)
        status = buffer_reserve(&text->spans, (size_t)hit->span_count * 3 * STORE_NUMBER_SIZE_MAX + 4);
    if (status != STATUS_OK)
        return store_hits_result(status);
    store_hits_put_byte(&text->kinds, text->count == 0 ? '[' : ',');
    store_hits_put(&text->kinds, (uint64_t)kind);
    store_hits_put_byte(&text->spans, text->count == 0 ? '[' : ',');
    store_hits_put_byte(&text->spans, '[');
    for (uint32_t i = 0; i < hit->span_count; i++) {
        const struct verdict_span *span = &hit->spans[i];
        int64_t place = 0;
        if (span->end < span->start)
            return SQLITE_CONSTRAINT;
        TRY(store_words_place(store, span, &place));
        if (i > 0)
            store_hits_put_byte(&text->spans, ',');
        store_hits_put(&text->spans, (uint64_t)place);
        store_hits_put_byte(&text->spans, ',');
        store_hits_put(&text->spans, span->start);
        store_hits_put_byte(&text->spans, ',');
        store_hits_put(&text->spans, span->end);
    }
    store_hits_put_byte(&text->spans, ']');
    text->count++;
    return SQLITE_OK;
}

int store_hits_end(struct store_hits_text *text)
{
    enum status status = buffer_append_byte(&text->kinds, ']');
    if (status == STATUS_OK)
        status = buffer_append_byte(&text->spans, ']');
    return store_hits_result(status);
}

/* Behind the comma that may come first. */
static const char *store_hits_next(const struct store_hits_reader *reader)
{
    return reader->at < reader->end && *reader->at == ',' ? reader->at + 1 : reader->at;
}

bool store_hits_number(struct store_hits_reader *reader, int64_t *ret_number)
{
    const char *first = store_hits_next(reader), *at = first;
    int64_t number = 0;
    for (; at < reader->end && *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *at - '0', &number))
            return false;
    }
    if (at == first)
        return false;
    reader->at = at;
    *ret_number = number;
    return true;
}

bool store_hits_enter(struct store_hits_reader *reader)
{
    const char *at = store_hits_next(reader);
    if (at == reader->end || *at != '[')
        return false;
    reader->at = at + 1;
    return true;
}

bool store_hits_leave(struct store_hits_reader *reader)
{
    if (reader->at == reader->end || *reader->at != ']')
        return false;
    reader->at++;
    return true;
}
