#include "cli/columns.h"

#include <stddef.h>

#include "alerts/present.h"
#include "text/utf8.h"

#define COLUMNS_TEXT_SIZE_MAX (1u << 20)

/* As far as a table needs it: East Asian wide blocks and emoji. */
static uint32_t columns_of_character(uint32_t code_point)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (code_point >= wide[i][0] && code_point <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

/* How much of the text fits into `limit` columns, and how many it takes. */
static size_t columns_fit(struct span text, uint32_t limit, uint32_t *ret_used)
{
    uint32_t used = 0;
    size_t size = 0;
    while (size < text.size) {
        uint32_t code_point;
        uint32_t step = utf8_decode(span_of(text.data + size, text.size - size), &code_point);
        uint32_t columns = columns_of_character(code_point);
        if (columns > limit - used) {
            break;
        }
        used += columns;
        size += step;
    }
    *ret_used = used;
    return size;
}

/* The text as it will be shown. */
static enum status columns_present(const char *text, struct buffer *ret_shown)
{
    return present_text(span_text(text), NULL, 0, PRESENT_QUOTES, PRESENT_ONE_LINE, ret_shown);
}

uint32_t columns_of(const char *text)
{
    struct buffer shown = BUFFER_INIT(COLUMNS_TEXT_SIZE_MAX);
    uint32_t used = 0;
    if (columns_present(text, &shown) == STATUS_OK) {
        (void)columns_fit(buffer_span(&shown), UINT32_MAX, &used);
    }
    buffer_free(&shown);
    return used;
}

enum status columns_append(const char *text, uint32_t width, bool fill, struct buffer *out)
{
    struct buffer shown = BUFFER_INIT(COLUMNS_TEXT_SIZE_MAX);
    uint32_t used = 0;
    enum status status = columns_present(text, &shown);
    struct span rest = buffer_span(&shown);
    if (status == STATUS_OK) {
        size_t size = columns_fit(rest, width, &used);
        bool cut = size < rest.size;
        if (cut) {
            size = columns_fit(rest, width > 0 ? width - 1 : 0, &used);
        }
        status = size > 0 ? buffer_append(out, rest.data, size) : STATUS_OK;
        if (status == STATUS_OK && cut && width > 0) {
            status = buffer_append_text(out, "\xE2\x80\xA6");
            used++;
        }
    }
    for (; status == STATUS_OK && fill && used < width; used++) {
        status = buffer_append_byte(out, ' ');
    }
    buffer_free(&shown);
    return status;
}
