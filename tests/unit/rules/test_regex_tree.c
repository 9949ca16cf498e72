/* The tree's sets are compared with what PCRE2 itself matches, one character at a time. */
#include "rules/regex_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "rules/regex.h"
#include "tests/support/cmocka_all.h"

static struct arena *arena;
static struct regex_scratch *scratch;

static int set_up(void **state)
{
    (void)state;
    return arena_new(1 << 16, 1 << 28, &arena) != STATUS_OK || regex_scratch_new(&scratch) != STATUS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    regex_scratch_free(&scratch);
    return 0;
}

static size_t encode(uint32_t c, uint8_t bytes[4])
{
    if (c < 0x80) {
        bytes[0] = (uint8_t)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; c >>= 6) {
        bytes[i] = (uint8_t)(0x80 | (c & 0x3F));
    }
    bytes[0] = (uint8_t)((size == 2 ? 0xC0 : size == 3 ? 0xE0 : 0xF0) | c);
    return size;
}

static uint32_t decode(const uint8_t *at)
{
    uint32_t c = at[0];
    if (c < 0x80) {
        return c;
    }
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    c &= 0x3Fu >> more;
    for (int i = 1; i <= more; i++) {
        c = c << 6 | (at[i] & 0x3Fu);
    }
    return c;
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static bool holds(const struct regex_set *set, uint32_t c)
{
    if (c < 0x80) {
        return set->ascii[c >> 6] >> (c & 63) & 1;
    }
    return set->other_any ||
           (set->other_count > 0 && bsearch(&c, set->others, set->other_count, sizeof c, compare) != NULL);
}

static const struct regex_set *read_set(const char *pattern)
{
    struct regex_node *root = NULL;
    enum status status = regex_tree_parse(span_text(pattern), arena, &root);
    if (status != STATUS_OK || root->type != NODE_CHARACTERS) {
        fail_msg("%s: status %d", pattern, (int)status);
    }
    return &root->set;
}

static void check_set(const char *pattern)
{
    struct regex *regex = NULL;
    if (regex_compile(span_text(pattern), NULL, &regex) != STATUS_OK) {
        fail_msg("PCRE2 does not take %s", pattern);
    }
    arena_reset(arena);
    const struct regex_set *set = read_set(pattern);
    for (uint32_t c = 0; c < 0x110000; c += c < 0x2200 ? 1 : c % 128 < 2 ? 1 : 131) {
        if (c >= 0xD800 && c < 0xE000) {
            continue;
        }
        uint8_t bytes[4];
        uint32_t start, end;
        bool matches = regex_match(regex, scratch, span_of(bytes, encode(c, bytes)), 0, &start, &end) == STATUS_OK;
        if (matches ? !holds(set, c) : c < 0x80 && holds(set, c)) {
            fail_msg("%s: U+%04X %s", pattern, (unsigned)c, matches ? "is missing" : "is too much");
        }
    }
    regex_free(&regex);
}

/* Exact for ASCII, never too small beyond; with and without regard to case, and negated. */
static void test_sets(void **state)
{
    static const char *const items[] = {
        "\\d",
        "\\D",
        "\\w",
        "\\W",
        "\\s",
        "\\S",
        "\\h",
        "\\H",
        "\\v",
        "\\V",
        "\\p{L}",
        "\\P{L}",
        "\\pN",
        "\\PN",
        "\\p{Lu}",
        "\\P{Lu}",
        "\\p{Ll}",
        "\\p{^Ll}",
        "\\p{Lt}",
        "\\p{L&}",
        "\\p{Xan}",
        "\\p{Xwd}",
        "\\p{Xps}",
        "\\p{Greek}",
        "\\P{Latin}",
        "[:alpha:]",
        "[:lower:]",
        "[:upper:]",
        "[:alnum:]",
        "[:ascii:]",
        "[:blank:]",
        "[:cntrl:]",
        "[:digit:]",
        "[:graph:]",
        "[:print:]",
        "[:punct:]",
        "[:space:]",
        "[:word:]",
        "[:xdigit:]",
        "[:^alpha:]",
        "[:^lower:]",
        "[:^upper:]",
        "[:^alnum:]",
        "[:^ascii:]",
        "[:^blank:]",
        "[:^cntrl:]",
        "[:^digit:]",
        "[:^graph:]",
        "[:^print:]",
        "[:^punct:]",
        "[:^space:]",
        "[:^word:]",
        "[:^xdigit:]",
        "k",
        "s",
        "i",
        "\xC5\xBF",
        "\xE2\x84\xAA",
        "\xC4\xB0",
        "\xC3\x9F",
        "a-z",
        "A-Z",
        "0-9",
        "j-t",
        "K-S",
        "\\x00-\\x1f",
        "\\x{80}-\\x{ff}",
        "\\x{100}-\\x{200}",
        "\\x{2100}-\\x{2200}",
        "\\x{80}-\\x{10ffff}",
        "Z-\\x{180}",
        "-",
        "a-",
        "\\b",
        "\\Qa-z\\E",
        "\\Qa\\E-\\Qf\\E",
        "\\101",
        "\\8",
        "\\18",
        "\\0",
        "\\08",
        "\\cA-\\cZ",
        "\\x",
        "\\x4",
        "\\x414",
        "\\o{101}",
        "\\N{U+e9}",
        "\\w-",
        "[a",
        ".$|(){}*+?",
        "\\]",
        "\\-a",
        "!--",
        "&&~~||",
        "[:alpha",
        "\\e\\a\\f\\n\\r\\t",
        "[:lower:]k",
        "[:^lower:]Z",
        "\\p{Lu}k",
        "[:^upper:][:^lower:]",
        "[:lower:]\\x{1e943}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        for (int k = 0; k < 4; k++) {
            char pattern[100];
            snprintf(pattern, sizeof pattern, "%s[%s%s]", k > 1 ? "(?-i)" : "", k % 2 ? "^" : "", items[i]);
            check_set(pattern);
        }
    }
}

static void test_single_characters(void **state)
{
    static const char *const patterns[] = {
        ".",
        "(?-s).",
        "\\N",
        "a",
        "(?-i)a",
        "k",
        "\\x{212a}",
        "\\d",
        "\\D",
        "\\w",
        "\\W",
        "\\s",
        "\\S",
        "\\h",
        "\\H",
        "\\v",
        "\\V",
        "\\p{Lu}",
        "(?-i)\\p{Lu}",
        "\\P{Ll}",
        "\\pL",
        "\\x41",
        "\\x",
        "\\x4",
        "\\101",
        "\\060",
        "\\0",
        "\\cA",
        "\\c[",
        "\\c?",
        "\\e",
        "\\a",
        "\\t",
        "\\n",
        "\\r",
        "\\f",
        "\\o{101}",
        "\\N{U+1F600}",
        "\\Q*\\E",
        "[]]",
        "[^]]",
        "[]a]",
        "[]-a]",
        "[\\]]",
        "[\\Q]\\E]",
        "[\\E^a]",
        "[^\\E^a]",
        "[\\Q\\E]a]",
        "(?xx)[a b]",
        "(?xx)[ ^a]",
        "(?xx)[a - c]",
        "(?xx)[ ]a]",
        "(?x)[a b]",
        "(?x) a # b",
        "(?x)\\ ",
        "(?x)\\#",
        "(?x:[#])",
        "(?i:a)",
        "(?-i:a)",
        "(?^:a)",
        "((?-i)a)",
        "(?:(?i)a)",
        "(?>a)",
        "(?|a)",
        "(?<n>a)",
        "(?'n'a)",
        "(?P<n>a)",
        "(a)",
        "(*atomic:a)",
        "(*sr:a)",
        "(?#b)a",
        "a(?#b)",
        "(?=b|)a",
        "a(?!b)",
        "(?<!b)a",
        "(?*b|)a",
        "(*pla:b|)a",
        "{",
        "}",
        "]",
        "a\\E",
        "\\N{U+e9}",
        "\xC3\xA9",
        "(?-i)\xC3\xA9",
        "\\\xC3\xA9",
        "\\-",
        "\\_",
        "[\\b]",
        "[a\\Q-\\Ez]",
        "[\\p{Lu}\\d]",
        "[^\\P{L}]",
        "[^\\W_]",
        "[\\w.%+-]",
        "[--/]",
        "[+--]",
        "[a-\\x{e9}]",
        "(?n)(a)",
        "(?J)a",
        "(?U)a",
        "(?m)a",
        "(?i-s).",
        "(?s-i:.)",
        "(?-i)[[:upper:]]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        check_set(patterns[i]);
    }
}

/* Every character that has any case partner, against everything that PCRE2 takes for it. */
static void test_case_closure(void **state)
{
    struct regex *cased = NULL;
    struct buffer all = BUFFER_INIT(1 << 20);
    uint32_t start, end;
    uint64_t partners = 0;
    (void)state;
    assert_int_equal(regex_compile(span_text("[\\p{L&}\\p{Mn}\\p{Nl}\\x{24B6}-\\x{24E9}]"), NULL, &cased), STATUS_OK);
    for (uint32_t c = 0; c < 0x110000; c++) {
        uint8_t bytes[4];
        size_t size = encode(c, bytes);
        if ((c < 0xD800 || c > 0xDFFF) &&
            regex_match(cased, scratch, span_of(bytes, size), 0, &start, &end) == STATUS_OK) {
            assert_int_equal(buffer_append(&all, bytes, size), STATUS_OK);
        }
    }
    regex_free(&cased);
    for (size_t at = 0; at < all.size;) {
        uint32_t c = decode(all.data + at);
        uint8_t bytes[4];
        size_t size = encode(c, bytes);
        struct regex *regex = NULL;
        struct regex_node *root = NULL;
        arena_reset(arena);
        assert_int_equal(regex_compile(span_of(bytes, size), NULL, &regex), STATUS_OK);
        assert_int_equal(regex_tree_parse(span_of(bytes, size), arena, &root), STATUS_OK);
        uint64_t ascii[2] = {0, 0};
        for (uint32_t from = 0; regex_match(regex, scratch, buffer_span(&all), from, &start, &end) == STATUS_OK;
             from = end) {
            uint32_t partner = decode(all.data + start);
            partners += partner != c;
            if (!holds(&root->set, partner)) {
                fail_msg("U+%04X stands for U+%04X too", (unsigned)c, (unsigned)partner);
            }
            if (partner < 0x80) {
                ascii[partner >> 6] |= UINT64_C(1) << (partner & 63);
            }
        }
        /* Nothing too much among ASCII: a negated class would lack it. */
        assert_true(root->set.ascii[0] == ascii[0] && root->set.ascii[1] == ascii[1]);
        regex_free(&regex);
        at += size;
    }
    assert_true(partners > 2700);
    buffer_free(&all);
}

static void dump(const struct regex_node *node, struct buffer *out)
{
    static const char *const names[] = {"-", "", "", "", "", "^", "$", "b", "B", "ANY"};
    static const char *const opens[] = {"", "", "(", "{"}, *const closes[] = {"", "", ")", "}"};
    if (node->type == NODE_CHARACTERS) {
        uint32_t shown = 0;
        for (uint32_t c = 'a'; c <= 'z'; c++) { /* enough for these tests: letters, or the number of others */
            shown += holds(&node->set, c) || holds(&node->set, c ^ 0x20);
        }
        for (uint32_t c = 0; c < 0x80 && shown <= 3; c++) {
            if (holds(&node->set, c)) {
                assert_int_equal(buffer_append_byte(out, c < ' ' ? '?' : (uint8_t)c), STATUS_OK);
            }
        }
        if (shown > 3 || node->set.other_any) {
            assert_int_equal(buffer_append_text(out, node->set.other_any ? "@" : "#"), STATUS_OK);
        }
        return;
    }
    if (node->type == NODE_SEQUENCE || node->type == NODE_CHOICE) {
        assert_int_equal(buffer_append_text(out, opens[node->type]), STATUS_OK);
        for (const struct regex_node *child = node->first; child; child = child->next) {
            dump(child, out);
            if (child->next) {
                assert_int_equal(buffer_append_text(out, node->type == NODE_CHOICE ? "|" : " "), STATUS_OK);
            }
        }
        assert_int_equal(buffer_append_text(out, closes[node->type]), STATUS_OK);
    } else if (node->type == NODE_REPEAT) {
        dump(node->first, out);
        assert_int_equal(buffer_print(out, "<%u,%d>", (unsigned)node->min, (int)node->max), STATUS_OK);
    } else {
        assert_int_equal(buffer_append_text(out, names[node->type]), STATUS_OK);
    }
}

static void test_shapes(void **state)
{
    static const struct {
        const char *pattern, *shape; /* without regard to case off, to keep the shapes short */
    } rows[] = {
        {"", "-"},
        {"ab", "(a b)"},
        {"a|b|", "{a|b|-}"},
        {"a*b+?c?+", "(a<0,-1> b<1,-1> c<0,1>)"},
        {"a{2}b{2,}c{2,5}+", "(a<2,2> b<2,-1> c<2,5>)"},
        {"a{,5}b", "(ANY b)"}, /* literal or repeat, by the version of PCRE2 */
        {"a{ 1, 2 }b", "(ANY b)"},
        {"a{x}", "(a { x })"},
        {"a{}", "(a { })"},
        {"a{,}", "(a { , })"},
        {"a{1", "(a { 1)"},
        {"a{1,2", "(a { 1 , 2)"},
        {"\\Qa+b\\E+", "(a + b<1,-1>)"},
        {"\\Qa(\\E(b)", "(a ( b)"},
        {"\\Qa|b", "(a | b)"},
        {"a\\Q\\E+", "a<1,-1>"},
        {"a(?#x)+", "a<1,-1>"},
        {"(?x)a # c\n + b", "(a<1,-1> b)"},
        {"(?x)a\xC2\x85"
         "b\xE2\x80\xA8"
         "c",
         "(a b c)"},
        {"(?x: a b )c d", "((a b) c   d)"},
        {"a(?i)b|c", "{(a Bb)|Cc}"},
        {"(a(?i)b)c", "((a Bb) c)"},
        {"(?i:a)b", "(Aa b)"},
        {"(?i)a(?^)b", "(Aa b)"},
        {"(?|a|(b))", "{a|b}"},
        {"(?:a|b)+", "{a|b}<1,-1>"},
        {"^a$", "(^ a $)"},
        {"\\Aa\\z\\Z\\G", "(^ a $ $ ^)"},
        {"\\ba\\B", "(b a B)"},
        {"[[:<:]]a[[:>:]]", "(b a b)"},
        {"(?=a)b(?!c)(?<=d)(?<!e)", "b"},
        {"(?=a)*b", "b"},
        {"(a)\\1", "(a ANY)"},
        {"(a)\\g1\\g{-1}\\g{1}b", "(a ANY ANY ANY b)"},
        {"(?<n>a)\\k<n>\\k'n'\\k{n}(?P=n)\\g{n}b", "(a ANY ANY ANY ANY ANY b)"},
        {"(a)(?1)(?R)(?-1)(?+1)(b)", "(a ANY ANY ANY ANY b)"},
        {"(?<n>a)(?&n)(?P>n)\\g<n>\\g'1'b", "(a ANY ANY ANY ANY b)"},
        {"a\\10b", "(a ? b)"},
        {"(a)\\11b", "(a ? b)"},
        {"(a)\\9(b)(c)(d)(e)(f)(g)(h)(i)", "(a ANY b c d e f g h i)"},
        {"(((((((((((a)))))))))))\\11b", "(a ANY b)"},
        {"(a)?(?(1)b|c)", "(a<0,1> {b|c})"},
        {"(a)?(?(1)b)", "(a<0,1> {b|-})"},
        {"(?<n>a)?(?(<n>)b|c)(?('n')d)", "(a<0,1> {b|c} {d|-})"},
        {"(?(?=a)b|c)", "{b|c}"},
        {"(?(?!a|\\))b|c)", "{b|c}"},
        {"(?(R)a|b)c", "({a|b} c)"},
        {"(?(DEFINE)(?<x>a))b(?&x)", "({a|-} b ANY)"},
        {"(?(VERSION>=10.0)a|b)", "{a|b}"},
        {"a(*PRUNE)b(*SKIP)c(*THEN)d(*COMMIT)e(*MARK:x)f(*:y)", "(a b c d e f)"},
        {"a(*FAIL)b", "(a b)"},
        {"(*atomic:a|b)c", "({a|b} c)"},
        {"(*plb:a)c", "c"},
        {"a\\Kb", "(a b)"},
        {"\\R", "{(? ?)|????}"},
        {"a(?:)b", "(a b)"},
        {"a()b", "(a b)"},
        {"(|a)", "{-|a}"},
    };
    struct buffer out = BUFFER_INIT(4096);
    char pattern[200];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct regex_node *root = NULL;
        struct regex *regex = NULL;
        snprintf(pattern, sizeof pattern, "(?-i)%s", rows[i].pattern);
        if (regex_compile(span_text(pattern), NULL, &regex) != STATUS_OK) {
            fail_msg("PCRE2 does not take %s", pattern);
        }
        regex_free(&regex);
        arena_reset(arena);
        buffer_clear(&out);
        enum status status = regex_tree_parse(span_text(pattern), arena, &root);
        if (status != STATUS_OK) {
            fail_msg("%s: status %d", pattern, (int)status);
        }
        dump(root, &out);
        assert_int_equal(buffer_append_byte(&out, 0), STATUS_OK);
        if (strcmp((const char *)out.data, rows[i].shape) != 0) {
            fail_msg("%s: %s instead of %s", pattern, (const char *)out.data, rows[i].shape);
        }
    }
    buffer_free(&out);
}

/* Nothing certain: these must not be guessed at. Not all of them are accepted by PCRE2. */
static void test_unsupported(void **state)
{
    static const char *const patterns[] = {
        "a(*ACCEPT)b", "a(*UNKNOWN)b", "a(*foo:b)", "(?C1)a", "(?C'x')a",    "(?q)a",    "(?r)a", "(?aD)a",
        "(?[a])",      "(a",           "a)",        "[a",     "[[:foo:]]",   "[[.a.]]",  "[\\R]", "[\\X]",
        "[\\B]",       "[\\g]",        "[a-\\d]",   "[z-a]",  "\\",          "\\C",      "\\L",   "\\u0041",
        "\\i",         "*a",           "a|+",       "(?",     "(?<n",        "(?P",      "(?P?",  "(?(",
        "(?(1",        "(?(1)a",       "\\x{",      "\\x{g}", "\\x{110000}", "\\o{8}",   "\\c",   "\\k<a",
        "\\g{",        "(*",           "(*pla:a",   "(?i",    "(?i-s-m)a",   "\\p{Foo}", "\\p{L", "(?#a",
    };
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct regex_node *root = NULL;
        enum status status = regex_tree_parse(span_text(patterns[i]), arena, &root);
        bool comment = strcmp(patterns[i], "(?#a") == 0; /* to the end: nobody asks */
        if (status != (comment ? STATUS_OK : STATUS_UNSUPPORTED) || (root && !comment)) {
            fail_msg("%s: status %d", patterns[i], (int)status);
        }
    }
}

static void test_limits(void **state)
{
    struct buffer text = BUFFER_INIT(1 << 20);
    struct regex_node *root = NULL;
    (void)state;
    for (int i = 0; i < 300; i++) {
        assert_int_equal(buffer_append_text(&text, "("), STATUS_OK);
    }
    assert_int_equal(regex_tree_parse(buffer_span(&text), arena, &root), STATUS_LIMIT);
    buffer_clear(&text);
    for (int i = 0; i < REGEX_TREE_NODES_MAX; i++) {
        assert_int_equal(buffer_append_text(&text, "a"), STATUS_OK);
    }
    assert_int_equal(regex_tree_parse(buffer_span(&text), arena, &root), STATUS_LIMIT);
    assert_null(root);
    struct arena *small = NULL;
    assert_int_equal(arena_new(4096, 8192, &small), STATUS_OK);
    assert_int_equal(regex_tree_parse(buffer_span(&text), small, &root), STATUS_NO_MEMORY);
    arena_free(&small);
    buffer_free(&text);
    assert_int_equal(regex_tree_parse(span_of(NULL, 0), arena, &root), STATUS_OK);
    assert_int_equal(root->type, NODE_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),   cmocka_unit_test(test_single_characters), cmocka_unit_test(test_case_closure),
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_unsupported),       cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
