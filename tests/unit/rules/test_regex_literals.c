/* Required literals, and how far before them a match begins. */
#include "rules/regex_literals.h"

#include <stdio.h>
#include <string.h>

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

/* The node that comes `*left` nodes after this one, depth first. */
static const struct regex_node *nth_node(const struct regex_node *node, uint32_t *left)
{
    if ((*left)-- == 0) {
        return node;
    }
    for (const struct regex_node *child = node->first; child; child = child->next) {
        const struct regex_node *found = nth_node(child, left);
        if (found) {
            return found;
        }
    }
    return NULL;
}

static struct regex_node *tree_of(const char *pattern, enum view view)
{
    struct regex_node *root = NULL;
    assert_int_equal(regex_tree_parse(span_text(pattern), arena, &root), STATUS_OK);
    assert_int_equal(regex_fit(root, view, arena), STATUS_OK);
    return root;
}

static void check_same(const char *pattern, enum status a_status, const struct regex_literals *a, enum status b_status,
                       const struct regex_literals *b)
{
    bool same = a_status == b_status && a->count == b->count && a->cost == b->cost && a->rate == b->rate;
    for (uint32_t i = 0; same && i < a->count; i++) {
        const struct regex_literal *x = &a->items[i], *y = &b->items[i];
        same = span_equal(x->text, y->text) && x->before.min == y->before.min && x->before.max == y->before.max &&
               x->rate == y->rate && x->rate == traffic_profile_rate(NULL, x->text);
    }
    if (!same) {
        fail_msg("%s: not the same", pattern);
    }
}

/* What was found out about a tree before changes nothing, to the last bit: neither of its parts nor for another view. */
static void test_asked_before(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "(?:zebra|quagga).{0,9}(?:okapi|[gk]nu{2,4}|x)+(?:(?:lynx|ocelot)s? ){2}",
        "(?:(?:one|two|\\d) (?:three|(?:four|[a-z]) five)|six.*(?:seven|eight|nine)?)(?:ten|eleven)",
        "(?:free|fr33) (?:gift|g1ft)\\s*c[a4@]rds?|könig|\\bwin(?:ner|ning)?\\b.{3,}now",
        "(?:a|b|cc)(?:d|ee)(?:f|g)h{3}|(?:ab){2,9}c|abab",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (uint32_t n = 0;; n++) {
            struct regex_literals fresh = {0}, again = {0};
            arena_reset(arena);
            struct regex_node *asked = tree_of(patterns[i], VIEW_RAW), *new = tree_of(patterns[i], VIEW_RAW);
            uint32_t left = n, left_new = n;
            const struct regex_node *node = nth_node(asked, &left), *node_new = nth_node(new, &left_new);
            if (!node) {
                assert_true(n > 20);
                break;
            }
            enum status status = regex_literals_find(asked, VIEW_FOLDED, NULL, REGEX_LITERALS_ANY_COST, arena, &again);
            status = status == STATUS_NO_MEMORY
                         ? status
                         : regex_literals_find(asked, VIEW_RAW, NULL, REGEX_LITERALS_ANY_COST, arena, &again);
            assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
            again = (struct regex_literals){0};
            status = regex_literals_find(node, VIEW_RAW, NULL, REGEX_LITERALS_ANY_COST, arena, &again);
            check_same(patterns[i], status, &again,
                       regex_literals_find(node_new, VIEW_RAW, NULL, REGEX_LITERALS_ANY_COST, arena, &fresh), &fresh);
        }
    }
}

/* Strings that hold others, also with the same letters in another order, and the same one twice. */
static void test_least(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *literals;
    } sets[] = {
        {"horsefly|fly", "fly"},
        {"horse|shore|seahorse", "horse shore"},
        {"flycatcher|horsefly|fly|catcher", "fly catcher"},
        {"zebra|okapi|zebra", "zebra okapi"},
        {"aab|aba|baa|aabaa", "aab aba baa"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct regex_literals found = {0};
        char words[100] = "";
        arena_reset(arena);
        struct regex_node *root = tree_of(sets[i].pattern, VIEW_FOLDED);
        assert_int_equal(regex_literals_find(root, VIEW_FOLDED, NULL, REGEX_LITERALS_ANY_COST, arena, &found),
                         STATUS_OK);
        for (uint32_t k = 0; k < found.count; k++) {
            size_t used = strlen(words);
            (void)snprintf(words + used, sizeof words - used, "%s%.*s", k ? " " : "", (int)found.items[k].text.size,
                           (const char *)found.items[k].text.data);
        }
        assert_string_equal(words, sets[i].literals);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),       cmocka_unit_test(test_cost),  cmocka_unit_test(test_impossible),
        cmocka_unit_test(test_asked_before), cmocka_unit_test(test_least),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
