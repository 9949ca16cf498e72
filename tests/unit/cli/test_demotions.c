#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demotions.c"      // NOLINT(bugprone-suspicious-include)
#define no_memory pin_no_memory // NOLINT(readability-identifier-naming): both files have one
#include "cli/reload_pin.c"     // NOLINT(bugprone-suspicious-include)
#undef no_memory
#include "tests/support/temp.h"

static uint32_t list(const char *dir, struct arena *arena, struct demotion **ret_demotions)
{
    struct error error = {0};
    uint32_t count = 0;
    if (demotions_list(dir, arena, &error, ret_demotions, &count) != STATUS_OK) {
        fail_msg("%s", error.text);
    }
    return count;
}

static void test_add_list_remove(void **state)
{
    (void)state;
    char *dir = temp_dir_make();
    struct arena *arena = NULL;
    struct error error = {0};
    struct demotion *found = NULL;
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    assert_int_equal(list(dir, arena, &found), 0); /* no folder yet */
    assert_int_equal(demotions_prepare(dir, &error), STATUS_OK);
    assert_int_equal(demotions_prepare(dir, &error), STATUS_OK);
    const struct demotion b = {.rule = "p.b", .since_ms = 5, .max_per_minute = 7, .pack = "00ff"};
    const struct demotion a = {.rule = "p.a", .since_ms = 6, .max_per_minute = 8, .pack = ""};
    assert_int_equal(demotions_add(dir, &b, &error), STATUS_OK);
    assert_int_equal(demotions_add(dir, &a, &error), STATUS_OK);
    assert_int_equal(demotions_add(dir, &a, &error), STATUS_OK);
    assert_int_equal(list(dir, arena, &found), 2);
    assert_string_equal(found[0].rule, "p.a");
    assert_string_equal(found[1].rule, "p.b");
    assert_int_equal(found[1].since_ms, 5);
    assert_int_equal(found[1].max_per_minute, 7);
    assert_string_equal(found[1].pack, "00ff");
    char *path = temp_path(dir, "demoted/p.a");
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    free(path);
    assert_int_equal(demotions_remove(dir, "p.b", &error), STATUS_OK);
    assert_int_equal(demotions_remove(dir, "p.b", &error), STATUS_NOT_FOUND);
    assert_int_equal(list(dir, arena, &found), 1);
    arena_free(&arena);
    temp_dir_remove(&dir);
}

/* Whatever stands in a file, its rule is demoted. */
static void test_damaged_files(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"since_ms\": \"x\"}",
        "{\"since_ms\":1,\"max_per_minute\":-5,\"pack\":\"x\"}",
        "{\"since_ms\":1,\"max_per_minute\":99999999999,\"pack\":\"0123456789012345678901234567890123456789\"}"};
    char *dir = temp_dir_make(), *folder = temp_path(dir, "demoted");
    struct arena *arena = NULL;
    struct error error = {0};
    struct demotion *found = NULL;
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    assert_int_equal(demotions_prepare(dir, &error), STATUS_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *path = temp_file(folder, "p.a", texts[i], strlen(texts[i]));
        assert_int_equal(list(dir, arena, &found), 1);
        assert_string_equal(found[0].rule, "p.a");
        assert_int_equal(found[0].max_per_minute, 0);
        free(path);
    }
    char *odd = temp_file(folder, "not a rule", "", 0);
    assert_int_equal(list(dir, arena, &found), 1);
    free(odd);
    free(folder);
    arena_free(&arena);
    temp_dir_remove(&dir);
}

static void test_names_stay_inside(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", ".", "..", ".hidden", "../x", "a/b", "/etc/passwd", "a b", "a\n", "ä"};
    char *dir = temp_dir_make();
    char *victim = temp_file(dir, "x", "1", 1);
    struct error error = {0};
    char too_long[MODEL_ID_SIZE_MAX + 2];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(demotions_prepare(dir, &error), STATUS_OK);
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        const char *name = i < sizeof wrong / sizeof *wrong ? wrong[i] : too_long;
        const struct demotion demotion = {.rule = name};
        assert_false(demotions_is_id(name));
        assert_int_equal(demotions_add(dir, &demotion, &error), STATUS_INVALID);
        assert_int_equal(demotions_remove(dir, name, &error), STATUS_NOT_FOUND);
    }
    assert_true(demotions_is_id("scams.gift-card_2"));
    assert_int_equal(access(victim, F_OK), 0);
    free(victim);
    temp_dir_remove(&dir);
}

static void test_pin(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {{"0123456789abcdef", STATUS_OK},       {"0123456789abcdef\n", STATUS_OK},
                 {"0123456789abcdef\nmore", STATUS_OK}, {"", STATUS_INVALID},
                 {"0123456789abcde", STATUS_INVALID},   {"0123456789abcdef0", STATUS_INVALID},
                 {"0123456789ABCDEF", STATUS_INVALID},  {"../../../../../etc", STATUS_INVALID}};
    char *dir = temp_dir_make(), id[GENERATIONS_ID_SIZE] = "x";
    struct error error = {0};
    assert_int_equal(reload_pin_read(dir, id, &error), STATUS_OK);
    assert_string_equal(id, "");
    assert_int_equal(reload_pin_remove(dir, &error), STATUS_NOT_FOUND);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = temp_file(dir, "pin", cases[i].text, strlen(cases[i].text));
        if (reload_pin_read(dir, id, &error) != cases[i].status) {
            fail_msg("%s", cases[i].text);
        }
        free(path);
    }
    assert_int_equal(reload_pin_set(dir, "fedcba9876543210", &error), STATUS_OK);
    assert_int_equal(reload_pin_read(dir, id, &error), STATUS_OK);
    assert_string_equal(id, "fedcba9876543210");
    assert_int_equal(reload_pin_remove(dir, &error), STATUS_OK);
    assert_int_equal(reload_pin_read(dir, id, &error), STATUS_OK);
    assert_string_equal(id, "");
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_list_remove),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_names_stay_inside),
        cmocka_unit_test(test_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
