#include "import/import_lines.h"

#include <string.h>

#include "import/import_draft.h"
#include "text/utf8.h"

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f' || byte == '\v';
}

struct import_lines import_lines_of(struct span text)
{
    if (import_span_begins(text, "\xEF\xBB\xBF")) {
        text = span_of(text.data + 3, text.size - 3);
    }
    return (struct import_lines){.rest = text};
}

static bool is_sound(struct import *import, uint32_t number, struct span line)
{
    if (import_span_begins(import_trim(line), "#")) {
        return true;
    }
    if (line.size > IMPORT_LINE_SIZE_MAX) {
        import_note(import, FINDING_ERROR, "long-line", number, NULL, "this line has %zu bytes; at most %u are read",
                    line.size, IMPORT_LINE_SIZE_MAX);
        return false;
    }
    if (!utf8_valid(line)) {
        import_note(import, FINDING_ERROR, "not-utf-8", number, "save the file as UTF-8",
                    "this line holds bytes that are not UTF-8");
        return false;
    }
    return true;
}

bool import_lines_next(struct import *import, struct import_lines *lines, struct span *ret_line)
{
    while (lines->rest.size > 0) {
        const uint8_t *start = lines->rest.data;
        const uint8_t *end = memchr(start, '\n', lines->rest.size);
        struct span line = span_of(start, end ? (size_t)(end - start) : lines->rest.size);
        size_t taken = line.size + (end != NULL);
        lines->rest = span_of(start + taken, lines->rest.size - taken);
        lines->number++;
        if (line.size > 0 && line.data[line.size - 1] == '\r') {
            line.size--;
        }
        if (is_sound(import, lines->number, line)) {
            *ret_line = line;
            return true;
        }
    }
    return false;
}

struct span import_trim(struct span text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text = span_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

struct span import_word(struct span *text)
{
    size_t size = 0;
    while (size < text->size && !is_space(text->data[size])) {
        size++;
    }
    struct span word = span_of(text->data, size);
    *text = import_trim(span_of(text->data + size, text->size - size));
    return word;
}

bool import_span_is(struct span text, const char *word)
{
    return span_equal(text, span_text(word));
}

bool import_span_begins(struct span text, const char *start)
{
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

bool import_span_fits(struct span text, struct span pattern)
{
    size_t at = 0, star = SIZE_MAX, resume = 0, i = 0;
    while (i < text.size) {
        if (at < pattern.size && pattern.data[at] == '*') {
            star = at++;
            resume = i;
        } else if (at < pattern.size && (pattern.data[at] == '?' || pattern.data[at] == text.data[i])) {
            at++;
            i++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (at < pattern.size && pattern.data[at] == '*') {
        at++;
    }
    return at == pattern.size;
}
