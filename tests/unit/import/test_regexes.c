#include "tests/unit/import/import_case.h"

static const struct import_case rows[] = {
    {"", "", "0 error empty-file"},
    {"# only this\n", "", "0 error empty-file"},
    {"gift cards?\n# no\n\\bpay\\b.me\n",
     "p.line-1 shadow medium line-1=/(?-i)gift cards?/raw\np.line-3 shadow medium line-3=/(?-is)\\bpay\\b.me/raw", ""},
    {"gift  \n", "p.line-1 shadow medium line-1=/(?-i)gift  /raw", ""},
    {"\\#tag\n", "p.line-1 shadow medium line-1=/(?-i)\\#tag/raw", ""},
    {"'\"\\x{1}\\\\: #x\n", "p.line-1 shadow medium line-1=/(?-i)'\"\\x{1}\\\\: #x/raw", ""},
    {"a(\nok\n", "p.line-2 shadow medium line-2=/(?-i)ok/raw", "1 error refused-regex"},
    {"\\uD83D\\uDE00 \\u00e9 \\U0001F600 \\\\u0041 \\u12\n", "", "1 error refused-regex"},
    {"\\uD83D\\uDE00 \\u00e9 \\U0001F600 \\\\u0041\n",
     "p.line-1 shadow medium line-1=/(?-i)\\x{1F600} \\x{E9} \\x{1F600} \\\\u0041/raw", ""},
    /* Between slashes. */
    {"/gift cards?/i\n/a.b/\n/a.b/gs\n",
     "p.line-1 shadow medium line-1=/gift cards?/raw\np.line-2 shadow medium "
     "line-2=/(?-is)a.b/raw\np.line-3 shadow medium line-3=/(?-i)a.b/raw",
     ""},
    {"/a/q\n", "", "1 error flags"},
    {"/usr/bin/env python\n", "p.line-1 shadow medium line-1=/(?-i)/usr/bin/env python/raw", ""},
    /* With names. */
    {"scam\tgift\nscam\tcard\n__x y!\tz\n.\tq\n",
     "p.scam shadow medium line-1=/(?-i)gift/raw line-2=/(?-i)card/raw\n"
     "p.x-y shadow medium line-3=/(?-i)z/raw\np.line-4 shadow medium line-4=/(?-i)q/raw",
     "3 hint renamed\n4 hint renamed"},
    {"a/b\tx\na b\ty\na-b\tz",
     "p.a-b shadow medium line-1=/(?-i)x/raw\np.a-b-2 shadow medium line-2=/(?-i)y/raw\n"
     "p.a-b-3 shadow medium line-3=/(?-i)z/raw",
     "1 hint renamed\n2 hint renamed\n3 hint renamed"},
    {"a.b..c-.d\tx", "p.a.b.c-.d shadow medium line-1=/(?-i)x/raw", "1 hint renamed"},
    {"name\t\n", "", "1 error refused-regex"},
    /* With a first line that names columns. */
    {"#id\tflags\tn\tpattern\na\ti\t1\tx y\nb\t\t2\tz\tw\n",
     "p.a shadow medium line-2=/x y/raw\np.b shadow medium line-3=/(?-i)z\tw/raw", ""},
    {"Regex\tTitle\tName\nx\tSays x\ta\n", "p.a shadow medium 'Says x' line-2=/(?-i)x/raw", ""},
    {"#id\tflags\tpattern\na\tiQ\tx\nb\tm\ty\nc\ti\n", "p.b shadow medium line-3=/(?m-i)y/raw",
     "2 error flags\n4 error refused-regex"},
    {"id\twhat\nb\ty\n", "p.id shadow medium line-1=/(?-i)what/raw\np.b shadow medium line-2=/(?-i)y/raw", ""},
    /* Verbs and the like are not Weir's. */
    {"(*UTF)a\n\\C\n", "", "1 error refused-regex\n2 error refused-regex"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        import_case_expect(&import_case_options, IMPORT_REGEXES, &rows[i]);
    }
}

static void test_flags(void **state)
{
    (void)state;
    static const struct {
        const char *flags;
        enum view view;
        const char *rules;
    } given[] = {
        {"i", VIEW_RAW, "p.line-1 shadow medium line-1=/(?-s)a.b/raw"},
        {"is", VIEW_FOLDED, "p.line-1 shadow medium line-1=/a.b/folded"},
        {"", VIEW_FOLDED, "p.line-1 shadow medium line-1=/(?-is)a.b/raw"},
        {"imx", VIEW_RAW, "p.line-1 shadow medium line-1=/(?mx-s)a.b/raw"},
    };
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        struct import_options options = import_case_options;
        const struct import_case row = {"a.b", given[i].rules, ""};
        options.flags = given[i].flags;
        options.view = given[i].view;
        import_case_expect(&options, IMPORT_REGEXES, &row);
    }
}

/* A rule has room for 256 patterns. */
static void test_many_of_one_name(void **state)
{
    (void)state;
    char *rules = NULL, *notes = NULL, *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < 600; i++) {
        fprintf(out, "slurs\tword%d\n", i);
    }
    fclose(out);
    struct span all = span_text(text);
    import_case_run(&import_case_options, IMPORT_REGEXES, &all, 1, &rules, &notes);
    assert_non_null(strstr(rules, "p.slurs shadow"));
    assert_non_null(strstr(rules, "p.slurs-2 shadow medium line-257="));
    assert_non_null(strstr(rules, "p.slurs-3 shadow medium line-513="));
    assert_non_null(strstr(rules, "line-600="));
    assert_string_equal(notes, "257 hint renamed\n513 hint renamed\n");
    free(rules);
    free(notes);
    free(text);
}

static void test_several_files(void **state)
{
    (void)state;
    char *rules = NULL, *notes = NULL;
    const struct span texts[2] = {span_text("x\nn\ty"), span_text("x\nn\tz")};
    import_case_run(&import_case_options, IMPORT_REGEXES, texts, 2, &rules, &notes);
    assert_string_equal(rules, "p.line-1 shadow medium line-1=/(?-i)x/raw\np.n shadow medium line-2=/(?-i)y/raw\n"
                               "p.b-line-1 shadow medium line-1=/(?-i)x/raw\np.n-2 shadow medium line-2=/(?-i)z/raw\n");
    assert_string_equal(notes, "2 hint renamed\n");
    free(rules);
    free(notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_many_of_one_name),
        cmocka_unit_test(test_several_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
