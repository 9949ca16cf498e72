#include "tests/unit/import/import_case.h"

#define RULE "p.a live medium 'A word of the list a' "

static const struct import_case rows[] = {
    {"", "", "0 error empty-file"},
    {"# nothing\n\n   \n", "", "0 error empty-file"},
    {"gift card\n", RULE "words={gift card} hits they wrote gift card to me", ""},
    {"\xEF\xBB\xBFone\r\n  two  \r\n\r\nthree",
     RULE "words={one|two|three} hits they wrote one to me|they wrote two to me|they wrote three to me", ""},
    /* YAML must not see anything of its own in them. */
    {"don't\nyes\nnull\n123\na: b\n[x]\n- c\n\"q\"\n",
     RULE "words={don't|yes|null|123|a: b|[x]|- c|\"q\"} hits they wrote don't to me|they wrote yes to me|they wrote "
          "null to "
          "me",
     ""},
    {"caf\xC3\xA9\n\xF0\x9F\x96\x95\n\xE4\xBD\xA0\xE5\xA5\xBD\n",
     RULE "words={caf\xC3\xA9|\xF0\x9F\x96\x95|\xE4\xBD\xA0\xE5\xA5\xBD} hits they wrote caf\xC3\xA9 to me|they wrote "
          "\xF0\x9F\x96\x95 to me|they wrote \xE4\xBD\xA0\xE5\xA5\xBD to me",
     ""},
    /* Stars. */
    {"kill*\n", RULE "words={kill*} hits they wrote kill to me", ""},
    {"kill**\n", RULE "words={kill*} hits they wrote kill to me", ""},
    {"*coin\n*bit*\nfree mon*\n",
     RULE "words={free mon*} words-parts=/coin(?!\\w)|bit/folded hits they wrote free mon to me", ""},
    {"*Stra\xC3\x9F"
     "e 1.5\n",
     "p.a shadow medium 'A word of the list a' words-parts=/strasse\\s+1\\.5(?!\\w)/folded", ""},
    {"f*ck\n", RULE "words={f*ck} hits they wrote f*ck to me", ""},
    {"*\n**\n", "", "1 error no-phrase\n2 error no-phrase"},
    /* Comments and hashtags. */
    {"# words of today\n#scam\n\\#scam\n\\\\o/\n",
     RULE "words={#scam|\\o/} hits they wrote #scam to me|they wrote \\o/ to me", "2 hint comment"},
    {"##\n#!\n#-----\na1b2", RULE "words={a1b2} hits they wrote a1b2 to me", ""},
    /* The same twice. */
    {"Gift Card\ngift  card\nGIFT-CARD\ngift card*\n",
     RULE "words={Gift Card|GIFT-CARD|gift card*} hits they wrote Gift Card to me|they wrote GIFT-CARD to me|they "
          "wrote gift "
          "card to me",
     "2 hint duplicate-entry"},
    /* What is no word. */
    {"ok\n\xFF\xFEx\n", RULE "words={ok} hits they wrote ok to me", "2 error not-utf-8"},
    {"\xE2\x80\x8B\nok\n", RULE "words={ok} hits they wrote ok to me", "1 error no-phrase"},
    {"a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k\nok",
     RULE "words={ok} hits they wrote ok to me", "1 error no-phrase"},
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        import_case_expect(&import_case_options, IMPORT_WORDS, &rows[i]);
    }
}

static const struct {
    const char *column;
    struct import_case row;
} tables[] = {
    {"2",
     {"1,gift,x\n2,\"a, b\",y\n3,\"say \"\"hi\"\"\",z\n",
      RULE "words={gift|a, b|say \"hi\"} hits they wrote gift to me|they wrote a, b to me|they wrote say \"hi\" to me",
      ""}},
    {"Word",
     {"id;word;n\r\n1;gift;x\r\n\r\n2;;y\r\n3;card;z",
      RULE "words={gift|card} hits they wrote gift to me|they wrote card to me", ""}},
    {"1", {"gift\tx\ncard\ty\n", RULE "words={gift|card} hits they wrote gift to me|they wrote card to me", ""}},
    {"1", {"gift\ncard\n", RULE "words={gift|card} hits they wrote gift to me|they wrote card to me", ""}},
    {"2", {"a,gift\n\"x\n\ny\",card\n", RULE "words={gift|card} hits they wrote gift to me|they wrote card to me", ""}},
    {"2",
     {"a,gift\nb\nc,card\n", RULE "words={gift|card} hits they wrote gift to me|they wrote card to me",
      "2 error table"}},
    {"2", {"a,gift\nb,\"card\nc,d\n", RULE "words={gift} hits they wrote gift to me", "2 error table"}},
    {"term", {"id,word\n1,gift\n", "", "1 error table"}},
    {"3", {"a,gift\n", "", "1 error table"}},
    {"2", {"a,\xFFx\nb,gift\n", RULE "words={gift} hits they wrote gift to me", "1 error not-utf-8"}},
    {"0", {"a,gift\n", "", "1 error table"}},
    {"word", {"", "", "0 error empty-file"}},
};

static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct import_options options = import_case_options;
        options.column = tables[i].column;
        import_case_expect(&options, IMPORT_WORDS, &tables[i].row);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *notes;
    } files[] = {
        {{(const uint8_t *)"ab\0cd", 5}, "0 error not-text\n"},
        {{(const uint8_t *)"\xFF\xFE"
                           "a\0b\0",
          6},
         "0 error not-utf-8\n"},
        {{(const uint8_t *)"\xEF\xBB\xBF", 3}, "0 error empty-file\n"},
        {{(const uint8_t *)"\n", 1}, "0 error empty-file\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *rules = NULL, *notes = NULL;
        import_case_run(&import_case_options, IMPORT_WORDS, &files[i].text, 1, &rules, &notes);
        assert_string_equal(rules, "");
        assert_string_equal(notes, files[i].notes);
        free(rules);
        free(notes);
    }
}

static void test_large(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    char *rules = NULL, *notes = NULL, *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < COUNT; i++) {
        fprintf(out, i % 10 ? "word%d\n" : "*part%d\n", i);
    }
    for (uint32_t i = 0; i < IMPORT_LINE_SIZE_MAX + 1; i++) {
        fputc('x', out);
    }
    fclose(out);
    struct span all = span_text(text);
    import_case_run(&import_case_options, IMPORT_WORDS, &all, 1, &rules, &notes);
    assert_string_equal(notes, "30001 error long-line\n");
    assert_non_null(strstr(rules, "|word29999}"));
    assert_non_null(strstr(rules, "part29990"));
    assert_null(strstr(strstr(rules, "p.a ") + 1, "p.a"));
    free(rules);
    free(notes);
    free(text);
}

/* Each file is a rule of its own; two of one name do not collide. */
static void test_several_files(void **state)
{
    (void)state;
    char *rules = NULL, *notes = NULL;
    const struct span texts[3] = {span_text("one"), span_text("two\n"), span_text("")};
    struct import_options options = import_case_options;
    options.queue = "null";
    options.has_status = true;
    options.status = RULE_SHADOW;
    import_case_run(&options, IMPORT_WORDS, texts, 3, &rules, &notes);
    assert_string_equal(rules, "p.a shadow medium 'A word of the list a' words={one} hits they wrote one to me\n"
                               "p.b shadow medium 'A word of the list b' words={two} hits they wrote two to me\n");
    assert_string_equal(notes, "0 error empty-file\n");
    free(rules);
    free(notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines), cmocka_unit_test(test_tables),        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_large), cmocka_unit_test(test_several_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
