#include "rules/regex.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/cmocka_all.h"

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

static enum status find(struct span pattern, struct span text, uint32_t from, uint32_t *ret_start, uint32_t *ret_end)
{
    struct regex *regex = NULL;
    struct regex_scratch *scratch = NULL;
    assert_int_equal(regex_compile(pattern, NULL, &regex), STATUS_OK);
    assert_int_equal(regex_scratch_new(&scratch), STATUS_OK);
    enum status status = regex_match(regex, scratch, text, from, ret_start, ret_end);
    regex_scratch_free(&scratch);
    regex_free(&regex);
    assert_null(regex);
    return status;
}

static void test_matches(void **state)
{
    static const struct {
        struct span pattern, text;
        uint32_t from;
        enum status status;
        uint32_t start, end;
    } rows[] = {
        {TEXT("abc"), TEXT("xxABCabc"), 0, STATUS_OK, 2, 5},
        {TEXT("abc"), TEXT("xxABCabc"), 3, STATUS_OK, 5, 8},
        {TEXT("abc"), TEXT("xxABCabc"), 6, STATUS_NOT_FOUND, 0, 0},
        {TEXT("abc"), TEXT("xxABCabc"), 9, STATUS_NOT_FOUND, 0, 0},
        {TEXT("(?-i)abc"), TEXT("xxABCabc"), 0, STATUS_OK, 5, 8},
        {TEXT("a.c"), TEXT("a\nc"), 0, STATUS_OK, 0, 3},
        {TEXT("(?-s)a.c"), TEXT("a\nc"), 0, STATUS_NOT_FOUND, 0, 0},
        {TEXT("(?-s)a.c"), TEXT("a\rc"), 0, STATUS_OK, 0, 3},
        {TEXT("k"), TEXT("\xE2\x84\xAA"), 0, STATUS_OK, 0, 3},
        {TEXT("\\w"), TEXT("-\xD0\xB6"), 0, STATUS_OK, 1, 3},
        {TEXT("a\0b"), TEXT("xa\0b"), 0, STATUS_OK, 1, 4},
        {TEXT("\\x00"), TEXT("a\0"), 0, STATUS_OK, 1, 2},
        {TEXT("."), TEXT("\xC3\xA9z"), 1, STATUS_OK, 2, 3}, /* inside a character: from the next one on */
        {TEXT(""), TEXT(""), 0, STATUS_OK, 0, 0},
        {TEXT("x*"), TEXT("abc"), 3, STATUS_OK, 3, 3},
        {TEXT("^a"), TEXT("b\na"), 0, STATUS_NOT_FOUND, 0, 0},
        {TEXT("(?m)^a"), TEXT("b\na"), 0, STATUS_OK, 2, 3},
        {TEXT("a$"), TEXT("a\n"), 0, STATUS_OK, 0, 1},
        {TEXT("foo\\Kbar"), TEXT("foobar"), 0, STATUS_OK, 3, 6},
        {TEXT("(a)(b)(c)\\3\\2\\1"), TEXT("abccba"), 0, STATUS_OK, 0, 6},
        {TEXT("(?<=a)b"), TEXT("ab"), 1, STATUS_OK, 1, 2},
        {TEXT("(*atomic:a+)b"), TEXT("aab"), 0, STATUS_OK, 0, 3},
        {TEXT("a(*FAIL)|b"), TEXT("ab"), 0, STATUS_OK, 1, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t start = 77, end = 78;
        enum status status = find(rows[i].pattern, rows[i].text, rows[i].from, &start, &end);
        if (status != rows[i].status) {
            fail_msg("row %zu: status %d", i, (int)status);
        }
        /* outputs are left alone on failure */
        assert_int_equal(start, status == STATUS_OK ? rows[i].start : 77);
        assert_int_equal(end, status == STATUS_OK ? rows[i].end : 78);
    }
}

static void test_faults(void **state)
{
    static const struct {
        struct span pattern;
        uint32_t offset;
        const char *word; /* of the text */
    } rows[] = {
        {TEXT("a("), 2, "parenthesis"},
        {TEXT("ab)"), 2, "parenthesis"},
        {TEXT("["), 1, "terminating ]"},
        {TEXT("*a"), 0, "quantifier"},
        {TEXT("a\\"), 2, "\\ at end"},
        {TEXT("a\\C"), 3, "\\C"},
        {TEXT("(?C1)a"), 5, "callout"},
        {TEXT("a(?C)b"), 5, "callout"},
        {TEXT("(*UTF)a"), 0, "VERB"},
        {TEXT("(*LIMIT_MATCH=9)a"), 0, "VERB"},
        {TEXT("(*FAIL)a"), 0, "VERB"},
        {TEXT("(*:mark)a"), 0, "VERB"},
        {TEXT("a(*UTF)"), 6, "VERB"},
        {TEXT("a\xFF"), 1, "UTF-8"},
        {TEXT("\xC3"), 0, "UTF-8"},
        {TEXT("\xED\xA0\x80"), 0, "UTF-8"},
        {TEXT("\\x{110000}"), 9, "too large"},
        {TEXT("[z-a]"), 3, "range"},
        {TEXT("(?<n>a)(?<n>b)"), 12, "same name"},
        {TEXT("\\1"), 1, "non-existent"},
        {TEXT("a{3,2}"), 5, "out of order"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct regex_fault fault = {.offset = 99};
        struct regex *regex = NULL;
        assert_int_equal(regex_compile(rows[i].pattern, &fault, &regex), STATUS_INVALID);
        assert_null(regex);
        if (!strstr(fault.text, rows[i].word) || fault.offset != rows[i].offset) {
            fail_msg("row %zu: at %u: %s", i, (unsigned)fault.offset, fault.text);
        }
        assert_int_equal(regex_compile(rows[i].pattern, NULL, &regex), STATUS_INVALID);
    }
}

static void test_limits(void **state)
{
    static const char *const patterns[] = {"(a+)+$", "(?:a|a)*b", "^(?:a?){200}b", "(?:(?:a|b)*(?:a|b)*)*c"};
    static uint8_t text[4000];
    (void)state;
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '!';
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        uint32_t start, end;
        enum status status = find(span_text(patterns[i]), span_of(text, sizeof text), 0, &start, &end);
        /* The required last character may rule out a match at once; what must not come is a match or no end. */
        assert_true(status == STATUS_LIMIT || (i > 0 && status == STATUS_NOT_FOUND));
    }
}

/* Many alternatives kept open need more stack than there is: that is no answer. */
static void test_stack_limit(void **state)
{
    size_t size = 1 << 20;
    uint8_t *text = malloc(size);
    (void)state;
    assert_non_null(text);
    memset(text, 'a', size);
    uint32_t start, end;
    assert_int_equal(find(span_text("(?:(a)|b)*c|(?:(a)|b)*z\\1"), span_of(text, size), 0, &start, &end), STATUS_LIMIT);
    free(text);
}

static void test_facts(void **state)
{
    static const struct {
        const char *pattern;
        bool empty;
    } rows[] = {{"a", false}, {"a*", true}, {"", true}, {"\\b", true}, {"a|", true}, {"(?=a)", true}, {"a+b*", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct regex *regex = NULL;
        assert_int_equal(regex_compile(span_text(rows[i].pattern), NULL, &regex), STATUS_OK);
        assert_int_equal(regex_matches_empty(regex), rows[i].empty);
        assert_true(regex_size(regex) > 64 && regex_size(regex) < 65536);
        regex_free(&regex);
    }
    struct regex_scratch *scratch = NULL;
    struct regex *none = NULL;
    regex_free(&none);
    regex_scratch_free(&scratch);
    assert_true(regex_version()[0] == '1' && regex_version()[1] == '0');
    assert_ptr_equal(regex_version(), regex_version());
}

/* NULL data with size 0 is a valid empty span, as pattern and as text. */
static void test_null_spans(void **state)
{
    uint32_t start, end;
    (void)state;
    assert_int_equal(find(span_of(NULL, 0), span_of(NULL, 0), 0, &start, &end), STATUS_OK);
    assert_int_equal(end, 0);
    assert_int_equal(find(span_text("a"), span_of(NULL, 0), 0, &start, &end), STATUS_NOT_FOUND);
}

/* \K may move the start behind the end, or before `from`; the range that comes out is always a range. */
static void test_moved_starts(void **state)
{
    static const char *const patterns[] = {"(?:(?=(?<x>ab\\K))|c)(?&x)?", "(?(DEFINE)(?<x>ab\\K))a(?=(?&x)|b)",
                                           "(?(DEFINE)(?<x>\\Ka))(?<=(?&x))b", "a\\Kb\\K"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct regex *regex = NULL;
        struct regex_scratch *scratch = NULL;
        if (regex_compile(span_text(patterns[i]), NULL, &regex) != STATUS_OK) {
            continue; /* versions of PCRE2 differ in what they refuse */
        }
        assert_int_equal(regex_scratch_new(&scratch), STATUS_OK);
        for (uint32_t from = 0; from < 5; from++) {
            uint32_t start, end;
            if (regex_match(regex, scratch, span_text("aabab"), from, &start, &end) == STATUS_OK) {
                assert_true(from <= start && start <= end && end <= 5);
            }
        }
        regex_scratch_free(&scratch);
        regex_free(&regex);
    }
}

/* A long text is tried a few places at a time: the outcome must be the same, wherever the match begins. */
static void test_long_texts(void **state)
{
    (void)state;
    enum { SIZE = 5000 };
    static const struct {
        const char *pattern, *needle;
    } rows[] = {{"needle", "needle"}, {"(?<=\xC3\xA9)n\\w+", "n\xC3\xA9n\xC3\xA9x"},
                {"^\xC3\xA9", "z"},   {"z$", "z"},
                {"\\bz\\b", " z "},   {"(?=n)(?<!y)nee", "nee"},
                {"\\Gz", "z"},        {"x?", "q"}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (size_t at = 0; at <= SIZE - 20; at += at < 300 ? 1 : 331) {
            static uint8_t text[SIZE];
            struct regex *regex;
            struct regex_scratch *scratch;
            uint32_t start = 77, end = 77, plain_start = 77, plain_end = 77;
            for (size_t i = 0; i < SIZE; i += 2) {
                text[i] = 0xC3;
                text[i + 1] = 0xA9;
            }
            size_t place = at & ~(size_t)1, size = strlen(rows[r].needle);
            memcpy(text + place, rows[r].needle, size);
            memset(text + place + size, '.', size % 2); /* the text stays valid UTF-8 */
            assert_int_equal(regex_compile(span_text(rows[r].pattern), NULL, &regex), STATUS_OK);
            assert_int_equal(regex_scratch_new(&scratch), STATUS_OK);
            regex_scratch_set_budget(scratch, 60000);
            enum status found = regex_match(regex, scratch, span_of(text, SIZE), 0, &start, &end);
            /* the same with nothing of the text after the match or far before it, short enough to be tried at once */
            size_t from = place > 200 ? (place - 200) & ~(size_t)1 : 0, until = place + 400 < SIZE ? place + 400 : SIZE;
            enum status plain =
                regex_match(regex, scratch, span_of(text + from, until - from), 0, &plain_start, &plain_end);
            if (strchr("^z\\x", rows[r].pattern[0]) == NULL) {
                assert_int_equal(found, plain);
                if (found == STATUS_OK) {
                    assert_int_equal(start, plain_start + from);
                    assert_int_equal(end, plain_end + from);
                }
            } else if (found == STATUS_OK) {
                assert_true(start == 0 || start == place + (rows[r].needle[0] == ' ') || end == SIZE);
            }
            regex_scratch_free(&scratch);
            regex_free(&regex);
        }
    }
}

/* PCRE2's own limits do not see the work of a pattern that looks far ahead from everywhere. */
static void test_budget(void **state)
{
    (void)state;
    enum { SIZE = 20000 };
    static uint8_t text[SIZE];
    struct regex *regex;
    struct regex_scratch *scratch;
    uint32_t start, end;
    for (size_t i = 0; i < SIZE; i++) {
        text[i] = (uint8_t) "mone "[i % 5];
    }
    assert_int_equal(regex_compile(span_text("mone(?!z)[^x]*(?<=t )e"), NULL, &regex), STATUS_OK);
    assert_int_equal(regex_scratch_new(&scratch), STATUS_OK);
    regex_scratch_set_budget(scratch, 0);
    assert_int_equal(regex_match(regex, scratch, span_of(text, SIZE), 0, &start, &end), STATUS_LIMIT);
    regex_scratch_set_budget(scratch, 600000);
    assert_int_equal(regex_match(regex, scratch, span_of(text, SIZE), 0, &start, &end), STATUS_NOT_FOUND);
    assert_int_equal(regex_match(regex, scratch, span_of(text, 500), 0, &start, &end), STATUS_NOT_FOUND);
    regex_scratch_free(&scratch);
    regex_free(&regex);
}

/* What PCRE2 does in one go in a millisecond, because it remembers where it failed, must not take a thousand times that
 * when it is tried a few places at a time. */
static void test_budget_is_enough(void **state)
{
    (void)state;
    enum { SIZE = 65536 };
    static uint8_t text[SIZE];
    struct regex *regex;
    struct regex_scratch *scratch;
    uint32_t start, end;
    memset(text, ' ', SIZE);
    assert_int_equal(regex_compile(span_text("\\B.+\\b"), NULL, &regex), STATUS_OK);
    assert_int_equal(regex_scratch_new(&scratch), STATUS_OK);
    regex_scratch_set_budget(scratch, 400);
    assert_int_equal(regex_match(regex, scratch, span_of(text, SIZE), 0, &start, &end), STATUS_NOT_FOUND);
    regex_scratch_free(&scratch);
    regex_free(&regex);
}

/*
 * A group that calls itself without taking text is a loop without end. The interpreter notices it at once; machine code would
 * take minutes for so many texts.
 */
static void test_calls(void **state)
{
    static const struct {
        const char *pattern, *text;
        enum status status;
    } rows[] = {
        {"(\\1*?\\H?+|\\g<1>|\\N{U+62}_*+Q)\xF0\x90\x80\x80K??", "there\xE2\x80\x93o", STATUS_LIMIT},
        {"(a\\g<1>?b)c", "xaaabbbc", STATUS_OK},
        {"(a\\g'1'?b)c", "xaaabbb", STATUS_NOT_FOUND},
        {"(?<n>a(?&n)?b)c", "aabbc", STATUS_OK},
        {"(?<n>a(?P>n)?b)c", "aabbd", STATUS_NOT_FOUND},
        {"x(a(?1)?b)c", "xaabbc", STATUS_OK},
        {"x(a(?-1)?b)c", "xabc", STATUS_OK},
        {"x(?+1)(ab|cd)", "xcdab", STATUS_OK},
        {"a(?R)?b", "aabb", STATUS_OK},
    };
    struct regex_scratch *scratch;
    (void)state;
    assert_int_equal(regex_scratch_new(&scratch), STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct regex *regex;
        uint32_t start, end;
        assert_int_equal(regex_compile(span_text(rows[i].pattern), NULL, &regex), STATUS_OK);
        for (int times = 0; times < 100; times++) {
            assert_int_equal(regex_match(regex, scratch, span_text(rows[i].text), 0, &start, &end), rows[i].status);
        }
        regex_free(&regex);
    }
    regex_scratch_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_texts),       cmocka_unit_test(test_budget), cmocka_unit_test(test_matches),
        cmocka_unit_test(test_faults),           cmocka_unit_test(test_limits), cmocka_unit_test(test_stack_limit),
        cmocka_unit_test(test_budget_is_enough), cmocka_unit_test(test_facts),  cmocka_unit_test(test_null_spans),
        cmocka_unit_test(test_moved_starts),     cmocka_unit_test(test_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
