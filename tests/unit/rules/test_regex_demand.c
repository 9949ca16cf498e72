/* What a regex demands of the bytes of a text that it matches. */
#include "rules/regex_demand.h"

#include "rules/regex_fit.h"
#include "rules/regex_literals.h"
#include "tests/support/cmocka_all.h"

static struct arena *arena;

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK && arena_new(1 << 16, 1 << 24, &arena) == STATUS_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct regex_node *read_tree(const char *pattern)
{
    struct regex_node *root = NULL;
    arena_reset(arena);
    assert_int_equal(regex_tree_parse(span_text(pattern), arena, &root), STATUS_OK);
    assert_int_equal(regex_fit(root, VIEW_FOLDED, arena), STATUS_OK);
    return root;
}

static bool meets(const char *pattern, const char *text)
{
    struct regex_demand demand = regex_demand_find(read_tree(pattern), NULL);
    struct regex_bytes_seen seen = regex_demand_look(span_text(text));
    return regex_demand_met(&demand, &seen);
}

static void test_demands(void **state)
{
    static const struct row {
        const char *pattern, *text;
        bool met;
    } rows[] = {
        {"a.{4}", "a123", false},
        {"a.{4}", "a1234", true},
        {"[a-z]+@[a-z]+", "me at home", false},
        {"[a-z]+@[a-z]+", "me@home", true},
        {"(?:<.|.%)", "<b", true},
        {"(?:<.|.%)", "b%", true},
        {"(?:<.|.%)", "bb", false},
        {"%?x", "xx", true},
        {"(?:%|)x", "xx", true},
        {"%{0,3}x", "xx", true},
        {"%{2,3}x", "x x", false},
        {"\\p{Cyrillic}%", "a %", false},
        {"\\p{Cyrillic}%", "\xd0\xb6%", true},
        {"(?=.*<)x%", "x%", true}, /* a look-around demands nothing */
        {"(<)\\1%", "<<%", true},
        {"^$", "", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (meets(rows[i].pattern, rows[i].text) != rows[i].met) {
            fail_msg("%s on %s", rows[i].pattern, rows[i].text);
        }
    }
}

/* An index of all demands says of each text what the demands say one by one. */
static void test_index(void **state)
{
    static const char *const patterns[] = {
        "a.{4}", "[a-z]+@[a-z]+",    "(?:<.|.%)", "%?x",           "\\p{Cyrillic}%", "^$",
        ".",     "a.*b.*c.*d.*e.*f", "[^a-z]",    "\\d{3}-\\d{4}", "(x|y|%)z"};
    static const char *const texts[] = {"", "a", "me@home", "<b", "x%", "\xd0\xb6%", "abcdef", "555-1234", "zx", "%%z"};
    enum { PATTERNS = sizeof patterns / sizeof *patterns, COPIES = 12 }; /* more than fit into one word */
    struct regex_demand demands[PATTERNS * COPIES];
    struct regex_demand_index index, none;
    uint64_t met[(PATTERNS * COPIES + 63) / 64];
    (void)state;
    for (size_t i = 0; i < PATTERNS * COPIES; i++) {
        demands[i] = regex_demand_find(read_tree(patterns[i % PATTERNS]), NULL);
    }
    arena_reset(arena);
    assert_int_equal(regex_demand_index_make(demands, PATTERNS * COPIES, arena, &index), STATUS_OK);
    assert_int_equal(index.words, sizeof met / sizeof *met);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        struct regex_bytes_seen seen = regex_demand_look(span_text(texts[t]));
        regex_demand_index_meet(&index, span_text(texts[t]), met);
        for (size_t i = 0; i < PATTERNS * COPIES; i++) {
            assert_int_equal(met[i / 64] >> (i & 63) & 1, regex_demand_met(&demands[i], &seen));
        }
        assert_int_equal(met[index.words - 1] >> (PATTERNS * COPIES & 63), 0);
    }
    assert_int_equal(regex_demand_index_make(NULL, 0, arena, &none), STATUS_OK);
    assert_int_equal(none.words, 0);
    regex_demand_index_meet(&none, span_text("abc"), NULL);
}

static void test_shares(void **state)
{
    struct regex_demand rare = regex_demand_find(read_tree("<.*>"), NULL);
    struct regex_demand common = regex_demand_find(read_tree("e"), NULL);
    struct regex_demand length = regex_demand_find(read_tree(".{400}"), NULL);
    (void)state;
    assert_true(regex_demand_share(&rare, NULL) < 0.3);
    assert_true(regex_demand_share(&common, NULL) > 0.8);
    assert_true(regex_demand_share(&length, NULL) < 0.05);
    assert_true(regex_demand_starts(read_tree("%"), NULL) < 0.01);
    assert_true(regex_demand_starts(read_tree("^[a-z]"), NULL) < 0.01);
    assert_true(regex_demand_starts(read_tree("[a-z ]"), NULL) > 0.5);
    assert_true(regex_demand_starts(read_tree("%?"), NULL) > 0.99); /* it may begin anywhere */
}

static void test_look_sees_every_byte(void **state)
{
    uint8_t bytes[256];
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        memset(bytes, 'x', sizeof bytes);
        bytes[c] = (uint8_t)c;
        struct regex_bytes_seen seen = regex_demand_look(span_of(bytes, sizeof bytes));
        assert_int_equal(seen.size, 256);
        assert_int_equal(seen.other, c >= 0x80);
        if (c < 0x80) {
            assert_true(seen.ascii[c >> 6] >> (c & 63) & 1);
        }
    }
    assert_int_equal(regex_demand_look(span_of(bytes, 0)).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demands),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_look_sees_every_byte),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
