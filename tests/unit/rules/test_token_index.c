/* Literals that stand as whole words, found by their tokens: always what a plain search of every literal finds. */
#include "rules/token_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

#define HITS_MAX 4096u

struct hits {
    struct hit {
        uint64_t id;
        size_t start, end;
    } items[HITS_MAX];
    size_t count, stop_after;
};

static struct arena *arena;
static uint64_t state_of_random;

static int start(void **state)
{
    (void)state;
    return arena_new(1 << 16, 1 << 28, &arena) == STATUS_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static uint32_t random_below(uint32_t limit)
{
    state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state_of_random >> 33) % limit;
}

static bool note(void *context, uint32_t id, size_t start, size_t end)
{
    struct hits *hits = context;
    assert_true(start < end && hits->count < HITS_MAX);
    hits->items[hits->count++] = (struct hit){.id = id, .start = start, .end = end};
    return hits->stop_after == 0 || hits->count < hits->stop_after;
}

static bool is_token_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Every literal at every place, without letters and digits beside it where it has edges. */
static void search_plainly(const struct token_literal *literals, uint32_t count, struct span text, struct hits *hits)
{
    for (uint32_t i = 0; i < count; i++) {
        struct span literal = literals[i].text;
        for (size_t at = 0; at + literal.size <= text.size; at++) {
            size_t end = at + literal.size;
            bool before = (literals[i].edges & EDGE_BEFORE_LITERAL) && at > 0 && is_token_byte(text.data[at - 1]);
            bool after = (literals[i].edges & EDGE_AFTER_LITERAL) && end < text.size && is_token_byte(text.data[end]);
            if (memcmp(text.data + at, literal.data, literal.size) == 0 && !before && !after) {
                (void)note(hits, i, at, end);
            }
        }
    }
}

static int compare_hits(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->end > y->end) - (x->end < y->end);
}

static void compare(const struct token_index *index, const struct token_literal *literals, uint32_t count,
                    struct span text)
{
    static const enum token_way ways[] = {TOKEN_QUICKEST, TOKEN_SSE2, TOKEN_PORTABLE};
    static struct hits plain, found;
    plain.count = plain.stop_after = 0;
    search_plainly(literals, count, text, &plain);
    qsort(plain.items, plain.count, sizeof *plain.items, compare_hits);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        found.count = found.stop_after = 0;
        assert_true(token_index_search_by(ways[way], index, text, note, &found));
        qsort(found.items, found.count, sizeof *found.items, compare_hits);
        if (plain.count != found.count ||
            (plain.count > 0 && memcmp(plain.items, found.items, plain.count * sizeof *plain.items) != 0)) {
            fail_msg("way %zu: %zu literals found, %zu stand in \"%.*s\"", way, found.count, plain.count,
                     (int)text.size, (const char *)text.data);
        }
    }
}

static struct token_literal literal_of(const char *text, enum token_kind kind, unsigned edges)
{
    return (struct token_literal){.text = span_text(text), .kind = kind, .edges = (uint8_t)edges};
}

#define BOTH (EDGE_BEFORE_LITERAL | EDGE_AFTER_LITERAL)

static void test_table(void **state)
{
    static const struct row {
        const char *literal, *text;
        enum token_kind kind;
        unsigned edges;
        int hits; /* -1: not taken */
    } rows[] = {
        {"scam", "a scam, a scam", TOKEN_ANY, BOTH, 2},
        {"scam", "scam", TOKEN_ANY, BOTH, 1},
        {"scam", "scams", TOKEN_ANY, BOTH, 0},
        {"scam", "1scam", TOKEN_ANY, BOTH, 0},
        {"scam", "_scam_", TOKEN_ANY, BOTH, 1}, /* what is beside it beyond letters and digits is for others to judge */
        {"scam", "\xc3\xa9scam\xc3\xa9", TOKEN_ANY, BOTH, 1},
        {"scam", "SCAM", TOKEN_ANY, BOTH, 0},
        {"scam", "scam", TOKEN_ANY, EDGE_BEFORE_LITERAL, -1}, /* no whole token */
        {"scam", "scam", TOKEN_ANY, EDGE_AFTER_LITERAL, -1},
        {"a scam it", "ja scam its", TOKEN_ANY, 0, 1}, /* but there is one in the middle */
        {"buy-now", "buy-now buy now buy-nowx xbuy-now", TOKEN_ANY, BOTH, 1},
        {"'quote'", "x'quote'y", TOKEN_ANY, 0, 1},
        {"'quote'", "x'quote'y", TOKEN_ANY, BOTH, 0},
        {"c++", "c++x c++", TOKEN_ANY, EDGE_BEFORE_LITERAL, 2},
        {"a.b", "a.b a.b.c", TOKEN_ANY, BOTH, 2},
        {"", "", TOKEN_ANY, BOTH, -1},
        {"++", "++", TOKEN_ANY, BOTH, -1},
        {"evil.com", "see evil.com.", TOKEN_DOTTED, BOTH, 1},
        {"evil.com", "www.evil.com/x", TOKEN_DOTTED, BOTH, 1},
        {"evil.com", "notevil.com evil.comx", TOKEN_DOTTED, BOTH, 0},
        {"evil.com", "evil. com", TOKEN_DOTTED, BOTH, 0},
        {"my-evil.co.uk", "my-evil.co.uk", TOKEN_DOTTED, BOTH, 1},
        {"evil.com/a.b", "evil.com/a.b evil.com/a", TOKEN_DOTTED, BOTH, 1},
        {"evil-.com", "evil-.com", TOKEN_DOTTED, BOTH, -1}, /* no token ends at its dot */
        {"evil", "evil", TOKEN_DOTTED, BOTH, -1},
        {"evil.", "evil.com", TOKEN_DOTTED, BOTH, -1},
        {"kill", "kill killing skill ki kil killkill", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL, 3},
        {"ki", "ki k kin", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL, 2},
        {"kil", "ki kil", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL, 1},
        {"killers", "killer killers killersx", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL, 2},
        {"k", "k kin", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL, -1},
        {"a-kill", "xa-kills a-kills", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL, 1},
        {"a-kill", "xa-kills a-kills", TOKEN_BEGINNING, 0, 2},
        {"kill", "kill", TOKEN_BEGINNING, BOTH, -1}, /* that is a whole token */
        {"\xc3\xa9", "a\xc3\xa9 \xc3\xa9z", TOKEN_BEYOND, 0, 2},
        {"\xc3\xa9", "a\xc3\xa9 \xc3\xa9z", TOKEN_BEYOND, EDGE_BEFORE_LITERAL, 1},
        {"d\xc3\xb6"
         "del",
         "d\xc3\xb6"
         "del d\xc3\xb6"
         "deln",
         TOKEN_BEYOND, BOTH, 1},
        {"\xe4\xbd\xa0", "a\xe4\xbd\xa0\xe4\xbd\xa0", TOKEN_BEYOND, BOTH, 1},
        {"\xe4\xbd\xa0\xe4\xbd\xa0", "\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0", TOKEN_BEYOND, 0, 2},
        {"scam", "scam", TOKEN_BEYOND, BOTH, -1},
        {"\xa9x", "\xa9x", TOKEN_BEYOND, 0, -1}, /* no character begins in it */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_literal literal = literal_of(rows[i].literal, rows[i].kind, rows[i].edges);
        struct token_index *index = NULL;
        static struct hits hits;
        hits.count = 0;
        if (token_index_takes(&literal) != (rows[i].hits >= 0)) {
            fail_msg("%s as kind %d", rows[i].literal, rows[i].kind);
        }
        if (rows[i].hits < 0) {
            continue;
        }
        arena_reset(arena);
        assert_int_equal(token_index_make(&literal, 1, NULL, arena, &index), STATUS_OK);
        assert_true(token_index_search(index, span_text(rows[i].text), note, &hits));
        if (hits.count != (size_t)rows[i].hits) {
            fail_msg("%s in %s: %zu", rows[i].literal, rows[i].text, hits.count);
        }
        compare(index, &literal, 1, span_text(rows[i].text));
    }
}

/* A literal at this place, with nothing, or with letters, before it, and little or nothing behind. */
static void expect_around(const struct token_index *index, const struct token_literal *literals, uint32_t count,
                          uint32_t literal, size_t at)
{
    struct span text = literals[literal].text;
    for (size_t tail = 0; tail < 3; tail++) {
        size_t size = at + text.size + tail;
        uint8_t *copy = malloc(size); /* exactly as large: nothing behind it may be read */
        assert_non_null(copy);
        memset(copy, tail == 1 ? 'q' : ' ', size);
        memcpy(copy + at, text.data, text.size);
        compare(index, literals, count, span_of(copy, size));
        free(copy);
    }
}

/* A token that begins or ends anywhere around the borders of blocks, and of what is cut at once; texts that end there. */
static void test_borders(void **state)
{
    struct token_literal literals[] = {
        literal_of("xy", TOKEN_ANY, BOTH),
        literal_of("xy-z", TOKEN_ANY, BOTH),
        literal_of("xy.z", TOKEN_DOTTED, BOTH),
        literal_of("abcdefghijklmnopqrst", TOKEN_ANY, BOTH),
        literal_of("abcdefg", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL),
        literal_of("\xe4\xbd\xa0", TOKEN_BEYOND, 0),
        literal_of("n\xc3\xa9", TOKEN_BEYOND, EDGE_BEFORE_LITERAL),
    };
    uint32_t count = sizeof literals / sizeof *literals;
    static const size_t ranges[][2] = {{0, 135}, {440, 520}, {1015, 1025}};
    struct token_index *all = NULL, *names = NULL;
    (void)state;
    arena_reset(arena);
    assert_int_equal(token_index_make(literals, count, NULL, arena, &all), STATUS_OK);
    assert_int_equal(token_index_make(&literals[2], 1, NULL, arena, &names), STATUS_OK);
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        for (size_t at = ranges[r][0]; at < ranges[r][1]; at++) {
            for (uint32_t l = 0; l < count; l++) {
                expect_around(all, literals, count, l, at);
                expect_around(names, &literals[2], 1, 0, at);
            }
        }
    }
}

/* Each byte beside tokens, and between two that a dot would join: in whole blocks and in the last one. */
static void test_every_byte(void **state)
{
    struct token_literal literals[] = {
        literal_of("", TOKEN_ANY, BOTH),
        literal_of("go", TOKEN_ANY, BOTH),
        literal_of("go.on", TOKEN_DOTTED, BOTH),
        literal_of("on", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL),
        literal_of("\xc0\x80", TOKEN_BEYOND, 0),
        literal_of("\xff"
                   "go",
                   TOKEN_BEYOND, 0),
    };
    uint32_t count = sizeof literals / sizeof *literals;
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t text[150], around[3] = {(uint8_t)byte, 'x', (uint8_t)byte};
        struct token_index *index = NULL;
        for (size_t i = 0; i < sizeof text; i++) {
            text[i] = (uint8_t) "?go?on?\xc0\x80 ?x? ?"[i % 14];
            text[i] = text[i] == '?' ? (uint8_t)byte : text[i];
        }
        literals[0].text = span_of(around, is_token_byte((uint8_t)byte) ? 3 : 0); /* a token, or none */
        uint32_t first = literals[0].text.size > 0 ? 0 : 1;
        arena_reset(arena);
        assert_int_equal(token_index_make(literals + first, count - first, NULL, arena, &index), STATUS_OK);
        for (size_t size = 1; size <= sizeof text; size += 7) {
            compare(index, literals + first, count - first, span_of(text, size));
        }
    }
}

static void append_random(char *to, size_t *size, size_t tokens, const char *joints)
{
    for (size_t i = 0; i < tokens; i++) {
        size_t letters = 1 + random_below(random_below(8) == 0 ? 20 : 3);
        while (letters-- > 0) {
            to[(*size)++] = "ab1"[random_below(3)];
        }
        char joint = joints[random_below((uint32_t)strlen(joints))];
        if (joint == '?') { /* a character beyond ASCII */
            to[(*size)++] = '\xc3';
            to[(*size)++] = random_below(2) ? '\xa9' : '\xa8';
        } else {
            to[(*size)++] = joint;
        }
    }
}

/* Random literals of few letters and of all kinds, so that they share tokens, in random texts. */
static void random_round(unsigned kinds, const char *joints)
{
    struct token_literal literals[300];
    uint32_t count = 0;
    struct token_index *index = NULL;
    arena_reset(arena);
    while (count < 300) {
        char text[400];
        size_t size = 0;
        append_random(text, &size, 1 + random_below(4), joints);
        text[random_below(2) ? size : --size] = '\0';
        struct token_literal literal = literal_of(arena_copy(arena, span_of(text, size)),
                                                  (enum token_kind)random_below(TOKEN_KINDS), random_below(4));
        bool wanted = (kinds >> literal.kind & 1) && token_index_takes(&literal);
        for (uint32_t i = 0; i < count; i++) {
            wanted &= !span_equal(literals[i].text, literal.text) || literals[i].edges != literal.edges;
        }
        if (wanted) {
            literals[count++] = literal;
        }
    }
    assert_int_equal(token_index_make(literals, count, NULL, arena, &index), STATUS_OK);
    assert_true(token_index_bytes(index) > 0);
    for (int i = 0; i < 40; i++) {
        char text[1600];
        size_t size = 0;
        append_random(text, &size, random_below(i % 8 ? 12 : 60), joints);
        compare(index, literals, count, span_of(text, size));
    }
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        state_of_random = seed;
        random_round(1u << TOKEN_ANY, " -.'_?");
        random_round(1u << TOKEN_DOTTED, "..- ?");
        random_round(1u << TOKEN_BEGINNING, " -.'_");
        random_round(1u << TOKEN_BEYOND, " -??");
        random_round((1u << TOKEN_KINDS) - 1, " -.'_?");
    }
}

static void test_long_tokens(void **state)
{
    char longest[TOKEN_SIZE_MAX + 3];
    memset(longest, 'a', sizeof longest);
    struct token_literal taken = {.text = span_of((const uint8_t *)longest, TOKEN_SIZE_MAX), .edges = BOTH};
    struct token_literal longer = {.text = span_of((const uint8_t *)longest, TOKEN_SIZE_MAX + 1), .edges = BOTH};
    struct token_index *index = NULL;
    (void)state;
    assert_true(token_index_takes(&taken));
    assert_false(token_index_takes(&longer));
    arena_reset(arena);
    assert_int_equal(token_index_make(&taken, 1, NULL, arena, &index), STATUS_OK);
    compare(index, &taken, 1, taken.text);
    compare(index, &taken, 1, longer.text);
}

static void test_stop(void **state)
{
    static const struct {
        const char *literal, *text;
        enum token_kind kind;
        unsigned edges;
    } rows[] = {{"go", "go go go", TOKEN_ANY, BOTH},
                {"go.xy", "go.xy go.xy go.xy", TOKEN_DOTTED, BOTH},
                {"go", "going goes gone", TOKEN_BEGINNING, EDGE_BEFORE_LITERAL},
                {"\xc3\xa9", "\xc3\xa9\xc3\xa9\xc3\xa9", TOKEN_BEYOND, 0}};
    static struct hits hits = {.stop_after = 2};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_literal literal = literal_of(rows[i].literal, rows[i].kind, rows[i].edges);
        struct token_index *index = NULL;
        hits.count = 0;
        arena_reset(arena);
        assert_int_equal(token_index_make(&literal, 1, NULL, arena, &index), STATUS_OK);
        assert_false(token_index_search(index, span_text(rows[i].text), note, &hits));
        assert_int_equal(hits.count, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_borders), cmocka_unit_test(test_random),
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_stop),    cmocka_unit_test(test_long_tokens),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
