#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/guard.h"
#include "tests/support/temp.h"

struct fixture {
    struct arena *arena;
    struct findings findings;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(arena_new(4096, 64 << 20, &fixture->arena), STATUS_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    findings_clear(&fixture->findings);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static struct yaml *parse(struct fixture *fixture, const char *text)
{
    struct yaml *root = NULL;
    struct guard guard = guard_copy(text, strlen(text));
    assert_int_equal(yaml_parse(span_of(guard.data, guard.size), "f", fixture->arena, &fixture->findings, &root),
                     STATUS_OK);
    guard_free(&guard);
    assert_int_equal(fixture->findings.errors, 0);
    return root;
}

/* The tree as one line: every node with its place, quoted scalars in quotes. */
static void show(const struct yaml *node, FILE *out)
{
    if (node->key)
        fprintf(out, "%s@%u:%u=", node->key->text, node->key->line, node->key->column);
    switch (node->type) {
    case YAML_NULL:
        fputc('~', out);
        break;
    case YAML_SCALAR:
        fprintf(out, node->quoted ? "'%s'" : "%s", node->text);
        break;
    case YAML_LIST:
    case YAML_MAP:
        fputc(node->type == YAML_LIST ? '[' : '{', out);
        for (const struct yaml *item = node->first; item; item = item->next) {
            show(item, out);
            if (item->next)
                fputc(' ', out);
        }
        fputc(node->type == YAML_LIST ? ']' : '}', out);
        break;
    }
    fprintf(out, "@%u:%u", node->line, node->column);
}

static void test_trees(void **state)
{
    static const struct {
        const char *text, *tree;
    } cases[] = {
        {"", "~@1:1"},
        {"# only a comment\n", "~@1:1"},
        {"---\n...\n", "~@2:1"},
        {"word", "word@1:1"},
        {"a: 1\nb:\n  - x\n  - 'y'\n", "{a@1:1=1@1:4 b@2:1=[x@3:5 'y'@4:5]@3:3}@1:1"},
        {"a: {b: [1, two], c: ~}\n", "{a@1:1={b@1:5=[1@1:9 two@1:12]@1:8 c@1:18=~@1:21}@1:4}@1:1"},
        {"a:\nb: null\nc: 'null'\n", "{a@1:1=~@1:3 b@2:1=~@2:4 c@3:1='null'@3:4}@1:1"},
        {"k\xc3\xa9y\xf0\x9f\x98\x80: v\n", "{k\xc3\xa9y\xf0\x9f\x98\x80@1:1=v@1:7}@1:1"}, /* columns are characters */
        {"\xef\xbb\xbf"
         "a: b\n",
         "{a@1:1=b@1:4}@1:1"},
        {"a: |\n  one\n  two\nb: >\n  x\n  y\n", "{a@1:1='one\ntwo\n'@1:4 b@4:1='x y\n'@4:4}@1:1"},
        {"r: '\\b(?:buy|get)\\s+''it''\\b'\n", "{r@1:1='\\b(?:buy|get)\\s+'it'\\b'@1:4}@1:1"},
        {"a: b\r\nc: d\r\n", "{a@1:1=b@1:4 c@2:1=d@2:4}@1:1"},
        {"%YAML 1.2\n---\na: b\n", "{a@3:1=b@3:4}@3:1"},
        {"'': empty key\n", "{@1:1=empty key@1:5}@1:1"},
        {"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
         "[[[[[[[[[[[[[[[[]@1:16]@1:15]@1:14]@1:13]@1:12]@1:11]@1:10]@1:9]@1:8]@1:7]"
         "@1:6]@1:5]@1:4]@1:3]@1:2]@1:1"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *tree = NULL;
        size_t size;
        FILE *out = open_memstream(&tree, &size);
        assert_non_null(out);
        show(parse(fixture, cases[i].text), out);
        fclose(out);
        assert_string_equal(tree, cases[i].tree);
        free(tree);
    }
}

static void test_faults_and_their_places(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *finding; /* a part of it */
    } cases[] = {
        {"a: &x 1\n", 1, 4, "anchor"},
        {"a: 1\nb: *a\n", 2, 4, "alias"},
        {"- *missing\n", 1, 3, "alias"},
        {"a: !important\n", 1, 4, "tag"},
        {"a: !!str 5\n", 1, 4, "tag"},
        {"l: &x [1]\n", 1, 4, "anchor"},
        {"m: !x {a: b}\n", 1, 4, "tag"},
        {"a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' stands here a second time; it was first on line 1"},
        {"x:\n  - {k: 1, 'k': 2}\n", 2, 12, "the key 'k'"},
        {"{? [a] : b}", 1, 4, "a key must be text, not a list"},
        {"{{a: b}: c}", 1, 2, "a key must be text, not a map"},
        {"{: b}", 1, 2, "missing here"},
        {"? \n: b\n", 1, 2, "a key must be text, not nothing"},
        {"a: 1\n---\nb: 2\n", 2, 1, "second document"},
        {"a: 1\n...\n---\n", 3, 1, "second document"},
        {"a: b: c\n", 1, 5, "':' that belongs to no key"},
        {"a: @b\n", 1, 4, "no plain text may begin with"},
        {"a:\n\t- b\n", 2, 1, "no plain text may begin with"},
        {"a: 1\n b: 2\n", 2, 3, "':' that belongs to no key"},
        {"a: 'open\nb: 2\n", 1, 4, "quotes that never end"},
        {"a: \"\\d\"\n", 1, 5, "a backslash that starts no escape"},
        {"a: [1, 2\nb: 3\n", 2, 2, "expected ',' or ']' in this list (the list begins on line 1)"},
        {"a: 'x'y'\n", 1, 7, "neither a key"},
        {"a\nb: 1\n", 2, 2, "':' that belongs to no key"},
        {"a: &\n", 1, 5, "plain text"},
        {"a: \"\\u12\"\n", 1, 7, "not complete"},
        {"%FOO\n", 1, 5, "begins with %"},
        {"a: 1\nb\n", 2, 1, "a key without ':'"},
        {"a: \x01\n", 1, 4, "a control character"},
        {"a: ok\nb: \xc3\xa9\xff\n", 2, 5, "not UTF-8"},
        {"a: \xed\xa0\x80\n", 1, 4, "not UTF-8"},
        {"\xff\xfe"
         "a\0:\0",
         1, 1, "not UTF-8"},
        {"[[[[[[[[[[[[[[[[[", 1, 17, "more than 16 levels"},
        {"- [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n", 1, 18, "more than 16 levels"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct yaml *root = NULL;
        enum status status = yaml_parse(span_text(cases[i].text), "f", fixture->arena, &fixture->findings, &root);
        if (status != STATUS_INVALID || fixture->findings.count < 1 ||
            fixture->findings.items[0].line != cases[i].line || fixture->findings.items[0].column != cases[i].column ||
            !strstr(fixture->findings.items[0].text, cases[i].finding)) {
            findings_print(&fixture->findings, stderr, false);
            fail_msg("%s: status %d", cases[i].text, status);
        }
        assert_null(root);
        findings_clear(&fixture->findings);
    }
}

static void test_all_findings_of_a_file(void **state)
{
    static const char text[] = "a: &x 1\nb: *x\na: 2\nb: !t 3\na: 4\n";
    struct fixture *fixture = *state;
    struct yaml *root = NULL;

    assert_int_equal(yaml_parse(span_text(text), "f", fixture->arena, &fixture->findings, &root), STATUS_INVALID);
    assert_int_equal(fixture->findings.errors, 6);
}

/* Every beginning of a file, at the edge of what may be read: only the status counts. */
static void test_cut_off_anywhere(void **state)
{
    static const char text[] = "%YAML 1.2\n---\na: [1, {b: 'x''y', c: \"\\u00e9\\n\"}]\nk\xc3\xa9y: |-\n  one\n  two\n"
                               "? complex\n: >+\n  x\n- ";
    struct fixture *fixture = *state;

    for (size_t size = 0; size < sizeof text; size++) {
        struct yaml *root = NULL;
        struct guard guard = guard_copy(text, size);
        enum status status = yaml_parse(span_of(guard.data, size), "f", fixture->arena, &fixture->findings, &root);
        assert_true(status == STATUS_OK ? root != NULL : status == STATUS_INVALID && fixture->findings.errors > 0);
        findings_clear(&fixture->findings);
        guard_free(&guard);
    }
}

static void test_many_keys_and_little_memory(void **state)
{
    enum { KEYS = 50000 };
    struct fixture *fixture = *state;
    struct buffer text = BUFFER_INIT(YAML_SIZE_MAX);

    for (int i = 0; i < KEYS; i++)
        assert_int_equal(buffer_print(&text, "key%d: %d\n", i, i), STATUS_OK);
    struct yaml *root = NULL;
    assert_int_equal(yaml_parse(buffer_span(&text), "f", fixture->arena, &fixture->findings, &root), STATUS_OK);
    assert_int_equal(root->count, KEYS);
    assert_string_equal(yaml_get(root, "key49999")->text, "49999");

    struct arena *small = NULL;
    assert_int_equal(arena_new(4096, 100000, &small), STATUS_OK);
    root = NULL;
    assert_int_equal(yaml_parse(buffer_span(&text), "f", small, &fixture->findings, &root), STATUS_NO_MEMORY);
    assert_null(root);
    assert_int_equal(fixture->findings.errors, 1);
    arena_free(&small);
    buffer_free(&text);
}

static void test_too_large(void **state)
{
    struct fixture *fixture = *state;
    struct yaml *root = NULL;

    /* Refused before it is looked at. */
    assert_int_equal(
        yaml_parse(span_of("x: y", (size_t)YAML_SIZE_MAX + 10), "f", fixture->arena, &fixture->findings, &root),
        STATUS_INVALID);
    assert_non_null(strstr(fixture->findings.items[0].text, "limit"));
}

static void test_read(void **state)
{
    struct fixture *fixture = *state;
    struct yaml *root = NULL;
    char *dir = temp_dir_make();
    char *good = temp_file(dir, "good.yaml", "a: b\n", 5);
    char *bad = temp_file(dir, "bad.yaml", "a: b: c\n", 8);
    char *missing = temp_path(dir, "missing.yaml");

    assert_int_equal(yaml_read(good, fixture->arena, &fixture->findings, &root), STATUS_OK);
    assert_string_equal(yaml_get(root, "a")->text, "b");
    assert_int_equal(yaml_read(bad, fixture->arena, &fixture->findings, &root), STATUS_INVALID);
    assert_string_equal(fixture->findings.items[0].file, bad);
    assert_int_equal(yaml_read(missing, fixture->arena, &fixture->findings, &root), STATUS_SYSTEM);
    assert_string_equal(fixture->findings.items[1].file, missing);
    assert_string_equal(fixture->findings.items[1].text, "cannot open: No such file or directory");
    assert_int_equal(yaml_read(dir, fixture->arena, &fixture->findings, &root), STATUS_SYSTEM);
    assert_string_equal(fixture->findings.items[2].text, "is a folder, not a file");
    free(good);
    free(bad);
    free(missing);
    temp_dir_remove(&dir);
}

static void test_scalars(void **state)
{
    static const struct {
        const char *text;
        enum status integer_status;
        int64_t integer;
        enum status boolean_status;
        bool boolean;
    } cases[] = {
        {"0", STATUS_OK, 0, STATUS_INVALID, false},
        {"-0", STATUS_OK, 0, STATUS_INVALID, false},
        {"+7", STATUS_OK, 7, STATUS_INVALID, false},
        {"-12", STATUS_OK, -12, STATUS_INVALID, false},
        {"9223372036854775807", STATUS_OK, INT64_MAX, STATUS_INVALID, false},
        {"-9223372036854775808", STATUS_OK, INT64_MIN, STATUS_INVALID, false},
        {"9223372036854775808", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"-9223372036854775809", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"010", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"0x10", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"1.5", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"1e3", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"1 2", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"+", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"+-1", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"'5'", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"\"5\\0\"", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"true", STATUS_INVALID, 0, STATUS_OK, true},
        {"True", STATUS_INVALID, 0, STATUS_OK, true},
        {"yes", STATUS_INVALID, 0, STATUS_OK, true},
        {"false", STATUS_INVALID, 0, STATUS_OK, false},
        {"NO", STATUS_INVALID, 0, STATUS_OK, false},
        {"on", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"truely", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"'true'", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"[1]", STATUS_INVALID, 0, STATUS_INVALID, false},
        {"{true: 1}", STATUS_INVALID, 0, STATUS_INVALID, false},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct yaml *node = yaml_get(parse(fixture, arena_print(fixture->arena, "k: %s\n", cases[i].text)), "k");
        int64_t integer = 99;
        bool boolean = true;
        assert_int_equal(yaml_integer(node, &integer), cases[i].integer_status);
        assert_int_equal(integer, cases[i].integer_status == STATUS_OK ? cases[i].integer : 99);
        assert_int_equal(yaml_boolean(node, &boolean), cases[i].boolean_status);
        assert_int_equal(boolean, cases[i].boolean_status == STATUS_OK ? cases[i].boolean : true);
    }
    assert_int_equal(yaml_integer(NULL, &(int64_t){0}), STATUS_INVALID);
}

static void test_get_and_types(void **state)
{
    struct fixture *fixture = *state;
    const struct yaml *map = parse(fixture, "a: x\n\"b\\0c\": y\nl: []\nm: {}\nn:\n");

    assert_null(yaml_get(map, "b"));
    assert_null(yaml_get(map, "A"));
    assert_null(yaml_get(map, ""));
    assert_null(yaml_get(NULL, "a"));
    assert_null(yaml_get(yaml_get(map, "a"), "a"));
    assert_null(yaml_get(yaml_get(map, "l"), "a"));
    assert_string_equal(yaml_type_text(map), "a map");
    assert_string_equal(yaml_type_text(yaml_get(map, "a")), "text");
    assert_string_equal(yaml_type_text(yaml_get(map, "l")), "a list");
    assert_string_equal(yaml_type_text(yaml_get(map, "n")), "nothing");
    assert_string_equal(yaml_type_text(NULL), "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults_and_their_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_findings_of_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_keys_and_little_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scalars, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_get_and_types, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("base/yaml", tests, NULL, NULL);
}
