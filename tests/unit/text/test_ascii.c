/* Folding of plain ASCII: the vector path and the portable one against each other and against one byte at a time. */
#include "tests/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/guard.h"
#include "text/ascii.h"
#include "text/caseless.h"
#include "text/utf8.h"
#include "text/view.h"

#define TEXT_MAX 100

typedef size_t (*writer)(const uint8_t *from, size_t size, uint8_t *to);

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK ? 0 : -1;
}

static size_t one_by_one(const uint8_t *from, size_t size, uint8_t *to, bool plain)
{
    size_t at = 0;
    for (; at < size && from[at] < 0x80; at++) {
        if (plain && (from[at] < ' ' || (from[at] == ' ' && at > 0 && from[at - 1] == ' ')))
            break;
        to[at] = from[at] >= 'A' && from[at] <= 'Z' ? (uint8_t)(from[at] + ('a' - 'A')) : from[at];
    }
    return at;
}

/* Each text ends where memory ends, and so does the room for what is written. */
/* As a writer: what it notes is compared apart. */
static size_t noting(const uint8_t *from, size_t size, uint8_t *to)
{
    bool inner_capital;
    return ascii_fold_noting(from, size, to, &inner_capital);
}

static size_t noting_sse2(const uint8_t *from, size_t size, uint8_t *to)
{
    bool inner_capital;
    return ascii_fold_noting_sse2(from, size, to, &inner_capital);
}

static void expect_all(const uint8_t *text, size_t size)
{
    static const struct {
        writer writer;
        bool plain;
    } ways[] = {{ascii_fold, true},  {ascii_fold_portable, true}, {noting, true},
                {noting_sse2, true}, {ascii_lower, false},        {ascii_lower_portable, false}};
    uint8_t expected[TEXT_MAX];
    struct guard from = guard_copy(text, size);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        uint8_t *to = malloc(size + 8);
        assert_non_null(to);
        memset(to + size, 0x55, 8);
        size_t written = ways[i].writer(from.data, size, to);
        assert_int_equal(written, one_by_one(text, size, expected, ways[i].plain));
        assert_memory_equal(to, expected, written);
        for (size_t behind = 0; behind < 8; behind++)
            assert_int_equal(to[size + behind], 0x55);
        free(to);
    }
    guard_free(&from);
}

static void table(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "a",
        "A",
        " ",
        "  ",
        "\t",
        "@AZ[`az{~\x7F",
        "Hello, World! How are you?",
        "a b c d e f g h i j k l m n o p q",
        "0123456 89abcde 0123456 89abcdef",
        "01234567  89",
        "0123456789abcde  ",
        "0123456789abcdef  x",
        "0123456789ABCDEF\nx",
        "caf\xC3\xA9",
        "0123456789abcdef\x80",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect_all((const uint8_t *)texts[i], strlen(texts[i]));
    expect_all((const uint8_t *)"A\0B", 3);
}

/* Every byte in every place of a text that is plain otherwise. */
static void each_byte_everywhere(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 70; size += size < 40 ? 1 : 3) {
        for (size_t at = 0; at < size; at++) {
            uint8_t text[70];
            memset(text, 'Q', sizeof text);
            for (unsigned byte = 0; byte<256; byte += byte> 0x20 && byte < 0x7E ? 7 : 1) {
                uint8_t to[5][70], expected[70];
                text[at] = (uint8_t)byte;
                size_t plain = one_by_one(text, size, expected, true);
                assert_int_equal(ascii_fold(text, size, to[0]), plain);
                assert_int_equal(ascii_fold_portable(text, size, to[1]), plain);
                assert_memory_equal(to[0], expected, plain);
                assert_memory_equal(to[1], expected, plain);
                assert_int_equal(noting(text, size, to[4]), plain);
                assert_memory_equal(to[4], expected, plain);
                size_t ascii = one_by_one(text, size, expected, false);
                assert_int_equal(ascii_lower(text, size, to[2]), ascii);
                assert_int_equal(ascii_lower_portable(text, size, to[3]), ascii);
                assert_memory_equal(to[2], expected, ascii);
                assert_memory_equal(to[3], expected, ascii);
            }
        }
    }
}

static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

static void random_texts(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t text[TEXT_MAX];
        size_t size = random_below(TEXT_MAX + 1);
        uint32_t rare = 1 + random_below(60);
        for (size_t j = 0; j < size; j++)
            text[j] = (uint8_t)(random_below(rare) == 0 ? random_below(256)
                                : random_below(5)       ? 0x21 + random_below(94)
                                                        : ' ');
        for (size_t j = 1; j < size && i % 2; j++) /* half of them without two spaces */
            text[j] = text[j] == ' ' && text[j - 1] == ' ' ? 'x' : text[j];
        expect_all(text, size);
    }
}

/* A capital I after a small letter is noted if it stands in what is plain, wherever that is. */
static void inner_capitals(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        static const char among[] = "aIzI`{iI ZA  \t\xE9";
        uint8_t text[TEXT_MAX], to[3][TEXT_MAX], expected[TEXT_MAX];
        size_t size = random_below(i % 4 ? 40 : TEXT_MAX + 1), kinds = 1 + random_below(sizeof among - 1);
        for (size_t j = 0; j < size; j++)
            text[j] = random_below(8) ? 'q' : (uint8_t)among[random_below((uint32_t)kinds)];
        bool found = false, noted[3] = {true, true, true};
        size_t plain = one_by_one(text, size, expected, true);
        for (size_t j = 1; j < plain; j++)
            found |= text[j] == 'I' && text[j - 1] >= 'a' && text[j - 1] <= 'z';
        assert_int_equal(ascii_fold_noting(text, size, to[0], &noted[0]), plain);
        assert_int_equal(ascii_fold_noting_portable(text, size, to[1], &noted[1]), plain);
        assert_int_equal(ascii_fold_noting_sse2(text, size, to[2], &noted[2]), plain);
        for (int way = 0; way < 3; way++) {
            assert_memory_equal(to[way], expected, plain);
            assert_int_equal(noted[way], found);
        }
    }
}

/* Eight bytes at a time, as inside other text. */
static void eight_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint8_t text[9], expected[9], to[8];
        for (size_t j = 0; j < sizeof text; j++)
            text[j] = (uint8_t)(random_below(6) == 0 ? random_below(256)
                                : random_below(4)    ? 'A' + random_below(58)
                                                     : ' ');
        uint64_t block = ascii_load(text + 1);
        bool space = text[0] == ' ';
        text[0] = space ? ' ' : 'x';
        size_t plain = one_by_one(text, 9, expected, true);
        assert_int_equal(ascii_plain(block, space), plain - 1);
        ascii_store_lower(block, to);
        assert_memory_equal(to, expected + 1, plain - 1);
        assert_int_equal(ascii_count(block), one_by_one(text, 9, expected, false) - 1);
    }
}

/* What a search over both views may look at once, it may look at once; and only that. */
static void both_views(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool same;
    } cases[] = {
        {"", true},     {"Hello, World! 0123456789", true}, {"a  b", false}, {"a\nb", false}, {"caf\xC3\xA9", false},
        {"\xFF", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer folded = BUFFER_INIT(1000), raw = BUFFER_INIT(1000), expected = BUFFER_INIT(1000);
        bool same = !cases[i].same;
        assert_int_equal(buffer_append_text(&folded, "x "), STATUS_OK);
        assert_int_equal(view_append_searched(span_text(cases[i].text), &folded, &raw, &same), STATUS_OK);
        assert_int_equal(same, cases[i].same);
        assert_int_equal(view_append(VIEW_FOLDED, span_text(cases[i].text), &expected, NULL), STATUS_OK);
        assert_true(span_equal(span_of(folded.data + 2, folded.size - 2), buffer_span(&expected)));
        buffer_clear(&expected);
        assert_int_equal(caseless_append(span_text(cases[i].text), &expected), STATUS_OK);
        assert_true(
            span_equal(same ? span_of(folded.data + 2, folded.size - 2) : buffer_span(&raw), buffer_span(&expected)));
        buffer_free(&folded);
        buffer_free(&raw);
        buffer_free(&expected);
    }
    struct buffer folded = BUFFER_INIT(100), small = BUFFER_INIT(3);
    bool same = true;
    assert_int_equal(view_append_searched(span_text("caf\xC3\xA9"), &folded, &small, &same), STATUS_LIMIT);
    assert_int_equal(folded.size + small.size, 0);
    assert_int_equal(view_append_searched(span_text("coffee"), &small, &folded, &same), STATUS_LIMIT);
    assert_true(same && folded.size + small.size == 0);
    buffer_free(&folded);
    buffer_free(&small);
}

/* The raw view without case against one character at a time, in every script and cut anywhere. */
static void caseless_texts(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        static const uint8_t leads[] = {0xC3, 0xCE, 0xD0, 0xD1, 0xE1, 0xE4, 0xEA, 0xED, 0xEF, 0xF0};
        uint8_t text[60];
        size_t size = random_below(sizeof text + 1);
        for (size_t j = 0; j < size; j++) {
            uint32_t kind = random_below(8);
            text[j] = (uint8_t)(kind == 0  ? random_below(256)
                                : kind < 3 ? leads[random_below(10)]
                                : kind < 7 ? 0x80 + random_below(64)
                                           : 'A' + random_below(58));
        }
        struct guard from = guard_copy(text, size);
        struct buffer out = BUFFER_INIT(1000), expected = BUFFER_INIT(1000);
        assert_int_equal(caseless_append(span_of(from.data, size), &out), STATUS_OK);
        for (size_t at = 0; at < size;) {
            uint32_t c;
            uint8_t bytes[4];
            at += utf8_decode(span_of(text + at, size - at), &c);
            assert_int_equal(buffer_append(&expected, bytes, utf8_encode(caseless_character(c), bytes)), STATUS_OK);
        }
        assert_true(span_equal(buffer_span(&out), buffer_span(&expected)));
        buffer_free(&out);
        buffer_free(&expected);
        guard_free(&from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),          cmocka_unit_test(each_byte_everywhere), cmocka_unit_test(random_texts),
        cmocka_unit_test(inner_capitals), cmocka_unit_test(eight_bytes),          cmocka_unit_test(both_views),
        cmocka_unit_test(caseless_texts),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
