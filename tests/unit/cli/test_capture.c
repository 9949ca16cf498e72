#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* clang knows uthash's macros as another's only in the file it is given, and cannot read its comments on falling through. */
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#include "cli/capture.c"                // NOLINT(bugprone-suspicious-include)
#define no_memory generations_no_memory // NOLINT(readability-identifier-naming): several files have these
#define find_file generations_find_file // NOLINT(readability-identifier-naming)
#undef ARENA_MAX
#undef ARENA_CHUNK
#include "cli/generations.c"          // NOLINT(bugprone-suspicious-include)
#include "cli/generations_manifest.c" // NOLINT(bugprone-suspicious-include)
#undef no_memory
#undef find_file
#include "tests/support/temp.h"

#define PACK(id, word) "pack: " id "\nrules:\n  - {id: " id ".r, patterns: {w: {words: [" word "]}}}\n"
#define LISTED "pack: l\nrules:\n  - {id: l.r, patterns: {w: {list: ../words.txt, kind: words}}}\n"

struct place {
    char *dir, *packs;
    const char *paths[1];
    struct generations *generations;
    struct capture *capture;
    struct ruleset *set;
};

static void put(const struct place *place, const char *name, const char *text)
{
    free(temp_file(place->dir, name, text, strlen(text)));
}

static void load(struct place *place, const struct ruleset *previous, struct ruleset **ret_set)
{
    struct findings findings = {0};
    capture_free(&place->capture);
    assert_int_equal(capture_new(place->paths, 1, place->generations, &place->capture), STATUS_OK);
    struct file_source files = capture_files(place->capture);
    struct ruleset_options options = {.previous = previous, .files = &files};
    assert_int_equal(ruleset_load(place->paths, 1, &options, &findings, ret_set), STATUS_OK);
    assert_null(capture_fault(place->capture));
    findings_clear(&findings);
}

static void begin(struct place *place)
{
    struct error error = {0};
    *place = (struct place){.dir = temp_dir_make()};
    place->packs = temp_path(place->dir, "packs");
    place->paths[0] = place->packs;
    assert_int_equal(mkdir(place->packs, 0700), 0);
    put(place, "packs/a.yaml", PACK("a", "apple"));
    put(place, "packs/l.yaml", LISTED);
    put(place, "words.txt", "pear\n");
    assert_int_equal(generations_open(place->dir, true, &error, &place->generations), STATUS_OK);
    load(place, NULL, &place->set);
}

static void finish(struct place *place)
{
    ruleset_let_go(&place->set);
    capture_free(&place->capture);
    generations_free(&place->generations);
    free(place->packs);
    temp_dir_remove(&place->dir);
}

static void test_notices_changes(void **state)
{
    (void)state;
    static const struct {
        const char *what, *action;
        bool stale;
    } cases[] = {
        {"nothing", "true", false},
        {"looked at", "cat packs/a.yaml words.txt", false},
        {"other files", "echo >packs/readme && echo >packs/.x.yaml && echo >other.txt", false},
        {"a pack of another size", "echo '#' >>packs/a.yaml", true},
        {"a pack of the same size and time",
         "cp -p packs/a.yaml old && sed -i s/apple/applf/ packs/a.yaml && touch -r old "
         "packs/a.yaml",
         true},
        {"a list", "echo >>words.txt", true},
        {"a list is gone", "rm words.txt", true},
        {"a pack is gone", "rm packs/a.yaml", true},
        {"a pack is new", "cp packs/a.yaml packs/b.yaml", true},
        {"a pack is called otherwise", "mv packs/a.yaml packs/b.yaml", true},
        {"a pack became a link to itself of before", "mv packs/a.yaml x && ln -s ../x packs/a.yaml",
         true}, /* moved: better once too often */
        {"the folder is gone", "mv packs other", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place place;
        char command[512];
        begin(&place);
        assert_false(capture_is_stale(place.capture));
        (void)snprintf(command, sizeof command, "cd '%s' && (%s) >/dev/null", place.dir, cases[i].action);
        assert_int_equal(system(command), 0); // NOLINT(cert-env33-c): fixed words in a folder of the test's own
        if (capture_is_stale(place.capture) != cases[i].stale) {
            fail_msg("%s", cases[i].what);
        }
        finish(&place);
    }
}

static void expect_kept(const struct place *place, const struct generations_item *item, const char *path,
                        const char *text)
{
    char *full = temp_path(place->dir, path);
    struct generations_source source = {.generations = place->generations, .item = item};
    struct file_source files = generations_files(&source);
    struct arena *arena = NULL;
    struct error error = {0};
    struct span bytes = {0};
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    if (file_source_read(&files, full, 10000, arena, &error, &bytes) != STATUS_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
    arena_free(&arena);
    free(full);
}

/* What is described is what was loaded: also of a pack that was refused, and of one that was taken over. */
static void test_describes_what_was_loaded(void **state)
{
    (void)state;
    struct place place;
    struct arena *arena = NULL, *next = NULL;
    struct generations_item first, second;
    struct ruleset *set = NULL;
    begin(&place);
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    assert_int_equal(arena_new(4096, 1u << 20, &next), STATUS_OK);
    assert_int_equal(capture_describe(place.capture, place.set, NULL, NULL, arena, &first), STATUS_OK);
    assert_int_equal(first.pack_count, 2);
    assert_string_equal(first.id, ruleset_generation(place.set));
    expect_kept(&place, &first, "packs/a.yaml", PACK("a", "apple"));
    expect_kept(&place, &first, "packs/../words.txt", "pear\n");

    put(&place, "packs/a.yaml", "pack: [\n");      /* refused: as it was */
    put(&place, "words.txt", "plum\n");            /* taken */
    put(&place, "packs/n.yaml", PACK("n", "nut")); /* new */
    load(&place, place.set, &set);
    assert_int_equal(capture_describe(place.capture, set, place.set, &first, next, &second), STATUS_OK);
    arena_free(&arena); /* the second needs nothing of the first */
    ruleset_let_go(&place.set);
    assert_int_equal(second.pack_count, 3);
    expect_kept(&place, &second, "packs/a.yaml", PACK("a", "apple"));
    expect_kept(&place, &second, "packs/../words.txt", "plum\n");
    expect_kept(&place, &second, "packs/n.yaml", PACK("n", "nut"));

    char *path = temp_path(place.dir, "packs/a.yaml");
    assert_false(capture_holds(place.capture, path, second.packs[0].files[0].object));
    assert_true(capture_holds(place.capture, "/never/looked/at", second.packs[0].files[0].object));
    free(path);
    const char **watched = capture_watched(place.capture);
    unsigned count = 0;
    while (watched[count]) {
        count++;
    }
    assert_int_equal(count, 1 + 3 + 1); /* the folder, the packs, the list */
    free(watched);
    arena_free(&next);
    ruleset_let_go(&set);
    finish(&place);
}

/* Without the last generation nobody knows what a pack that stayed was made of. */
static void test_unknown_files(void **state)
{
    (void)state;
    struct place place;
    struct arena *arena = NULL;
    struct generations_item item;
    struct ruleset *set = NULL;
    begin(&place);
    assert_int_equal(arena_new(4096, 1u << 20, &arena), STATUS_OK);
    put(&place, "packs/a.yaml", "pack: [\n");
    load(&place, place.set, &set);
    assert_int_equal(capture_describe(place.capture, set, place.set, NULL, arena, &item), STATUS_NOT_FOUND);
    arena_free(&arena);
    ruleset_let_go(&set);
    finish(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notices_changes),
        cmocka_unit_test(test_describes_what_was_loaded),
        cmocka_unit_test(test_unknown_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
