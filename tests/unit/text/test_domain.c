/* What entries of domain lists mean, and that domain_regex means the same to PCRE2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text/domain.h"
#include "text/view.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    return view_start() != STATUS_OK || arena_new(4096, 64u << 20, &arena) != STATUS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void parses(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *first, *second;
    } cases[] = {
        {"example.com", "example.com", NULL},
        {"EXAMPLE.com.", "example.com", NULL},
        {"*.example.com", "example.com", NULL},
        {".example.com", "example.com", NULL},
        {"  http://example.com/\r", "example.com", NULL},
        {"https://example.com:8443/", "example.com", NULL},
        {"//example.com", "example.com", NULL},
        {"r3---sn-x.example.com", "r3---sn-x.example.com", NULL},
        {"_dmarc.example.com", "_dmarc.example.com", NULL},
        {"10.0.0.1:80", "10.0.0.1", NULL},
        {"https://Bit.ly/2zO2ibr/", "bit.ly/2zo2ibr", NULL},
        {"bit.ly/x?y=(1)", "bit.ly/x?y=(1)", NULL},
        {"b\xC3\xBC"
         "cher.de",
         "xn--bcher-kva.de",
         "b\xC3\xBC"
         "cher.de"},
        {"B\xC3\x9C"
         "CHER.DE",
         "xn--bcher-kva.de",
         "b\xC3\xBC"
         "cher.de"},
        {"xn--bcher-kva.de", "xn--bcher-kva.de",
         "b\xC3\xBC"
         "cher.de"},
        {"XN--BCHER-KVA.de", "xn--bcher-kva.de",
         "b\xC3\xBC"
         "cher.de"},
        {"\xE4\xBE\x8B\xE3\x81\x88\xE3\x80\x82jp", "xn--r8jz45g.jp", NULL}, /* 例え。jp: see below */
        {"fa\xC3\x9F.de", "xn--fa-hia.de", NULL},         /* the view would show fass.de, another's name */
        {"p\xD0\xB0ypal.com", "xn--pypal-4ve.com", NULL}, /* the view would show paypal.com */
        {"xn--pypal-4ve.com", "xn--pypal-4ve.com", NULL},
        {"xn--a.com", "xn--a.com", NULL}, /* stands for no letters */
        {"\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80.\xD1\x80\xD1\x84", "xn--e1afmkfd.xn--p1ai",
         "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xBC\xD0\xB5\xD1\x80.\xD1\x80\xD1\x84"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span forms[DOMAIN_FORMS_MAX];
        uint32_t count = 0;
        if (domain_parse(span_text(cases[i].entry), arena, forms, &count) != STATUS_OK)
            fail_msg("%s", cases[i].entry);
        assert_string_equal(forms[0].data, cases[i].first);
        if (cases[i].second) {
            assert_int_equal(count, 2);
            assert_string_equal(forms[1].data, cases[i].second);
        } else if (strstr(cases[i].first, "r8jz") == NULL) {
            assert_int_equal(count, 1);
        }
    }
}

static void refuses(void **state)
{
    (void)state;
    char long_label[80], long_name[300];
    memset(long_label, 'a', sizeof(long_label));
    strcpy(long_label + 64, ".com");
    for (size_t i = 0; i < sizeof(long_name); i++)
        long_name[i] = i % 10 == 9 ? '.' : 'a';
    strcpy(long_name + 254, "");
    const char *const bad[] = {
        "",
        " ",
        "com",
        "*",
        "*.",
        ".",
        "..",
        "a..com",
        "a .com",
        "a\tb.com",
        "*.*.com",
        "bit.ly/a b",
        "bit.ly/\xC3\xA9",
        "http://",
        "http://a/b",
        "clk.rtpdn*.com",
        "user@a.com",
        "a.com?x",
        "a.com#x",
        "a\xFF.com",
        "a.com:",
        "a.com:123456",
        long_label,
        long_name,
        "\xE2\x80\x8B.com",
        "a\xCC\x81\xE2\x82\xAC .com",
        "\xCC\x81.com",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct span forms[DOMAIN_FORMS_MAX] = {{0}};
        uint32_t count = 99;
        if (domain_parse(span_text(bad[i]), arena, forms, &count) != STATUS_INVALID)
            fail_msg("%s", bad[i]);
        assert_int_equal(count, 99);
        assert_null(forms[0].data);
    }
    struct span forms[DOMAIN_FORMS_MAX];
    uint32_t count;
    assert_int_equal(domain_parse(span_of("a.c\0m", 5), arena, forms, &count), STATUS_INVALID);
    long_label[63] = '.';
    strcpy(long_label + 64, "com");
    assert_int_equal(domain_parse(span_text(long_label), arena, forms, &count), STATUS_OK);
    strcpy(long_name + 253, "");
    assert_int_equal(domain_parse(span_text(long_name), arena, forms, &count), STATUS_OK);
}

static bool regex_finds(struct span form, struct span text, uint32_t *ret_start)
{
    struct buffer regex = BUFFER_INIT(1 << 16);
    int error;
    PCRE2_SIZE offset;
    assert_int_equal(domain_regex(form, &regex), STATUS_OK);
    pcre2_code *code = pcre2_compile(regex.data, regex.size, PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DOTALL,
                                     &error, &offset, NULL);
    assert_non_null(code);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    bool found = pcre2_match(code, text.data, text.size, 0, 0, data, NULL) > 0;
    if (found)
        *ret_start = (uint32_t)pcre2_get_ovector_pointer(data)[0];
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    buffer_free(&regex);
    return found;
}

static bool compare(struct span form, struct span message)
{
    struct buffer view = BUFFER_INIT(1 << 20);
    assert_int_equal(view_append(VIEW_FOLDED, message, &view, NULL), STATUS_OK);
    struct span text = buffer_span(&view);
    bool found = false;
    uint32_t expected_start = 0;
    size_t at = 0;
    for (; at + form.size <= text.size && !found; at++) {
        found = memcmp(text.data + at, form.data, form.size) == 0 && domain_match_at(text, at, at + form.size);
    }
    bool expected = text.data && regex_finds(form, text, &expected_start);
    if (found != expected || (found && at - 1 != expected_start))
        fail_msg("%s in \"%.*s\": regex says %d", (const char *)form.data, (int)text.size, (const char *)text.data,
                 expected);
    buffer_free(&view);
    return found;
}

static void finds(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        bool hit;
    } cases[] = {
        {"example.com", true},
        {"see EXAMPLE.COM now", true},
        {"http://example.com/path", true},
        {"https://www.example.com:80", true},
        {"mail me@example.com.", true},
        {"example.com. Next", true},
        {"example.com...next", true},
        {"(example.com)", true},
        {"example.com-", true},
        {"example.com - next", true},
        {"a.b.example.com", true},
        {".example.com", true},
        {"\xE8\xA9\xB3\xE7\xB4\xB0\xE3\x81\xAF"
         "example.com\xE3\x82\x92\xE8\xA6\x8B\xE3\x81\xA6",
         true}, /* Japanese on both sides */
        {"\xEF\xBD\x85xample\xEF\xBC\x8E"
         "com",
         true}, /* fullwidth */
        {"ex\xC3\xA1mple.com", false},
        {"example.com.au", false},
        {"example.comx", false},
        {"example.com1", false},
        {"example.com_", false},
        {"example.com-foo.net", false},
        {"example.com--foo.net", false},
        {"my-example.com", false},
        {"myexample.com", false},
        {"_example.com", false},
        {"example,com", false},
        {"example.co", false},
        {"\xD0\xB6"
         "example.com",
         false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (compare(span_text("example.com"), span_text(cases[i].message)) != cases[i].hit)
            fail_msg("%s", cases[i].message);
    }
    /* A name that ends in a spaceless script is continued by it. */
    assert_true(compare(span_text("a.\xE4\xB8\xAD"), span_text("a.\xE4\xB8\xAD x")));
    assert_false(compare(span_text("a.\xE4\xB8\xAD"), span_text("a.\xE4\xB8\xAD\xE4\xB8\xAD")));
    assert_false(domain_match_at(span_text("a.b"), 3, 3));
    assert_false(domain_match_at(span_text("a.b"), 0, 4));
}

/* xorshift: the same texts on every run */
static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

static void agrees_with_pcre2(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "a.bc", "A.BC", "a.bc", "\xC3\xBC.a",   "a",        ".",        "-",        "_",    " ",           "/",
        "@",    "1",    "--",   "\xE6\x97\xA5", "\xC3\xBC", "\xCC\x81", "\xD0\xB6", "\xFF", "\xE2\x80\x8D"};
    static const char *const forms[] = {"a.bc",   "a.bc",       "a.bc",           "a.bc.a",
                                        "-a.bc-", "\xC3\xBC.a", "\xE6\x97\xA5.a", "a.\xE6\x97\xA5"};
    uint32_t hits = 0;
    for (int i = 0; i < 20000; i++) {
        char message[128] = "";
        for (int length = (int)random_below(7); length >= 0; length--)
            strcat(message, parts[random_below(sizeof(parts) / sizeof(parts[0]))]);
        hits += compare(span_text(forms[random_below(sizeof(forms) / sizeof(forms[0]))]), span_text(message));
    }
    assert_true(hits > 1000 && hits < 15000);
    print_message("%u hits\n", hits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(refuses),
        cmocka_unit_test(finds),
        cmocka_unit_test(agrees_with_pcre2),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
