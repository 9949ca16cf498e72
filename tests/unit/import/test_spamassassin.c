#include "tests/unit/import/import_case.h"

static const struct import_case rows[] = {
    /* Nothing. */
    {"", "", "0 error empty-file"},
    {"# only a comment\n\n", "", "0 error empty-file"},
    {"required_score 5\n", "", "1 hint setting"},
    /* Delimiters and flags. */
    {"body A /pay me/i", "p.A shadow medium A=/pay me/raw", ""},
    {"body A /Pay me/", "p.A shadow medium A=/(?-i)Pay me/raw", ""},
    {"body A m{a.b}i", "p.A shadow medium A=/(?-s)a.b/raw", ""},
    {"body A m!a.b!is", "p.A shadow medium A=/a.b/raw", ""},
    {"body A m,a.b,", "p.A shadow medium A=/(?-is)a.b/raw", ""},
    {"body A m(^a b$)mx", "p.A shadow medium A=/(?mx-i)^a b$/raw", ""},
    {"body A /a\\/b \\\\/i", "p.A shadow medium A=/a/b \\\\/raw", ""},
    {"rawbody A /<a href/i", "p.A shadow medium A=/<a href/raw", ""},
    {"body A /it's \"x\"/i", "p.A shadow medium A=/it's \"x\"/raw", ""},
    {"body A pay me", "", "1 error syntax"},
    {"body A /pay me", "", "1 error syntax"},
    {"body A /pay me/iq", "", "1 error syntax"},
    {"body A //i", "", "1 error refused-regex"},
    {"body A /a(b/i", "", "1 error refused-regex"},
    {"body 9A /a/", "", "1 error syntax"},
    {"body", "", "1 error syntax"},
    {"meta", "", "1 error syntax"},
    {"meta A", "", "1 error syntax"},
    /* Comments and lines that go on. */
    {"  body A /a/i # why\n", "p.A shadow medium A=/a/raw", ""},
    {"body A /a\\#b/i\r\n", "p.A shadow medium A=/a#b/raw", ""},
    {"body A \\\n  /a/i\nbody B /b/i", "p.A shadow medium A=/a/raw\np.B shadow medium B=/b/raw", ""},
    {"body A /a/i\\", "p.A shadow medium A=/a/raw", ""},
    /* What is said about rules. */
    {"body A /a/i\ndescribe A Asks for\ta\nscore A 0.5", "p.A shadow low 'Asks for a' A=/a/raw", ""},
    {"score A 1 2.9 1 1\nbody A /a/i", "p.A shadow medium A=/a/raw", ""},
    {"body A /a/i\nscore A 3", "p.A shadow high A=/a/raw", ""},
    {"body A /a/i\nscore A 3\nscore A (2)", "p.A shadow critical A=/a/raw", ""},
    {"body A /a/i\nscore A 0", "p.A off low A=/a/raw", ""},
    {"body T_A /a/i", "p.T_A shadow medium T_A=/a/raw", ""},
    {"body A /a/i\nscore A x", "p.A shadow medium A=/a/raw", "2 error syntax"},
    {"body A /a/i\nscore A -1", "", "1 warning speaks-for"},
    {"body A /a/i\ntflags A nice", "", "1 warning speaks-for"},
    {"score A 1", "", "1 hint setting"},
    {"lang de describe A Das\nbody A /a/i", "p.A shadow medium A=/a/raw", "1 hint setting"},
    {"body A /a/i\nbody A /b/i", "p.A shadow medium A=/b/raw", "2 hint duplicate-name"},
    /* What cannot be moved. */
    {"header A Subject =~ /x/", "", "1 warning header"},
    {"full A /x/", "", "1 warning header"},
    {"body A eval:check_it()", "", "1 warning code"},
    {"askdns A _X_ TXT /x/", "", "1 warning network"},
    {"body __A /x/", "", "1 warning unused-part"},
    /* Addresses. */
    {"uri A /evil\\.com\\/pay/i", "p.A shadow medium A=/evil\\.com/pay/raw", "1 hint uri-text"},
    {"uri A /[^a]evil[^b]/i", "p.A shadow medium A=/[^a]evil[^b]/raw", "1 hint uri-text"},
    {"uri A /^http:\\S+\\.top$/i",
     "p.A shadow medium A=/(?-s)(?<![^\\s<>\"'(\\[])http:\\S+\\.top(?=[.,;:!?]*(?:[\\s<>\"')\\]]|\\z))/raw",
     "1 hint uri-text"},
    {"uri A /[^$[:alpha:]^]x\\$\\^y/i", "p.A shadow medium A=/[^$[:alpha:]^]x\\$\\^y/raw", "1 hint uri-text"},
    {"uri A /^./", "", "1 warning uri"},
    {"uri A //", "", "1 warning uri"},
    {"uri A /./", "", "1 warning uri"},
    /* Bytes. */
    {"body A /caf\\xc3\\xa9/i", "p.A shadow medium A=/caf\\x{E9}/raw", ""},
    {"body A /\\xf0\\x9f\\x98\\x80x/i", "p.A shadow medium A=/\\x{1F600}x/raw", ""},
    {"body A /caf\\xe9s/i", "p.A shadow medium A=/caf\\xe9s/raw", "1 hint latin-1"},
    {"body A /[\\x80-\\xff]{3}/i", "p.A shadow medium A=/[\\x80-\\xff]{3}/raw", "1 hint latin-1"},
    {"body A /\\xe2[\\x80-\\x90]/i", "", "1 warning bytes"},
    {"body A /\\x41\\x{20ac}/i", "p.A shadow medium A=/\\x41\\x{20ac}/raw", ""},
    {"body A /a\\x/i", "p.A shadow medium A=/a\\x/raw", ""},
    /* Blocks. */
    {"if (version >= 3.004)\nbody A /a/i\nelse\nbody B /b/i\nendif", "p.A shadow medium A=/a/raw", "1 hint setting"},
    {"if !plugin(X::Y) || (version < 3)\nbody A /a/i\nbody C /c/i\nelse\nbody B /b/i\nendif",
     "p.B shadow medium B=/b/raw", "1 hint setting"},
    {"ifplugin X::Y\nif can(x)\nbody A /a/i\nendif\nendif", "p.A shadow medium A=/a/raw", ""},
    {"if (version < 3)\nif can(x)\nbody A /a/i\nendif\nbody B /b/i\nendif\nbody C /c/i", "p.C shadow medium C=/c/raw",
     "1 hint setting"},
    {"if what is this\nbody A /a/i\nendif", "p.A shadow medium A=/a/raw", "1 hint setting"},
    {"if(version>=3)\nbody A /a/i\nendif", "p.A shadow medium A=/a/raw", ""},
    {"endif\nelse\nbody A /a/i\nif (version >= 3)", "p.A shadow medium A=/a/raw",
     "1 error syntax\n2 error syntax\n4 error syntax"},
    /* Shorthands. */
    {"replace_tag A [a4]\nreplace_tag B b\nreplace_rules R\nbody R /x<A><B>\\d<C>/i",
     "p.R shadow medium R=/x[a4]b\\d<C>/raw", ""},
    {"replace_tag A [a4]\nreplace_inter S \\s*\nreplace_pre P (?:\nreplace_post Q )+\nreplace_rules R\n"
     "body R /<inter S><pre P><post Q><A><A>z/i",
     "p.R shadow medium R=/(?:[a4])+\\s*(?:[a4])+z/raw", ""},
    {"replace_start {{\nreplace_end }}\nreplace_tag A a\nreplace_tag BB {{A}}{{A}}\nreplace_rules R\nbody R /{{BB}}/i",
     "p.R shadow medium R=/aa/raw", ""},
    {"replace_tag A [a4]\nbody R /<A>/i", "p.R shadow medium R=/<A>/raw", ""},
    {"replace_tag A <A><A>\nreplace_rules R\nbody R /<A>/i",
     "p.R shadow medium R=/<A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A>"
     "<A><A>/raw",
     ""},
};

#define PARTS "body __A /a/i\nbody __B /b/i\nbody __C /c/i\nheader H X =~ /h/\n"
#define UNUSED_C "3 warning unused-part\n4 warning header"

/* Meta rules; the last line is number 5. */
static const struct import_case metas[] = {
    {"__A && __B && __C", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and __B and __C", "4 warning header"},
    {"__A || __B && !__C", "__A=/a/raw __B=/b/raw __C=/c/raw if __A or __B and not __C", "4 warning header"},
    {"(__A || __B) && __C", "__A=/a/raw __B=/b/raw __C=/c/raw if (__A or __B) and __C", "4 warning header"},
    {"__A || __B || __C", "__A=/a/raw __B=/b/raw __C=/c/raw", "4 warning header"},
    {"__A && !(__B || __C)", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and not (__B or __C)", "4 warning header"},
    {"__A && !!__B && __C", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and __B and __C", "4 warning header"},
    {"(__A + __B + __C) > 1", "__A=/a/raw __B=/b/raw __C=/c/raw if 2 of (__A, __B, __C)", "4 warning header"},
    {"__A + __B + __C >= 2", "__A=/a/raw __B=/b/raw __C=/c/raw if 2 of (__A, __B, __C)", "4 warning header"},
    {"1 < __A + __B + __C", "__A=/a/raw __B=/b/raw __C=/c/raw if 2 of (__A, __B, __C)", "4 warning header"},
    {"__A + __B + __C > 2", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and __B and __C", "4 warning header"},
    {"__A + __B + __C > 0", "__A=/a/raw __B=/b/raw __C=/c/raw", "4 warning header"},
    {"__A + __B + __C", "__A=/a/raw __B=/b/raw __C=/c/raw", "4 warning header"},
    {"__A * __B * __C", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and __B and __C", "4 warning header"},
    {"__A && (__B + __C < 1)", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and not (__B or __C)", "4 warning header"},
    {"__A && (__B + __C <= 1)", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and not (__B and __C)", "4 warning header"},
    {"__A + __B + __C == 1", "__A=/a/raw __B=/b/raw __C=/c/raw if (__A or __B or __C) and not 2 of (__A, __B, __C)",
     "4 warning header"},
    {"__A && __B + __C != 2", "__A=/a/raw __B=/b/raw __C=/c/raw if __A and not (__B and __C)", "4 warning header"},
    {"(__A && __B) + __C + __A >= 2",
     "__A=/a/raw __B=/b/raw __C=/c/raw if __A and __B and __C or __A and __B or __C and __A", "4 warning header"},
    {"rules_matching(__?) > 1", "__A=/a/raw __B=/b/raw __C=/c/raw if 2 of (__A, __B, __C)", "4 warning header"},
    {"__A && rules_matching( __C* )", "__A=/a/raw __C=/c/raw if __A and __C",
     "2 warning unused-part\n4 warning header"},
    {"rules_matching(X*)", "", "1 warning unused-part\n2 warning unused-part\n" UNUSED_C "\n5 warning constant"},
    {"rules_matching(__?", "", "1 warning unused-part\n2 warning unused-part\n" UNUSED_C "\n5 warning condition"},
    {"__A && 1", "__A=/a/raw", "2 warning unused-part\n" UNUSED_C},
    /* Not movable. */
    {"__A && H", "", "2 warning unused-part\n" UNUSED_C "\n5 warning part"},
    {"__A && __NONE", "", "2 warning unused-part\n" UNUSED_C "\n5 warning part"},
    {"!__A", "", "2 warning unused-part\n" UNUSED_C "\n5 warning flags-everything"},
    {"0", "", "1 warning unused-part\n2 warning unused-part\n" UNUSED_C "\n5 warning constant"},
    {"__A + __B > 2", "", UNUSED_C "\n5 warning constant"},
    {"__A + __B >= 0", "", UNUSED_C "\n5 warning constant"},
    {"__A - __B > 0", "", "2 warning unused-part\n" UNUSED_C "\n5 warning arithmetic"},
    {"__A / __B > 0", "", "2 warning unused-part\n" UNUSED_C "\n5 warning arithmetic"},
    {"2 * __A + __B > 2", "", "2 warning unused-part\n" UNUSED_C "\n5 warning arithmetic"},
    {"__A + __A + __B > 1", "", UNUSED_C "\n5 warning arithmetic"},
    {"__A > __B", "", UNUSED_C "\n5 warning arithmetic"},
    {"(__A || __B", "", UNUSED_C "\n5 warning condition"},
    {"__A ||", "", "2 warning unused-part\n" UNUSED_C "\n5 warning condition"},
    {"__A __B", "", "2 warning unused-part\n" UNUSED_C "\n5 warning condition"},
    {"__A & __B", "", "2 warning unused-part\n" UNUSED_C "\n5 warning condition"},
    {"__A ? __B : __C", "", "2 warning unused-part\n" UNUSED_C "\n5 warning condition"},
    {"M", "", "1 warning unused-part\n2 warning unused-part\n" UNUSED_C "\n5 warning part"},
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        import_case_expect(&import_case_options, IMPORT_SPAMASSASSIN, &rows[i]);
    }
}

static void test_metas(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof metas / sizeof *metas; i++) {
        char text[400], rules[400] = "";
        (void)snprintf(text, sizeof text, PARTS "meta M %s", metas[i].text);
        if (metas[i].rules[0]) {
            (void)snprintf(rules, sizeof rules, "p.M shadow medium %s", metas[i].rules);
        }
        const struct import_case row = {text, rules, metas[i].notes};
        import_case_expect(&import_case_options, IMPORT_SPAMASSASSIN, &row);
    }
}

static const struct import_case nested[] = {
    {"body A /a/i\nbody B /b/i\nmeta M A && B\nmeta N M || B\n",
     "p.A shadow medium A=/a/raw\np.B shadow medium B=/b/raw\np.M shadow medium A=/a/raw B=/b/raw if A and B\n"
     "p.N shadow medium A=/a/raw B=/b/raw if A and B or B",
     ""},
    {"meta M N\nmeta N M", "", "1 warning part\n2 warning part"},
    /* A rule that is found several times counts several times. */
    {"body __A /a/i\ntflags __A multiple\nmeta M __A > 0", "p.M shadow medium __A=/a/raw", ""},
    {"body __A /a/i\ntflags __A multiple\nmeta M __A > 1", "", "3 warning arithmetic"},
    {"body __A /a/i\nbody __B /b/i\nmeta __S __A + __B\nmeta M __S + __A > 1", "", "4 warning arithmetic"},
    {"body __A /a/i\nbody __B /b(/i\nmeta M __A || __B", "", "2 error refused-regex\n3 warning part"},
    {"body __A /a/i\nuri __U /^/\nmeta M __A || __U", "", "2 warning uri\n3 warning part"},
    /* One that never runs is never found, so that there is nothing to move. */
    {"body A /a/i\nscore A 0\nbody __B /b/i\nmeta M !A && __B", "p.A off low A=/a/raw",
     "3 warning unused-part\n4 warning part"},
    /* Names that conditions cannot spell. */
    {"body ALL /a/i\nbody NULL /b/i\nmeta M ALL && NULL",
     "p.ALL shadow medium p_ALL=/a/raw\np.NULL shadow medium p_NULL=/b/raw\n"
     "p.M shadow medium p_ALL=/a/raw p_NULL=/b/raw if p_ALL and p_NULL",
     ""},
};

static void test_nested_metas(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        import_case_expect(&import_case_options, IMPORT_SPAMASSASSIN, &nested[i]);
    }
}

/* Scores may stand in another file than rules. */
static void test_several_files(void **state)
{
    (void)state;
    char *rules = NULL, *notes = NULL;
    const struct span texts[2] = {span_text("body A /a/i\nbody B /(/"), span_text("score A 4\nheader X Y =~ /z/")};
    import_case_run(&import_case_options, IMPORT_SPAMASSASSIN, texts, 2, &rules, &notes);
    assert_string_equal(rules, "p.A shadow high A=/a/raw\n");
    assert_string_equal(notes, "2 error refused-regex\n2 warning header\n");
    free(rules);
    free(notes);
}

static void test_options(void **state)
{
    (void)state;
    struct import_options options = import_case_options;
    const struct import_case folded = {"body A /a b/i\nbody B /b/\nbody C /a(?-i)b/i",
                                       "p.A live critical A=/a b/folded\np.B live critical B=/(?-i)b/raw\n"
                                       "p.C live critical C=/a(?-i)b/raw",
                                       ""};
    const struct import_case careful = {"body A /a/i\nscore A 0\nbody T_B /b/i",
                                        "p.A off low A=/a/folded\np.T_B shadow critical T_B=/b/folded", ""};
    options.view = VIEW_FOLDED;
    options.has_status = true;
    options.status = RULE_LIVE;
    options.severity = SEVERITY_CRITICAL;
    import_case_expect(&options, IMPORT_SPAMASSASSIN, &folded);
    import_case_expect(&options, IMPORT_SPAMASSASSIN, &careful);
}

/* More parts than a rule has room for, deep nesting, and growth without end. */
static void test_limits(void **state)
{
    (void)state;
    char *rules = NULL, *notes = NULL, *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < 300; i++) {
        fprintf(out, "body __A%d /a%d/i\n", i, i);
    }
    fputs("meta M __A0", out);
    for (int i = 1; i < 300; i++) {
        fprintf(out, " || __A%d", i);
    }
    fputs("\nmeta DEEP ", out);
    for (int i = 0; i < 5000; i++) {
        fputc('(', out);
    }
    fputs("\nbody __X /x/\nmeta __D0 __X\n", out);
    for (int i = 1; i < 400; i++) {
        fprintf(out, "meta __D%d __D%d && __D%d\n", i, i - 1, i - 1);
    }
    fputs("meta TOWER __D399\n", out);
    fclose(out);
    struct span all = span_text(text);
    import_case_run(&import_case_options, IMPORT_SPAMASSASSIN, &all, 1, &rules, &notes);
    assert_null(strstr(rules, "p.M "));
    assert_null(strstr(rules, "p.DEEP "));
    assert_non_null(strstr(notes, "301 warning"));
    assert_non_null(strstr(notes, "302 warning condition\n"));
    free(rules);
    free(notes);
    free(text);
}

/* What Perl makes of a condition, for each of the 16 ways in which A, B, C and D may be there. */
#define WAYS 16

struct made {
    char text[2000];
    int value[WAYS];
};

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int apply(const char *sign, int a, int b)
{
    return strcmp(sign, "&&") == 0   ? (a ? b : a)
           : strcmp(sign, "||") == 0 ? (a ? a : b)
           : strcmp(sign, "+") == 0  ? a + b
           : strcmp(sign, "*") == 0  ? a * b
           : strcmp(sign, ">") == 0  ? a > b
           : strcmp(sign, "<") == 0  ? a < b
           : strcmp(sign, ">=") == 0 ? a >= b
           : strcmp(sign, "<=") == 0 ? a <= b
           : strcmp(sign, "==") == 0 ? a == b
                                     : a != b;
}

static void make(struct made *made, unsigned depth, uint64_t *state)
{
    static const char *const signs[] = {"&&", "||", "+", "+", "*", ">", "<", ">=", "<=", "==", "!="};
    uint64_t kind = random_next(state) % 6;
    if (depth == 0 || kind == 0) {
        unsigned name = random_next(state) % 4;
        (void)snprintf(made->text, sizeof made->text, "__%c", 'A' + name);
        for (unsigned way = 0; way < WAYS; way++) {
            made->value[way] = way >> name & 1;
        }
        return;
    }
    struct made left, right;
    make(&left, depth - 1, state);
    if (kind == 1) {
        (void)snprintf(made->text, sizeof made->text, "!(%.990s)", left.text);
        for (unsigned way = 0; way < WAYS; way++) {
            made->value[way] = !left.value[way];
        }
        return;
    }
    const char *sign = signs[random_next(state) % (sizeof signs / sizeof *signs)];
    if (strchr("<>=!", sign[0])) {
        int number = (int)(random_next(state) % 4);
        (void)snprintf(right.text, sizeof right.text, "%d", number);
        for (unsigned way = 0; way < WAYS; way++) {
            right.value[way] = number;
        }
    } else {
        make(&right, depth - 1, state);
    }
    (void)snprintf(made->text, sizeof made->text, "(%.990s) %s (%.990s)", left.text, sign, right.text);
    for (unsigned way = 0; way < WAYS; way++) {
        made->value[way] = apply(sign, left.value[way], right.value[way]);
    }
}

/* Is what the pack says the same in all the ways? */
static void compare(const struct pack *pack, const struct made *made)
{
    const struct rule *rule = &pack->rules[0];
    for (unsigned way = 0; way < WAYS; way++) {
        enum truth values[4];
        for (uint32_t i = 0; i < rule->pattern_count; i++) {
            unsigned name = (unsigned)(rule->patterns[i].name[2] - 'A');
            values[i] = way >> name & 1 ? TRUTH_TRUE : TRUTH_FALSE;
        }
        enum truth truth = condition_evaluate(rule->condition, values);
        if (truth != (made->value[way] ? TRUTH_TRUE : TRUTH_FALSE)) {
            fprintf(stderr, "%s\n%s\nway %u\n", made->text, rule->condition_text, way);
        }
        assert_int_equal(truth, made->value[way] ? TRUTH_TRUE : TRUTH_FALSE);
    }
}

/* A condition means in Weir what it means in Perl, or it is left out. */
static void test_conditions_mean_the_same(void **state)
{
    (void)state;
    uint64_t chance = 0xC0FFEE;
    unsigned compared = 0, left_out = 0;
    assert_int_equal(view_start(), STATUS_OK);
    for (unsigned round = 0; round < 4000; round++) {
        struct made made;
        struct import *import = NULL;
        struct findings findings = {0};
        struct pack *pack = NULL;
        struct span text;
        char file[3000];
        make(&made, 1 + round % 4, &chance);
        (void)snprintf(file, sizeof file, "body __A /a/\nbody __B /b/\nbody __C /c/\nbody __D /d/\nmeta M %s\n",
                       made.text);
        assert_int_equal(import_new(&import_case_options, &import), STATUS_OK);
        assert_int_equal(import_read(import, "a.cf", span_text(file), IMPORT_SPAMASSASSIN), STATUS_OK);
        if (import_finish(import, &text) == STATUS_OK) {
            assert_int_equal(reader_parse_pack(text, "a.yaml", &findings, &pack), STATUS_OK);
            compare(pack, &made);
            compared++;
        } else {
            left_out++;
        }
        pack_free(&pack);
        findings_clear(&findings);
        import_free(&import);
    }
    assert_true(compared > 1000);
    assert_true(left_out > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_metas),
        cmocka_unit_test(test_nested_metas),
        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_conditions_mean_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
