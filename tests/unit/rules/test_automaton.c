/* Automata against PCRE2: what they refute does not match, what they find for certain does. */
#include <stdio.h>

#include "tests/unit/rules/automaton_look.h"

struct row {
    const char *pattern, *text;
    bool found, certain; /* whether it would be certain in ASCII */
};

static void check_rows(const struct row *rows, size_t count, enum view view)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned form = 0; form < AUTOMATON_FORMS; form++) {
            struct automaton *automaton = make(rows[i].pattern, view, form);
            struct span text = text_make(rows[i].text, strlen(rows[i].text));
            automaton_answer answer = look_at(automaton, text);
            bool certain = automaton_certain(automaton) == 1;
            if (answer != rows[i].found || certain != rows[i].certain) {
                print_error("/%s/ form %u on \"%s\": %u%s\n", rows[i].pattern, form, rows[i].text, answer,
                            certain ? ", certain" : "");
            }
            assert_int_equal(answer, rows[i].found);
            assert_int_equal(certain, rows[i].certain);
            bool ascii = true;
            for (size_t k = 0; k < text.size; k++) {
                ascii &= text.data[k] < 0x80;
            }
            bool matches = pcre_matches(rows[i].pattern, text);
            assert_true(rows[i].found || !matches);
            assert_true(matches || !rows[i].found || !certain || !ascii);
            text_free(text);
            automaton_free(&automaton);
            assert_null(automaton);
        }
    }
}

#define CHECK_ROWS(rows, view) check_rows(rows, sizeof(rows) / sizeof *(rows), view)

static void test_folded(void **state)
{
    static const struct row rows[] = {
        {"abc", "abc", true, true},
        {"abc", "xxabcxx", true, true},
        {"abc", "ab c", false, true},
        {"abc", "", false, true},
        {"abc", "ab", false, true}, /* what stands behind the newline is none of it */
        {"ABC", "abc", true, true},
        {"(?-i)ABC|x", "abc", false, true}, /* the folded view has no capitals */
        {"a(?-i:b)C", "abc", true, true},
        {"k", "k", true, true},
        {"\\x{17f}", "s", true, true},
        {"[^\\x{17f}]", "s", false, true},
        {"[^a-m]", "abc", false, true},
        {"[^a-m]", "abn", true, true},
        {"[a-c]{3}", "ab-c", false, true},
        {"[a-c]{3}", "-abc", true, true},
        {"a.c", "a c", true, true},
        {"a.c", "ac", false, true},
        {"a.c",
         "a\xd0\xb6"
         "c",
         true, true}, /* one character */
        {"a.c",
         "a\xd0\xb6"
         "d",
         false, true},
        {"\\d\\d", "1a2", false, true},
        {"\\d\\d", "a12", true, true},
        {"\\w\\W\\w", "a_b", false, true},
        {"\\w\\W\\w", "a-b", true, true},
        {"[[:punct:]]", "a1 ", false, true},
        {"[[:punct:]]", "a1$", true, true},
        {"\\N{2}", "a", false, true},
        {"\\N{2}", "ab", true, true},
        {"\\x61\\142\\o{143}\\N{U+64}", "abcd", true, true},
        {"\\Qa.b\\E", "axb", false, true},
        {"\\Qa.b\\E", "a.b", true, true},
        {"(?x) a b # c", "ab", true, true},
        {"(?x) a b # c", "abc", true, true},
        {"(?xx)[a b]", " ", false, true},
        {"(?xxx)[a b]", " ", false, true},
        {"(?xxsx)[^a b]", " ", true, true},
        {"(?x-x)a b", "ab", false, true},
        {"a\\Kb", "ab", true, true},
        {"a\\Kb", "b", false, true},
    };
    (void)state;
    CHECK_ROWS(rows, VIEW_FOLDED);
}

static void test_places(void **state)
{
    static const struct row rows[] = {
        {"^a", "ab", true, true},
        {"^a", "ba", false, true},
        {"a$", "ba", true, true},
        {"a$", "ab", false, true},
        {"\\Aa\\z", "a", true, true},
        {"\\Aa\\Z", "aa", false, true},
        {"\\Ga", "ba", false, true},
        {"\\Ga", "ab", true, true},
        {"x^a", "xa", false, true},
        {"a$x", "ax", false, true},
        {"(?:x|^)a", "ya", false, true},
        {"(?:x|^)a", "yxa", true, true},
        {"(?:x|^)a", "ay", true, true},
        {"a(?:x|$)", "ay", false, true},
        {"a(?:x|$)", "ya", true, true},
        {"^(?:a|^)*b$", "aab", true, true},
        {"\\bab", "ab", true, true},
        {"\\bab", "xab", false, true},
        {"\\bab", "_ab", false, true},
        {"\\bab", "-ab", true, true},
        {"ab\\b", "ab", true, true},
        {"ab\\b", "ab1", false, true},
        {"ab\\b", "ab.", true, true},
        {"\\Bab", "ab", false, true},
        {"\\Bab", "xab", true, true},
        {"ab\\B", "ab", false, true},
        {"ab\\B", "abx", true, true},
        {"\\b", "-", false, true},
        {"\\b", "", false, true},
        {"\\b", "-a", true, true},
        {"\\B", "a", false, true},
        {"\\b\\B", "a-", false, true},
        {"\\b^a\\b$", "a", true, true},
        {"\\b^a\\b$", "a-", false, true},
        {"a\\b\\b-", "a-", true, true},
        {"(?:a|\\b)+-", "a-", true, true},
        /* beside a byte beyond ASCII it may be either: PCRE2 is asked then */
        {"\\bab",
         "\xd0\xb6"
         "ab",
         true, true},
        {"\\Bab",
         "\xe2\x82\xac"
         "ab",
         true, true},
        {"ab\\b", "ab\xd0\xb6", true, true},
        {"ab\\B", "ab\xe2\x82\xac", true, true},
        {"\\bab", "\xd0\xb6xab", false, true},
    };
    (void)state;
    CHECK_ROWS(rows, VIEW_FOLDED);
}

static void test_repeats(void **state)
{
    static const struct row rows[] = {
        {"xa{3}y", "xaay", false, true},
        {"xa{3}y", "xaaay", true, true},
        {"xa{3}y", "xaaaay", false, true},
        {"xa{2,4}y", "xay", false, true},
        {"xa{2,4}y", "xaaaay", true, true},
        {"xa{2,4}y", "xaaaaay", false, true},
        {"xa{2,}y", "xay", false, true},
        {"xa{2,}y", "xaaaaaaaaay", true, true},
        {"xa{0}y", "xy", true, false},
        {"xa{0}y", "xay", false, false},
        {"x(?:ab){2}y", "xababy", true, true},
        {"x(?:ab){2}y", "xaby", false, true},
        {"x(?:a?){3}y", "xaaay", true, true},
        {"x(?:a?){3}y", "xaaaay", false, true},
        {"x(?:a|)*y", "xaay", true, true},
        {"x(?:|a)+y", "xaay", true, true},
        {"x(?:a*)*y", "xy", true, true},
        {"x(?:a*)+?y", "xaby", false, true},
        {"x(?:a|\\b){2}y", "x-y", false, true},
        {"x[ab]*?c", "xabdc", false, true},
        {"x{2}{", "xx{", true, true},
        {"x{2", "x{2", true, true},
        {"x{2", "xx", false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct automaton *automaton = make(rows[i].pattern, VIEW_FOLDED, 0);
        struct span text = text_make(rows[i].text, strlen(rows[i].text));
        bool exact = strstr(rows[i].pattern, "\\b") == NULL; /* a repeat of what takes no text is made looser */
        if (exact) {
            assert_int_equal(look_at(automaton, text), rows[i].found);
            assert_int_equal(automaton_certain(automaton), rows[i].certain);
        }
        assert_int_equal(pcre_matches(rows[i].pattern, text), rows[i].found);
        assert_true(look_at(automaton, text) >= rows[i].found);
        text_free(text);
        automaton_free(&automaton);
    }
}

/* Form 1 allows more where much is counted, and then nothing that it finds is certain. */
static void test_forms(void **state)
{
    static const struct row rows[] = {
        {"xa{30}y", "xaaay", false, false},
        {"xa{30}y", "xaaaaaaaaaaaaaaaaaaaaaaaaaay", true, false},
        {"xa{30}y", "xaaa", false, false},
        {"x.{0,40}y", "xabcy", true, false},
        {"x.{0,40}y", "x-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-ay", true, false},
        {"x.{0,40}y", "yabcx", false, false},
        {"xa{24}y", "xaaay", false, true},
        {"xa{0,24}y", "xaaay", true, true},
        {"x(?:ab){0,13}y", "xababy", true, false},
        {"x(?:ab){0,13}y", "xababababababababababababababy", true, false},
        {"x(?:ab){0,13}y", "xabaabby", false, false},
        {"x(?:ab){0,12}y", "xababababababababababababababy", false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct automaton *exact = make(rows[i].pattern, VIEW_FOLDED, 0), *loose = make(rows[i].pattern, VIEW_FOLDED, 1);
        struct span text = text_make(rows[i].text, strlen(rows[i].text));
        assert_int_equal(look_at(exact, text), pcre_matches(rows[i].pattern, text));
        assert_int_equal(automaton_certain(exact), 1);
        assert_int_equal(look_at(loose, text), rows[i].found);
        assert_int_equal(automaton_certain(loose), rows[i].certain);
        text_free(text);
        automaton_free(&exact);
        automaton_free(&loose);
    }
    struct automaton *large = make("xa{801}y", VIEW_FOLDED, 0); /* too much even for form 0 */
    assert_int_equal(automaton_certain(large), 0);
    assert_int_equal(automaton_counting(large), 800);
    automaton_free(&large);
    struct automaton *plain = make("xa+y", VIEW_FOLDED, 0);
    assert_int_equal(automaton_counting(plain), 0);
    automaton_free(&plain);
}

/* Constructs of which the tree allows more than PCRE2: a match is found, but never for certain. */
static void test_never_certain(void **state)
{
    static const char *const patterns[] = {
        "a(?=b)",
        "a(?!b)",
        "(?<=x)a",
        "(?<!x)a",
        "(*pla:b)a",
        "a(?*b)",
        "(a)x\\1",
        "(a)x\\g{1}",
        "(?<n>a)\\k<n>",
        "(?<n>a)(?P=n)",
        "x(?>a*)a",
        "x(*atomic:a*)a",
        "xa*+a",
        "xa++",
        "xa?+a",
        "xa{1,2}+a",
        "x(?:a|b)++",
        "a\\p{L}",
        "a\\pL",
        "a[\\p{L}]",
        "a\\P{Lu}",
        "a\\R",
        "a\\X",
        "[[:<:]]a",
        "a[[:>:]]",
        "(a)(?1)",
        "(a)(?R)?",
        "(?<n>a)(?&n)",
        "(?<n>a)(?P>n)",
        "(a)\\g<1>",
        "(a)?(?(1)b)",
        "(?(?=a)b|c)",
        "(?(DEFINE)(a))b",
        "a(*FAIL)|b",
        "a(*COMMIT)b",
        "a(*PRUNE)b|c",
        "a(*SKIP)b",
        "a(*THEN)b|c",
        "a(*:mark)b",
        "a{,3}b",
        "xa{ 2 }",
        "xa{2, 3}",
        "[[:graph:]\\s]x",
        "a(*sr:b)",
        "xa+(?#c)?",
        "(?x)xa+ +a",
        "a(?|(b)|(c))\\1",
        "(?J)(?<n>a)(?<n>b)\\k<n>",
        "xa+\\E?",
        "xa*(?#c)+a",
        "(?:b|^){0}a",
    };
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct span pattern = span_text(patterns[i]);
        struct regex *regex = NULL;
        struct automaton *automaton = NULL;
        if (regex_compile(pattern, NULL, &regex) != STATUS_OK) {
            print_error("/%s/ is refused\n", patterns[i]);
        }
        assert_non_null(regex);
        regex_free(&regex);
        for (unsigned form = 0; form < AUTOMATON_FORMS; form++) {
            enum status status = automaton_new(&pattern, 1, VIEW_FOLDED, form, &automaton);
            assert_true(status == STATUS_OK || status == STATUS_UNSUPPORTED);
            if (status == STATUS_OK && automaton_certain(automaton) != 0) {
                print_error("/%s/ is certain\n", patterns[i]);
                fail();
            }
            automaton_free(&automaton);
        }
    }
}

/* Places where PCRE2 reads something else than it seems: the automaton must not find what is not there. */
static void test_readings(void **state)
{
    static const struct {
        const char *pattern, *text;
    } rows[] = {
        {"^k+(?#c)?z", "z"},
        {"(?x)^(?:k)+ ?z", "z"},
        {"^k+(?#c)+kz", "kkz"},
        {"^a\\Q\\E*z", "aaz"},
        {"^a+\\E?z", "z"},
        {"(?xxx)[a b]", " "},
        {"(?xxx)[^a b]", " "},
        {"(?xxsx)[^a b]", " "},
        {"(?xx)[^a b]", " "},
        {"(?x)[a b]", " "},
        {"(?xsx)[a b]", " "},
        {"(?xxi)[a - c]", "b"},
        {"(?-xxx)[a b]", " "},
        {"[a-c-e]", "d"},
        {"[a-c-e]", "-"},
        {"[+--]", ","},
        {"[]a]", "]"},
        {"[^]a]", "]"},
        {"[\\Q]-\\Ea]", "]"},
        {"[a-\\Qc\\E]", "b"},
        {"[a\\E-c]", "b"},
        {"[\\d-]", "-"},
        {"[[:a]", ":"},
        {"[[a]", "["},
        {"\\8|x", "8"},
        {"\\11x|\\101", "a"},
        {"\\061", "1"},
        {"\\0611", "11"},
        {"\\x", "x"},
        {"a(?i)b|C", "c"},
        {"(?-i)a(?i)b|C", "c"},
        {"(?^)C", "c"},
        {"(?i:(?^:C)|d)", "c"},
        {"(?-s)a.b", "a b"},
        {"(?m)a$", "ab"},
        {"(?U)xa+y", "xaay"},
        {"(?n)(a)(b)", "ab"},
        {"(?|ab|c(d))", "cd"},
        {"(?'n'a)b", "ab"},
        {"(?P<n>a)b", "ab"},
        {"a{1", "a{1"},
        {"a{", "a{"},
        {"a}", "a}"},
        {"[a-\\x{17f}]z", "sz"},
        {"(?-i:[a-\\x{17f}])", "s"},
        {"[\\x{100}-\\x{180}]", "s"},
        {"[^\\x{100}-\\x{180}]", "s"},
        {"\\x{212a}", "k"},
        {"[^\\x{212a}]", "k"},
        {"[[:^punct:]\\-]", "-"},
        {"(?-i:[[:upper:]])", "a"},
        {"[[:upper:]]", "a"},
        {"[[:^upper:]]", "a"},
        {"(?-i:[[:^lower:]])", "a"},
        {"[[:word:]-]", "_"},
        {"\\cA|\\ca|z", "a"},
        {"[\\b]", "b"},
        {"(?:b|^){0}a", "xa"},
        {"(?:(?i)k|K)K{0,0}", "k"},
        {"((?-i)K)k", "kk"},
        {"x(?:){3}y", "xy"},
        {"x(?:()|(a)){2}y", "xay"},
        {"x(|a)y", "xay"},
        {"x(?:a{0}){5}y", "xy"},
        {"(?:^|b)*c", "abc"},
        {"(?:$|b)+$", "ab"},
        {"(a?)*?b", "aab"},
        {"(?:a|(?:b|)){2,}c", "abac"},
        {"\\D+\\W", "a-"},
        {"\\w+\\D", "ab"},
        {"\\S+\\D", "1a"},
        {"\\W*\\S", "--"},
    };
    uint32_t certain = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span pattern = span_text(rows[i].pattern);
        struct automaton *automaton = NULL;
        for (unsigned form = 0; form < AUTOMATON_FORMS; form++) {
            enum status status = automaton_new(&pattern, 1, VIEW_FOLDED, form, &automaton);
            if (status != STATUS_OK) {
                assert_int_equal(status, STATUS_UNSUPPORTED);
                continue;
            }
            struct span text = text_make(rows[i].text, strlen(rows[i].text));
            bool matches = pcre_matches(rows[i].pattern, text);
            automaton_answer answer = look_at(automaton, text);
            if ((matches && !answer) || (!matches && answer && automaton_certain(automaton))) {
                print_error("/%s/ on \"%s\": PCRE2 %d, form %u %u\n", rows[i].pattern, rows[i].text, matches, form,
                            answer);
                fail();
            }
            certain += automaton_certain(automaton) && answer == 1;
            text_free(text);
            automaton_free(&automaton);
        }
    }
    assert_true(certain > 60);
}

/* Newlines are in the raw view, which is searched without case; there only a PCRE2 match is certain. */
static void test_raw(void **state)
{
    static const struct row rows[] = {
        {"abc", "xabc", true, false},      {"ABC", "abc", true, false},
        {"(?-i)ABC", "abc", true, false}, /* what is searched has no capitals */
        {"abc", "ab\nc", false, false},    {"b\\nc", "ab\nc", true, false},
        {"b.c", "ab\nc", true, false},     {"(?-s)b.c", "ab\nc", false, false},
        {"c", "ab\nc", true, false},       {"c$", "ab\nc", true, false},
        {"(?m)^c", "ab\nc", true, false},  {"(?m)b$", "ab\nc", true, false},
        {"(?m)a$", "ab\nc", false, false}, {"(?m)^b", "ab\nc", false, false},
        {"(?m)^$", "a\n\nc", true, false}, {"(?m)^$", "a\nc", false, false},
        {"a[^b]c", "a\nc", true, false},   {"\\bc", "b\nc", true, false},
        {"b\\Bc", "b\nc", false, false},   {"\\n\\n", "a\nb\nc", false, false},
        {"\\n$", "a\n", true, false},      {"x", "", false, false},
        {"^$", "", true, false},           {"a\\sb", "a\tb", true, false},
    };
    (void)state;
    CHECK_ROWS(rows, VIEW_RAW);
}

/* What matches the empty string matches all: certainly if that is exact, else it is worth nothing. */
static void test_empty(void **state)
{
    static const char *const all[] = {"a*", "(?:a|)", "a?b?", "", "(?:)", "^", "$", "(?:^|a)", "\\A"};
    static const char *const none[] = {"(?=a)", "(?!a)", "\\K(?<=a)", "a*+", "(?1)()", "(?>a*)", "\\1?()"};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct automaton *automaton = make(all[i], VIEW_FOLDED, 0);
        struct span empty = text_make("", 0), text = text_make("bab", 3);
        assert_int_equal(look_at(automaton, empty), 1);
        assert_int_equal(look_at(automaton, text), 1);
        assert_int_equal(automaton_certain(automaton), 1);
        assert_true(pcre_matches(all[i], text));
        text_free(empty);
        text_free(text);
        automaton_free(&automaton);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct span pattern = span_text(none[i]);
        struct automaton *automaton = NULL;
        assert_int_equal(automaton_new(&pattern, 1, VIEW_FOLDED, 0, &automaton), STATUS_UNSUPPORTED);
        assert_null(automaton);
    }
}

static void test_refused(void **state)
{
    struct span patterns[AUTOMATON_MEMBERS_MAX + 1];
    struct automaton *automaton = NULL;
    char *text = malloc(70000);
    (void)state;
    assert_non_null(text);
    for (uint32_t i = 0; i <= AUTOMATON_MEMBERS_MAX; i++) {
        patterns[i] = span_text("abc");
    }
    assert_int_equal(automaton_new(patterns, AUTOMATON_MEMBERS_MAX + 1, VIEW_FOLDED, 0, &automaton), STATUS_LIMIT);
    patterns[0] = span_text("(?-i)A"); /* never in the folded view: there is nothing to look for */
    assert_int_equal(automaton_new(patterns, 1, VIEW_FOLDED, 0, &automaton), STATUS_UNSUPPORTED);
    patterns[0] = span_text("a(*ACCEPT)b");
    assert_int_equal(automaton_new(patterns, 2, VIEW_FOLDED, 0, &automaton), STATUS_UNSUPPORTED);
    memset(text, 'a', 40000); /* more instructions than there may be */
    patterns[0] = span_of(text, 40000);
    assert_int_equal(automaton_new(patterns, 1, VIEW_FOLDED, 0, &automaton), STATUS_LIMIT);
    size_t size = 0; /* more sets */
    for (int c = 0; c < 26 * 26 * 4; c++) {
        int i = c % 26, j = c / 26 % 26;
        if (i < j) {
            size += (size_t)snprintf(text + size, 70000 - size, "[%c%c%c]", 'a' + i, 'a' + j, '0' + c / 676);
        }
    }
    patterns[0] = span_of(text, size);
    assert_int_equal(automaton_new(patterns, 1, VIEW_FOLDED, 0, &automaton), STATUS_LIMIT);
    size = 0; /* copies of copies, without end */
    for (int i = 0; i < 90; i++) {
        size += (size_t)snprintf(text + size, 70000 - size, "(?:");
    }
    text[size++] = 'a';
    for (int i = 0; i < 90; i++) {
        size += (size_t)snprintf(text + size, 70000 - size, "b){2,3}");
    }
    patterns[0] = span_of(text, size);
    assert_int_equal(automaton_new(patterns, 1, VIEW_FOLDED, 0, &automaton), STATUS_LIMIT);
    assert_null(automaton);
    automaton_free(&automaton); /* NULL */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folded),        cmocka_unit_test(test_places),   cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_forms),         cmocka_unit_test(test_readings), cmocka_unit_test(test_raw),
        cmocka_unit_test(test_never_certain), cmocka_unit_test(test_empty),    cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
