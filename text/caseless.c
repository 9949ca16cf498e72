#include "text/caseless.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <unicode/uchar.h>
#include <unicode/uset.h>

#include "text/utf8.h"

#define BASIC_COUNT 0x10000u
#define BEYOND_MAX 2048u /* cased characters beyond the basic plane; Unicode 15 has some 500 */
#define GROWTH_MAX 3u    /* bytes of out for one byte of a message, at most: U+FFFD for one bad byte */

struct pair {
    uint32_t from, to;
};

/* Written once by caseless_start, before threads start; only read afterwards. */
static uint16_t basic[BASIC_COUNT];
static struct pair beyond[BEYOND_MAX]; /* ascending */
static uint32_t beyond_count;
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

/* gcc and clang make vector instructions of this loop. */
static void lower_ascii(const uint8_t *restrict from, size_t size, uint8_t *restrict to)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(from[i] | (uint8_t)((uint8_t)(from[i] - 'A') < 26 ? 0x20 : 0));
}

enum status caseless_append(struct span message, struct buffer *out)
{
    if (message.size > out->size_max)
        return STATUS_LIMIT;
    size_t ascii = utf8_ascii_prefix(message);
    enum status status = buffer_reserve(out, ascii + GROWTH_MAX * (message.size - ascii));
    if (status != STATUS_OK)
        return status;
    uint8_t *to = out->data + out->size;
    lower_ascii(message.data, ascii, to);
    to += ascii;
    for (size_t at = ascii; at < message.size;) {
        uint32_t code_point;
        at += utf8_decode(span_of(message.data + at, message.size - at), &code_point);
        to += utf8_encode(caseless_character(code_point), to);
    }
    out->size = (size_t)(to - out->data);
    return STATUS_OK;
}
