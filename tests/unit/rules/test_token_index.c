/* Literals that stand as whole words, found by their tokens: always what a plain search of every literal finds. */
#include "rules/token_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

#define HITS_MAX 4096u

struct hits {
    struct hit {
        unsigned id;
        size_t end;
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

static int note(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    struct hits *hits = context;
    assert_true(from == 0 && flags == 0 && hits->count < HITS_MAX);
    hits->items[hits->count++] = (struct hit){.id = id, .end = (size_t)to};
    return hits->stop_after > 0 && hits->count == hits->stop_after;
}

static bool is_token_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Every literal at every place, without letters and digits beside those of its own ends. */
static void search_plainly(const struct span *literals, uint32_t count, struct span text, struct hits *hits)
{
    for (uint32_t i = 0; i < count; i++) {
        for (size_t at = 0; at + literals[i].size <= text.size; at++) {
            size_t end = at + literals[i].size;
            bool before = at > 0 && is_token_byte(text.data[at]) && is_token_byte(text.data[at - 1]);
            bool after = end < text.size && is_token_byte(text.data[end - 1]) && is_token_byte(text.data[end]);
            if (memcmp(text.data + at, literals[i].data, literals[i].size) == 0 && !before && !after) {
                (void)note(i, 0, end, 0, hits);
            }
        }
    }
}

static int compare_hits(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->end > y->end) - (x->end < y->end);
}

static void compare(const struct token_index *index, const struct span *literals, uint32_t count, struct span text)
{
    static struct hits plain, vector, portable;
    plain.count = vector.count = portable.count = 0;
    search_plainly(literals, count, text, &plain);
    assert_true(token_index_search(index, text, note, &vector));
    assert_true(token_index_search_portable(index, text, note, &portable));
    assert_int_equal(vector.count, portable.count);
    for (size_t i = 0; i < vector.count; i++) {
        assert_int_equal(vector.items[i].id, portable.items[i].id);
        assert_int_equal(vector.items[i].end, portable.items[i].end);
    }
    qsort(plain.items, plain.count, sizeof *plain.items, compare_hits);
    qsort(vector.items, vector.count, sizeof *vector.items, compare_hits);
    if (plain.count != vector.count ||
        (plain.count > 0 && memcmp(plain.items, vector.items, plain.count * sizeof *plain.items) != 0)) {
        fail_msg("%zu literals found, %zu stand in \"%.*s\"", vector.count, plain.count, (int)text.size,
                 (const char *)text.data);
    }
}

static void test_table(void **state)
{
    static const struct row {
        const char *literal, *text;
        enum token_kind kind;
        int hits;
    } rows[] = {
        {"scam", "a scam, a scam", TOKEN_ANY, 2},
        {"scam", "scam", TOKEN_ANY, 1},
        {"scam", "scams", TOKEN_ANY, 0},
        {"scam", "1scam", TOKEN_ANY, 0},
        {"scam", "_scam_", TOKEN_ANY, 1}, /* what is beside it beyond letters and digits is for others to judge */
        {"scam", "\xc3\xa9scam\xc3\xa9", TOKEN_ANY, 1},
        {"scam", "SCAM", TOKEN_ANY, 0},
        {"buy-now", "buy-now buy now buy-nowx xbuy-now", TOKEN_ANY, 1},
        {"'quote'", "x'quote'y", TOKEN_ANY, 1},
        {"c++", "c++x c++", TOKEN_ANY, 2},
        {"a.b", "a.b a.b.c", TOKEN_ANY, 2},
        {"", "", TOKEN_ANY, -1},
        {"++", "++", TOKEN_ANY, -1},
        {"evil.com", "see evil.com.", TOKEN_DOTTED, 1},
        {"evil.com", "www.evil.com/x", TOKEN_DOTTED, 1},
        {"evil.com", "notevil.com evil.comx", TOKEN_DOTTED, 0},
        {"evil.com", "evil. com", TOKEN_DOTTED, 0},
        {"my-evil.co.uk", "my-evil.co.uk", TOKEN_DOTTED, 1},
        {"evil.com/a.b", "evil.com/a.b evil.com/a", TOKEN_DOTTED, 1},
        {"evil-.com", "evil-.com", TOKEN_DOTTED, -1}, /* no token ends at its dot */
        {"evil", "evil", TOKEN_DOTTED, -1},
        {"evil.", "evil.com", TOKEN_DOTTED, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span literal = span_text(rows[i].literal);
        struct token_index *index = NULL;
        static struct hits hits;
        hits.count = 0;
        assert_int_equal(token_index_takes(literal, rows[i].kind), rows[i].hits >= 0);
        if (rows[i].hits < 0) {
            continue;
        }
        arena_reset(arena);
        assert_int_equal(token_index_make(&literal, 1, rows[i].kind, NULL, arena, &index), STATUS_OK);
        assert_true(token_index_search(index, span_text(rows[i].text), note, &hits));
        if (hits.count != (size_t)rows[i].hits) {
            fail_msg("%s in %s: %zu", rows[i].literal, rows[i].text, hits.count);
        }
    }
}

/* A token that begins or ends anywhere around the borders of blocks, and texts that end there. */
static void test_borders(void **state)
{
    struct span literals[] = {span_text("xy"), span_text("xy-z"), span_text("xy.z"), span_text("abcdefghijklmnopqrst")};
    struct token_index *words = NULL, *names = NULL;
    (void)state;
    arena_reset(arena);
    assert_int_equal(token_index_make(literals, 4, TOKEN_ANY, NULL, arena, &words), STATUS_OK);
    assert_int_equal(token_index_make(&literals[2], 1, TOKEN_DOTTED, NULL, arena, &names), STATUS_OK);
    for (size_t at = 0; at < 200; at++) {
        for (size_t l = 0; l < 4; l++) {
            for (size_t tail = 0; tail < 3; tail++) {
                size_t size = at + literals[l].size + tail;
                uint8_t *text = malloc(size); /* exactly as large: nothing behind it may be read */
                assert_non_null(text);
                memset(text, ' ', size);
                memcpy(text + at, literals[l].data, literals[l].size);
                compare(words, literals, 4, span_of(text, size));
                compare(names, &literals[2], 1, span_of(text, size));
                free(text);
            }
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
        to[(*size)++] = joints[random_below((uint32_t)strlen(joints))];
    }
}

/* Random literals of few letters, so that they share tokens, in random texts. */
static void random_round(enum token_kind kind, const char *joints)
{
    struct span literals[300];
    uint32_t count = 0;
    struct token_index *index = NULL;
    arena_reset(arena);
    while (count < 300) {
        char text[200];
        size_t size = 0;
        append_random(text, &size, 1 + random_below(4), joints);
        text[random_below(2) ? size : --size] = '\0';
        struct span literal = span_text(arena_copy(arena, span_of(text, size)));
        bool is_new = token_index_takes(literal, kind);
        for (uint32_t i = 0; i < count; i++) {
            is_new &= !span_equal(literals[i], literal);
        }
        if (is_new) {
            literals[count++] = literal;
        }
    }
    assert_int_equal(token_index_make(literals, count, kind, NULL, arena, &index), STATUS_OK);
    assert_true(token_index_bytes(index) > 0);
    for (int i = 0; i < 200; i++) {
        char text[600];
        size_t size = 0;
        append_random(text, &size, random_below(12), joints);
        compare(index, literals, count, span_of(text, size));
    }
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        state_of_random = seed;
        random_round(TOKEN_ANY, " -.'_");
        random_round(TOKEN_DOTTED, "..- ");
    }
}

static void test_long_tokens(void **state)
{
    char longest[TOKEN_SIZE_MAX + 3];
    memset(longest, 'a', sizeof longest);
    struct span taken = span_of((const uint8_t *)longest, TOKEN_SIZE_MAX);
    struct token_index *index = NULL;
    (void)state;
    assert_true(token_index_takes(taken, TOKEN_ANY));
    assert_false(token_index_takes(span_of((const uint8_t *)longest, TOKEN_SIZE_MAX + 1), TOKEN_ANY));
    arena_reset(arena);
    assert_int_equal(token_index_make(&taken, 1, TOKEN_ANY, NULL, arena, &index), STATUS_OK);
    compare(index, &taken, 1, taken);
    compare(index, &taken, 1, span_of((const uint8_t *)longest, TOKEN_SIZE_MAX + 1));
}

static void test_stop(void **state)
{
    struct span literal = span_text("go");
    struct token_index *index = NULL;
    static struct hits hits = {.stop_after = 2};
    (void)state;
    arena_reset(arena);
    assert_int_equal(token_index_make(&literal, 1, TOKEN_ANY, NULL, arena, &index), STATUS_OK);
    assert_false(token_index_search(index, span_text("go go go"), note, &hits));
    assert_int_equal(hits.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), cmocka_unit_test(test_borders),     cmocka_unit_test(test_random),
        cmocka_unit_test(test_stop),  cmocka_unit_test(test_long_tokens),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
