#include "import/import_regex.h"

#include <string.h>

#include "base/buffer.h"
#include "text/utf8.h"

#define REGEX_SIZE_MAX ((size_t)4 * MODEL_REGEX_SIZE_MAX)

bool import_flags_read(struct span letters, struct import_flags *ret_flags, char *ret_bad)
{
    struct import_flags flags = {0};
    for (size_t i = 0; i < letters.size; i++) {
        char letter = (char)letters.data[i];
        flags.caseless |= letter == 'i';
        flags.dotall |= letter == 's';
        flags.multiline |= letter == 'm';
        flags.extended |= letter == 'x';
        if (letter == '\0' || !strchr("ismxgou", letter)) {
            *ret_bad = letter;
            return false;
        }
    }
    *ret_flags = flags;
    return true;
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool import_regex_delimited(struct span text, struct span *ret_regex, struct span *ret_flags)
{
    static const char pairs[][2] = {{'{', '}'}, {'(', ')'}, {'[', ']'}, {'<', '>'}};
    size_t start = text.size > 1 && text.data[0] == 'm' && !is_letter(text.data[1]) ? 1 : 0;
    if (text.size < start + 2 || (start == 0 && text.data[0] != '/')) {
        return false;
    }
    uint8_t open = text.data[start], close = open;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        close = open == (uint8_t)pairs[i][0] ? (uint8_t)pairs[i][1] : close;
    }
    size_t end = text.size;
    while (end > start + 1 && is_letter(text.data[end - 1])) {
        end--;
    }
    if (end <= start + 1 || text.data[end - 1] != close || open == '\\' || open == ' ' ||
        (open >= '0' && open <= '9')) {
        return false;
    }
    *ret_regex = span_of(text.data + start + 1, end - start - 2);
    *ret_flags = span_of(text.data + end, text.size - end);
    return true;
}

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* `count` hexadecimal digits at the start of `text`. */
static bool read_digits(struct span text, size_t count, uint32_t *ret_value)
{
    uint32_t value = 0;
    if (text.size < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0) {
            return false;
        }
        value = value << 4 | (uint32_t)digit;
    }
    *ret_value = value;
    return true;
}

static struct span behind(struct span text, size_t size)
{
    return span_of(text.data + size, text.size - size);
}

/* \uXXXX, two of them for one character, or \UXXXXXXXX at the start of `text`; returns how many bytes, 0: none. */
static size_t read_unicode(struct span text, uint32_t *ret_code_point)
{
    uint32_t value, second;
    if (text.size < 2 || text.data[0] != '\\') {
        return 0;
    }
    if (text.data[1] == 'U' && read_digits(behind(text, 2), 8, &value) && value <= 0x10FFFF) {
        *ret_code_point = value;
        return 10;
    }
    if (text.data[1] != 'u' || !read_digits(behind(text, 2), 4, &value)) {
        return 0;
    }
    *ret_code_point = value;
    struct span rest = behind(text, 6);
    if (value >= 0xD800 && value < 0xDC00 && rest.size >= 6 && rest.data[0] == '\\' && rest.data[1] == 'u' &&
        read_digits(behind(rest, 2), 4, &second) && second >= 0xDC00 && second < 0xE000) {
        *ret_code_point = 0x10000 + ((value - 0xD800) << 10) + (second - 0xDC00);
        return 12;
    }
    return 6;
}

/* Is there a dot that may stand for a line break? One inside a class counts as well: the flag is harmless there. */
static bool has_dot(struct span regex)
{
    for (size_t i = 0; i < regex.size; i++) {
        if (regex.data[i] == '.') {
            return true;
        }
        i += regex.data[i] == '\\';
    }
    return false;
}

struct span import_regex_write(struct import *import, struct span regex, struct import_flags flags)
{
    struct buffer out = BUFFER_INIT(REGEX_SIZE_MAX + IMPORT_LINE_SIZE_MAX);
    enum status status = STATUS_OK;
    flags.dotall |= !has_dot(regex);
    if (!flags.caseless || !flags.dotall || flags.multiline || flags.extended) {
        const char *minus = flags.caseless && flags.dotall ? "" : "-";
        status = buffer_print(&out, "(?%s%s%s%s%s)", flags.multiline ? "m" : "", flags.extended ? "x" : "", minus,
                              flags.caseless ? "" : "i", flags.dotall ? "" : "s");
    }
    for (size_t at = 0; at < regex.size && status == STATUS_OK;) {
        uint32_t c = 0;
        size_t size = read_unicode(behind(regex, at), &c);
        if (size > 0) {
            status = buffer_print(&out, "\\x{%X}", c);
        } else {
            size = regex.data[at] == '\\' && at + 1 < regex.size ? 2 : 1;
            size_t slash = size == 2 && regex.data[at + 1] == '/'; /* nothing special where no slashes stand around */
            status = buffer_append(&out, regex.data + at + slash, size - slash);
        }
        at += size;
    }
    import->no_memory |= status == STATUS_NO_MEMORY;
    const char *copy = import_copy(import, buffer_span(&out));
    struct span written = span_of(copy, out.size);
    buffer_free(&out);
    return import->no_memory ? span_of("", 0) : written;
}

/* \xNN at the start of `text`. */
static bool read_byte(struct span text, uint8_t *ret_byte)
{
    uint32_t value;
    if (text.size < 4 || text.data[0] != '\\' || text.data[1] != 'x' || !read_digits(behind(text, 2), 2, &value)) {
        return false;
    }
    *ret_byte = (uint8_t)value;
    return true;
}

/* Escapes of bytes at the start of `text` that make one character together; returns how many bytes of text, 0: none. */
static size_t read_character(struct span text, uint32_t *ret_code_point)
{
    uint8_t bytes[4];
    size_t count = 0;
    while (count < 4 && read_byte(behind(text, 4 * count), &bytes[count])) {
        count++;
    }
    if (count < 2 || bytes[0] < 0xC2) {
        return 0;
    }
    size_t size = utf8_decode(span_of(bytes, count), ret_code_point);
    return size > 1 && *ret_code_point != UTF8_REPLACEMENT ? 4 * size : 0;
}

size_t import_regex_class(struct span text)
{
    size_t at = 1;
    at += at < text.size && text.data[at] == '^';
    at += at < text.size && text.data[at] == ']';
    while (at < text.size && text.data[at] != ']') {
        struct span rest = behind(text, at);
        bool named = rest.size > 2 && rest.data[0] == '[' && strchr(":.=", rest.data[1]) && rest.data[1];
        const uint8_t *end = named ? memchr(rest.data + 2, ']', rest.size - 2) : NULL; /* [:alpha:] */
        at += end ? (size_t)(end - rest.data) + 1 : rest.data[0] == '\\' && rest.size > 1 ? 2 : 1;
    }
    return at < text.size ? at + 1 : text.size;
}

/* Does it name \x80 to \xFF? */
static bool names_high(struct span text)
{
    uint8_t byte;
    for (size_t at = 0; at < text.size; at++) {
        if (read_byte(behind(text, at), &byte) && byte >= 0x80) {
            return true;
        }
        at += text.data[at] == '\\';
    }
    return false;
}

struct span import_regex_from_bytes(struct import *import, struct span regex, bool *ret_high, bool *ret_bytes)
{
    struct buffer out = BUFFER_INIT(REGEX_SIZE_MAX);
    enum status status = STATUS_OK;
    uint32_t high_before = 0; /* how many of the elements right before this one are \x80 to \xFF, or classes of them */
    for (size_t at = 0; at < regex.size && status == STATUS_OK;) {
        struct span rest = behind(regex, at);
        uint32_t c;
        uint8_t byte = 0;
        bool high = false;
        size_t size = read_character(rest, &c);
        if (size > 0) {
            status = buffer_print(&out, "\\x{%X}", c);
        } else {
            bool is_class = rest.data[0] == '[';
            size = is_class ? import_regex_class(rest) : rest.data[0] == '\\' && rest.size > 1 ? 2 : 1;
            high = is_class && names_high(span_of(rest.data, size));
            high |= read_byte(rest, &byte) && byte >= 0x80;
            status = buffer_append(&out, rest.data, size);
        }
        bool digits = byte >= 0x80 && size == 2; /* its two digits come next, and belong to it */
        if (digits) {
            status = status == STATUS_OK ? buffer_append(&out, rest.data + 2, 2) : status;
            size = 4;
        }
        *ret_high |= high;
        *ret_bytes |= high && high_before > 0;
        high_before = high ? high_before + 1 : 0;
        at += size;
    }
    import->no_memory |= status == STATUS_NO_MEMORY;
    const char *copy = import_copy(import, buffer_span(&out));
    struct span written = span_of(copy, out.size);
    buffer_free(&out);
    return import->no_memory ? span_of("", 0) : written;
}

enum view import_regex_view(const struct import *import, struct span regex, struct import_flags flags)
{
    static const char *const cases[] = {"(?-i", "(?^", "-i)", "-i:", "-is", "-si"};
    if (import->options->view != VIEW_FOLDED || !flags.caseless) {
        return VIEW_RAW;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (memmem(regex.data, regex.size, cases[i], strlen(cases[i]))) {
            return VIEW_RAW;
        }
    }
    return VIEW_FOLDED;
}
