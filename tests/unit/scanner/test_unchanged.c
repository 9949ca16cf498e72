/* Which packs a reload takes over without reading them again, and who has to give way when packs clash. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "rules/reader.h"
#include "scanner/ruleset.h"
#include "scanner/unchanged.h"
#include "tests/support/temp.h"

#define LISTS                                                                                                          \
    "pack: a\nrules:\n"                                                                                                \
    "  - {id: a.one, patterns: {w: {list: one.txt, kind: words}, d: {list: two.txt, kind: domains}}, "                 \
    "condition: w or d}\n"                                                                                             \
    "  - {id: a.two, status: off, patterns: {w: {list: two.txt, kind: words}, x: {list: one.txt, kind: words}}, "      \
    "condition: w or x}\n"
#define PACK(name, id, word)                                                                                           \
    "pack: " name "\nrules:\n  - {id: " id ", patterns: {w: {words: [" word "]}}, tests: {hits: [" word "]}}\n"

static void put(const char *folder, const char *name, const char *text)
{
    free(temp_file(folder, name, text, strlen(text)));
}

static struct pack *read_pack(const char *path)
{
    struct findings findings = {0};
    struct pack *pack = NULL;
    assert_int_equal(reader_read_pack(path, &findings, &pack), STATUS_OK);
    findings_clear(&findings);
    return pack;
}

static void test_bytes_decide(void **state)
{
    (void)state;
    static const struct {
        const char *what, *file, *text; /* what is written over; NULL: removed */
        bool unchanged;
    } cases[] = {
        {"nothing", "other.txt", "x", true},
        {"the same again", "a.yaml", LISTS, true},
        {"the same list again", "one.txt", "apple\n", true},
        {"a comment", "a.yaml", LISTS "# more\n", false},
        {"a list", "one.txt", "apple\npear\n", false},
        {"a list of the same size", "one.txt", "applf\n", false},
        {"a list that only a rule that is off reads as words", "two.txt", "example.net\n", false},
        {"a list is gone", "two.txt", NULL, false},
        {"the pack is gone", "a.yaml", NULL, false},
        {"the pack is empty", "a.yaml", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = temp_dir_make(), *path = temp_path(folder, "a.yaml"), *file = temp_path(folder, cases[i].file);
        put(folder, "a.yaml", LISTS);
        put(folder, "one.txt", "apple\n");
        put(folder, "two.txt", "example.com\n");
        struct pack *pack = read_pack(path);
        assert_true(unchanged_pack(pack, NULL));
        if (cases[i].text) {
            put(folder, cases[i].file, cases[i].text);
        } else {
            assert_int_equal(unlink(file), 0);
        }
        if (unchanged_pack(pack, NULL) != cases[i].unchanged) {
            fail_msg("%s", cases[i].what);
        }
        pack_free(&pack);
        free(file);
        free(path);
        temp_dir_remove(&folder);
    }
}

/* A source of files that counts what it is asked for. */
static enum status count_reads(void *context, const char *path, size_t size_max, struct arena *arena,
                               struct error *error, struct span *ret_bytes)
{
    ++*(unsigned *)context;
    return file_read(path, size_max, arena, error, ret_bytes);
}

static enum status load(const char *folder, const struct ruleset *previous, struct ruleset **ret, uint32_t *ret_errors)
{
    struct findings findings = {0};
    unsigned reads = 0;
    struct file_source files = {.read = count_reads, .context = &reads};
    struct ruleset_options options = {.previous = previous, .files = &files};
    enum status status = ruleset_load(&folder, 1, &options, &findings, ret);
    *ret_errors = findings.errors;
    findings_clear(&findings);
    assert_true(reads > 0); /* the bytes are looked at every time */
    return status;
}

static const struct pack *pack_at(const struct ruleset *ruleset, uint32_t i)
{
    uint32_t count;
    const struct pack *const *packs = ruleset_packs(ruleset, &count);
    return i < count ? packs[i] : NULL;
}

static void test_reload_takes_over(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct ruleset *first = NULL, *second = NULL, *third = NULL;
    uint32_t errors;
    put(folder, "a.yaml", PACK("a", "a.r", "apple"));
    put(folder, "b.yaml", PACK("b", "b.r", "bread"));
    assert_int_equal(load(folder, NULL, &first, &errors), STATUS_OK);
    assert_int_equal(ruleset_test_count(first), 2);
    put(folder, "b.yaml", PACK("b", "b.r", "butter"));
    assert_int_equal(load(folder, first, &second, &errors), STATUS_OK);
    assert_ptr_equal(pack_at(first, 0), pack_at(second, 0));
    assert_ptr_not_equal(pack_at(first, 1), pack_at(second, 1));
    assert_int_equal(ruleset_test_count(second), 1); /* of what is new */
    ruleset_let_go(&first);
    put(folder, "b.yaml", PACK("b", "b.r", "bread"));
    assert_int_equal(load(folder, second, &third, &errors), STATUS_OK);
    assert_int_equal(errors, 0);
    assert_string_not_equal(ruleset_generation(second), ruleset_generation(third));
    ruleset_let_go(&second);
    assert_string_equal(pack_at(third, 0)->rules[0].id, "a.r");
    ruleset_let_go(&third);
    temp_dir_remove(&folder);
}

/* Two packs clash after an edit: that which is live stays, wherever it stands in the alphabet. */
static void test_what_is_live_stays(void **state)
{
    (void)state;
    static const struct {
        const char *what, *file, *text;
        uint32_t refused, count;
        const char *ids[3], *words[3];
    } cases[] = {
        {"a new pack before", "0.yaml", PACK("b", "x.r", "okapi"), 1, 2, {"a.r", "b.r"}, {"apple", "bread"}},
        {"a new pack after", "z.yaml", PACK("b", "x.r", "okapi"), 1, 2, {"a.r", "b.r"}, {"apple", "bread"}},
        {"an edit before", "a.yaml", PACK("a", "b.r", "okapi"), 1, 2, {"a.r", "b.r"}, {"apple", "bread"}},
        {"an edit after", "b.yaml", PACK("b", "a.r", "okapi"), 1, 2, {"a.r", "b.r"}, {"apple", "bread"}},
        {"an edit that clashes with nobody",
         "b.yaml",
         PACK("b", "c.r", "okapi"),
         0,
         2,
         {"a.r", "c.r"},
         {"apple", "okapi"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = temp_dir_make();
        struct ruleset *first = NULL, *second = NULL;
        uint32_t errors;
        put(folder, "a.yaml", PACK("a", "a.r", "apple"));
        put(folder, "b.yaml", PACK("b", "b.r", "bread"));
        assert_int_equal(load(folder, NULL, &first, &errors), STATUS_OK);
        put(folder, cases[i].file, cases[i].text);
        assert_int_equal(load(folder, first, &second, &errors), STATUS_OK);
        assert_int_equal(errors > 0, cases[i].refused > 0);
        assert_int_equal(ruleset_refused(second), cases[i].refused);
        for (uint32_t k = 0; k < cases[i].count; k++) {
            const struct pack *pack = pack_at(second, k);
            if (!pack || strcmp(pack->rules[0].id, cases[i].ids[k]) != 0 ||
                strcmp((const char *)pack->rules[0].patterns[0].entries[0].text.data, cases[i].words[k]) != 0) {
                fail_msg("%s: pack %u", cases[i].what, k);
            }
        }
        assert_null(pack_at(second, cases[i].count));
        ruleset_let_go(&first);
        ruleset_let_go(&second);
        temp_dir_remove(&folder);
    }
}

/* Both sides of a clash are new: the later gives way, and what it was before may clash as well. */
static void test_two_edits_clash(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct ruleset *first = NULL, *second = NULL;
    uint32_t errors;
    put(folder, "a.yaml", PACK("a", "a.r", "apple"));
    put(folder, "b.yaml", PACK("b", "b.r", "bread"));
    assert_int_equal(load(folder, NULL, &first, &errors), STATUS_OK);
    put(folder, "a.yaml", PACK("a", "b.r", "okapi"));
    put(folder, "b.yaml", PACK("b", "b.r", "gnu"));
    assert_int_equal(load(folder, first, &second, &errors), STATUS_OK);
    assert_true(errors > 0);
    /* b goes back to bread, which clashes with the new a: then a goes back as well, and all is as it was. */
    assert_int_equal(ruleset_refused(second), 2);
    assert_string_equal(ruleset_generation(first), ruleset_generation(second));
    ruleset_let_go(&first);
    ruleset_let_go(&second);
    temp_dir_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_decide),
        cmocka_unit_test(test_reload_takes_over),
        cmocka_unit_test(test_what_is_live_stays),
        cmocka_unit_test(test_two_edits_clash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
