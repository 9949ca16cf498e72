#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "rules/condition.h"

static const char *const names[] = {"ask", "ask-again", "code", "known", "_x"};
#define NAME_COUNT 5u

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    return arena_new(4096, 16u << 20, &arena) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* "TFU..": one letter for each pattern. */
static enum truth evaluate(const struct condition *condition, const char *letters)
{
    enum truth values[NAME_COUNT];
    for (size_t i = 0; i < NAME_COUNT; i++) {
        values[i] = letters[i] == 'T' ? TRUTH_TRUE : letters[i] == 'U' ? TRUTH_UNKNOWN : TRUTH_FALSE;
    }
    return condition_evaluate(condition, values);
}

static void test_values(void **state)
{
    static const struct {
        const char *text, *values;
        char expected;
    } rows[] = {
        {"ask", "TFFFF", 'T'},
        {"ask", "FTTTT", 'F'},
        {"ask", "UTTTT", 'U'},
        {"_x", "FFFFT", 'T'},
        {"ask-again", "FTFFF", 'T'},
        {"not ask", "FFFFF", 'T'},
        {"not ask", "TFFFF", 'F'},
        {"not ask", "UFFFF", 'U'},
        {"not not ask", "TFFFF", 'T'},
        {"ask and code", "TFTFF", 'T'},
        {"ask and code", "TFFFF", 'F'},
        {"ask and code", "UFFFF", 'F'},
        {"ask and code", "UFTFF", 'U'},
        {"code and ask", "UFFFF", 'F'},
        {"ask or code", "FFFFF", 'F'},
        {"ask or code", "UFTFF", 'T'},
        {"ask or code", "UFFFF", 'U'},
        {"code or ask", "FFUFF", 'U'},
        {"ask and code and not known", "TFTFF", 'T'},
        {"ask and code and not known", "TFTTF", 'F'},
        {"ask and code and not known", "TFTUF", 'U'},
        /* not binds tighter than and, and tighter than or */
        {"not ask and code", "FFFFF", 'F'},
        {"not ask and code", "FFTFF", 'T'},
        {"not (ask and code)", "FFFFF", 'T'},
        {"ask or code and known", "TFFFF", 'T'},
        {"(ask or code) and known", "TFFFF", 'F'},
        {"ask and code or known", "FFFTF", 'T'},
        {"ask and (code or known)", "FFFTF", 'F'},
        {"any of them", "FFFFF", 'F'},
        {"any of them", "FFFFT", 'T'},
        {"any of them", "FFFUF", 'U'},
        {"all of them", "TTTTT", 'T'},
        {"all of them", "TTTTF", 'F'},
        {"all of them", "TTTTU", 'U'},
        {"all of them", "UTTTF", 'F'},
        {"2 of them", "TFFFF", 'F'},
        {"2 of them", "TFFFT", 'T'},
        {"2 of them", "TFFFU", 'U'},
        {"2 of them", "FFFFU", 'F'},
        {"5 of them", "TTTTT", 'T'},
        {"002 of them", "TTFFF", 'T'},
        {"any of (ask*)", "FFTTT", 'F'},
        {"any of (ask*)", "FTFFF", 'T'},
        {"all of (ask*, code)", "TTTFF", 'T'},
        {"all of (ask*, code)", "TTFTT", 'F'},
        {"2 of (*)", "FFFTT", 'T'},
        {"1 of (code,known)", "FFFTF", 'T'},
        {"not any of (ask, code)", "FTFTT", 'T'},
        /* named twice, counts once */
        {"2 of (ask, ask, code)", "TFFFF", 'F'},
        {"2 of (ask*, ask)", "TFFFF", 'F'},
        {"any of(ask)and not(code)", "TFFFF", 'T'},
        {" \t\nask\r\n  and\tcode ", "TFTFF", 'T'},
        {"((((ask))))", "TFFFF", 'T'},
        {"ask or code or known or ask-again or _x", "FFFFT", 'T'},
        {"ask or code or known or ask-again or _x", "FFFFF", 'F'},
        {"ask and code and known and ask-again and _x", "TTTTT", 'T'},
        {"ask and code and known and ask-again and _x", "TTTFT", 'F'},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct condition *condition = NULL;
        struct condition_fault fault = {0};
        enum status status = condition_parse(rows[i].text, names, NAME_COUNT, arena, &fault, &condition);
        if (status != STATUS_OK) {
            print_error("%s: %s\n", rows[i].text, fault.text);
        }
        assert_int_equal(status, STATUS_OK);
        enum truth expected = rows[i].expected == 'T'   ? TRUTH_TRUE
                              : rows[i].expected == 'U' ? TRUTH_UNKNOWN
                                                        : TRUTH_FALSE;
        if (evaluate(condition, rows[i].values) != expected) {
            fail_msg("%s with %s", rows[i].text, rows[i].values);
        }
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *text;
        uint32_t offset;
        const char *words, *remedy;
    } rows[] = {
        {"", 0, "empty", "leave `condition` out"},
        {"   ", 0, "empty", ""},
        {"askk", 0, "there is no pattern 'askk'", "did you mean 'ask'?"},
        {"ask and codee", 8, "there is no pattern 'codee'", "did you mean 'code'?"},
        {"ask and zzzzzzzz", 8, "there is no pattern 'zzzzzzzz'", ""},
        {"ask AND code", 4, "expected 'and', 'or' or the end, found 'AND'", "write 'and' in lower case"},
        {"ask Or code", 4, "found 'Or'", "write 'or' in lower case"},
        {"NOT ask", 0, "there is no pattern 'NOT'", "write 'not' in lower case"},
        {"ANY of them", 0, "'ANY'", "write 'any' in lower case"},
        {"any OF them", 4, "expected 'of' after 'any', found 'OF'", "write 'of' in lower case"},
        {"any of THEM", 7, "'THEM'", "write 'them' in lower case"},
        {"none of them", 0, "'none'", "write 'not any of ...'"},
        {"ask && code", 4, "found '&'", "write 'and'"},
        {"ask || code", 4, "found '|'", "write 'or'"},
        {"!ask", 0, "found '!'", "write 'not'"},
        {"$ask and code", 0, "found '$'", "name alone"},
        {"'ask' and code", 0, "found '''", "without quotes"},
        {"ask code", 4, "expected 'and', 'or' or the end, found 'code'", ""},
        {"ask and", 7, "found the end", ""},
        {"and ask", 0, "expected a pattern's name", ""},
        {"ask or or code", 7, "found 'or'", ""},
        {"not", 3, "found the end", ""},
        {"(ask", 0, "never closed", "add a ')'"},
        {"ask and ((code or known)", 8, "never closed", ""},
        {"ask)", 3, "closes nothing", "remove it"},
        {"()", 1, "found ')'", ""},
        {"ask, code", 3, "found ','", "any of (a, b)"},
        {"(ask, code)", 4, "needs a count", "any of (a, b)"},
        {"them", 0, "'them' needs a count", "any of them"},
        {"ask*", 0, "a prefix needs a count", "any of"},
        {"any of ask*", 7, "expected 'them' or names in parentheses, found 'ask*'", "(ask*)"},
        {"any of ask", 7, "found 'ask'", "(ask)"},
        {"any of ()", 8, "expected a pattern's name, a prefix", ""},
        {"any of (ask,)", 12, "found ')'", ""},
        {"any of (ask code)", 12, "expected ',' or ')'", ""},
        {"any of (ask", 7, "never closed", ""},
        {"any of (tell*)", 8, "no pattern's name begins as 'tell*' says", ""},
        {"any of (askk)", 8, "there is no pattern 'askk'", "did you mean 'ask'?"},
        {"any them", 4, "expected 'of'", ""},
        {"2 them", 2, "expected 'of' after the number", ""},
        {"2", 1, "expected 'of' after the number, found the end", ""},
        {"6 of them", 0, "can never hold", "1 to 5"},
        {"ask or 3 of (ask*)", 7, "can never hold", "1 to 2"},
        {"99999999999999999999 of them", 0, "can never hold", ""},
        {"4294967297 of them", 0, "can never hold", ""},
        {"0 of them", 0, "always holds", "not any of"},
        {"2x of them", 0, "found '2x'", ""},
        {"ask and \xC3\xA9t", 8, "found '\xC3\xA9'", ""},
        {"ask [code]", 4, "found '['", "parentheses"},
        {"\xFF", 0, "expected a pattern's name", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct condition *condition = NULL;
        struct condition_fault fault = {0};
        assert_int_equal(condition_parse(rows[i].text, names, NAME_COUNT, arena, &fault, &condition), STATUS_INVALID);
        assert_null(condition);
        if (fault.offset != rows[i].offset || !strstr(fault.text, rows[i].words) ||
            !strstr(fault.remedy, rows[i].remedy)) {
            fail_msg("%s: at %u: %s (%s)", rows[i].text, fault.offset, fault.text, fault.remedy);
        }
    }
}

/* `count` times `repeated`, then `end`. */
static char *repeat(const char *repeated, size_t count, const char *end)
{
    char *text = malloc(strlen(repeated) * count + strlen(end) + 1);
    assert_non_null(text);
    char *to = text;
    for (size_t i = 0; i < count; i++) {
        to = stpcpy(to, repeated);
    }
    strcpy(to, end);
    return text;
}

static void test_hostile(void **state)
{
    static const struct {
        const char *repeated, *end;
        size_t count;
        const char *words; /* NULL: accepted */
    } rows[] = {
        {"not ", "ask", CONDITION_DEPTH_MAX - 1, NULL},
        {"not ", "ask", CONDITION_DEPTH_MAX, "deep"},
        {"(", "ask", 5000, "deep"},
        {"not(", "ask", 4000, "deep"},
        {"ask or ", "code", 2000, NULL},
        {"ask and ", "code", 2000, NULL},
        {"ask and not code or ", "code", 500, NULL},
        {"ask and ", "code", 1000000, "over 16384 bytes"},
        {"a", "", 10000, "there is no pattern"},
        {"9", " of them", 10000, "can never hold"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = repeat(rows[i].repeated, rows[i].count, rows[i].end);
        const struct condition *condition = NULL;
        struct condition_fault fault = {0};
        enum status status = condition_parse(text, names, NAME_COUNT, arena, &fault, &condition);
        free(text);
        assert_int_equal(status, rows[i].words ? STATUS_INVALID : STATUS_OK);
        if (rows[i].words) {
            assert_non_null(strstr(fault.text, rows[i].words));
        } else {
            (void)evaluate(condition, "TFTFT");
        }
        arena_reset(arena);
    }
}

static void test_uses(void **state)
{
    static const struct {
        const char *text;
        const char *used; /* one letter for each pattern */
    } rows[] = {
        {"ask", "ynnnn"},           {"not code", "nnynn"},   {"any of them", "yyyyy"},
        {"any of (ask*)", "yynnn"}, {"ask and _x", "ynnny"}, {"ask or (code or known)", "ynyyn"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct condition *condition = NULL;
        struct condition_fault fault = {0};
        assert_int_equal(condition_parse(rows[i].text, names, NAME_COUNT, arena, &fault, &condition), STATUS_OK);
        for (uint32_t j = 0; j < NAME_COUNT; j++) {
            assert_int_equal(condition_uses(condition, j), rows[i].used[j] == 'y');
        }
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"ask", true},  {"a", true},     {"_", true},    {"a-b_c9", true},    {"ANDY", true}, {"", false},
        {"9a", false},  {"-a", false},   {"a.b", false}, {"a b", false},      {"and", false}, {"AND", false},
        {"Any", false}, {"none", false}, {"of", false},  {"\xC3\xA9", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(condition_is_name(rows[i].text), rows[i].valid);
    }
}

/* Random token soup: never a crash, and what is accepted can be evaluated. */
static void test_soup(void **state)
{
    static const char *const pieces[] = {"ask", "code", "and ", "or ", "not ", "any ", "all ", "of ",  "them",    "2 ",
                                         "(",   ")",    ",",    "*",   " ",    "AND ", "$",    "none", "\xF0\x9F"};
    uint32_t random = 12345;
    uint32_t accepted = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[256] = "";
        random = random * 1664525u + 1013904223u;
        uint32_t count = 1 + (random >> 16) % 14;
        for (uint32_t i = 0; i < count; i++) {
            random = random * 1664525u + 1013904223u;
            strcat(text, pieces[(random >> 16) % (sizeof pieces / sizeof pieces[0])]);
        }
        const struct condition *condition = NULL;
        struct condition_fault fault = {0};
        enum status status = condition_parse(text, names, NAME_COUNT, arena, &fault, &condition);
        if (status == STATUS_OK) {
            accepted++;
            (void)evaluate(condition, "TUFTF");
        } else {
            assert_int_equal(status, STATUS_INVALID);
            assert_true(fault.offset <= strlen(text));
            assert_true(fault.text[0] != '\0');
        }
        arena_reset(arena);
    }
    assert_true(accepted > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_soup, setup, teardown),
    };
    return cmocka_run_group_tests_name("rules/condition", tests, NULL, NULL);
}
