/* Required literals, and how far before them a match begins. */
#include "rules/regex_literals.h"

#include "rules/regex_fit.h"
#include "tests/support/cmocka_all.h"

static struct arena *arena;

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK && arena_new(1 << 16, 1 << 26, &arena) == STATUS_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#define ANY REGEX_EXTENT_ANY

static const struct row {
    const char *pattern, *literal; /* NULL: there is none */
    uint32_t min, max;             /* before it */
} rows[] = {
    {"zebra", "zebra", 0, 0},
    {"\\d{2,4} zebra", " zebra", 2, 16}, /* a digit beyond ASCII has up to four bytes */
    {".{3}zebra", "zebra", 3, 12},
    {".*zebra", "zebra", 0, ANY},
    {"(?:x|yy)?.zebra", "zebra", 1, 6},
    {"(?:[^q]zebra){3}", "zebra", 1, 4}, /* that of the first round */
    {"(?<=q..)zebra", "zebra", 0, 0},
    {"\\bzebra\\b", "zebra", 0, 0},
    {"\\s+zebra", " zebra", 0, 0}, /* the folded view has one space at most */
    {"(?:zebra|..zebra)", "zebra", 0, 8},
    {"(?:zebra)+.quagga", "quagga", 6, ANY},
    {"[a-z]*", NULL, 0, 0},
    {"(?:zebra)?", NULL, 0, 0},
    {"zebra|[a-z]", NULL, 0, 0},
};

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct regex_node *root = NULL;
        struct regex_literals found = {0};
        arena_reset(arena);
        assert_int_equal(regex_tree_parse(span_text(rows[i].pattern), arena, &root), STATUS_OK);
        assert_int_equal(regex_fit(root, VIEW_FOLDED, arena), STATUS_OK);
        enum status status = regex_literals_find(root, VIEW_FOLDED, NULL, REGEX_LITERALS_ANY_COST, arena, &found);
        if (!rows[i].literal) {
            assert_int_equal(status, STATUS_NOT_FOUND);
            continue;
        }
        if (status != STATUS_OK || found.count != 1 || !span_equal(found.items[0].text, span_text(rows[i].literal)) ||
            found.items[0].before.min != rows[i].min || found.items[0].before.max != rows[i].max) {
            fail_msg("%s: '%.*s' %u..%u", rows[i].pattern, found.count ? (int)found.items[0].text.size : 0,
                     found.count ? (const char *)found.items[0].text.data : "",
                     found.count ? found.items[0].before.min : 0, found.count ? found.items[0].before.max : 0);
        }
    }
}

/* A literal that is common costs more than the caller wants to pay. */
static void test_cost(void **state)
{
    struct regex_node *root = NULL;
    struct regex_literals found;
    (void)state;
    arena_reset(arena);
    assert_int_equal(regex_tree_parse(span_text(".*the"), arena, &root), STATUS_OK);
    assert_int_equal(regex_fit(root, VIEW_FOLDED, arena), STATUS_OK);
    assert_int_equal(regex_literals_find(root, VIEW_FOLDED, NULL, REGEX_LITERALS_ANY_COST, arena, &found), STATUS_OK);
    assert_true(found.cost > 0.5);
    assert_int_equal(regex_literals_find(root, VIEW_FOLDED, NULL, 0.5, arena, &found), STATUS_NOT_FOUND);
}

/* What can never occur in a view makes a pattern, or a branch of it, impossible. */
static void test_impossible(void **state)
{
    static const struct {
        const char *pattern;
        enum status folded, raw;
    } cases[] = {
        {"(?-i)[A-Z]x", STATUS_NOT_FOUND, STATUS_OK}, {"(?-i)a[A-Z]?x", STATUS_OK, STATUS_OK},
        {"(?-i)A|b", STATUS_OK, STATUS_OK},           {"(?-i)A|B", STATUS_NOT_FOUND, STATUS_OK},
        {"\\n", STATUS_NOT_FOUND, STATUS_OK},         {"(?-i)(?:x|[A-Z]){2}", STATUS_OK, STATUS_OK},
        {"(?-i)(?:A){0}b", STATUS_OK, STATUS_OK},     {"(?:\\t+|\\r)x", STATUS_NOT_FOUND, STATUS_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int raw = 0; raw < 2; raw++) {
            struct regex_node *root = NULL;
            arena_reset(arena);
            assert_int_equal(regex_tree_parse(span_text(cases[i].pattern), arena, &root), STATUS_OK);
            enum status expected = raw ? cases[i].raw : cases[i].folded;
            enum status status = regex_fit(root, raw ? VIEW_RAW : VIEW_FOLDED, arena);
            if (status != expected) {
                fail_msg("%s, %s view: %d", cases[i].pattern, raw ? "raw" : "folded", (int)status);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_impossible),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
