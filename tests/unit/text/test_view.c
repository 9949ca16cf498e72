/* Views against a plain reference, their maps, and hostile text. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>

#include "tests/support/guard.h"
#include "text/fold.h"
#include "text/utf8.h"
#include "text/view.h"

#define SIZE_MAX_HERE (1u << 24)

static int set_up(void **state)
{
    (void)state;
    return view_start() != STATUS_OK;
}

static struct span fold(struct span message, struct buffer *out)
{
    buffer_clear(out);
    assert_int_equal(view_append(VIEW_FOLDED, message, out, NULL), STATUS_OK);
    return buffer_span(out);
}

static void expect_fold(const char *message, const char *expected)
{
    struct buffer out = BUFFER_INIT(SIZE_MAX_HERE);
    struct span view = fold(span_text(message), &out);
    if (!span_equal(view, span_text(expected)))
        fail_msg("\"%s\" folds to \"%.*s\", not to \"%s\"", message, (int)view.size, (const char *)view.data, expected);
    buffer_free(&out);
}

/* ---- The reference: what view.h says, one step after the other over whole texts, with no thought of speed. ---- */

struct letters {
    uint32_t *items;
    size_t count;
};

static void push(struct letters *text, uint32_t c)
{
    if ((text->count & (text->count + 1)) == 0) {
        text->items = realloc(text->items, (2 * text->count + 2) * sizeof(uint32_t));
        assert_non_null(text->items);
    }
    text->items[text->count++] = c;
}

static void normalise(struct letters *text)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&error);
    size_t capacity = 20 * text->count + 8;
    UChar *in = malloc(capacity * sizeof(UChar)), *out = malloc(capacity * sizeof(UChar));
    assert_true(in && out);
    int32_t size = 0;
    for (size_t i = 0; i < text->count; i++)
        U16_APPEND_UNSAFE(in, size, text->items[i]);
    size = unorm2_normalize(normalizer, in, size, out, (int32_t)capacity, &error);
    assert_true(U_SUCCESS(error));
    free(text->items);
    *text = (struct letters){0};
    for (int32_t at = 0; at < size;) {
        UChar32 c;
        U16_NEXT(out, at, size, c);
        push(text, (uint32_t)c);
    }
    free(in);
    free(out);
}

static uint32_t plain_letter(uint32_t c)
{
    static const char *const styles[] = {"LATIN LETTER SMALL CAPITAL ", "NEGATIVE CIRCLED LATIN CAPITAL LETTER ",
                                         "NEGATIVE SQUARED LATIN CAPITAL LETTER "};
    char name[128];
    UErrorCode error = U_ZERO_ERROR;
    if (c >= 0x1CCD6 && c <= 0x1CCEF)
        return 'a' + (c - 0x1CCD6);
    if (c < 0x80)
        return c;
    u_charName((UChar32)c, U_UNICODE_CHAR_NAME, name, (int32_t)sizeof(name), &error);
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(styles[i]);
        if (strncmp(name, styles[i], size) == 0 && strlen(name) == size + 1)
            return (uint32_t)u_tolower(name[size]);
    }
    return c;
}

static bool in_spaceless_script(uint32_t c)
{
    static const UScriptCode scripts[] = {USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA, USCRIPT_THAI,
                                          USCRIPT_LAO, USCRIPT_KHMER,    USCRIPT_MYANMAR,  USCRIPT_TIBETAN};
    for (size_t i = 0; i < 8; i++) {
        if (uscript_hasScript((UChar32)c, scripts[i]))
            return true;
    }
    return false;
}

static bool is_a(uint32_t c, uint32_t mask)
{
    return (U_GET_GC_MASK((UChar32)c) & mask) != 0;
}

static bool is_weak(uint32_t c)
{
    return fold_look_alike(c) && (is_a(c, U_GC_N_MASK) || in_spaceless_script(c));
}

static bool is_plain_letter(const struct letters *text, size_t at)
{
    uint32_t c = at < text->count ? text->items[at] : ' ';
    return is_a(c, U_GC_L_MASK) && !in_spaceless_script(c);
}

/* 0: breaks words; 1: part of a word; 2: and a look-alike to be mapped if the word mixes scripts */
static int role(const struct letters *text, size_t at)
{
    uint32_t c = text->items[at];
    if (!is_a(c, U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK))
        return 0;
    if (!is_weak(c))
        return in_spaceless_script(c) ? 0 : fold_look_alike(c) ? 2 : 1;
    size_t start = at, end = at;
    bool spaceless = false;
    while (start > 0 && is_weak(text->items[start - 1]))
        start--;
    while (end < text->count && is_weak(text->items[end]))
        end++;
    for (size_t i = start; i < end; i++)
        spaceless = spaceless || in_spaceless_script(text->items[i]);
    uint32_t before = start > 0 ? text->items[start - 1] : ' ';
    bool enclosed =
        is_a(before, U_GC_L_MASK | U_GC_M_MASK) && !in_spaceless_script(before) && is_plain_letter(text, end);
    return enclosed ? 2 : spaceless ? 0 : 1;
}

static bool mixes_scripts(const struct letters *text, size_t start, size_t end)
{
    UScriptCode first = USCRIPT_COMMON;
    for (size_t i = start; i < end; i++) {
        UErrorCode error = U_ZERO_ERROR;
        UScriptCode script = uscript_getScript((UChar32)text->items[i], &error);
        if (!is_a(text->items[i], U_GC_L_MASK) || script == USCRIPT_COMMON || script == USCRIPT_INHERITED)
            continue;
        if (script == USCRIPT_LATIN || (first != USCRIPT_COMMON && script != first))
            return true;
        first = script;
    }
    return false;
}

static void map_words(struct letters *text)
{
    struct letters mapped = {0};
    for (size_t i = 0; i < text->count;) {
        size_t end = i;
        while (end < text->count && role(text, end) != 0)
            end++;
        if (end == i) {
            push(&mapped, text->items[i++]);
            continue;
        }
        bool mixed = mixes_scripts(text, i, end);
        for (; i < end; i++) {
            const char *imitated = mixed && role(text, i) == 2 ? fold_look_alike(text->items[i]) : NULL;
            if (!imitated)
                push(&mapped, text->items[i]);
            for (; imitated && *imitated; imitated++)
                push(&mapped, (uint32_t)*imitated);
        }
    }
    free(text->items);
    *text = mapped;
}

static void reference(struct span message, struct buffer *out)
{
    struct letters text = {0};
    for (size_t at = 0; at < message.size;) {
        uint32_t c;
        at += utf8_decode(span_of(message.data + at, message.size - at), &c);
        push(&text, c);
    }
    normalise(&text);
    for (size_t i = 0; i < text.count; i++)
        text.items[i] = plain_letter(text.items[i]);
    normalise(&text);
    map_words(&text);
    normalise(&text);
    buffer_clear(out);
    for (size_t i = 0; i < text.count; i++) {
        uint8_t bytes[4] = " ";
        bool space = u_isUWhiteSpace((UChar32)text.items[i]);
        uint32_t size = space ? 1 : utf8_encode(text.items[i], bytes);
        if (!(space && i > 0 && u_isUWhiteSpace((UChar32)text.items[i - 1])))
            assert_int_equal(buffer_append(out, bytes, size), STATUS_OK);
    }
    free(text.items);
}

/* ---- What every view and map must hold to. ---- */

static void print_bytes(const char *what, struct span text)
{
    print_message("%s:", what);
    for (size_t i = 0; i < text.size && i < 400; i++)
        print_message(" %02X", text.data[i]);
    print_message("\n");
}

/* May the message's bytes have given these bytes of the view? Alone, or in a word with Latin letters around. */
static bool gives(struct span raw, struct span view)
{
    struct buffer out = BUFFER_INIT(SIZE_MAX_HERE), around = BUFFER_INIT(SIZE_MAX_HERE);
    bool found = span_equal(fold(raw, &out), view);
    for (int ends = 1; ends <= 2 && !found; ends++) {
        buffer_clear(&around);
        assert_int_equal(buffer_append_byte(&around, 'q'), STATUS_OK);
        assert_int_equal(buffer_append(&around, raw.data, raw.size), STATUS_OK);
        assert_int_equal(buffer_append_text(&around, ends == 2 ? "q" : ""), STATUS_OK);
        struct span folded = fold(buffer_span(&around), &out);
        found = folded.size >= (size_t)ends && span_equal(span_of(folded.data + 1, folded.size - (size_t)ends), view);
    }
    buffer_free(&out);
    buffer_free(&around);
    return found;
}

static void check_segments(struct span message, struct span view, const struct view_map *map)
{
    assert_int_equal(map->view_size, view.size);
    assert_int_equal(map->raw_size, message.size);
    assert_true((map->count == 0) == (view.size == 0));
    for (uint32_t i = 0; i < map->count; i++) {
        const struct view_segment *segment = &map->segments[i];
        uint32_t end = i + 1 < map->count ? segment[1].view_start : map->view_size;
        assert_true(i > 0 || segment->view_start == 0);
        assert_true(segment->view_start < end);
        assert_true(segment->raw_start < segment->raw_end && segment->raw_end <= message.size);
        assert_true(i == 0 || segment->raw_start == segment[-1].raw_end);
        if (segment->linear)
            assert_int_equal(end - segment->view_start, segment->raw_end - segment->raw_start);
        struct span part = span_of(view.data + segment->view_start, end - segment->view_start);
        /* A segment that begins with white space folded away after a space shows only the rest. */
        if (!segment->linear &&
            !gives(span_of(message.data + segment->raw_start, segment->raw_end - segment->raw_start), part)) {
            struct buffer spaced = BUFFER_INIT(SIZE_MAX_HERE);
            bool after_space = segment->view_start > 0 && view.data[segment->view_start - 1] == ' ';
            assert_int_equal(buffer_append_text(&spaced, " "), STATUS_OK);
            assert_int_equal(buffer_append(&spaced, part.data, part.size), STATUS_OK);
            if (!after_space ||
                !gives(span_of(message.data + segment->raw_start, segment->raw_end - segment->raw_start),
                       buffer_span(&spaced))) {
                print_bytes("message", message);
                print_bytes("view", view);
                fail_msg("segment %u", i);
            }
            buffer_free(&spaced);
        }
    }
}

static void check_spans(struct span message, struct span view, const struct view_map *map)
{
    uint32_t start, end, last_start = 0, last_end = 0;
    view_map_span(map, 0, map->view_size, &start, &end);
    assert_true(view.size == 0 || (start == 0 && end == message.size));
    for (uint32_t at = 0; at < view.size;) {
        uint32_t c;
        uint32_t size = utf8_decode(span_of(view.data + at, view.size - at), &c);
        view_map_span(map, at, at + size, &start, &end);
        assert_true(start < end && end <= message.size && start >= last_start && end >= last_end);
        assert_true(start >= last_end || end == last_end); /* apart, or of one segment */
        last_start = start;
        last_end = end;
        uint32_t empty_start, empty_end, wide_start, wide_end;
        view_map_span(map, at, at, &empty_start, &empty_end);
        assert_true(empty_start == empty_end && empty_start <= end);
        view_map_span(map, at / 2, at + size, &wide_start, &wide_end);
        assert_true(wide_start <= start && wide_end == end);
        at += size;
    }
    view_map_span(map, map->view_size, map->view_size, &start, &end);
    assert_true(start == message.size && end == message.size);
}

static void check_view(enum view kind, struct span message, struct span expected)
{
    struct buffer plain = BUFFER_INIT(SIZE_MAX_HERE), mapped = BUFFER_INIT(SIZE_MAX_HERE);
    struct view_map map = {0};
    assert_int_equal(buffer_append_text(&mapped, "x "), STATUS_OK); /* what stands before must not matter */
    assert_int_equal(view_append(kind, message, &plain, NULL), STATUS_OK);
    assert_int_equal(view_append(kind, message, &mapped, &map), STATUS_OK);
    struct span view = buffer_span(&plain);
    assert_true(span_equal(view, span_of(mapped.data + 2, mapped.size - 2)));
    if (!span_equal(view, expected)) {
        print_bytes("message", message);
        print_bytes("view", view);
        print_bytes("expected", expected);
        fail();
    }
    assert_true(utf8_valid(view));
    if (kind == VIEW_FOLDED) {
        assert_null(view.size ? memchr(view.data, '\n', view.size) : NULL);
        check_segments(message, view, &map);
        struct buffer again = BUFFER_INIT(SIZE_MAX_HERE);
        if (!span_equal(fold(view, &again), view)) {
            print_bytes("message", message);
            print_bytes("view", view);
            print_bytes("folded again", buffer_span(&again));
            fail();
        }
        buffer_free(&again);
    }
    check_spans(message, view, &map);
    view_map_free(&map);
    buffer_free(&plain);
    buffer_free(&mapped);
}

static void check_folded(struct span message)
{
    struct buffer expected = BUFFER_INIT(SIZE_MAX_HERE);
    reference(message, &expected);
    check_view(VIEW_FOLDED, message, buffer_span(&expected));
    buffer_free(&expected);
}

static void folds(void **state)
{
    (void)state;
    assert_int_equal(view_start(), STATUS_OK); /* again, as it may be */
    static const char *const cases[][2] = {
        {"", ""},
        {"Hello  World", "hello world"},
        {" \t\r\n\v\f ", " "},
        {"a\xC2\x85\xC2\xA0\xE2\x80\xA8\xE2\x80\xA9\xE3\x80\x80"
         "b",
         "a b"},
        {"\x01\x7F", "\x01\x7F"},
        {"k\xE2\x80\x8Bi\xC2\xADl\xE2\x81\xA0l", "kill"},
        {"\xEF\xBB\xBFhi", "hi"},
        {"a \xE2\x80\x8B b", "a b"},
        {"p\xD0\xB0yp\xD0\xB0l", "paypal"},
        {"\xD0\xA0\xD0\xBE\xD1\x81\xD1\x81\xD0\xB8\xD1\x8F", "\xD1\x80\xD0\xBE\xD1\x81\xD1\x81\xD0\xB8\xD1\x8F"},
        {"\xE1\xB4\x8B\xC9\xAA\xCA\x9F\xCA\x9F", "kill"}, /* small capitals */
        {"\xF0\x9F\x85\xB1"
         "ad",
         "bad"},                                                                      /* negative squared B */
        {"\xF0\x9D\x95\xB6\xF0\x9D\x96\x8E\xF0\x9D\x96\x91\xF0\x9D\x96\x91", "kill"}, /* mathematical Fraktur */
        {"\xEF\xBC\xAB\xEF\xBD\x89\xEF\xBD\x8C\xEF\xBD\x8C", "kill"},                 /* fullwidth */
        {"Stra\xC3\x9F"
         "e",
         "strasse"},
        {"a long internation\xD0\xB0", "a long internationa"}, /* words that reach into long stretches of ASCII */
        {"\xD0\xB0nother international one", "another international one"},
        {"\xD0\xB0"
         "12345678901234567890q",
         "a12345678901234567890q"},
        {"q12345678901234567890\xD0\xB0", "q12345678901234567890a"},
        {"\xD0\xB0"
         "12345678901234567890 q",
         "\xD0\xB0"
         "12345678901234567890 q"},
        {"k\xC4\xB1ll", "kill"},                                        /* dotless i */
        {"\xC3\xA6sj \xC3\xBE\xC3\xBA", "\xC3\xA6sj \xC3\xBE\xC3\xBA"}, /* everyday letters stay */
        {"\xDB\xB5GB", "\xDB\xB5gb"},                                   /* a Persian digit beside letters */
        {"f\xDB\xB5\xDB\xB5l", "fool"},                                 /* and inside a word */
        {"\xD0\xBA\xD0\xBE\xD1\x82\xE6\x97\xA5", "\xD0\xBA\xD0\xBE\xD1\x82\xE6\x97\xA5"}, /* beside Han: apart */
        {"\xD1\x80\xCE\xBF", "po"},                                                       /* Cyrillic and Greek */
        {"x\xD0\xB0\xCC\x81", "x\xC3\xA1"},                                               /* composed after mapping */
        {"a\xFF"
         "b",
         "a\xEF\xBF\xBD"
         "b"},
        {"\xED\x95\x9C", "\xED\x95\x9C"},
        {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C"}, /* Jamo */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_fold(cases[i][0], cases[i][1]);
        check_folded(span_text(cases[i][0]));
    }
    check_folded(span_of("a\0B", 3));
}

static void maps_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *message, *found;
        const char *raw; /* what of the message it is */
    } cases[] = {
        {"say HELLO there", "hello", "HELLO"},
        {"say  HELLO", " hello", "  HELLO"},
        {"say\r\n\r\nHELLO", "y h", "y\r\n\r\nH"},
        {"a p\xD0\xB0yp\xD0\xB0l b", "paypal", "p\xD0\xB0yp\xD0\xB0l"},
        {"a p\xD0\xB0yp\xD0\xB0l b", "yp", "yp"},
        {"k\xE2\x80\x8Bi\xE2\x80\x8Bll!", "kill", "k\xE2\x80\x8Bi\xE2\x80\x8Bll"},
        {"xcafe\xCC\x81y", "caf\xC3\xA9", "cafe\xCC\x81"},
        {"Stra\xC3\x9F"
         "e",
         "s", "S"},
        {"Ta\xC3\x9F"
         "e",
         "ass", "a\xC3\x9F"},
        {"Ta\xC3\x9F"
         "e",
         "se",
         "\xC3\x9F"
         "e"}, /* one half: the whole letter */
        {"\xFF\xFE kill", "kill", "kill"},
        {"\xEF\xBB\xBFhi", "hi", "\xEF\xBB\xBFhi"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer out = BUFFER_INIT(SIZE_MAX_HERE);
        struct view_map map = {0};
        assert_int_equal(view_append(VIEW_FOLDED, span_text(cases[i].message), &out, &map), STATUS_OK);
        const uint8_t *at = memmem(out.data, out.size, cases[i].found, strlen(cases[i].found));
        assert_non_null(at);
        uint32_t offset = (uint32_t)(at - out.data), start, end;
        if (strcmp(cases[i].found, "se") == 0)
            offset = (uint32_t)out.size - 2;
        view_map_span(&map, offset, offset + (uint32_t)strlen(cases[i].found), &start, &end);
        if (end - start != strlen(cases[i].raw) || memcmp(cases[i].message + start, cases[i].raw, end - start) != 0)
            fail_msg("\"%s\" in \"%s\": [%u, %u)", cases[i].found, cases[i].message, start, end);
        view_map_free(&map);
        buffer_free(&out);
    }
}

static void raw_view(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\x41"},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"Tab\t Line\n", "Tab\t Line\n"},
        {"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_view(VIEW_RAW, span_text(cases[i][0]), span_text(cases[i][1]));
    check_view(VIEW_RAW, span_of(NULL, 0), span_of(NULL, 0));
    check_view(VIEW_RAW, span_of("\0\0", 2), span_of("\0\0", 2));
}

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

static uint32_t random_code_point(void)
{
    static const uint32_t ranges[][2] = {
        {0x20, 0x7E},       {0x61, 0x7A},       {0x61, 0x64},       {0x41, 0x5A},       {0x00, 0xFF},
        {0x100, 0x24F},     {0x250, 0x2FF},     {0x300, 0x36F},     {0x300, 0x303},     {0x370, 0x3FF},
        {0x3B1, 0x3C9},     {0x400, 0x45F},     {0x430, 0x44F},     {0x460, 0x52F},     {0x530, 0x6FF},
        {0x900, 0xDFF},     {0xE00, 0x10FF},    {0x1100, 0x11FF},   {0x13A0, 0x17FF},   {0x1D00, 0x1DFF},
        {0x1E00, 0x1FFF},   {0x2000, 0x206F},   {0x2070, 0x2BFF},   {0x2C00, 0x2DFF},   {0x3000, 0x30FF},
        {0x3100, 0x4DFF},   {0xA4D0, 0xABFF},   {0xAC00, 0xD7A3},   {0xF900, 0xFFFF},   {0x10000, 0x11FFF},
        {0x16F00, 0x1D7FF}, {0x1E000, 0x1FAFF}, {0x20000, 0x2FFFF}, {0xE0000, 0xE01FF}, {0, 0x10FFFF},
        {0x20, 0x20},       {0x660, 0x669},     {0x6F0, 0x6F9},     {0xE50, 0xE50},     {0x101D, 0x101D},
        {0x200B, 0x200D},   {0xFE0F, 0xFE0F},
    };
    for (;;) {
        const uint32_t *range = ranges[random_below(sizeof(ranges) / sizeof(ranges[0]))];
        uint32_t c = range[0] + random_below(range[1] - range[0] + 1);
        if (c < 0xD800 || c > 0xDFFF)
            return c;
    }
}

static void random_texts(void **state)
{
    (void)state;
    struct buffer text = BUFFER_INIT(SIZE_MAX_HERE);
    for (int i = 0; i < 20000; i++) {
        buffer_clear(&text);
        uint32_t few[6]; /* half of the texts are made of few characters, so that they meet each other */
        for (int j = 0; j < 6; j++)
            few[j] = random_code_point();
        for (uint32_t length = random_below(24); length > 0; length--) {
            uint8_t bytes[4];
            uint32_t size = utf8_encode(i % 2 ? few[random_below(6)] : random_code_point(), bytes);
            if (random_below(60) == 0)
                size -= random_below(2);
            assert_int_equal(buffer_append(&text, bytes, size), STATUS_OK);
        }
        check_folded(buffer_span(&text));
    }
    buffer_free(&text);
}

static void random_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[24];
        size_t size = random_below(sizeof(bytes));
        for (size_t j = 0; j < size; j++)
            bytes[j] = (uint8_t)(random_below(3) ? 0x80 + random_below(128) : random_below(256));
        struct guard guard = guard_copy(bytes, size);
        check_folded(span_of(guard.data, size));
        guard_free(&guard);
    }
}

/* Every beginning of a character, cut off at the end of the text and in the middle. */
static void invalid_prefixes(void **state)
{
    (void)state;
    struct buffer out = BUFFER_INIT(64), raw = BUFFER_INIT(64);
    for (uint32_t value = 0; value < 1u << 24; value += value < 0x800000 ? 0x10000 : 0x1F) {
        uint8_t bytes[4] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value, 'z'};
        for (size_t size = 1; size <= 4; size++) {
            buffer_clear(&raw);
            assert_int_equal(view_append(VIEW_RAW, span_of(bytes, size), &raw, NULL), STATUS_OK);
            struct span view = fold(span_of(bytes, size), &out);
            if (!utf8_valid(view) || !utf8_valid(buffer_span(&raw)))
                fail_msg("%06x", value);
        }
    }
    buffer_free(&out);
    buffer_free(&raw);
}

static void repeat(struct buffer *out, const char *part, size_t size_min)
{
    buffer_clear(out);
    while (out->size < size_min)
        assert_int_equal(buffer_append_text(out, part), STATUS_OK);
}

static void long_texts(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "a",
        "A",
        " ",
        "\n",
        "\xFF",
        "\xC3\xA9",
        "e\xCC\x81",
        "\xD0\xB0",
        "a\xD0\xB0",
        "\xE2\x80\x8D",
        "\xEF\xB7\xBA",
        "\xF0\x9F\x91\xA9\xE2\x80\x8D",
        "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",
        "\xE2\x9D\xA4\xEF\xB8\x8F",
        "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",
        "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D ",
        "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7\xE2\x80\x8F ",
        "\xE0\xB8\x81\xE0\xB8\xB4\xE0\xB9\x88",
        "\xF0\x9F\x85\xB0",
        "\xE1\xB4\x80",
        "\xEA\x9D\x8F",
    };
    struct buffer text = BUFFER_INIT(SIZE_MAX_HERE), folded = BUFFER_INIT(SIZE_MAX_HERE),
                  out = BUFFER_INIT(SIZE_MAX_HERE);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        repeat(&text, parts[i], 2000);
        check_folded(buffer_span(&text));
        repeat(&text, parts[i], 64u << 10);
        reference(buffer_span(&text), &folded);
        assert_true(span_equal(fold(buffer_span(&text), &out), buffer_span(&folded)));
    }
    /* A letter with 1,000 marks in the wrong order. */
    buffer_clear(&text);
    assert_int_equal(buffer_append_text(&text, "e"), STATUS_OK);
    for (int i = 0; i < 500; i++)
        assert_int_equal(buffer_append_text(&text, "\xCC\x81\xCC\xA3"), STATUS_OK);
    check_folded(buffer_span(&text));
    /* Marks without end: cut, but neither slow nor ill-formed. */
    repeat(&text, "\xCC\x81\xCC\xA3", 64u << 10);
    assert_true(utf8_valid(fold(buffer_span(&text), &out)));
    buffer_free(&text);
    buffer_free(&folded);
    buffer_free(&out);
}

static void limits(void **state)
{
    (void)state;
    static const char message[] = "p\xD0\xB0y\xE1\xB4\x98\xD0\xB0l   \xEF\xBC\xA1  \xFF"; /* grows and shrinks */
    struct buffer whole = BUFFER_INIT(1000);
    struct span view = fold(span_text(message), &whole);
    for (size_t limit = 0; limit < view.size + 4; limit++) {
        for (int mapped = 0; mapped < 2; mapped++) {
            struct buffer out = BUFFER_INIT(limit + 1);
            struct view_map map = {0};
            assert_int_equal(buffer_append_text(&out, "x"), STATUS_OK);
            enum status status = view_append(VIEW_FOLDED, span_text(message), &out, mapped ? &map : NULL);
            assert_int_equal(status, limit < view.size ? STATUS_LIMIT : STATUS_OK);
            assert_int_equal(out.size, limit < view.size ? 1 : view.size + 1);
            if (status == STATUS_OK)
                assert_memory_equal(out.data + 1, view.data, view.size);
            view_map_free(&map);
            buffer_free(&out);
        }
    }
    struct buffer small = BUFFER_INIT(8);
    assert_int_equal(view_append(VIEW_RAW, span_text("12345678"), &small, NULL), STATUS_OK);
    assert_int_equal(view_append(VIEW_RAW, span_text("9"), &small, NULL), STATUS_LIMIT);
    assert_int_equal(view_append(VIEW_FOLDED, span_text("9"), &small, NULL), STATUS_LIMIT);
    assert_int_equal(view_append(VIEW_FOLDED, span_of("", (size_t)3 << 30), &small, NULL), STATUS_LIMIT);
    assert_int_equal(small.size, 8);
    view_map_free(NULL);
    buffer_free(&small);
    buffer_free(&whole);
}

/* ---- Against Unicode's own data. ---- */

static FILE *open_unicode(const char *name)
{
    char path[4096];
    const char *data = getenv("WEIR_SHARED_DATA");
    if (!data)
        skip();
    snprintf(path, sizeof(path), "%s/unicode/%s", data, name);
    FILE *file = fopen(path, "r");
    if (!file)
        skip();
    return file;
}

/* Code points in hexadecimal, separated by spaces, as UTF-8; the end of what was read. */
static const char *parse_code_points(const char *from, struct buffer *out, uint32_t *ret_last)
{
    buffer_clear(out);
    from += strspn(from, " \t");
    while (isxdigit((unsigned char)*from) || *from == ' ') {
        char *end;
        uint32_t c = (uint32_t)strtoul(from, &end, 16);
        if (end == from)
            break;
        uint8_t bytes[4];
        assert_int_equal(buffer_append(out, bytes, utf8_encode(c, bytes)), STATUS_OK);
        *ret_last = c;
        from = end;
    }
    return from + strspn(from, " \t");
}

static void normalization_test(void **state)
{
    (void)state;
    FILE *file = open_unicode("NormalizationTest.txt");
    char line[4096];
    uint32_t count = 0, last;
    struct buffer column = BUFFER_INIT(4096), first = BUFFER_INIT(1 << 16), folded = BUFFER_INIT(1 << 16);
    while (fgets(line, sizeof(line), file)) {
        const char *at = line;
        bool assigned = strstr(line, "0345") == NULL;
        for (int i = 0; i < 5 && isxdigit((unsigned char)*at); i++) {
            at = parse_code_points(at, &column, &last) + 1;
            struct span text = buffer_span(&column);
            for (size_t c = 0; c < text.size;) {
                c += utf8_decode(span_of(text.data + c, text.size - c), &last);
                assigned = assigned && u_isdefined((UChar32)last);
            }
            if (i % 2 == 0 || i == 1)
                check_folded(text);
            /*
             * All five forms of a line fold to the same, if the linked ICU knows their characters. Not with U+0345, the
             * mark that folds to a letter: NFKC_Casefold leaves that letter where the mark stood.
             */
            fold(text, i == 0 ? &first : &folded);
            if (i > 0 && assigned)
                assert_true(span_equal(buffer_span(&first), buffer_span(&folded)));
            count++;
        }
    }
    fclose(file);
    assert_true(count > 90000);
    buffer_free(&column);
    buffer_free(&first);
    buffer_free(&folded);
}

static void confusables(void **state)
{
    (void)state;
    FILE *file = open_unicode("confusables.txt");
    char line[4096];
    uint32_t mapped = 0, by_case = 0, symbols = 0, apart = 0;
    struct buffer source = BUFFER_INIT(64), target = BUFFER_INIT(256), word = BUFFER_INIT(256), out = BUFFER_INIT(1024);
    while (fgets(line, sizeof(line), file)) {
        uint32_t c, imitated;
        if (!isxdigit((unsigned char)line[0]))
            continue;
        const char *at = parse_code_points(line, &source, &c);
        parse_code_points(at + 1, &target, &imitated);
        if (target.size != 1 || !u_isalpha((UChar32)imitated) || c < 0x80)
            continue;
        buffer_clear(&word);
        assert_int_equal(buffer_print(&word, "xk%.*skx", (int)source.size, (const char *)source.data), STATUS_OK);
        struct span view = fold(buffer_span(&word), &out);
        if (view.size == 5 && view.data[2] == (uint8_t)u_tolower((UChar32)imitated)) {
            mapped++;
            continue;
        }
        if (view.size == 5 || memchr(view.data, ' ', view.size)) { /* its other case, or NFKC, says something else */
            by_case++;
        } else if (!is_a(c, U_GC_L_MASK | U_GC_N_MASK)) {
            symbols++;
        } else {
            apart++;
            /* Hangul, Han, kana; the everyday letter þ; what ICU does not know yet. */
            UErrorCode error = U_ZERO_ERROR;
            UScriptCode script = uscript_getScript((UChar32)c, &error);
            if (script != USCRIPT_HANGUL && !in_spaceless_script(c) && c != 0xFE && u_isdefined((UChar32)c))
                fail_msg("U+%04X stays %.*s", c, (int)view.size, (const char *)view.data);
        }
    }
    fclose(file);
    print_message("mapped %u, another letter %u, symbols %u, left apart %u\n", mapped, by_case, symbols, apart);
    assert_true(mapped > 1200 && by_case < 100 && apart < 40);
    buffer_free(&source);
    buffer_free(&target);
    buffer_free(&word);
    buffer_free(&out);
}

/* The table holds nothing that folding would change before it is looked up. */
static void table_is_stable(void **state)
{
    (void)state;
    uint32_t count = 0;
    for (uint32_t c = 0; c < FOLD_TABLE_SIZE; c++) {
        const char *letters = fold_look_alike(c);
        assert_true(!letters == !(fold_character(c) & FOLD_LOOK_ALIKE) || !u_isdefined((UChar32)c));
        assert_true(!letters || (c >= 0x80 && strlen(letters) <= 2));
        count += letters != NULL;
    }
    assert_true(count > 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds),           cmocka_unit_test(maps_exactly),
        cmocka_unit_test(raw_view),        cmocka_unit_test(limits),
        cmocka_unit_test(table_is_stable), cmocka_unit_test(random_texts),
        cmocka_unit_test(random_bytes),    cmocka_unit_test(invalid_prefixes),
        cmocka_unit_test(long_texts),      cmocka_unit_test(normalization_test),
        cmocka_unit_test(confusables),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
