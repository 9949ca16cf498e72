/* How patterns come out, and cases that went wrong once. That nothing is ever missed: test_regex_superset.c. */
#include "rules/regex_loosen.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/regex_superset.h"
#include "tests/support/cmocka_all.h"

static struct superset run;

static int set_up(void **state)
{
    (void)state;
    return !superset_init(&run);
}

static int tear_down(void **state)
{
    (void)state;
    superset_free(&run);
    return 0;
}

/* As it stands: neither fitted to a view nor relieved of what literals find. */
static enum superset_outcome loosen_alone(struct superset *with, struct span pattern)
{
    struct regex_node *root = NULL;
    struct regex_loosened facts;
    arena_reset(with->arena);
    buffer_clear(&with->loosened);
    enum status status = regex_tree_parse(pattern, with->arena, &root);
    if (status == STATUS_OK) {
        status = regex_loosen(root, &with->loosened, &facts);
    }
    return status == STATUS_OK ? SUPERSET_HELD : status == STATUS_LIMIT ? SUPERSET_TOO_LARGE : SUPERSET_UNSUPPORTED;
}

static void test_expressions(void **state)
{
    static const struct {
        const char *pattern, *expression; /* NULL: unsupported */
    } rows[] = {
        /* case, and characters beyond ASCII */
        {"abc", "[Aa][Bb][Cc]"},
        {"(?-i)abc", "abc"},
        {"ks", "(?:[Kk]|\\xe2\\x84\\xaa)(?:[Ss]|\\xc5\\xbf)"},
        {"\xD0\xB6!", "\\xd0[\\x96\\xb6]\\x21"},
        {"(?-i)[\\x{400}-\\x{4ff}]!", "[\\xd0-\\xd3][\\x80-\\xbf]\\x21"},
        {"(?-i)x\\w", "x(?:[0-9A-Z\\x5fa-z]|[\\xc2-\\xf4][\\x80-\\xbf]{1,3})"},
        {"(?-i)x\\w+y", "x[0-9A-Z\\x5fa-z\\x80-\\xbf\\xc2-\\xf4]+y"},
        {"(?-i)x\\x00y", "x\\x00y"},
        /* trimming */
        {"(?-i)foo.*", "foo"},
        {"(?-i).*foo.*bar.*", "foo[\\x00-\\xbf\\xc2-\\xf4]*bar"},
        {"(?-i)x*foo?", "fo"},
        {"(?-i)fo{2,5}", "fo{2}"},
        {"(?-i)fo+(?:bar)*", "fo"},
        {"(?-i)a{3,}b", "a{3}b"},
        {"(?-i)(?:foo\\s*|ba+)", "foo|ba"},
        {"(?-i)foo.*$", "foo"},
        {"(?-i)^.*foo", "foo"},
        {"(?-i)foo\\b.*", "foo\\b"},
        {"(?-i)(?:abc(?:x?))+", "abc"},
        /* anchors */
        {"(?-i)^foo$", "^foo$"},
        {"(?-i)\\Afoo\\z", "^foo$"},
        {"(?-i)(?:^|q)foo(?:$|z)", "(?:^|q)foo(?:$|z)"},
        {"(?-i)foo$\\nbar", "foo\\x0abar"},
        {"(?-i)(?:foo$)+\\n", "foo\\x0a"},
        /* word edges */
        {"(?-i)\\bfoo\\b", "\\bfoo\\b"},
        {"\\bsex\\b", "(?:\\b[Ss]|\\xc5\\xbf)[Ee][Xx]\\b"},
        {"\\bask\\b", "\\b[Aa](?:[Ss]|\\xc5\\xbf)(?:[Kk]\\b|\\xe2\\x84\\xaa)"},
        {"(?-i)\\b\\wfoo", "(?:[0-9A-Z\\x5fa-z]|[\\xc2-\\xf4][\\x80-\\xbf]{1,3})foo"},
        {"(?-i)foo\\b \\bbar", "foo\\b\\x20\\bbar"},
        {"(?-i)foo\\b.{0,10}bar", "foo\\b[\\x00-\\xbf\\xc2-\\xf4]{0,40}bar"},
        {"(?-i)@\\b\xC3\xA9", "\\x40\\xc3\\xa9"},
        {"(?-i)\\b@foo", "\\x40foo"}, /* the character before may be one beyond ASCII */
        {"(?-i)foo\\bbar", "foobar"}, /* never */
        {"(?-i)foo\\Bbar", "foobar"},
        {"(?-i)\\b(?:foo|bar)\\b", "\\b(?:foo|bar)\\b"},
        {"(?-i)\\b(?:foo|@)", "\\bfoo|\\x40"},
        /* repeats */
        {"(?-i)foo.{0,40}bar", "foo[\\x00-\\xbf\\xc2-\\xf4]{0,160}bar"},
        {"(?-i)foo.{0,4000}bar", "foo[\\x00-\\xbf\\xc2-\\xf4]*bar"},
        {"(?-i)foo[a-z]{2,9}bar", "foo[a-z]{2,9}bar"},
        {"(?-i)foo\xC3\xA9?bar", "foo(?:\\xc3\\xa9)?bar"},
        {"(?-i)foo(?:ab){2,}bar", "foo(?:ab){2,}bar"},
        {"(?-i)foo(?:a|)bar", "fooa?bar"},
        {"(?-i)foo(?:a+){2}bar", "foo(?:a+){2}bar"},
        {"(?-i)foo(?:a{2}){3}bar", "foo(?:a{2}){3}bar"},
        /* what cannot be said byte-wise */
        {"(?-i)(x)foo\\1bar", "xfoo.*bar"},
        {"(?-i)foo(?=x)bar", "foobar"},
        {"(?-i)(x)?(?(1)foo|bar)", "foo|bar"},
        /* not worth a search */
        {"", NULL},
        {".", NULL},
        {"\\w", NULL},
        {"\\b\\w", NULL},
        {"[^a]", NULL},
        {"\\s", NULL},
        {"a*", NULL},
        {"^", NULL},
        {"\\b", NULL},
        {"foo|", NULL},
        {"foo|.", NULL},
        {"(?=foo)", NULL},
        {"(?:foo)?\\b", NULL},
        {"\\1(a)?", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum superset_outcome outcome = loosen_alone(&run, span_text(rows[i].pattern));
        if (!rows[i].expression) {
            if (outcome != SUPERSET_UNSUPPORTED) {
                fail_msg("%s: %s", rows[i].pattern, (const char *)run.loosened.data);
            }
        } else if (outcome != SUPERSET_HELD) {
            fail_msg("%s: outcome %d", rows[i].pattern, (int)outcome);
        } else if (strcmp((const char *)run.loosened.data, rows[i].expression) != 0) {
            fail_msg("%s: %s instead of %s", rows[i].pattern, (const char *)run.loosened.data, rows[i].expression);
        }
    }
}

/* Pairs that PCRE2 matches and that a hasty search would miss; each is searched between two other texts. */
static void test_pairs(void **state)
{
    static const struct {
        const char *pattern, *text;
    } rows[] = {
        {"[^\\b[:upper:]]x", "ax"}, /* caseless [:upper:] is not every letter inside a negated class */
        {"\\x7c[[:^lower:]b]", "|Z"},
        {"[\\x{5a}[:^lower:]]x", "\xE2\x84\xAAx"},
        {"[^[:graph:]\\s]{2}x", "\n\nx"}, /* matched by machine code, not by the interpreter */
        {"[^\\][:print:]\\s-]{2}x", "\t\nx"},
        {"kiss", "\xE2\x84\xAAI\xC5\xBF\xC5\xBF"},
        {"\\bkiss\\b", "-\xE2\x84\xAAI\xC5\xBF\xC5\xBF-"},
        {"\\bsex", "a sex"},
        {"\\bfoo\\b", "\xC2\xA0"
                      "foo\xE2\x80\xA6"},
        {"\\b\xC3\xA9tat\\b", "\xC3\x89TAT"},
        {"foo\\B.", "foo\xC3\xA9"},
        {"foo\\b\xE2\x80\xA6", "foo\xE2\x80\xA6"},
        {"\xCF\x83!", "\xCF\x82!"},
        {"(?i)(?-i)a(?i)b|c", "C"},
        {"foo$", "foo\n"},
        {"foo$\\n", "foo\n"},
        {"(?m)^foo$", "a\nfoo\nb"},
        {"foo\\z", "foo"},
        {"\\n", "a\nb"},
        {"foo\\s+bar", "foo\xE2\x80\x83\n\xC2\xA0"
                       "bar"},
        {"x.{3}y", "x\xF0\x9F\x98\x80\xC3\xA9\ny"},
        {"x.{1,2}y", "x\xF0\x9F\x98\x80\xF0\x9F\x98\x80y"},
        {"(?:ab|c)+?\\1?(d)", "abcd"},
        {"x\\Xy", "xe\xCC\x81y"},
        {"x\\Ry", "x\r\ny"},
        {"(ab)\\1", "abAB"},
        {"(?<n>a)(?&n)x", "aax"},
        {"foo\\Kbar", "foobar"},
        {"a{,2}b", "a{,2}b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct span texts[] = {span_text("before"), span_text(rows[i].text), span_text("behind")};
        uint64_t matches = run.matches;
        enum superset_outcome outcome = superset_check(&run, span_text(rows[i].pattern), texts, 3);
        if (outcome != SUPERSET_HELD && outcome != SUPERSET_UNSUPPORTED) {
            fail_msg("%s: outcome %d", rows[i].pattern, (int)outcome);
        }
        bool machine_only = strstr(rows[i].pattern, "[:graph:]") || strstr(rows[i].pattern, "[:print:]");
        if (outcome == SUPERSET_HELD && run.matches == matches && !machine_only) {
            fail_msg("%s does not match at all", rows[i].pattern);
        }
    }
}

/* Growth is bounded whatever the pattern is. */
static void test_growth(void **state)
{
    static const char *const patterns[] = {
        "foo(?:[a-z]{1,50} ){1,50}bar",
        "foo(?:(?:(?:ab{1,9}){1,9}){1,9}){1,9}bar",
        "foo.{1000}bar.{1000}baz",
        "x(?:foo|bar){900}y",
        "(?:a.{200}){200}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        enum superset_outcome outcome = loosen_alone(&run, span_text(patterns[i]));
        assert_true(outcome == SUPERSET_HELD || outcome == SUPERSET_TOO_LARGE || outcome == SUPERSET_UNSUPPORTED);
        assert_true(run.loosened.size < 4096);
    }
}

/* A failure leaves the buffer as it was. */
static void test_full_buffer(void **state)
{
    struct regex_node *root = NULL;
    struct regex_loosened facts = {.length_min = 99};
    struct buffer out = BUFFER_INIT(4);
    (void)state;
    arena_reset(run.arena);
    assert_int_equal(regex_tree_parse(span_text("abcdef"), run.arena, &root), STATUS_OK);
    assert_int_equal(regex_loosen(root, &out, &facts), STATUS_LIMIT);
    assert_int_equal(out.size, 0);
    assert_int_equal(facts.length_min, 99);
    buffer_free(&out);
    struct buffer wide = BUFFER_INIT(400);
    assert_int_equal(regex_loosen(root, &wide, &facts), STATUS_OK);
    assert_int_equal(facts.length_min, 6);
    buffer_free(&wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_full_buffer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
