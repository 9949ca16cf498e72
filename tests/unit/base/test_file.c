#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"

struct fixture {
    char *dir;
    struct arena *arena;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->dir = temp_dir_make();
    assert_int_equal(arena_new(4096, 8 << 20, &fixture->arena), STATUS_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    temp_dir_remove(&fixture->dir);
    arena_free(&fixture->arena);
    free(fixture);
    return 0;
}

static void test_read_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 200000};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        struct span bytes = {0};
        struct error error = {""};
        char *data = malloc(size + 1);
        assert_non_null(data);
        memset(data, 'a' + (int)i, size);
        char *path = temp_file(fixture->dir, "sized", data, size);

        assert_int_equal(file_read(path, size, fixture->arena, &error, &bytes), STATUS_OK);
        assert_int_equal(bytes.size, size);
        assert_memory_equal(bytes.data, data, size);
        assert_int_equal(bytes.data[size], 0);
        assert_int_equal(file_read(path, SIZE_MAX, fixture->arena, NULL, &bytes), STATUS_OK);
        assert_int_equal(bytes.size, size);

        if (size > 0) {
            struct span untouched = span_text("x");
            assert_int_equal(file_read(path, size - 1, fixture->arena, &error, &untouched), STATUS_LIMIT);
            assert_int_equal(untouched.size, 1);
            assert_non_null(strstr(error.text, path));
            assert_non_null(strstr(error.text, "limit"));
        }
        free(path);
        free(data);
    }
}

static void test_read_refusals(void **state)
{
    struct fixture *fixture = *state;
    struct span bytes = {0};
    struct error error;
    char *missing = temp_path(fixture->dir, "missing");
    char *below = temp_path(fixture->dir, "file/below");
    char *file = temp_file(fixture->dir, "file", "123456", 6);

    assert_int_equal(file_read(missing, 100, fixture->arena, &error, &bytes), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, missing));
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(file_read(missing, 100, fixture->arena, NULL, &bytes), STATUS_NOT_FOUND);
    assert_int_equal(file_read(below, 100, fixture->arena, &error, &bytes), STATUS_NOT_FOUND);
    assert_int_equal(file_read(fixture->dir, 100, fixture->arena, &error, &bytes), STATUS_SYSTEM);
    assert_non_null(strstr(error.text, "folder"));

    struct arena *tiny = NULL;
    assert_int_equal(arena_new(4, 4, &tiny), STATUS_OK);
    assert_int_equal(file_read(file, 100, tiny, &error, &bytes), STATUS_NO_MEMORY);
    assert_null(bytes.data);
    arena_free(&tiny);
    free(missing);
    free(below);
    free(file);
}

static void test_read_pipe(void **state)
{
    struct fixture *fixture = *state;
    struct span bytes;
    char path[64];
    int ends[2];

    /* No size is known before: it is read to its end, and the limit still holds. */
    for (size_t limit = 4; limit <= 5; limit++) {
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "12345", 5), 5);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        assert_int_equal(file_read(path, limit, fixture->arena, NULL, &bytes), limit < 5 ? STATUS_LIMIT : STATUS_OK);
        close(ends[0]);
    }
    assert_true(span_equal(bytes, span_text("12345")));
}

static size_t count_entries(const char *dir)
{
    DIR *folder = opendir(dir);
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}

static void test_write_atomic(void **state)
{
    struct fixture *fixture = *state;
    char *path = temp_path(fixture->dir, "kept");
    struct error error = {""};
    struct span bytes;
    struct stat information;

    assert_int_equal(file_write_atomic(path, span_text("first"), 0600, &error), STATUS_OK);
    assert_int_equal(file_write_atomic(path, span_text("second"), 0640, &error), STATUS_OK);
    assert_int_equal(stat(path, &information), 0);
    assert_int_equal(information.st_mode & 07777, 0640);
    assert_int_equal(file_read(path, 100, fixture->arena, &error, &bytes), STATUS_OK);
    assert_true(span_equal(bytes, span_text("second")));
    assert_int_equal(file_write_atomic(path, span_of(NULL, 0), 0600, &error), STATUS_OK);
    assert_int_equal(file_read(path, 0, fixture->arena, &error, &bytes), STATUS_OK);
    assert_int_equal(bytes.size, 0);
    assert_int_equal(count_entries(fixture->dir), 1); /* no temporary file is left */
    free(path);
}

static void test_write_refusals_leave_nothing(void **state)
{
    struct fixture *fixture = *state;
    char *below = temp_path(fixture->dir, "nowhere/file");
    char *folder = temp_path(fixture->dir, "folder");
    struct error error = {""};

    assert_int_equal(file_write_atomic(below, span_text("x"), 0600, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, below));
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(file_write_atomic(folder, span_text("x"), 0600, &error), STATUS_SYSTEM);
    assert_int_equal(count_entries(fixture->dir), 1);
    free(below);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_atomic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_refusals_leave_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
