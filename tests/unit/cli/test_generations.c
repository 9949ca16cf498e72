#include "tests/support/cmocka_all.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/generations.c"          // NOLINT(bugprone-suspicious-include)
#include "cli/generations_manifest.c" // NOLINT(bugprone-suspicious-include)
#include "tests/support/temp.h"

static struct generations *open_it(const char *data, bool write_too)
{
    struct generations *generations = NULL;
    struct error error = {0};
    if (generations_open(data, write_too, &error, &generations) != STATUS_OK) {
        fail_msg("%s", error.text);
    }
    return generations;
}

static struct arena *make_arena(void)
{
    struct arena *arena = NULL;
    assert_int_equal(arena_new(4096, 16u << 20, &arena), STATUS_OK);
    return arena;
}

/* A generation of one pack with one list, whose contents and id come from the number. */
static enum status keep(struct generations *generations, unsigned number, const char *spare)
{
    char text[64];
    struct error error = {0};
    struct generations_file files[2] = {{.path = "/p/a.yaml"}, {.path = "/p/../l/words.txt"}};
    struct generations_pack pack = {.files = files, .file_count = 2};
    struct generations_item item = {.live_at_ms = 1000 + number, .rules = number, .packs = &pack, .pack_count = 1};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof text, "file %d of generation %u", i, number);
        enum status status = generations_put(generations, span_text(text), &error, files[i].object);
        if (status != STATUS_OK) {
            return status;
        }
    }
    (void)snprintf(item.id, sizeof item.id, "%016x", number);
    return generations_keep(generations, &item, spare, &error);
}

static uint32_t list(const struct generations *generations, struct arena *arena, struct generations_item **ret_items)
{
    struct error error = {0};
    uint32_t count = 0;
    if (generations_list(generations, arena, &error, ret_items, &count) != STATUS_OK) {
        fail_msg("%s", error.text);
    }
    return count;
}

/* Every generation that is listed has all its files, as they were. */
static void check_whole(const struct generations *generations, const char *id)
{
    struct arena *arena = make_arena();
    struct error error = {0};
    struct generations_item item = {0};
    if (generations_read(generations, id, arena, &error, &item) != STATUS_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(item.pack_count, 1);
    assert_int_equal(item.packs[0].file_count, 2);
    struct generations_source source = {.generations = generations, .item = &item};
    struct file_source files = generations_files(&source);
    static const char *const paths[] = {"/p/a.yaml", "/p/../l/words.txt"};
    for (int i = 0; i < 2; i++) {
        char text[64];
        struct span bytes = {0};
        (void)snprintf(text, sizeof text, "file %d of generation %lu", i, strtoul(id, NULL, 16));
        if (file_source_read(&files, paths[i], 1000, arena, &error, &bytes) != STATUS_OK) {
            fail_msg("%s: %s", id, error.text);
        }
        assert_int_equal(bytes.size, strlen(text));
        assert_memory_equal(bytes.data, text, bytes.size);
    }
    struct span bytes = {0};
    assert_int_equal(file_source_read(&files, "/p/b.yaml", 1000, arena, &error, &bytes), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, "/p/b.yaml"));
    arena_free(&arena);
}

static uint32_t count_files(const char *data, const char *folder)
{
    char *path = temp_path(data, folder);
    DIR *open_folder = opendir(path);
    uint32_t count = 0;
    assert_non_null(open_folder);
    for (struct dirent *item = readdir(open_folder); item; item = readdir(open_folder)) {
        count += item->d_name[0] != '.';
    }
    closedir(open_folder);
    free(path);
    return count;
}

static void test_last_ones_are_kept(void **state)
{
    (void)state;
    char *data = temp_dir_make();
    struct generations *generations = open_it(data, true);
    struct arena *arena = make_arena();
    struct generations_item *items = NULL;
    assert_int_equal(list(generations, arena, &items), 0);
    for (unsigned i = 1; i <= 30; i++) {
        assert_int_equal(keep(generations, i, NULL), STATUS_OK);
    }
    assert_int_equal(list(generations, arena, &items), GENERATIONS_KEPT);
    for (unsigned i = 0; i < GENERATIONS_KEPT; i++) {
        assert_int_equal(items[i].rules, 30 - i);
        assert_int_equal(items[i].live_at_ms, 1030 - i);
        assert_int_equal(items[i].pack_count, 1);
        check_whole(generations, items[i].id);
    }
    char object[GENERATIONS_OBJECT_SIZE];
    struct error fault = {0};
    assert_int_equal(generations_put(generations, span_text("refused"), &fault, object), STATUS_OK);
    generations_tidy(generations);
    assert_int_equal(count_files(data, "rules/objects"), 2 * GENERATIONS_KEPT);
    check_whole(generations, items[GENERATIONS_KEPT - 1].id);
    struct error error = {0};
    struct generations_item item;
    assert_int_equal(generations_read(generations, "000000000000000a", arena, &error, &item), STATUS_NOT_FOUND);
    assert_int_equal(generations_read(generations, "", arena, &error, &item), STATUS_NOT_FOUND);
    generations_free(&generations);
    assert_null(generations);
    arena_free(&arena);
    temp_dir_remove(&data);
}

static void test_again_is_newest(void **state)
{
    (void)state;
    char *data = temp_dir_make();
    struct generations *generations = open_it(data, true);
    struct arena *arena = make_arena();
    struct generations_item *items = NULL;
    static const unsigned order[] = {1, 2, 3, 1, 1, 2};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_int_equal(keep(generations, order[i], NULL), STATUS_OK);
    }
    assert_int_equal(list(generations, arena, &items), 3);
    assert_int_equal(items[0].rules, 2);
    assert_int_equal(items[1].rules, 1);
    assert_int_equal(items[2].rules, 3);
    assert_int_equal(count_files(data, "rules/generations"), 3);
    /* One can be spared when it would go. */
    for (unsigned i = 10; i < 40; i++) {
        assert_int_equal(keep(generations, i, "0000000000000003"), STATUS_OK);
    }
    assert_int_equal(list(generations, arena, &items), GENERATIONS_KEPT + 1);
    check_whole(generations, "0000000000000003");
    generations_free(&generations);
    arena_free(&arena);
    temp_dir_remove(&data);
}

static void write_over(const char *data, const char *folder, const char *text)
{
    char *path = temp_path(data, folder);
    DIR *open_folder = opendir(path);
    assert_non_null(open_folder);
    for (struct dirent *item = readdir(open_folder); item; item = readdir(open_folder)) {
        if (item->d_name[0] != '.') {
            char *file = temp_file(path, item->d_name, text, strlen(text));
            free(file);
        }
    }
    closedir(open_folder);
    free(path);
}

static void test_damage_is_noticed(void **state)
{
    (void)state;
    static const char *const manifests[] = {"",
                                            "{",
                                            "[]",
                                            "{\"format\": 2}",
                                            "{\"format\":1,\"generation\":\"0000000000000001\",\"number\":2,"
                                            "\"live_at_ms\":1,\"rules\":1,\"packs\":[]}",
                                            "{\"format\":1,\"generation\":\"../../../../etc/x\",\"number\":1,"
                                            "\"live_at_ms\":1,\"rules\":1,\"packs\":[]}"};
    for (size_t i = 0; i <= sizeof manifests / sizeof *manifests; i++) {
        char *data = temp_dir_make();
        struct generations *generations = open_it(data, true);
        struct arena *arena = make_arena();
        struct error error = {0};
        struct generations_item *items = NULL, item = {0};
        struct span bytes = {0};
        assert_int_equal(keep(generations, 1, NULL), STATUS_OK);
        if (i == 0) { /* objects */
            write_over(data, "rules/objects", "something else");
            assert_int_equal(list(generations, arena, &items), 1);
            assert_int_equal(generations_read(generations, items[0].id, arena, &error, &item), STATUS_OK);
            const char *object = item.packs[0].files[0].object;
            assert_int_equal(generations_get(generations, object, 1000, arena, &error, &bytes), STATUS_INVALID);
            assert_non_null(strstr(error.text, "damaged"));
        } else {
            write_over(data, "rules/generations", manifests[i - 1]);
            assert_int_equal(list(generations, arena, &items), 0);
            assert_int_equal(generations_read(generations, "0000000000000001", arena, &error, &item), STATUS_INVALID);
            for (unsigned k = 2; k < 25; k++) { /* and what is new is kept all the same */
                assert_int_equal(keep(generations, k, NULL), STATUS_OK);
            }
            assert_int_equal(list(generations, arena, &items), GENERATIONS_KEPT);
            check_whole(generations, items[GENERATIONS_KEPT - 1].id);
        }
        generations_free(&generations);
        arena_free(&arena);
        temp_dir_remove(&data);
    }
}

static void test_parts_of_manifests(void **state)
{
    (void)state;
#define MANIFEST(packs)                                                                                                \
    "{\"format\":1,\"generation\":\"0000000000000001\",\"number\":1,\"live_at_ms\":5,\"rules\":7,\"packs\":" packs "}"
#define OBJECT "0123456789abcdef0123456789abcdef"
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        {MANIFEST("[]"), STATUS_OK},
        {MANIFEST("[[{\"path\":\"a\",\"object\":\"" OBJECT "\"}]]"), STATUS_OK},
        {MANIFEST("{}"), STATUS_INVALID},
        {MANIFEST("[[]]"), STATUS_INVALID},
        {MANIFEST("[7]"), STATUS_INVALID},
        {MANIFEST("[[{\"path\":\"a\"}]]"), STATUS_INVALID},
        {MANIFEST("[[{\"object\":\"" OBJECT "\"}]]"), STATUS_INVALID},
        {MANIFEST("[[{\"path\":\"a\",\"object\":\"../../../etc/passwd\"}]]"), STATUS_INVALID},
        {MANIFEST("[[{\"path\":\"a\",\"object\":\"" OBJECT "0\"}]]"), STATUS_INVALID},
        {MANIFEST("[[{\"path\":7,\"object\":\"" OBJECT "\"}]]"), STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = make_arena();
        struct generations_item item = {0};
        if (generations_manifest_parse(span_text(cases[i].text), true, arena, &item) != cases[i].status) {
            fail_msg("%s", cases[i].text);
        }
        assert_int_equal(item.rules, cases[i].status == STATUS_OK ? 7 : 0);
        arena_free(&arena);
    }
}

static void test_private_and_shown(void **state)
{
    (void)state;
    char *data = temp_dir_make();
    struct error error = {0};
    struct generations *reader = NULL;
    struct stat facts;
    assert_int_equal(generations_open(data, false, &error, &reader), STATUS_NOT_FOUND);
    mode_t before = umask(0);
    struct generations *writer = open_it(data, true);
    assert_int_equal(keep(writer, 1, NULL), STATUS_OK);
    (void)umask(before);
    reader = open_it(data, false);
    assert_true(generations_is_written(reader));
    static const char *const folders[] = {"rules", "rules/objects", "rules/generations"};
    for (int i = 0; i < 3; i++) {
        char *path = temp_path(data, folders[i]);
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 0777, 0700);
        free(path);
    }
    generations_free(&writer);
    assert_false(generations_is_written(reader));
    generations_free(&reader);
    temp_dir_remove(&data);
}

/* Generations go live one after the other in a child that is killed at some moment; what is there is whole. */
static void test_killed_at_any_moment(void **state)
{
    (void)state;
    char *data = temp_dir_make();
    unsigned number = 1;
    for (int round = 0; round < 12; round++) {
        int news[2];
        assert_int_equal(pipe(news), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct error error = {0};
            struct generations *generations = NULL;
            bool fine = generations_open(data, true, &error, &generations) == STATUS_OK;
            for (unsigned i = number; fine; i++) {
                fine = keep(generations, i % 40 ? i : i - 7, NULL) == STATUS_OK; /* now and then one comes again */
                fine = fine && write(news[1], &i, sizeof i) == (ssize_t)sizeof i;
            }
            _exit(1);
        }
        unsigned last = 0;
        close(news[1]);
        for (int i = 0; i < 3 + round % 4; i++) {
            assert_int_equal(read(news[0], &last, sizeof last), sizeof last);
        }
        for (volatile int i = 0; i < round * 2000; i++) { /* a little later each time */
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        close(news[0]);

        struct generations *generations = open_it(data, true);
        struct arena *arena = make_arena();
        struct generations_item *items = NULL;
        uint32_t count = list(generations, arena, &items);
        assert_true(count > 0 && count <= GENERATIONS_KEPT + 1);
        assert_true(items[0].rules >= (last % 40 ? last : last - 7)); /* what was said to be kept is kept */
        for (uint32_t i = 0; i < count; i++) {
            check_whole(generations, items[i].id);
        }
        assert_true(count_files(data, "rules/objects") <= 2 * (GENERATIONS_KEPT + 2)); /* nothing is left over */
        number = last + 1;
        generations_free(&generations);
        arena_free(&arena);
    }
    temp_dir_remove(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_ones_are_kept), cmocka_unit_test(test_again_is_newest),
        cmocka_unit_test(test_damage_is_noticed),  cmocka_unit_test(test_parts_of_manifests),
        cmocka_unit_test(test_private_and_shown),  cmocka_unit_test(test_killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
