#include "alerts/present.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/json_text.h"

static bool present_in(uint32_t code_point, const uint32_t (*ranges)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code_point >= ranges[i][0] && code_point <= ranges[i][1])
            return true;
    }
    return false;
}

/* What a terminal acts on, or does not show. */
static bool present_is_hidden(uint32_t code_point, uint32_t before)
{
    static const uint32_t ranges[][2] = {
        {0x0000, 0x001F},                                        /* controls */
        {0x007F, 0x009F},    {0x00AD, 0x00AD},                   /* soft hyphen */
        {0x034F, 0x034F},    {0x061C, 0x061C},                   /* direction */
        {0x115F, 0x1160},                                        /* fillers */
        {0x17B4, 0x17B5},    {0x180B, 0x180F}, {0x200B, 0x200F}, /* zero width, direction */
        {0x2028, 0x202E},                                        /* line and paragraph separators, direction */
        {0x2060, 0x206F},    {0x2800, 0x2800},                   /* blank Braille */
        {0x3164, 0x3164},    {0xE000, 0xF8FF},                   /* private use */
        {0xFE00, 0xFE0E},    {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF}, /* tags */
        {0xF0000, 0x10FFFF},
    };
    if (code_point >= 0x20 && code_point < 0x7F)
        return false;
    /* Zero-width joiners hold emoji together; between letters they only hide. */
    if (code_point == 0x200D && before >= 0x2190)
        return false;
    return present_in(code_point, ranges, sizeof ranges / sizeof ranges[0]);
}

/* One character at `at`, safe to show; moves `at` behind it. */
static enum status present_character(struct span text, size_t *at, uint32_t *before, struct buffer *out)
{
    uint32_t code_point = 0;
    size_t size = json_text_character(text.data + *at, text.size - *at, &code_point);
    enum status status;
    if (size == 0) {
        status = buffer_print(out, "<%02X>", text.data[*at]);
        size = 1;
        code_point = 0;
    } else if (present_is_hidden(code_point, *before)) {
        status = buffer_print(out, "<U+%04X>", (unsigned)code_point);
    } else {
        status = buffer_append(out, text.data + *at, size);
    }
    *before = code_point;
    *at += size;
    return status;
}

static int present_compare(const void *left, const void *right)
{
    const struct present_mark *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Sorted, within the text, not empty, neither overlapping nor touching. */
static uint32_t present_join(struct present_mark *marks, uint32_t count, size_t text_size)
{
    uint32_t size = text_size < UINT32_MAX ? (uint32_t)text_size : UINT32_MAX;
    uint32_t kept = 0;
    if (count > 1)
        qsort(marks, count, sizeof *marks, present_compare);
    for (uint32_t i = 0; i < count; i++) {
        struct present_mark mark = marks[i];
        if (mark.end > size)
            mark.end = size;
        if (mark.start >= mark.end)
            continue;
        if (kept > 0 && mark.start <= marks[kept - 1].end) {
            if (mark.end > marks[kept - 1].end)
                marks[kept - 1].end = mark.end;
        } else {
            marks[kept++] = mark;
        }
    }
    return kept;
}

static enum status present_line_break(uint32_t indent, bool marked, enum present_style style, struct buffer *out)
{
    bool turn = marked && style == PRESENT_REVERSE; /* the indentation is not part of what is marked */
    enum status status = turn ? buffer_append_text(out, "\x1b[27m\n") : buffer_append_byte(out, '\n');
    for (uint32_t i = 0; i < indent && status == STATUS_OK; i++)
        status = buffer_append_byte(out, ' ');
    if (status == STATUS_OK && turn)
        status = buffer_append_text(out, "\x1b[7m");
    return status;
}

enum status present_text(struct span text, struct present_mark *marks, uint32_t mark_count, enum present_style style,
                         uint32_t indent, struct buffer *out)
{
    static const char *const begin[] = {"«", "\x1b[7m"}, *const end[] = {"»", "\x1b[27m"};
    uint32_t count = present_join(marks, mark_count, text.size), next = 0, before = 0;
    bool marked = false;
    enum status status = STATUS_OK;
    for (size_t at = 0; at < text.size && status == STATUS_OK;) {
        if (!marked && next < count && at >= marks[next].start) {
            status = buffer_append_text(out, begin[style]);
            marked = true;
        }
        if (status == STATUS_OK && text.data[at] == '\n' && indent != PRESENT_ONE_LINE) {
            status = present_line_break(indent, marked, style, out);
            at++;
            before = '\n';
        } else if (status == STATUS_OK) {
            status = present_character(text, &at, &before, out);
        }
        if (status == STATUS_OK && marked && at >= marks[next].end) {
            status = buffer_append_text(out, end[style]);
            marked = false;
            /* A character that a mark ended inside of may have swallowed further marks. */
            while (next < count && marks[next].end <= at)
                next++;
        }
    }
    if (status == STATUS_OK && marked)
        status = buffer_append_text(out, end[style]);
    return status;
}

enum status present_cell(struct span text, uint32_t width, struct buffer *out)
{
    uint32_t used = 0, before = 0;
    size_t last = out->size; /* where the cell could be cut to leave room for the sign */
    for (size_t at = 0; at < text.size;) {
        size_t start = out->size;
        enum status status = present_character(text, &at, &before, out);
        if (status != STATUS_OK)
            return status;
        uint32_t taken = 0; /* characters; a made-visible one takes several */
        for (size_t i = start; i < out->size; i++)
            taken += (out->data[i] & 0xC0) != 0x80;
        if (used + taken > width || (used + taken == width && at < text.size)) {
            out->size = used < width ? start : last;
            return width > 0 ? buffer_append_text(out, "…") : STATUS_OK;
        }
        if (taken > 0)
            last = start;
        used += taken;
    }
    return STATUS_OK;
}
