/* Words in disguise: what the skeleton shows, what it leaves alone, and where it says that a word stands. */
#include "tests/support/cmocka_all.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/fold.h"
#include "text/phrase.h"
#include "text/skeleton.h"
#include "text/skeleton_units.h"
#include "text/utf8.h"
#include "text/view.h"

#define SIZE_MAX_HERE (1u << 24)

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK ? 0 : -1;
}

/* ---- A search as the scanner does it, in miniature. ---- */

static bool find(const struct phrase *phrase, struct span text, uint32_t *ret_start, uint32_t *ret_end)
{
    for (uint32_t at = 0; at < text.size; at++) {
        if (phrase_match_at(phrase, text, phrase_anchor(phrase), at, ret_start, ret_end))
            return true;
    }
    return false;
}

/* What is searched of one message by a batch; all facts about it are left to the batch. */
static void append_batch(struct span message, struct span folded, const struct skeleton_wanted *wanted,
                         struct buffer *out)
{
    struct buffer text = BUFFER_INIT(SIZE_MAX_HERE);
    uint32_t starts[2] = {0, (uint32_t)folded.size + 1}, ret_starts[2];
    struct skeleton_batch batch = {.messages = &message, .count = 1, .starts = starts, .wanted = wanted};
    assert_int_equal(buffer_append(&text, folded.data, folded.size), STATUS_OK);
    assert_int_equal(buffer_append_byte(&text, '\n'), STATUS_OK);
    batch.folded = buffer_span(&text);
    assert_int_equal(skeleton_append_batch(&batch, out, ret_starts), STATUS_OK);
    assert_int_equal(ret_starts[1], out->size);
    assert_true(out->size > ret_starts[0] && out->data[out->size - 1] == '\n');
    out->size--;
    buffer_free(&text);
}

/* The same with nothing wanted but the entry. */
static void append_wanted(struct span message, const char *entry, struct buffer *out)
{
    struct skeleton_wanted wanted = {0};
    struct buffer folded = BUFFER_INIT(SIZE_MAX_HERE);
    struct arena *arena = NULL;
    struct phrase phrase = {0};
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    if (phrase_parse_disguised(span_text(entry), arena, &phrase) != STATUS_OK)
        phrase.count = 0;
    for (uint32_t i = 0; i < phrase.count; i++) {
        if (phrase.pieces[i].disguised.size > 0)
            skeleton_want(&wanted, phrase.pieces[i].disguised);
    }
    assert_int_equal(view_append(VIEW_FOLDED, message, &folded, NULL), STATUS_OK);
    append_batch(message, buffer_span(&folded), &wanted, out);
    buffer_free(&folded);
    arena_free(&arena);
}

/* Is the entry in the message, and where? In the folded view or in the skeleton. */
static bool found(struct span message, const char *entry, uint32_t *ret_start, uint32_t *ret_end)
{
    struct buffer view = BUFFER_INIT(SIZE_MAX_HERE), searched = BUFFER_INIT(SIZE_MAX_HERE);
    struct view_map map = {0};
    struct arena *arena = NULL;
    struct phrase phrase;
    uint32_t first = 0, last = 0;
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    assert_int_equal(phrase_parse(span_text(entry), arena, &phrase), STATUS_OK);
    assert_int_equal(view_append(VIEW_FOLDED, message, &view, &map), STATUS_OK);
    bool is_found = find(&phrase, buffer_span(&view), &first, &last);
    if (!is_found) {
        append_wanted(message, entry, &searched);
        buffer_clear(&view);
        assert_int_equal(view_append(VIEW_SKELETON, message, &view, &map), STATUS_OK);
        is_found = phrase_parse_disguised(span_text(entry), arena, &phrase) == STATUS_OK &&
                   find(&phrase, buffer_span(&searched), &first, &last);
    }
    if (is_found)
        view_map_span(&map, first, last, ret_start, ret_end);
    view_map_free(&map);
    buffer_free(&view);
    buffer_free(&searched);
    arena_free(&arena);
    return is_found;
}

/* `place`: what of the message it is; NULL: not found. */
static void expect(const char *message, const char *entry, const char *place)
{
    uint32_t first = 0, last = 0;
    bool is_found = found(span_text(message), entry, &first, &last);
    if (is_found != (place != NULL))
        fail_msg("\"%s\" in \"%s\": %s", entry, message, is_found ? "found" : "not found");
    if (place && (last - first != strlen(place) || memcmp(message + first, place, last - first) != 0))
        fail_msg("\"%s\" in \"%s\" at \"%.*s\"", entry, message, (int)(last - first), message + first);
}

static void finds_disguised_words(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"he will k1ll you", "kill", "k1ll"},
        {"ki!l", "kill", "ki!l"},
        {"kil1", "kill", "kil1"},
        {"a mol|y", "molly", "mol|y"},
        {"cl1ck", "click", "cl1ck"},
        {"c1ick", "click", "c1ick"},
        {"5h17 happens", "shit", "5h17"},
        {"a b1+ch!", "bitch", "b1+ch"},
        {"ki\xE2\x82\xAC"
         "f",
         "kief",
         "ki\xE2\x82\xAC"
         "f"},
        {"this is a s c a m ok", "scam", "s c a m"},
        {"this is s . c . a . m, ok", "scam", "s . c . a . m"},
        {"S  C  A  M", "scam", "S  C  A  M"},
        {"s c a m   a r t i s t s", "scam artists", "s c a m   a r t i s t s"},
        {"it's a s.c.a.m.", "scam", "s.c.a.m"},
        {"s-c-a-m s_c_a_m", "scam", "s-c-a-m"},
        {"you k.ill me", "kill", "k.ill"},
        {"s\xF0\x9F\x94\xA5"
         "c\xF0\x9F\x94\xA5"
         "a\xF0\x9F\x94\xA5m",
         "scam",
         "s\xF0\x9F\x94\xA5"
         "c\xF0\x9F\x94\xA5"
         "a\xF0\x9F\x94\xA5m"},
        {"killlllll him", "kill", "killlllll"},
        {"fuuuck off", "fuck off", "fuuuck off"},
        {"k1ll yourself", "kill yourself", "k1ll yourself"},
        {"kill your5elf", "kill yourself", "kill your5elf"},
        {"k1ll your5elf", "kill yourself", "k1ll your5elf"},
        {"k1lling", "kill*", "k1ll"},
        {"sIut", "slut", "sIut"},
        {"your @ss", "ass", "@ss"},
        {"your a$$ here", "ass", "a$$"},
        {"a s s", "ass", "a s s"},
        {"a.s.s", "ass", "a.s.s"},
        {"assssss", "ass", "assssss"},
        {"bo0", "boo", "bo0"},
        {"fu-ck you", "fuck you", "fu-ck you"},
        {"(hac_ker)!", "hacker", "hac_ker"},
        {"co*caine, he said", "cocaine", "co*caine"},
        {"well-known k1ller", "known killer", "known k1ller"},
        {"\xCE\x9D"
         "azi",
         "nazi",
         "\xCE\x9D"
         "azi"},                                                                                  /* Greek capital nu */
        {"yes \xD1\x95\xD1\x81\xD0\xB0\xD1\x80 yes", "scap", "\xD1\x95\xD1\x81\xD0\xB0\xD1\x80"}, /* all Cyrillic */
        {"s\xCC\xB6"
         "c\xCC\xB6"
         "a\xCC\xB6m\xCC\xB6",
         "scam",
         "s\xCC\xB6"
         "c\xCC\xB6"
         "a\xCC\xB6m\xCC\xB6"},
        {"s\xC4\x8D\xC3\xA4m", "scam", "s\xC4\x8D\xC3\xA4m"},
        {"\xF0\x9F\x87\xB8\xF0\x9F\x87\xA8\xF0\x9F\x87\xA6\xF0\x9F\x87\xB2", "scam",
         "\xF0\x9F\x87\xB8\xF0\x9F\x87\xA8\xF0\x9F\x87\xA6\xF0\x9F\x87\xB2"},
        {"(s)(c)(a)(m)", "scam", "s)(c)(a)(m"},
        {"s\xE2\x80\x8B"
         "c4m",
         "scam",
         "s\xE2\x80\x8B"
         "c4m"},
        {"\xEF\xBD\x93\xEF\xBD\x83\xEF\xBC\x94\xEF\xBD\x8D", "scam",
         "\xEF\xBD\x93\xEF\xBD\x83\xEF\xBC\x94\xEF\xBD\x8D"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i][0], cases[i][1], cases[i][2]);
}

static void leaves_words_alone(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"the assassin of class in Scunthorpe", "ass"},
        {"Scunthorpe", "cunt"},
        {"a5 and a55, as she says", "ass"}, /* too short to be told from other words */
        {"as k1ng", "ass"},
        {"a$ and $$a and a$", "ass"},
        {"@s and 4s", "ass"},
        {"@sss", "as"},
        {"a co-op for re-use", "coop for use"},
        {"a well-known pass-phrase-of-mine-in-use", "passphrase"},
        {"ha_ck_er", "hacker"},
        {"co-caine-use", "cocaine use"},
        {"self-destruct", "selfdestruct"},
        {"fu--ck", "fuck"},
        {"fu/ck or fu.ck", "fuck"},
        {"he said b00k", "boob"},
        {"1337", "leet"},
        {"it costs $100 at 12:30pm", "soo"},
        {"i t is", "it is"},
        {"e.g. this", "eg"},
        {"we shoot a film", "shot"},
        {"good, k1ng", "god"},
        {"\xD1\x81\xD0\xBE\xD1\x80", "cop"}, /* Russian, in a Russian text */
        {"the pen.is mightier", "penis"},
        {"don't", "dont it"},
        {"ana1yst", "anal"},
        {"http://example.com/s/c/a/m", "scam"},
        {"mdiggory++", "mdiggoryt"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i][0], cases[i][1], NULL);
}

static void shows(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        /* message, the view, what is searched: "" if that is nothing */
        {"", "", ""},
        {"Hello World", "hello world", ""},
        {"Fr\xC3\xBChst\xC3\xBC"
         "ck",
         "fr\xC3\xBChst\xC3\xBC"
         "ck",
         ""},
        {"k1ll them all", "kil them all", "KII them all"},
        {"he11o", "helo", "HEIO"},
        {"hxxp://evil[.]com/x", "http://evil.com/x", "http://evil.com/x"},
        {"go to evil dot com", "go to evil.com", "go to evil.com"},
        {"evil (dot) com, evil{.}com", "evil.com, evil.com", "evil.com, evil.com"},
        {"a dot on the i", "a dot on the i", ""},
        {"[dot] hxx", "[dot] hxx", "[dot] HXX"},
        {"this is a s c a m", "this is ascam a scam", "this is ASCAM a SCAM"},
        {"fu-ck", "fu-ck fuck", "fu-ck FUCK"},
        {"(re-use).", "(re-use reuse).", "(re-use REUSE)."},
        {"5pm 100 $5 2nd", "spm 100 $5 znd", "SPM 100 $5 ZND"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer view = BUFFER_INIT(1000), searched = BUFFER_INIT(1000);
        assert_int_equal(view_append(VIEW_SKELETON, span_text(cases[i][0]), &view, NULL), STATUS_OK);
        assert_int_equal(skeleton_append(SKELETON_SEARCHED_IF_DIFFERENT, span_text(cases[i][0]), &searched, NULL),
                         STATUS_OK);
        if (!span_equal(buffer_span(&view), span_text(cases[i][1])))
            fail_msg("\"%s\" is shown as \"%.*s\"", cases[i][0], (int)view.size, (const char *)view.data);
        if (!span_equal(buffer_span(&searched), span_text(cases[i][2])))
            fail_msg("\"%s\" is searched as \"%.*s\"", cases[i][0], (int)searched.size, (const char *)searched.data);
        buffer_free(&view);
        buffer_free(&searched);
    }
}

static void words_of_rules(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"kill", "KII"}, {"scam", "SCAM"}, {"ass", "ASS"},      {"boo", "BOO"},   {"oof", "OOF"}, {"all", "AII"},
        {"asss", ""},    {"assa", "ASA"},  {"boob", "BOB"},     {"a$$", ""},      {"", ""},       {"b2b", ""},
        {"aaa", ""},     {"lil", "III"},   {"caf\xC3\xA9", ""}, {"hello", "HEIO"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t to[16];
        struct span word = span_text(cases[i][0]);
        assert_true(span_equal(span_of(to, skeleton_word(word, to)), span_text(cases[i][1])));
    }
    struct arena *arena = NULL;
    struct phrase phrase = {0};
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    assert_int_equal(phrase_parse_disguised(span_text("is it"), arena, &phrase), STATUS_NOT_FOUND);
    assert_int_equal(phrase_parse_disguised(span_text(" "), arena, &phrase), STATUS_INVALID);
    assert_int_equal(phrase.count, 0);
    arena_free(&arena);
}

/* ---- Against Unicode's data: each look-alike of an ASCII letter, in the place of one letter of a word. ---- */

static void confusables(void **state)
{
    (void)state;
    char path[4096], line[4096];
    const char *data = getenv("WEIR_SHARED_DATA");
    if (!data)
        skip();
    snprintf(path, sizeof path, "%s/unicode/confusables.txt", data);
    FILE *file = fopen(path, "r");
    if (!file)
        skip();
    uint32_t count = 0;
    while (fgets(line, sizeof line, file)) {
        char *end;
        uint32_t source = (uint32_t)strtoul(line, &end, 16);
        if (!isxdigit((unsigned char)line[0]) || *end != ' ' || end[1] != ';')
            continue;
        uint32_t imitated = (uint32_t)strtoul(end + 2, &end, 16);
        if (imitated >= 0x80 || !isalpha((int)imitated) || end[1] != ';' ||
            isalpha((int)source % 0x80 * (source < 0x80)))
            continue;
        uint8_t bytes[4];
        char message[64], entry[16], place[32];
        uint32_t size = utf8_encode(source, bytes);
        snprintf(entry, sizeof entry, "ma%cdu", tolower((int)imitated));
        snprintf(place, sizeof place, "ma%.*sdu", (int)size, (const char *)bytes);
        snprintf(message, sizeof message, "he said %s to me", place);
        expect(message, entry, place);
        count++;
    }
    fclose(file);
    print_message("%u look-alikes\n", count);
    assert_true(count > 1300);
}

/* ---- Whatever the text. ---- */

static uint64_t random_state = 0x2545F4914F6CDD1Du;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

static void append_random(struct buffer *text)
{
    static const char *const parts[] = {"a",
                                        "b",
                                        "s",
                                        "l",
                                        "i",
                                        "kill",
                                        "the",
                                        "scam",
                                        " ",
                                        " ",
                                        " ",
                                        "  ",
                                        "1",
                                        "3",
                                        "0",
                                        "5",
                                        "42",
                                        "!",
                                        "|",
                                        "+",
                                        "++",
                                        "@",
                                        "$",
                                        ".",
                                        "..",
                                        "-",
                                        "'",
                                        "''",
                                        "[.]",
                                        "(",
                                        ")",
                                        " dot ",
                                        "dot",
                                        "com",
                                        "hxxp",
                                        "://",
                                        "www.",
                                        "I",
                                        "A",
                                        "oo",
                                        "xx",
                                        "\n",
                                        "*",
                                        "_",
                                        "/",
                                        "[",
                                        "]",
                                        "\xE2\x80\x99",
                                        "\xC3\xA9",
                                        "\xC3\xA8",
                                        "\xCC\xB6",
                                        "\xCC\x81",
                                        "\xD0\xB0",
                                        "\xD1\x81",
                                        "\xD0\xB6",
                                        "\xCE\x9D",
                                        "\xE2\x82\xAC",
                                        "\xF0\x9F\x94\xA5",
                                        "\xE2\x80\x8B",
                                        "\xF0\x9F\x87\xA6",
                                        "\xF0\x9F\x87\xB8",
                                        "\xE6\x97\xA5",
                                        "\xFF",
                                        "\xC3",
                                        "\xC3\x9F",
                                        "\xEF\xBD\x93",
                                        "\xE2\x88\xA3",
                                        "\xD9\xA1",
                                        "\xE0\xB9\x91",
                                        "\xED\x95\x9C",
                                        "\xEF\xAC\x81",
                                        "\xC2\xA3",
                                        "\xC3\xBE"};
    assert_int_equal(buffer_append_text(text, parts[random_below(sizeof parts / sizeof parts[0])]), STATUS_OK);
}

static void check_map(struct span message, struct span view, const struct view_map *map)
{
    uint32_t first, last;
    assert_int_equal(map->view_size, view.size);
    for (uint32_t i = 0; i < map->count; i++) {
        assert_true(map->segments[i].view_start < view.size);
        assert_true(map->segments[i].raw_start <= map->segments[i].raw_end && map->segments[i].raw_end <= message.size);
        assert_true(i == 0 || map->segments[i].view_start > map->segments[i - 1].view_start);
    }
    for (uint32_t at = 0; at < view.size; at++) {
        view_map_span(map, at, at + 1 + random_below((uint32_t)view.size - at), &first, &last);
        assert_true(first < last && last <= message.size);
    }
}

/* Are there so many in a row? */
static bool has_capitals(const struct buffer *text, size_t count)
{
    size_t run = 0;
    for (size_t i = 0; i < text->size && run < count; i++)
        run = text->data[i] >= 'A' && text->data[i] <= 'Z' ? run + 1 : 0;
    return run >= count;
}

static void random_texts(void **state)
{
    (void)state;
    for (int i = 0; i < 30000; i++) {
        struct buffer text = BUFFER_INIT(SIZE_MAX_HERE), folded = text, view = text, mapped = text, searched = text;
        struct buffer different = text;
        struct view_map map = {0};
        for (uint32_t parts = random_below(i % 10 ? 20 : 120); parts > 0; parts--)
            append_random(&text);
        struct span message = buffer_span(&text);
        assert_int_equal(view_append(VIEW_FOLDED, message, &folded, NULL), STATUS_OK);
        assert_int_equal(view_append(VIEW_SKELETON, message, &view, NULL), STATUS_OK);
        assert_int_equal(view_append(VIEW_SKELETON, message, &mapped, &map), STATUS_OK);
        assert_int_equal(skeleton_append(SKELETON_SEARCHED, message, &searched, NULL), STATUS_OK);
        assert_int_equal(skeleton_append(SKELETON_SEARCHED_IF_DIFFERENT, message, &different, NULL), STATUS_OK);
        assert_true(span_equal(buffer_span(&view), buffer_span(&mapped)));
        assert_int_equal(view.size, searched.size);
        assert_true(utf8_valid(buffer_span(&view)) && utf8_valid(buffer_span(&searched)));
        assert_true(different.size == 0 || span_equal(buffer_span(&different), buffer_span(&searched)));
        assert_true(different.size > 0 || span_equal(buffer_span(&view), buffer_span(&folded)));
        buffer_clear(&mapped);
        append_batch(message, buffer_span(&folded), NULL, &mapped);
        if (mapped.size > 0 ? !span_equal(buffer_span(&mapped), buffer_span(&different)) : has_capitals(&different, 3))
            fail_msg("\"%.*s\" is searched as \"%.*s\", not \"%.*s\"", (int)message.size, (const char *)message.data,
                     (int)mapped.size, (const char *)mapped.data, (int)different.size, (const char *)different.data);
        check_map(message, buffer_span(&view), &map);
        view_map_free(&map);
        buffer_free(&text);
        buffer_free(&folded);
        buffer_free(&view);
        buffer_free(&mapped);
        buffer_free(&searched);
        buffer_free(&different);
    }
}

/* The table of kinds takes it for granted that far letters which folding leaves have no Latin letter at their base. */
static void far_letters(void **state)
{
    (void)state;
    uint32_t accents = 0;
    for (uint32_t c = 0x80; c < FOLD_TABLE_SIZE; c++) {
        bool stays = (fold_character(c) & FOLD_SIMPLE) && (fold_character(c) & FOLD_TARGET) == c;
        char letter = stays ? fold_base_letter(c) : '\0';
        bool accent = skeleton_about(c).kind == UNIT_ACCENT;
        assert_true(!accent || c < 0x2200);
        assert_true(!letter || skeleton_about(c).kind == UNIT_ALIKE || (accent && skeleton_about(c).letter == letter));
        accents += accent;
    }
    assert_true(accents > 300);
}

static void limits(void **state)
{
    (void)state;
    struct buffer small = BUFFER_INIT(5);
    assert_int_equal(view_append(VIEW_SKELETON, span_text("k1ll them"), &small, NULL), STATUS_LIMIT);
    assert_int_equal(small.size, 0);
    assert_int_equal(view_append(VIEW_SKELETON, span_text("k1ll"), &small, NULL), STATUS_OK);
    assert_int_equal(small.size, 3);
    buffer_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_disguised_words),
        cmocka_unit_test(leaves_words_alone),
        cmocka_unit_test(shows),
        cmocka_unit_test(words_of_rules),
        cmocka_unit_test(confusables),
        cmocka_unit_test(random_texts),
        cmocka_unit_test(far_letters),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
