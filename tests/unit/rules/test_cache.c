#include "rules/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"

#define SIZE_MAX_OF_CACHE (UINT64_C(1) << 20)

static struct cache_key key_of(const char *text)
{
    struct cache_hash hash;
    struct cache_key key;
    cache_hash_begin(&hash, "test");
    cache_hash_bytes(&hash, span_text(text));
    cache_hash_end(&hash, &key);
    return key;
}

static struct cache *open_cache(const char *folder)
{
    struct cache *cache = NULL;
    struct error error = {0};
    assert_int_equal(cache_open(folder, SIZE_MAX_OF_CACHE, &error, &cache), STATUS_OK);
    return cache;
}

static void put(struct cache *cache, const char *name, const char *value)
{
    struct cache_key key = key_of(name);
    cache_put(cache, &key, span_text(value));
}

/* The value, or NULL; on the heap. */
static char *get(struct cache *cache, const char *name)
{
    struct cache_key key = key_of(name);
    struct buffer bytes = BUFFER_INIT(CACHE_ENTRY_MAX);
    enum status status = cache_get(cache, &key, &bytes);
    const char *data = bytes.size > 0 ? (const char *)bytes.data : "";
    char *value = status == STATUS_OK ? strndup(data, bytes.size) : NULL;
    assert_true(status == STATUS_OK || (status == STATUS_NOT_FOUND && bytes.size == 0));
    buffer_free(&bytes);
    return value;
}

static void expect(struct cache *cache, const char *name, const char *value)
{
    char *got = get(cache, name);
    if (value) {
        assert_non_null(got);
        assert_string_equal(got, value);
    } else {
        assert_null(got);
    }
    free(got);
}

/* The path of the only entry in the folder, on the heap. */
static char *only_entry(const char *folder)
{
    DIR *opened = opendir(folder);
    char *path = NULL;
    assert_non_null(opened);
    for (const struct dirent *found; (found = readdir(opened)) != NULL;) {
        if (found->d_name[0] != '.') {
            assert_null(path);
            path = temp_path(folder, found->d_name);
        }
    }
    (void)closedir(opened);
    assert_non_null(path);
    return path;
}

static void test_put_and_get(void **state)
{
    (void)state;
    char *dir = temp_dir_make();
    char *folder = temp_path(dir, "above/cache");
    struct cache *cache = open_cache(folder);
    struct stat facts;
    assert_int_equal(stat(folder, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0700);
    expect(cache, "a", NULL);
    put(cache, "a", "first");
    put(cache, "b", "");
    expect(cache, "a", "first");
    expect(cache, "b", "");
    expect(cache, "c", NULL);
    put(cache, "a", "second");
    expect(cache, "a", "second");
    cache_close(&cache);
    assert_null(cache);
    cache = open_cache(folder);
    expect(cache, "a", "second");
    assert_null(cache_fault(cache));
    cache_close(&cache);
    free(folder);
    temp_dir_remove(&dir);
}

static void test_keys_say_where_parts_end(void **state)
{
    (void)state;
    struct cache_hash hash;
    struct cache_key keys[3];
    static const char *const parts[3][2] = {{"ab", "c"}, {"a", "bc"}, {"abc", ""}};
    for (int i = 0; i < 3; i++) {
        cache_hash_begin(&hash, "test");
        cache_hash_bytes(&hash, span_text(parts[i][0]));
        cache_hash_bytes(&hash, span_text(parts[i][1]));
        cache_hash_end(&hash, &keys[i]);
    }
    assert_memory_not_equal(&keys[0], &keys[1], sizeof keys[0]);
    assert_memory_not_equal(&keys[0], &keys[2], sizeof keys[0]);
    assert_memory_not_equal(&keys[1], &keys[2], sizeof keys[0]);
}

/* Every bit flipped and every length cut: no entry, and the next write repairs it. */
static void test_damage(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct cache *cache = open_cache(folder);
    put(cache, "a", "the value");
    char *path = only_entry(folder);
    uint8_t good[256], bad[256];
    int fd = open(path, O_RDWR);
    ssize_t size = read(fd, good, sizeof good);
    assert_true(size > 9 && size < (ssize_t)sizeof good);
    for (ssize_t bit = 0; bit < size * 8; bit++) {
        memcpy(bad, good, (size_t)size);
        bad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(pwrite(fd, bad, (size_t)size, 0), size);
        expect(cache, "a", NULL);
    }
    assert_int_equal(pwrite(fd, good, (size_t)size, 0), size);
    expect(cache, "a", "the value");
    for (ssize_t cut = size - 1; cut >= 0; cut--) {
        assert_int_equal(ftruncate(fd, cut), 0);
        expect(cache, "a", NULL);
    }
    (void)close(fd);
    assert_true(cache_counts(cache).damaged >= (uint32_t)size * 9);
    put(cache, "a", "again");
    expect(cache, "a", "again");
    /* an entry under another's name */
    put(cache, "b", "other");
    char *a = get(cache, "b");
    free(a);
    free(path);
    cache_close(&cache);
    temp_dir_remove(&folder);
}

static void test_entry_of_another_key(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct cache *cache = open_cache(folder);
    put(cache, "a", "of a");
    char *a = only_entry(folder), *aside = temp_path(folder, ".aside");
    assert_int_equal(rename(a, aside), 0);
    put(cache, "b", "of b");
    char *b = only_entry(folder);
    assert_int_equal(rename(b, a), 0);
    expect(cache, "a", NULL);
    assert_int_equal(rename(aside, a), 0);
    expect(cache, "a", "of a");
    free(a);
    free(b);
    free(aside);
    cache_close(&cache);
    temp_dir_remove(&folder);
}

static void test_foreign_files(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct cache *cache = open_cache(folder);
    put(cache, "a", "value");
    char *path = only_entry(folder), *aside = temp_path(folder, ".aside");
    assert_int_equal(chmod(path, 0622), 0);
    expect(cache, "a", NULL);
    assert_int_equal(chmod(path, 0644), 0);
    expect(cache, "a", "value");
    if (geteuid() == 0) { /* only root can give a file away */
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        expect(cache, "a", NULL);
        assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    }
    /* a link, a folder, a pipe in its place */
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(symlink(".aside", path), 0);
    expect(cache, "a", NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect(cache, "a", NULL);
    put(cache, "a", "cannot be written");
    assert_non_null(cache_fault(cache));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect(cache, "a", NULL);
    put(cache, "a", "new");
    expect(cache, "a", "new");
    free(path);
    free(aside);
    cache_close(&cache);
    temp_dir_remove(&folder);
}

static void test_foreign_folders(void **state)
{
    (void)state;
    static const unsigned modes[] = {0770, 0707, 0777, 0720};
    char *dir = temp_dir_make();
    char *folder = temp_path(dir, "cache"), *file = temp_file(dir, "file", "x", 1);
    struct cache *cache = NULL;
    struct error error = {0};
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(folder, modes[i]), 0);
        assert_int_equal(cache_open(folder, SIZE_MAX_OF_CACHE, &error, &cache), STATUS_CONFLICT);
        assert_non_null(strstr(error.text, folder));
        assert_null(cache);
    }
    assert_int_equal(chmod(folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, 12345, (gid_t)-1), 0);
        assert_int_equal(cache_open(folder, SIZE_MAX_OF_CACHE, &error, &cache), STATUS_CONFLICT);
    }
    assert_int_equal(cache_open(file, SIZE_MAX_OF_CACHE, &error, &cache), STATUS_SYSTEM);
    assert_int_equal(cache_open("", SIZE_MAX_OF_CACHE, &error, &cache), STATUS_SYSTEM);
    assert_null(cache);
    free(folder);
    free(file);
    temp_dir_remove(&dir);
}

/* A write that fails half-way, as on a full disk: nothing is left of it, and what was there before stays. */
static void test_write_fails(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    struct cache *cache = open_cache(folder);
    struct rlimit before, small;
    put(cache, "a", "old");
    char *path = only_entry(folder);
    char *large = calloc(1, 100001);
    memset(large, 'x', 100000);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 50000;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    put(cache, "a", large);
    put(cache, "b", large);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(cache_counts(cache).failed, 2);
    assert_non_null(cache_fault(cache));
    char *same = only_entry(folder);
    assert_string_equal(same, path);
    expect(cache, "a", "old");
    expect(cache, "b", NULL);
    free(same);
    free(path);
    free(large);
    cache_close(&cache);
    temp_dir_remove(&folder);
}

/* A process that is killed while it writes leaves whole entries only. */
static void test_killed_while_writing(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    size_t size = 300000;
    char *value = calloc(1, size + 1);
    memset(value, 'v', size);
    for (int round = 0; round < 8; round++) {
        int pipe_ends[2];
        char byte;
        assert_int_equal(pipe(pipe_ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct cache *cache = NULL;
            struct error error;
            if (cache_open(folder, SIZE_MAX_OF_CACHE, &error, &cache) != STATUS_OK ||
                write(pipe_ends[1], "x", 1) != 1) {
                _exit(1);
            }
            for (;;) {
                put(cache, "a", value);
            }
        }
        assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
        for (volatile int spin = 0; spin < round * 400000; spin++) {
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        (void)close(pipe_ends[0]);
        (void)close(pipe_ends[1]);
        struct cache *cache = open_cache(folder);
        char *got = get(cache, "a");
        assert_true(!got || strcmp(got, value) == 0);
        assert_int_equal(cache_counts(cache).damaged, 0);
        free(got);
        cache_close(&cache);
    }
    free(value);
    temp_dir_remove(&folder);
}

struct writer {
    const char *folder;
    int number;
};

static void *write_and_read(void *context)
{
    const struct writer *writer = context;
    struct cache *cache = open_cache(writer->folder);
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "entry %d", i % 10);
        put(cache, name, name); /* whoever writes it writes the same */
        expect(cache, name, name);
    }
    assert_int_equal(cache_counts(cache).damaged + cache_counts(cache).failed, 0);
    cache_close(&cache);
    return NULL;
}

static void test_several_at_once(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    pthread_t threads[4];
    struct writer writers[4];
    for (int i = 0; i < 4; i++) {
        writers[i] = (struct writer){.folder = folder, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_read, &writers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    temp_dir_remove(&folder);
}

static void set_age(const char *folder, const char *name, struct cache *cache, long seconds)
{
    /* the entry that is new is the one without an age yet */
    DIR *opened = opendir(folder);
    struct timespec now;
    (void)cache;
    (void)name;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    for (const struct dirent *found; (found = readdir(opened)) != NULL;) {
        struct stat facts;
        if (found->d_name[0] != '.' && fstatat(dirfd(opened), found->d_name, &facts, 0) == 0 &&
            now.tv_sec - facts.st_mtime < 500) {
            struct timespec times[2] = {{.tv_sec = now.tv_sec - seconds}, {.tv_sec = now.tv_sec - seconds}};
            assert_int_equal(utimensat(dirfd(opened), found->d_name, times, 0), 0);
        }
    }
    (void)closedir(opened);
}

static void test_least_recently_used_goes(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    char *value = calloc(1, 100001);
    struct cache *cache = NULL;
    struct error error;
    static const char *const names[] = {"a", "b", "c", "d"};
    memset(value, 'v', 100000);
    assert_int_equal(cache_open(folder, 350000, &error, &cache), STATUS_OK);
    for (int i = 0; i < 4; i++) {
        put(cache, names[i], value);
        set_age(folder, names[i], cache, 4000 - i * 600);
    }
    free(get(cache, "a")); /* the oldest, but used now */
    char *abandoned = temp_file(folder, "tmp-0123456789abcdef", "half", 4);
    char *fresh = temp_file(folder, "tmp-fresh", "half", 4);
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, abandoned, old, 0), 0);
    cache_close(&cache);
    cache = open_cache(folder);
    expect(cache, "a", value);
    expect(cache, "b", NULL);
    expect(cache, "c", access(folder, F_OK) == 0 ? value : NULL);
    expect(cache, "d", value);
    assert_int_equal(access(abandoned, F_OK), -1);
    assert_int_equal(access(fresh, F_OK), 0);
    cache_close(&cache);
    free(value);
    free(abandoned);
    free(fresh);
    temp_dir_remove(&folder);
}

static void test_default_folder(void **state)
{
    (void)state;
    static const struct {
        const char *caches, *home, *expected;
    } rows[] = {
        {"/x/caches", "/home/me", "/x/caches/weir"},
        {"relative", "/home/me", "/home/me/.cache/weir"},
        {"", "/home/me", "/home/me/.cache/weir"},
        {NULL, "/home/me", "/home/me/.cache/weir"},
        {NULL, "", NULL},
        {NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)(rows[i].caches ? setenv("XDG_CACHE_HOME", rows[i].caches, 1) : unsetenv("XDG_CACHE_HOME"));
        (void)(rows[i].home ? setenv("HOME", rows[i].home, 1) : unsetenv("HOME"));
        char *folder = cache_default_folder();
        if (rows[i].expected) {
            assert_string_equal(folder, rows[i].expected);
        } else {
            assert_null(folder);
        }
        free(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_and_get),     cmocka_unit_test(test_keys_say_where_parts_end),
        cmocka_unit_test(test_damage),          cmocka_unit_test(test_entry_of_another_key),
        cmocka_unit_test(test_foreign_files),   cmocka_unit_test(test_foreign_folders),
        cmocka_unit_test(test_write_fails),     cmocka_unit_test(test_killed_while_writing),
        cmocka_unit_test(test_several_at_once), cmocka_unit_test(test_least_recently_used_goes),
        cmocka_unit_test(test_default_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
