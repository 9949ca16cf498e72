#include "rules/lint_tokens.h"

#include <stdio.h>
#include <string.h>

#include "rules/regex.h"
#include "tests/support/cmocka_all.h"

static struct arena *arena;

/* One letter a token: what kind it is. */
static const char *kinds_of(const char *pattern)
{
    static const char letters[] = "lctbBa()|ro?";
    struct lint_tokens tokens;
    enum status status = lint_tokens_read(span_text(pattern), arena, &tokens);
    if (status == STATUS_UNSUPPORTED) {
        return "unsupported";
    }
    assert_int_equal(status, STATUS_OK);
    char *kinds = arena_array(arena, tokens.count + 1u, 1);
    uint32_t at = 0;
    for (uint32_t i = 0; i < tokens.count; i++) {
        kinds[i] = letters[tokens.items[i].type];
        assert_true(tokens.items[i].offset >= at);
        at = tokens.items[i].offset + tokens.items[i].size;
        assert_true(at <= strlen(pattern));
    }
    return kinds;
}

static const struct {
    const char *pattern, *kinds;
} rows[] = {
    {"", ""},
    {"ab", "ll"},
    {"\\bfoo\\B", "blllB"},
    {"a|b", "l|l"},
    {"(?:a|b)c", "(l|l)l"},
    {"(a)(?<n>b)(?P<n2>c)(?'n3'd)", "(l)(l)(l)(l)"},
    {"(?=a)(?!b)(?<=c)(?<!d)(?>e)", "(l)(l)(l)(l)(l)"},
    {"[abc][^]a][]a][[:alpha:]x]", "cccc"},
    {"[\\]]x", "cl"},
    {"\\d\\w+\\p{Lu}\\pL.", "ttrttt"},
    {"a{2}b{2,}c{2,3}d{,3}e{x}", "lrlrlrlllllllll"},
    {"a??b*+c+?", "lrlrlr"},
    {"^a$\\A\\z\\Z", "alaaaa"},
    {"(?i)a(?-i:b)", "ol(l)"},
    {"\\x41\\x{1F600}\\n\\.\\\\", "lllll"},
    {"\\Qa.b\\Ec", "llll"},
    {"(a)\\1\\k<n>\\g{1}\\K", "(l)????"},
    {"(?#comment)a", "?l"},
    {"é\\é", "ll"},
    {"(?x)a b", "unsupported"},
    {"(?(1)a|b)", "unsupported"},
    {"(a)(?1)", "unsupported"},
    {"(*UTF)a", "unsupported"},
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(kinds_of(rows[i].pattern), rows[i].kinds);
    }
}

static void test_details(void **state)
{
    struct lint_tokens tokens;
    (void)state;
    assert_int_equal(lint_tokens_read(span_text("a(?-i:b)c(?-s).{2,}\\x42(?i)"), arena, &tokens), STATUS_OK);
    assert_true(tokens.items[0].caseless);
    assert_int_equal(tokens.items[1].partner, 3);
    assert_int_equal(tokens.items[3].partner, 1);
    assert_false(tokens.items[2].caseless);
    assert_int_equal(tokens.items[2].depth, 1);
    assert_true(tokens.items[4].caseless);
    assert_true(tokens.items[4].dotall);
    assert_false(tokens.items[6].dotall);
    assert_int_equal(tokens.items[7].min, 2);
    assert_int_equal(tokens.items[7].max, LINT_FOREVER);
    assert_int_equal(tokens.items[8].character, 'B');
    assert_true(tokens.items[8].escaped);
}

static void test_classes(void **state)
{
    struct lint_tokens tokens;
    struct lint_class class;
    struct lint_member member;
    (void)state;
    struct span pattern = span_text("[^a-f\\w.\\-_-é[:digit:]-]");
    assert_int_equal(lint_tokens_read(pattern, arena, &tokens), STATUS_OK);
    assert_int_equal(tokens.count, 1);
    lint_class_open(pattern, &tokens.items[0], &class);
    assert_true(class.negated);
    static const struct {
        uint32_t first, last;
        char type;
    } members[] = {{'a', 'f', 0},  {0, 0, 'w'}, {'.', '.', 0}, {'-', '-', 0},
                   {'_', 0xE9, 0}, {0, 0, ':'}, {'-', '-', 0}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        assert_true(lint_class_next(&class, &member));
        assert_int_equal(member.type, members[i].type);
        if (!members[i].type) {
            assert_int_equal(member.first, members[i].first);
            assert_int_equal(member.last, members[i].last);
        }
    }
    assert_false(lint_class_next(&class, &member));
}

/* Whatever PCRE2 takes must be read without running over its end; made of pieces of syntax at random. */
static void test_random_patterns(void **state)
{
    static const char *const pieces[] = {"a",  "\\", "[", "]", "(", ")", "?", ":",   "{",   "}",  "1",
                                         ",",  "*",  "+", "|", "^", "-", "b", "\\Q", "\\E", "[:", ":]",
                                         "(?", "<",  ">", "=", "!", "x", "p", "é",   "#"};
    uint32_t seed = 1, read = 0;
    (void)state;
    for (uint32_t round = 0; round < 60000; round++) {
        char pattern[64] = "";
        uint32_t count = 1 + round % 9;
        for (uint32_t i = 0; i < count; i++) {
            seed = seed * 1664525u + 1013904223u;
            strcat(pattern, pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        struct regex *regex = NULL;
        if (regex_compile(span_text(pattern), NULL, &regex) == STATUS_OK) {
            read += strcmp(kinds_of(pattern), "unsupported") != 0;
            struct lint_tokens tokens;
            if (lint_tokens_read(span_text(pattern), arena, &tokens) == STATUS_OK) {
                for (uint32_t i = 0; i < tokens.count; i++) {
                    struct lint_class class;
                    struct lint_member member;
                    if (tokens.items[i].type != LINT_CLASS) {
                        continue;
                    }
                    lint_class_open(tokens.pattern, &tokens.items[i], &class);
                    while (lint_class_next(&class, &member)) {
                        assert_true(member.offset + member.size <= strlen(pattern));
                    }
                }
            }
            regex_free(&regex);
        }
        arena_reset(arena);
    }
    assert_true(read > 1000);
}

static int setup(void **state)
{
    (void)state;
    return arena_new(1u << 16, (size_t)64 << 20, &arena) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_random_patterns),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
