#include "tests/support/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang knows uthash's macros as another's only in the file it is given, and cannot read its comments on falling through. */
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#include "cli/watch.c" // NOLINT(bugprone-suspicious-include)
#include "tests/support/temp.h"

#define SETTLE 50

/* Events are there when the call that makes them returns: nothing needs to be waited for. */
static bool happened(struct watch *watch)
{
    watch_read(watch, 1000);
    bool is = watch_due_in(watch, 1000) >= 0;
    watch_take(watch);
    return is;
}

static void run_in(const char *dir, const char *command)
{
    char line[4096];
    assert_true((size_t)snprintf(line, sizeof line, "cd '%s' && %s", dir, command) < sizeof line);
    assert_int_equal(system(line), 0); // NOLINT(cert-env33-c): fixed words in a folder of the test's own
}

/* What is watched, what is done, and whether it is noticed. %s in a path is the test's folder. */
static void test_what_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *what, *before, *path, *action;
        bool noticed, stale;
    } cases[] = {
        {"a file in a folder is saved in place", "mkdir p && echo >p/a", "p", "echo 1 >p/a", true, false},
        {"a file of its own is saved in place", "mkdir p && echo >p/a", "p/a", "echo 1 >p/a", true, false},
        {"it is appended to", "mkdir p && echo >p/a", "p/a", "echo 1 >>p/a", true, false},
        {"it is renamed over", "mkdir p && echo >p/a", "p/a", "echo 1 >new && mv new p/a", true, true},
        {"it is deleted", "mkdir p && echo >p/a", "p/a", "rm p/a", true, true},
        {"it appears", "mkdir p", "p/a", "echo >p/a", true, true},
        {"it may be read from now on", "mkdir p && echo >p/a && chmod 0 p/a", "p/a", "chmod 600 p/a", true, false},
        {"a file appears in a folder", "mkdir p", "p", "echo >p/a", true, true},
        {"another file than the one that matters", "mkdir p && echo >p/a", "p/a", "echo >p/b", false, false},
        {"something beside the folder", "mkdir p", "p", "echo >other", false, false},
        {"something in a folder inside", "mkdir -p p/q && echo >p/q/a", "p", "echo 1 >p/q/a", false, false},
        {"the folder appears", "true", "p", "mkdir p", true, true},
        {"the folder goes away", "mkdir p", "p", "rmdir p", true, true},
        {"the folder is replaced", "mkdir p q && echo >q/a", "p", "mv p old && mv q p", true, true},
        {"a folder above is replaced", "mkdir -p r/s/p t/s/p", "r/s/p", "mv r old && mv t r", true, true},
        {"a folder above appears", "true", "r/s/p", "mkdir r", true, true},
        {"behind a link a file is saved", "mkdir p d && echo >d/a && ln -s ../d/a p/a", "p/a", "echo 1 >d/a", true,
         false},
        {"the link is swapped", "mkdir p d && echo >d/a && ln -s ../d/a p/a", "p/a", "ln -s ../d/b l && mv -T l p/a",
         true, true},
        {"a link to a folder is swapped", "mkdir -p p/1 p/2 && ln -s 1 p/..data && ln -s ..data/a p/a && echo >p/1/a",
         "p/a", "ln -s 2 p/l && mv -T p/l p/..data", true, true},
        {"what an absolute link points to", "mkdir p d && echo >d/a && ln -s \"$PWD/d/a\" p/a", "p/a", "echo 1 >d/a",
         true, false},
        {"beside what a link points to", "mkdir p d && echo >d/a && ln -s ../d/a p/a", "p/a", "echo 1 >d/b", false,
         false},
        {"dots in the path", "mkdir p d && echo >d/a", "p/.././d/a", "echo 1 >d/a", true, false},
        {"a dangling link comes alive", "mkdir p && ln -s ../d/a p/a", "p/a", "mkdir d", true, true},
        {"a link to itself", "mkdir p && ln -s a p/a", "p/a", "rm p/a", true, true},
        {"nothing", "mkdir p && echo >p/a", "p/a", "cat p/a", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *dir = temp_dir_make(), *path = temp_path(dir, cases[i].path);
        const char *const paths[] = {path, NULL};
        struct watch *watch = NULL;
        run_in(dir, cases[i].before);
        assert_int_equal(watch_new(SETTLE, &watch), STATUS_OK);
        assert_int_equal(watch_set(watch, paths), STATUS_OK);
        assert_false(happened(watch));
        run_in(dir, cases[i].action);
        bool noticed = happened(watch);
        if (noticed != cases[i].noticed || watch_is_stale(watch) != cases[i].stale) {
            fail_msg("%s: noticed %d, stale %d", cases[i].what, noticed, watch_is_stale(watch));
        }
        assert_int_equal(watch_set(watch, paths), STATUS_OK);
        assert_false(watch_is_stale(watch));
        (void)happened(watch);
        assert_false(happened(watch));
        watch_free(&watch);
        assert_null(watch);
        free(path);
        temp_dir_remove(&dir);
    }
}

/* After a folder was replaced and watch_set was called again, the new one is watched and the old one is not. */
static void test_follows(void **state)
{
    (void)state;
    char *dir = temp_dir_make(), *path = temp_path(dir, "p");
    const char *const paths[] = {path, NULL};
    struct watch *watch = NULL;
    assert_int_equal(watch_new(SETTLE, &watch), STATUS_OK);
    run_in(dir, "mkdir p");
    assert_int_equal(watch_set(watch, paths), STATUS_OK);
    for (int i = 0; i < 5; i++) {
        run_in(dir, "rm -rf old && mv p old && mkdir p");
        assert_true(happened(watch));
        assert_true(watch_is_stale(watch));
        assert_int_equal(watch_set(watch, paths), STATUS_OK);
        (void)happened(watch);
        run_in(dir, "echo >old/a");
        assert_false(happened(watch));
        run_in(dir, "echo >p/a");
        assert_true(happened(watch));
        assert_int_equal(watch_set(watch, paths), STATUS_OK);
    }
    const char *const none[] = {NULL};
    assert_int_equal(watch_set(watch, none), STATUS_OK);
    (void)happened(watch);
    run_in(dir, "echo 1 >p/a");
    assert_false(happened(watch));
    watch_free(&watch);
    free(path);
    temp_dir_remove(&dir);
}

static void touch(const char *path, int flags, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* When is it time to look? Time is an argument. */
static void test_settling(void **state)
{
    (void)state;
    char *dir = temp_dir_make(), *path = temp_path(dir, "a");
    const char *const paths[] = {path, NULL};
    struct watch *watch = NULL;
    touch(path, 0, "1");
    assert_int_equal(watch_new(SETTLE, &watch), STATUS_OK);
    assert_int_equal(watch_set(watch, paths), STATUS_OK);
    assert_int_equal(watch_due_in(watch, 0), -1);
    touch(path, 0, "2");
    watch_read(watch, 1000);
    assert_int_equal(watch_due_in(watch, 1000), SETTLE);
    assert_int_equal(watch_due_in(watch, 1049), 1);
    assert_int_equal(watch_due_in(watch, 1050), 0);
    touch(path, 0, "3"); /* again: the silence begins anew */
    watch_read(watch, 1040);
    assert_int_equal(watch_due_in(watch, 1050), 40);
    for (int64_t now = 1050; now < 2000; now += 10) { /* but not for ever */
        touch(path, 0, "4");
        watch_read(watch, now);
    }
    assert_int_equal(watch_due_in(watch, 1499), 1);
    assert_int_equal(watch_due_in(watch, 1500), 0);
    watch_take(watch);
    assert_int_equal(watch_due_in(watch, 1500), -1);

    /* A file that is being written is waited for, within limits. */
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "12", 2), 2);
    watch_read(watch, 3000);
    assert_int_equal(watch_due_in(watch, 3000), WATCH_WRITING_MAX_MS);
    assert_int_equal(watch_due_in(watch, 3000 + WATCH_WRITING_MAX_MS), 0);
    close(fd);
    watch_read(watch, 3100);
    assert_int_equal(watch_due_in(watch, 3100), SETTLE);
    watch_take(watch);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "12", 2), 2);
    watch_read(watch, 4000);
    assert_int_equal(unlink(path), 0); /* nobody will close this one as a file of this name */
    watch_read(watch, 4000);
    assert_int_equal(watch_due_in(watch, 4000), SETTLE);
    close(fd);
    watch_free(&watch);
    free(path);
    temp_dir_remove(&dir);
}

static void test_limits(void **state)
{
    (void)state;
    struct watch *watch = NULL;
    char *dir = temp_dir_make();
    char *long_path = malloc(PATH_MAX * 3);
    assert_non_null(long_path);
    memset(long_path, 'x', PATH_MAX * 3 - 1);
    long_path[PATH_MAX * 3 - 1] = '\0';
    const char *const too_long[] = {long_path, NULL};
    assert_int_equal(watch_new(SETTLE, &watch), STATUS_OK);
    assert_int_equal(watch_set(watch, too_long), STATUS_LIMIT);

    const char **many = calloc(WATCH_FOLDERS_MAX + 10, sizeof *many);
    char(*names)[96] = calloc(WATCH_FOLDERS_MAX + 10, sizeof *names);
    for (unsigned i = 0; i < WATCH_FOLDERS_MAX + 9; i++) {
        assert_true((size_t)snprintf(names[i], sizeof *names, "%.60s/d%u", dir, i) < sizeof *names);
        assert_int_equal(mkdir(names[i], 0700), 0);
        many[i] = names[i];
    }
    assert_int_equal(watch_set(watch, many), STATUS_LIMIT);
    (void)happened(watch);
    run_in(names[5], "echo >a"); /* those that fitted are watched */
    assert_true(happened(watch));
    watch_free(&watch);
    free(names);
    free(many);
    free(long_path);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_noticed),
        cmocka_unit_test(test_follows),
        cmocka_unit_test(test_settling),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
