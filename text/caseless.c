#include "text/caseless.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/uset.h>

#include "text/ascii.h"
#include "text/utf8.h"

#define BASIC_COUNT 0x10000u
#define BEYOND_MAX 2048u /* cased characters beyond the basic plane; Unicode 15 has some 500 */
#define GROWTH_MAX 3u    /* bytes of out for one byte of a message, at most: U+FFFD for one bad byte */
#define SLACK 8u         /* bytes that are written beyond the end */
#define BLOCK 64u        /* characters of a block of has_case */

struct pair {
    uint32_t from, to;
};

/* Written once by caseless_start, before threads start; only read afterwards. */
static uint16_t basic[BASIC_COUNT];
static struct pair beyond[BEYOND_MAX]; /* ascending */
static uint32_t beyond_count;
static bool has_case[0x110000 / BLOCK]; /* some character of the block is not its own representative */
static bool started;

/* The least of the characters that are equal to c but for case; a small ASCII letter before everything else. */
static enum status representative(UChar32 c, uint32_t *ret_character)
{
    USet *set = uset_open(c, c);
    if (!set)
        return STATUS_NO_MEMORY;
    uset_closeOver(set, USET_CASE_INSENSITIVE);
    bool whole = uset_contains(set, c); /* without memory it empties itself */
    UChar32 least = c;
    for (int32_t i = 0, count = uset_getItemCount(set); i < count; i++) {
        UChar32 start = 0, end = 0;
        UErrorCode error = U_ZERO_ERROR;
        if (uset_getItem(set, i, &start, &end, NULL, 0, &error) == 0 && start < least)
            least = start;
    }
    uset_close(set);
    if (!whole)
        return STATUS_NO_MEMORY;
    *ret_character = least >= 'A' && least <= 'Z' ? (uint32_t)least + 0x20 : (uint32_t)least;
    return STATUS_OK;
}

static enum status enter(UChar32 c)
{
    uint32_t to;
    enum status status = representative(c, &to);
    if (status != STATUS_OK || to == (uint32_t)c)
        return status;
    has_case[(uint32_t)c / BLOCK] = true;
    if ((uint32_t)c < BASIC_COUNT) {
        basic[c] = (uint16_t)to; /* a least one of a set is never beyond the basic plane while another is in it */
        return STATUS_OK;
    }
    if (beyond_count == BEYOND_MAX)
        return STATUS_LIMIT;
    beyond[beyond_count++] = (struct pair){.from = (uint32_t)c, .to = to};
    return STATUS_OK;
}

enum status caseless_start(void)
{
    UErrorCode error = U_ZERO_ERROR;
    enum status status = STATUS_OK;
    if (started)
        return STATUS_OK;
    for (uint32_t i = 0; i < BASIC_COUNT; i++)
        basic[i] = (uint16_t)i;
    beyond_count = 0;
    USet *cased = uset_openEmpty();
    if (!cased)
        return STATUS_NO_MEMORY;
    uset_applyIntPropertyValue(cased, UCHAR_CASE_SENSITIVE, 1, &error);
    for (int32_t i = 0, count = U_SUCCESS(error) ? uset_getItemCount(cased) : 0; i < count && status == STATUS_OK;
         i++) {
        UChar32 start = 0, end = -1;
        if (uset_getItem(cased, i, &start, &end, NULL, 0, &error) != 0)
            continue;
        for (UChar32 c = start; c <= end && status == STATUS_OK; c++)
            status = enter(c);
    }
    uset_close(cased);
    for (uint32_t c = 0xD800; c <= 0xDFFF; c++)
        has_case[c / BLOCK] = true; /* ill-formed: to be looked at */
    if (U_FAILURE(error))
        return STATUS_SYSTEM;
    started = status == STATUS_OK;
    return status;
}

static uint32_t character_beyond(uint32_t code_point)
{
    uint32_t low = 0, high = beyond_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (beyond[middle].from < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < beyond_count && beyond[low].from == code_point ? beyond[low].to : code_point;
}

uint32_t caseless_character(uint32_t code_point)
{
    return code_point < BASIC_COUNT ? basic[code_point] : character_beyond(code_point);
}

/* A message that is not all ASCII, from `from` to `end`. Returns where what it wrote ends. */
static uint8_t *append_rest(const uint8_t *from, const uint8_t *end, uint8_t *to)
{
    while (end - from >= 8) {
        uint32_t four = utf8_load_four(from), c;
        if ((four & 0x8080) == 0) {
            uint64_t block = ascii_load(from);
            unsigned count = ascii_count(block);
            ascii_store_lower(block, to);
            from += count;
            to += count;
        } else if ((c = utf8_two(four)) != 0) {
            to += utf8_encode_next(basic[c], to);
            from += 2;
        } else if ((c = utf8_three(four)) != 0 && !has_case[c / BLOCK]) {
            memcpy(to, from, 4);
            to += 3;
            from += 3;
        } else {
            uint32_t size = utf8_next(span_of(from, (size_t)(end - from)), &c);
            to += utf8_encode_next(has_case[c / BLOCK] ? caseless_character(c) : c, to);
            from += size;
        }
    }
    while (from < end) {
        uint32_t c;
        from += utf8_next(span_of(from, (size_t)(end - from)), &c);
        to += utf8_encode_next(caseless_character(c), to);
    }
    return to;
}

enum status caseless_append(struct span message, struct buffer *out)
{
    enum status status = buffer_reserve(out, message.size);
    if (status != STATUS_OK || message.size == 0)
        return status;
    size_t ascii = ascii_lower(message.data, message.size, out->data + out->size);
    if (ascii == message.size) {
        out->size += ascii;
        return STATUS_OK;
    }
    status = buffer_reserve(out, ascii + GROWTH_MAX * (message.size - ascii) + SLACK);
    if (status == STATUS_LIMIT && out->size_max <= SIZE_MAX / 2) {
        /* Near the end of what may be written only the final size counts. */
        struct buffer aside = BUFFER_INIT(2 * out->size_max + GROWTH_MAX * message.size + SLACK);
        status = caseless_append(message, &aside);
        if (status == STATUS_OK)
            status = buffer_append(out, aside.data, aside.size);
        buffer_free(&aside);
        return status;
    }
    if (status == STATUS_OK)
        out->size =
            (size_t)(append_rest(message.data + ascii, message.data + message.size, out->data + out->size + ascii) -
                     out->data);
    return status;
}
