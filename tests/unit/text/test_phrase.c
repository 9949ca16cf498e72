/* What entries of `words` patterns find, and that phrase_regex means exactly the same to PCRE2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text/phrase.h"
#include "text/utf8.h"
#include "text/view.h"
#include "text/word.h"

#define OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DOTALL)

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    return view_start() != STATUS_OK || arena_new(4096, 64u << 20, &arena) != STATUS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct span fold(struct span text, struct buffer *out)
{
    buffer_clear(out);
    assert_int_equal(view_append(VIEW_FOLDED, text, out, NULL), STATUS_OK);
    return buffer_span(out);
}

/* The first place where the phrase is found, looking for its piece `anchor`. */
static bool find(const struct phrase *phrase, struct span text, uint32_t anchor, uint32_t *ret_start, uint32_t *ret_end)
{
    struct span piece = phrase->pieces[anchor].text;
    for (size_t at = 0; at + piece.size <= text.size; at++) {
        if (memcmp(text.data + at, piece.data, piece.size) == 0 &&
            phrase_match_at(phrase, text, anchor, (uint32_t)at, ret_start, ret_end))
            return true;
    }
    return false;
}

static pcre2_code *compile(const struct phrase *phrase)
{
    struct buffer regex = BUFFER_INIT(1 << 20);
    assert_int_equal(phrase_regex(phrase, &regex), STATUS_OK);
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile(regex.data, regex.size, OPTIONS, &error, &offset, NULL);
    if (!code)
        fail_msg("%.*s: error %d at %zu", (int)regex.size, (const char *)regex.data, error, offset);
    buffer_free(&regex);
    return code;
}

static bool regex_finds(const pcre2_code *code, struct span text, uint32_t from, uint32_t options)
{
    pcre2_match_data *data = pcre2_match_data_create(4, NULL);
    int count = pcre2_match(code, text.data ? text.data : (const uint8_t *)"", text.size, from, options, data, NULL);
    pcre2_match_data_free(data);
    assert_true(count > 0 || count == PCRE2_ERROR_NOMATCH);
    return count > 0;
}

/* Every anchor must find the phrase exactly if the regex does. Returns whether it does. */
static bool compare(const struct phrase *phrase, const pcre2_code *code, struct span text)
{
    bool expected = regex_finds(code, text, 0, 0);
    for (uint32_t anchor = 0; anchor < phrase->count; anchor++) {
        uint32_t start = 0, end = 0;
        if (find(phrase, text, anchor, &start, &end) != expected)
            fail_msg("anchor %u: regex says %d for \"%.*s\"", anchor, expected, (int)text.size,
                     (const char *)text.data);
        if (expected) {
            assert_true(start < end && end <= text.size);
            assert_true(regex_finds(code, text, start, PCRE2_ANCHORED));
        }
    }
    return expected;
}

static void check(const char *entry, const char *message, bool expected)
{
    struct phrase phrase;
    struct buffer folded = BUFFER_INIT(1 << 20);
    arena_reset(arena);
    assert_int_equal(phrase_parse(span_text(entry), arena, &phrase), STATUS_OK);
    pcre2_code *code = compile(&phrase);
    if (compare(&phrase, code, fold(span_text(message), &folded)) != expected)
        fail_msg("\"%s\" in \"%s\": expected %d", entry, message, expected);
    pcre2_code_free(code);
    buffer_free(&folded);
}

static void finds(void **state)
{
    (void)state;
    static const char *const hits[][2] = {
        {"gift card", "send a gift card"},
        {"gift card", "Gift-Card!"},
        {"gift card", "gift,  card"},
        {"gift card", "gift_card"},
        {"gift card", "gift\ncard"},
        {"gift card", "GIFT \xE2\x80\x8B card"},
        {"  gift   card ", "a gift card"},
        {"e-mail", "email me"},
        {"e-mail", "e mail me"},
        {"e-mail", "E\xE2\x80\x91MAIL me"},
        {"e\xE2\x80\x93mail", "e-mail"},
        {"don't", "I dont know"},
        {"don't", "I don\xE2\x80\x99t know"},
        {"kill*", "killing"},
        {"kill*", "kill"},
        {"kill *", "killed"},
        {"a$$", "you a$$hole"},
        {"a$$", "what an a$$"},
        {"c++", "c++17"},
        {"d*ck", "what a d*ck"},
        {"d*ck*", "d*cks"},
        {"foo_bar", "foo_bar"},
        {"foo_bar", "foobar"},
        {"__init__", "x __init__ y"},
        {":-)", "hello:-)you"},
        {"$$ now", "$$...now"},
        {"a -- b", "a b"},
        {"-- a", "x -- a"},
        {"a --", "a --"},
        {"- -", "- -"},
        {"...", "wait..."},
        {"stra\xC3\x9F"
         "e",
         "STRASSE"},
        {"caf\xC3\xA9", "cafe\xCC\x81"},
        {"\xE5\xA5\xB3\xE7\x8E\x8B", "sm\xE5\xA5\xB3\xE7\x8E\x8B\xE6\xA7\x98"},
        {"paypal", "p\xD0\xB0yp\xD0\xB0l"},
        {"\xD0\xBF\xD0\xB0\xD1\x80\xD0\xBE\xD0\xBB\xD1\x8C", "\xD0\x9F\xD0\x90\xD0\xA0\xD0\x9E\xD0\x9B\xD0\xAC?"},
        {"\xF0\x9F\x96\x95", "a\xF0\x9F\x96\x95"
                             "b"},
        {"a b", "a!!!!!!!!b"},
    };
    for (size_t i = 0; i < sizeof(hits) / sizeof(hits[0]); i++)
        check(hits[i][0], hits[i][1], true);
}

static void misses(void **state)
{
    (void)state;
    static const char *const clean[][2] = {
        {"gift card", "giftcard"},
        {"gift card", "gift the card"},
        {"gift card", "gift cards"},
        {"gift card", "agift card"},
        {"kill", "killing"},
        {"kill", "kill_all"},
        {"kill", "kill\xCC\x81"},
        {"kill", "kill2"},
        {"a$$", "ba$$"},
        {"d*ck", "dick"},
        {"d*ck", "d*cks"},
        {"a b", "a!!!!!!!!!b"},
        {"e-mail", "e!!!!!!!!!mail"},
        {"- -", "--"},
        {"__init__", "init"},
        {"$-$", "$$"},
        {"sm\xE5\xA5\xB3\xE7\x8E\x8B", "xxsm\xE5\xA5\xB3\xE7\x8E\x8B"},
        {"caf\xC3\xA9", "cafe"},
        {"a", ""},
    };
    for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++)
        check(clean[i][0], clean[i][1], false);
}

static void refuses(void **state)
{
    (void)state;
    struct phrase phrase;
    static const char *const nothing[] = {"", " ", "*", " * ", "\xE2\x80\x8B", "\n\t", "\xE2\x80\x8B*"};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
        assert_int_equal(phrase_parse(span_text(nothing[i]), arena, &phrase), STATUS_INVALID);
    char large[1026];
    memset(large, 'a', sizeof(large));
    assert_int_equal(phrase_parse(span_of(large, 1024), arena, &phrase), STATUS_OK);
    assert_int_equal(phrase_parse(span_of(large, 1025), arena, &phrase), STATUS_LIMIT);
    for (size_t i = 1; i < sizeof(large); i += 2)
        large[i] = ' ';
    assert_int_equal(phrase_parse(span_of(large, (size_t)2 * PHRASE_PIECES_MAX), arena, &phrase), STATUS_OK);
    assert_int_equal(phrase.count, PHRASE_PIECES_MAX);
    assert_int_equal(phrase_parse(span_of(large, 2 * PHRASE_PIECES_MAX + 1), arena, &phrase), STATUS_LIMIT);
    struct buffer huge = BUFFER_INIT(1 << 20);
    for (int i = 0; i < 60000; i++)
        assert_int_equal(buffer_append_text(&huge, "ab "), STATUS_OK);
    assert_int_equal(phrase_parse(buffer_span(&huge), arena, &phrase), STATUS_LIMIT);
    buffer_free(&huge);
    struct phrase known = {.count = 7};
    assert_int_equal(phrase_parse(span_text("*"), arena, &known), STATUS_INVALID);
    assert_int_equal(known.count, 7);
}

static void cuts(void **state)
{
    (void)state;
    static const struct {
        const char *entry;
        const char *pieces; /* '|': a gap of at least 1, '~': of at least 0 */
    } cases[] = {
        {"gift card", "gift|card"},
        {"gift,  card", "gift|card"},
        {"e-mail", "e~mail"},
        {"a.b.c", "a~b~c"},
        {"a -b", "a|b"},
        {"call me! now", "call|me!|now"},
        {":-) x", ":-)|x"},
        {"...: x", "...:|x"},
        {"x ...", "x|..."},
        {"$. x", "$|x"},
        {"foo__bar", "foo~bar"},
        {"__a", "__a"},
        {"a$$", "a$$"},
        {"a/$b", "a/$b"},
        {"KILL*", "kill"},
        {"a\xE3\x83\xBB"
         "b",
         "a~b"},
        {"a \xE2\x80\x94 b", "a|b"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct phrase phrase;
        char pieces[200] = "";
        assert_int_equal(phrase_parse(span_text(cases[i].entry), arena, &phrase), STATUS_OK);
        for (uint32_t p = 0; p < phrase.count; p++) {
            if (p > 0)
                strcat(pieces, phrase.pieces[p].gap_min ? "|" : "~");
            strcat(pieces, (const char *)phrase.pieces[p].text.data);
        }
        assert_string_equal(pieces, cases[i].pieces);
    }
}

/* xorshift: the same texts on every run */
static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

/* Few characters, so that phrases are found often. */
static void append_random(struct buffer *out, uint32_t length)
{
    static const char *const parts[] = {
        "a",
        "b",
        "A",
        "a",
        "b",
        " ",
        " ",
        "-",
        "'",
        ".",
        "_",
        "$",
        "!",
        "*",
        "1",
        "  ",
        "\n",
        "\xC3\xA9",         /* é */
        "e\xCC\x81",        /* e, acute */
        "\xCC\x81",         /* acute alone */
        "\xD0\xB0",         /* Cyrillic а */
        "\xD0\xB6",         /* ж */
        "\xE6\x97\xA5",     /* 日 */
        "\xE3\x81\x82",     /* あ */
        "\xE3\x83\xBC",     /* ー */
        "\xE0\xB8\x81",     /* Thai ก */
        "\xE0\xB8\xB4",     /* Thai vowel sign */
        "\xED\x95\x9C",     /* 한 */
        "\xE2\x80\x93",     /* – */
        "\xE2\x80\x99",     /* ’ */
        "\xE2\x80\x8D",     /* zero-width joiner */
        "\xF0\x9F\x98\x80", /* emoji */
        "\xEF\xB8\x8F",     /* variation selector */
        "\xEF\xB7\xBA",     /* U+FDFA */
        "\xE1\xB4\x80",     /* small capital a */
        "\xE2\x85\xA7",     /* Ⅷ */
        "\xF0\x9D\x94\xB8", /* 𝔸 */
        "\xFF",             /* ill-formed */
    };
    for (uint32_t i = 0; i < length; i++) {
        uint32_t known = random_below(2) ? 13 : (uint32_t)(sizeof(parts) / sizeof(parts[0]));
        assert_int_equal(buffer_append_text(out, parts[random_below(known)]), STATUS_OK);
    }
}

static void agrees_with_pcre2(void **state)
{
    (void)state;
    struct buffer entry = BUFFER_INIT(1 << 16), message = BUFFER_INIT(1 << 16), folded = BUFFER_INIT(1 << 20);
    uint32_t hits = 0, comparisons = 0;
    for (int i = 0; i < 4000; i++) {
        struct phrase phrase;
        arena_reset(arena);
        buffer_clear(&entry);
        append_random(&entry, 1 + random_below(6));
        if (phrase_parse(buffer_span(&entry), arena, &phrase) != STATUS_OK)
            continue;
        pcre2_code *code = compile(&phrase);
        for (int j = 0; j < 12; j++) {
            buffer_clear(&message);
            append_random(&message, random_below(12));
            /* Half of them hold the entry itself, or its pieces over random gaps. */
            for (uint32_t p = 0; j % 2 && p < phrase.count; p++) {
                if (p > 0)
                    append_random(&message, random_below(3));
                assert_int_equal(buffer_append(&message, phrase.pieces[p].text.data, phrase.pieces[p].text.size),
                                 STATUS_OK);
            }
            append_random(&message, random_below(5));
            hits += compare(&phrase, code, fold(buffer_span(&message), &folded));
            comparisons++;
        }
        pcre2_code_free(code);
    }
    assert_true(comparisons > 20000 && hits > comparisons / 20 && hits < comparisons);
    buffer_free(&entry);
    buffer_free(&message);
    buffer_free(&folded);
}

/* An entry is found in a message that has it between spaces. */
static void finds_itself(void **state)
{
    (void)state;
    struct buffer entry = BUFFER_INIT(1 << 16), message = BUFFER_INIT(1 << 16), folded = BUFFER_INIT(1 << 20);
    for (int i = 0; i < 20000; i++) {
        struct phrase phrase;
        arena_reset(arena);
        buffer_clear(&entry);
        buffer_clear(&message);
        append_random(&entry, 1 + random_below(8));
        struct span text = buffer_span(&entry);
        if (phrase_parse(text, arena, &phrase) != STATUS_OK)
            continue;
        bool open_end = text.data[text.size - 1] == '*';
        assert_int_equal(buffer_append_text(&message, "x "), STATUS_OK);
        assert_int_equal(buffer_append(&message, text.data, text.size - open_end), STATUS_OK);
        assert_int_equal(buffer_append_text(&message, " y"), STATUS_OK);
        struct span view = fold(buffer_span(&message), &folded);
        uint32_t start, end;
        if (!find(&phrase, view, phrase_anchor(&phrase), &start, &end)) {
            fail_msg("\"%.*s\" is not in \"%.*s\"", (int)text.size, (const char *)text.data, (int)view.size,
                     (const char *)view.data);
        }
    }
    buffer_free(&entry);
    buffer_free(&message);
    buffer_free(&folded);
}

/* Pieces of gap characters make many ways to fill the gaps: it must stay quick. */
static void many_ways(void **state)
{
    (void)state;
    struct buffer entry = BUFFER_INIT(1 << 16), message = BUFFER_INIT(1 << 20);
    struct phrase phrase;
    for (int i = 0; i < PHRASE_PIECES_MAX - 1; i++)
        assert_int_equal(buffer_append_text(&entry, "$ "), STATUS_OK);
    assert_int_equal(buffer_append_text(&entry, "x"), STATUS_OK);
    for (int i = 0; i < 400; i++)
        assert_int_equal(buffer_append_text(&message, "$"), STATUS_OK);
    assert_int_equal(phrase_parse(buffer_span(&entry), arena, &phrase), STATUS_OK);
    uint32_t start, end;
    assert_false(phrase_match_at(&phrase, buffer_span(&message), 0, 0, &start, &end));
    assert_int_equal(buffer_append_text(&message, "x"), STATUS_OK);
    assert_true(phrase_match_at(&phrase, buffer_span(&message), PHRASE_PIECES_MAX - 1, 400, &start, &end));
    assert_int_equal(end, 401);
    assert_int_equal(start, 400 - 2 * (PHRASE_PIECES_MAX - 1));
    assert_false(phrase_match_at(&phrase, buffer_span(&message), PHRASE_PIECES_MAX, 400, &start, &end));
    assert_false(phrase_match_at(&phrase, buffer_span(&message), 0, 4000, &start, &end));
    assert_false(phrase_match_at(&phrase, buffer_span(&message), 0, 400, &start, &end));
    buffer_free(&entry);
    buffer_free(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),        cmocka_unit_test(misses),    cmocka_unit_test(refuses),
        cmocka_unit_test(cuts),         cmocka_unit_test(many_ways), cmocka_unit_test(agrees_with_pcre2),
        cmocka_unit_test(finds_itself),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
