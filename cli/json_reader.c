#include "cli/json_reader.h"

#include <endian.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/json_text.h"

void json_reader_start(struct json_reader *reader, uint8_t *bytes, size_t size)
{
    *reader = (struct json_reader){.end = bytes + size};
    reader->at = bytes;
}

static void skip_space(struct json_reader *reader)
{
    while (reader->at < reader->end &&
           (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r')) {
        reader->at++;
    }
}

static bool take(struct json_reader *reader, uint8_t byte)
{
    if (reader->at == reader->end || *reader->at != byte) {
        return false;
    }
    reader->at++;
    return true;
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

#ifdef __SSE2__
/* Over the bytes of a text that stand for themselves, sixteen at a time. */
static uint8_t *skip_plain_blocks(uint8_t *at, const uint8_t *end)
{
    const __m128i space = _mm_set1_epi8(' '), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* Bytes from 0x80 on are negative numbers here, and below a space too. */
        __m128i special = _mm_or_si128(_mm_cmplt_epi8(bytes, space),
                                       _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        int mask = _mm_movemask_epi8(special);
        if (mask != 0) {
            return at + __builtin_ctz((unsigned)mask);
        }
        at += 16;
    }
    return at;
}
#else
#define ONES 0x0101010101010101u
#define TOPS 0x8080808080808080u

/* The same, eight at a time, on any machine. */
static uint8_t *skip_plain_blocks(uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        uint64_t quote = word ^ ONES * '"', backslash = word ^ ONES * '\\';
        /* The lowest top bit that is set marks the first byte that is not plain; higher ones may be wrong. */
        uint64_t special =
            (((word - ONES * 0x20) & ~word) | word | ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash)) &
            TOPS;
        if (special != 0) {
            return at + __builtin_ctzll(special) / 8;
        }
        at += 8;
    }
    return at;
}
#endif

static uint8_t *skip_plain(uint8_t *at, const uint8_t *end)
{
    at = skip_plain_blocks(at, end);
    while (at < end && is_plain(*at)) {
        at++;
    }
    return at;
}

static bool read_unit(struct json_reader *reader, uint32_t *ret_unit)
{
    uint32_t unit = 0;
    if (reader->end - reader->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        uint8_t digit = *reader->at++;
        uint8_t letter = digit | 0x20;
        if (digit >= '0' && digit <= '9') {
            unit = unit << 4 | (digit - (uint32_t)'0');
        } else if (letter >= 'a' && letter <= 'f') {
            unit = unit << 4 | (letter - (uint32_t)'a' + 10);
        } else {
            return false;
        }
    }
    *ret_unit = unit;
    return true;
}

/* After "\u": one unit, or two that make a character together. */
static bool read_code_point(struct json_reader *reader, uint32_t *ret_code_point)
{
    uint32_t high, low;
    if (!read_unit(reader, &high)) {
        return false;
    }
    if (high < 0xd800 || high > 0xdfff) {
        *ret_code_point = high;
        return true;
    }
    if (high > 0xdbff || !take(reader, '\\') || !take(reader, 'u') || !read_unit(reader, &low) || low < 0xdc00 ||
        low > 0xdfff) {
        return false;
    }
    *ret_code_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static uint8_t *write_utf8(uint8_t *to, uint32_t code_point)
{
    if (code_point < 0x80) {
        *to++ = (uint8_t)code_point;
    } else if (code_point < 0x800) {
        *to++ = (uint8_t)(0xc0 | code_point >> 6);
        *to++ = (uint8_t)(0x80 | (code_point & 0x3f));
    } else if (code_point < 0x10000) {
        *to++ = (uint8_t)(0xe0 | code_point >> 12);
        *to++ = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code_point & 0x3f));
    } else {
        *to++ = (uint8_t)(0xf0 | code_point >> 18);
        *to++ = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code_point & 0x3f));
    }
    return to;
}

/* After a backslash. What is written is always shorter than what stands there. */
static bool read_escape(struct json_reader *reader, uint8_t **to)
{
    static const char names[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    if (reader->at == reader->end) {
        return false;
    }
    uint8_t name = *reader->at++;
    if (name == 'u') {
        uint32_t code_point;
        if (!read_code_point(reader, &code_point)) {
            return false;
        }
        *to = write_utf8(*to, code_point);
        return true;
    }
    for (size_t i = 0; i + 1 < sizeof names; i += 2) {
        if ((uint8_t)names[i] == name) {
            *(*to)++ = (uint8_t)names[i + 1];
            return true;
        }
    }
    return false;
}

/* After the opening quote. */
static bool read_text(struct json_reader *reader, struct span *ret_text)
{
    uint8_t *from = reader->at;
    reader->at = skip_plain(from, reader->end);
    uint8_t *to = reader->at; /* from here on things may move down */
    while (reader->at < reader->end && *reader->at != '"') {
        uint32_t code_point;
        uint8_t *run = reader->at;
        if (*run == '\\') {
            reader->at++;
            if (!read_escape(reader, &to)) {
                return false;
            }
            continue;
        }
        if (*run >= 0x80) {
            size_t size = json_text_character(run, (size_t)(reader->end - run), &code_point);
            if (size == 0) {
                return false;
            }
            reader->at += size;
        } else {
            reader->at = skip_plain(run, reader->end);
            if (reader->at == run) {
                return false; /* a control character */
            }
        }
        memmove(to, run, (size_t)(reader->at - run));
        to += reader->at - run;
    }
    *ret_text = span_of(from, (size_t)(to - from));
    return take(reader, '"');
}

static size_t skip_digits(struct json_reader *reader)
{
    const uint8_t *from = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        reader->at++;
    }
    return (size_t)(reader->at - from);
}

/* The digits in [from, end), at least one. False if they do not fit. */
static bool whole_number(const uint8_t *from, const uint8_t *end, bool negative, int64_t *ret_whole)
{
    int64_t whole = 0;
    for (; from < end; from++) {
        int digit = *from - '0';
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, negative ? -digit : digit, &whole)) {
            return false;
        }
    }
    *ret_whole = whole;
    return true;
}

static bool read_number(struct json_reader *reader, struct json_reader_value *ret_value)
{
    const uint8_t *from = reader->at;
    bool negative = take(reader, '-');
    const uint8_t *digits = reader->at;
    size_t count = skip_digits(reader);
    if (count == 0 || (count > 1 && digits[0] == '0')) {
        return false;
    }
    const uint8_t *end = reader->at;
    bool whole = true;
    if (take(reader, '.')) {
        whole = false;
        if (skip_digits(reader) == 0) {
            return false;
        }
    }
    if (take(reader, 'e') || take(reader, 'E')) {
        whole = false;
        if (!take(reader, '+')) {
            (void)take(reader, '-');
        }
        if (skip_digits(reader) == 0) {
            return false;
        }
    }
    ret_value->kind = whole ? JSON_READER_WHOLE : JSON_READER_FRACTION;
    ret_value->text = span_of(from, (size_t)(reader->at - from));
    return !whole || whole_number(digits, end, negative, &ret_value->whole);
}

static bool read_word(struct json_reader *reader, const char *word, enum json_reader_kind kind,
                      struct json_reader_value *ret_value)
{
    size_t size = strlen(word);
    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0) {
        return false;
    }
    reader->at += size;
    ret_value->kind = kind;
    return true;
}

bool json_reader_value(struct json_reader *reader, struct json_reader_value *ret_value)
{
    *ret_value = (struct json_reader_value){.kind = JSON_READER_NULL};
    skip_space(reader);
    if (reader->at == reader->end) {
        return false;
    }
    switch (*reader->at) {
    case '"':
        reader->at++;
        ret_value->kind = JSON_READER_TEXT;
        return read_text(reader, &ret_value->text);
    case '[':
        ret_value->kind = JSON_READER_ARRAY;
        return true;
    case '{':
        ret_value->kind = JSON_READER_OBJECT;
        return true;
    case 'n':
        return read_word(reader, "null", JSON_READER_NULL, ret_value);
    case 't':
        return read_word(reader, "true", JSON_READER_TRUE, ret_value);
    case 'f':
        return read_word(reader, "false", JSON_READER_FALSE, ret_value);
    default:
        return read_number(reader, ret_value);
    }
}

void json_reader_enter(struct json_reader *reader)
{
    reader->at++;
}

static bool read_name(struct json_reader *reader, struct span *ret_name)
{
    skip_space(reader);
    if (!take(reader, '"') || !read_text(reader, ret_name)) {
        return false;
    }
    skip_space(reader);
    return take(reader, ':');
}

bool json_reader_next(struct json_reader *reader, bool first, bool *ret_more, struct span *ret_name)
{
    skip_space(reader);
    if (take(reader, ret_name ? '}' : ']')) {
        *ret_more = false;
        return true;
    }
    if (!first && !take(reader, ',')) {
        return false;
    }
    *ret_more = true;
    return ret_name == NULL ||
           read_name(reader, ret_name); /* after a comma a closing bracket is no value, nor a name */
}

static void push(uint64_t *open, unsigned depth, bool object)
{
    uint64_t bit = UINT64_C(1) << depth % 64;
    open[depth / 64] = object ? open[depth / 64] | bit : open[depth / 64] & ~bit;
}

bool json_reader_skip(struct json_reader *reader)
{
    uint64_t open[JSON_READER_DEPTH_MAX / 64] = {0}; /* a bit for each level: whether it is an object */
    unsigned depth = 0;
    bool first = true;
    push(open, depth++, *reader->at == '{');
    json_reader_enter(reader);
    while (depth > 0) {
        struct json_reader_value value;
        struct span name;
        bool more;
        bool object = (open[(depth - 1) / 64] >> (depth - 1) % 64 & 1) != 0;
        if (!json_reader_next(reader, first, &more, object ? &name : NULL)) {
            return false;
        }
        first = false;
        if (!more) {
            depth--;
            continue;
        }
        if (!json_reader_value(reader, &value)) {
            return false;
        }
        if (value.kind == JSON_READER_ARRAY || value.kind == JSON_READER_OBJECT) {
            if (depth == JSON_READER_DEPTH_MAX) {
                return false;
            }
            push(open, depth++, value.kind == JSON_READER_OBJECT);
            json_reader_enter(reader);
            first = true;
        }
    }
    return true;
}

bool json_reader_end(struct json_reader *reader)
{
    skip_space(reader);
    return reader->at == reader->end;
}
