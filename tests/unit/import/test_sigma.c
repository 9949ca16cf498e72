#include "tests/unit/import/import_case.h"

#define S(detection, condition) "title: T\ndetection:\n" detection "  condition: " condition "\n"
#define ABC "  sel_a: [aa]\n  sel_b: [bb]\n  sel_c: [cc]\n"
#define PATTERNS "p.t live medium 'T' sel_a=/aa/folded sel_b=/bb/folded sel_c=/cc/folded"

static const struct import_case rows[] = {
    {"", "", "0 error empty-file"},
    /* Selections. */
    {S("  s: {message|contains: gift}\n", "s"), "p.t live medium 'T' s=/gift/folded hits gift", ""},
    {S("  s: {message|contains: [gift, 'a.b']}\n", "s"), "p.t live medium 'T' s=/gift|a\\.b/folded hits gift", ""},
    {S("  s: {message|contains|all: [gift, card]}\n", "s"),
     "p.t live medium 'T' s=/gift/folded s-2=/card/folded if s and s-2 hits gift card", ""},
    {S("  s: {text|startswith: [a1, b1]}\n", "s"), "p.t live medium 'T' s=/\\A(?:a1|b1)/folded hits a1", ""},
    {S("  s: {body|endswith: a1}\n", "s"), "p.t live medium 'T' s=/a1\\z/folded hits a1", ""},
    {S("  s: {content: a1}\n", "s"), "p.t live medium 'T' s=/\\Aa1\\z/folded hits a1", ""},
    {S("  s: {message|contains|cased: AbC}\n", "s"), "p.t live medium 'T' s=/(?-i)AbC/raw hits AbC", ""},
    {S("  s: {message|contains: 'a*b?c\\*\\\\d'}\n", "s"), "p.t shadow medium 'T' s=/a.*b.c\\*\\\\d/folded", ""},
    {S("  s: {message: 'a*'}\n", "s"), "p.t shadow medium 'T' s=/\\Aa.*\\z/folded", ""},
    {S("  s: {message|re: 'a.b'}\n", "s"), "p.t shadow medium 'T' s=/(?-is)a.b/raw", ""},
    {S("  s: {message|re|i|s: 'a.b'}\n", "s"), "p.t shadow medium 'T' s=/a.b/raw", ""},
    {S("  s: [gift, 12]\n", "s"), "p.t live medium 'T' s=/gift|12/folded hits gift", ""},
    {S("  s: {'|all': [gift, card]}\n", "s"),
     "p.t live medium 'T' s=/gift/folded s-2=/card/folded if s and s-2 hits gift card", ""},
    {S("  s: gift\n", "s"), "p.t live medium 'T' s=/gift/folded hits gift", ""},
    {S("  s:\n    - message|contains: aa\n    - message|contains: bb\n", "s"),
     "p.t live medium 'T' s=/aa/folded s-2=/bb/folded hits aa bb", ""},
    {S("  s: {message|contains: aa, text|endswith: bb}\n", "s"),
     "p.t live medium 'T' s=/aa/folded s-2=/bb\\z/folded if s and s-2 hits aa bb", ""},
    {S("  'or': {message|contains: aa}\n", "or"), "p.t live medium 'T' p_or=/aa/folded hits aa", ""},
    /* Conditions. */
    {S(ABC, "sel_a and not sel_b or sel_c"), PATTERNS " if sel_a and not sel_b or sel_c hits aa cc", ""},
    {S(ABC, "sel_a AND (sel_b OR sel_c)"), PATTERNS " if sel_a and (sel_b or sel_c) hits aa bb cc", ""},
    {S(ABC, "1 of sel_*"), PATTERNS " hits aa bb cc", ""},
    {S(ABC, "any of them"), PATTERNS " hits aa bb cc", ""},
    {S(ABC, "all of them"), PATTERNS " if sel_a and sel_b and sel_c hits aa bb cc", ""},
    {S(ABC, "2 of them"), PATTERNS " if 2 of (sel_a, sel_b, sel_c) hits aa bb cc", ""},
    {S(ABC "  _x: [dd]\n", "all of them"), PATTERNS " if sel_a and sel_b and sel_c hits aa bb cc", ""},
    {S("  a: {message|contains|all: [aa, bb]}\n  b: [cc]\n  c: [dd]\n", "2 of them"),
     "p.t live medium 'T' a=/aa/folded a-2=/bb/folded b=/cc/folded c=/dd/folded if a and a-2 and b or a and a-2 and c "
     "or b and c hits aa bb cc dd",
     ""},
    {S(ABC, "[sel_a, sel_b and sel_c]"), PATTERNS " if sel_a or sel_b and sel_c hits aa bb cc", ""},
    {S("  s: [aa]\n  filter: [bb]\n", "s and not 1 of filter*"),
     "p.t live medium 'T' s=/aa/folded filter=/bb/folded if s and not filter hits aa", ""},
    /* What it says about itself. */
    {"title: Asks for\n  a card\nid: 12-ab\nstatus: stable\nlevel: informational\ndescription: |\n  One.\n  Two: "
     "three\n"
     "detection:\n  s: [aa]\n  condition: s\n",
     "p.asks-for-a-card live low 'Asks for a card' s=/aa/folded hits aa", ""},
    {"status: test\nlevel: critical\ndetection: {s: [aa], condition: s}", "p.a-1 shadow critical s=/aa/folded hits aa",
     ""},
    {"status: deprecated\nlevel: high\ndetection: {s: [aa], condition: s}", "p.a-1 off high s=/aa/folded hits aa", ""},
    /* What is not moved. */
    {S(ABC, "sel_x"), "", "1 warning condition"},
    {S(ABC, "1 of x*"), "", "1 warning condition"},
    {S(ABC, "sel_a |  count() > 3"), "", "1 warning condition"},
    {S(ABC, "(sel_a"), "", "1 warning condition"},
    {S(ABC, "sel_a sel_b"), "", "1 warning condition"},
    {S(ABC, "sel_a and"), "", "1 warning condition"},
    {S(ABC, "9 of them"), "", "1 warning constant"},
    {S(ABC, "not sel_a"), "", "1 warning flags-everything"},
    {S(ABC, "sel_a") "  timeframe: 5m\n", "", "1 warning condition"},
    {S("  s: {Image|contains: a}\n", "s"), "", "1 warning field"},
    {S("  s: {message|base64: a}\n", "s"), "", "1 warning field"},
    {S("  s: {message: }\n", "s"), "", "1 warning field"},
    {S("  s: []\n", "s"), "", "1 warning field"},
    {S("  s: [{message: a}, b]\n", "s"), "", "1 warning field"},
    {S("  s: {message|re: '('}\n", "s"), "", "3 error refused-regex"},
    {S("  s: {message|contains: ['\xE2\x80\x8B', aa]}\n", "s"), "p.t live medium 'T' s=/aa/folded hits aa",
     "3 error no-phrase"},
    {S("  s: [aa]\n  f: ['\xE2\x80\x8B', bb]\n", "s and not f"),
     "p.t shadow medium 'T' s=/aa/folded f=/bb/folded if s and not f hits aa", "4 error no-phrase"},
    {"title: T\nlogsource: {}\n", "", "1 warning no-check"},
    {"title: T\ndetection: {s: [a]}\n", "", "1 warning condition"},
    {"title: T\ndetection: [\n", "", "3 error syntax"},
    {S(ABC, "sel_a") "---\n" S(ABC, "sel_q"), "p.t live medium 'T' sel_a=/aa/folded hits aa", "8 warning condition"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        import_case_expect(&import_case_options, IMPORT_SIGMA, &rows[i]);
    }
}

/* Deep nesting ends with a reason. */
static void test_limits(void **state)
{
    (void)state;
    char *rules = NULL, *notes = NULL, *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("title: T\ndetection:\n  s: [aa]\n  condition: ", out);
    for (int i = 0; i < 5000; i++) {
        fputs("not (", out);
    }
    fclose(out);
    struct span all = span_text(text);
    import_case_run(&import_case_options, IMPORT_SIGMA, &all, 1, &rules, &notes);
    assert_string_equal(rules, "");
    assert_string_equal(notes, "1 warning condition\n");
    free(rules);
    free(notes);
    free(text);
}

/* Nothing is cut off silently. */
static void test_many_items(void **state)
{
    (void)state;
    static const struct {
        const char *before, *item, *between, *after, *notes;
    } lists[] = {
        {"{message|re: [", "'a%d'", ",", "]}", "1 warning large-rule\n"},
        {"[", "{message: 'a%d'}", ",", "]", "1 warning large-rule\n"},
        {"[", "'a%d'", ",", "]", ""},
        {"{message|contains|all: [", "'a%d'", ",", "]}", "261 warning large-rule\n1 warning field\n"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char *rules = NULL, *notes = NULL, *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        fprintf(out, "title: T\ndetection:\n  condition: s\n  s: %s\n", lists[i].before);
        for (int k = 0; k < 1000; k++) {
            fprintf(out, "    %s", k ? lists[i].between : "");
            fprintf(out, strchr(lists[i].item, '{') ? "{message: 'a%d'}\n" : "'a%d'\n", k);
        }
        fprintf(out, "    %s\n", lists[i].after);
        fclose(out);
        struct span all = span_text(text);
        import_case_run(&import_case_options, IMPORT_SIGMA, &all, 1, &rules, &notes);
        assert_int_equal(rules[0] != '\0', lists[i].notes[0] == '\0');
        if (i < 3) {
            assert_string_equal(notes, lists[i].notes);
        } else {
            assert_non_null(strstr(notes, " warning large-rule\n"));
        }
        free(rules);
        free(notes);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_many_items)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
