/* scanner/suspects.h: what the last run died of. A child process dies for real. */
#include "tests/support/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/suspects.h"

static char folder[] = "/tmp/weir-suspects-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/scanning", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static struct suspects *open_file(uint32_t workers)
{
    struct suspects *suspects = NULL;
    struct error error = {0};
    if (suspects_open(path, workers, &error, &suspects) != STATUS_OK) {
        fail_msg("%s", error.text);
    }
    return suspects;
}

/* A run with two workers that dies while each scans the messages [from, to). */
static void die_scanning(uint64_t from0, uint64_t to0, uint64_t from1, uint64_t to1)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct suspects *suspects = NULL;
        struct error error = {0};
        static uint64_t hashes[SUSPECTS_MESSAGES_MAX];
        if (suspects_open(path, 2, &error, &suspects) != STATUS_OK) {
            _exit(1);
        }
        uint64_t from[2] = {from0, from1}, to[2] = {to0, to1};
        for (uint32_t worker = 0; worker < 2; worker++) {
            for (uint64_t hash = from[worker]; hash < to[worker]; hash++) {
                hashes[hash - from[worker]] = hash;
            }
            suspects_begin(suspects, worker, hashes, (uint32_t)(to[worker] - from[worker]));
        }
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void test_clean_end_leaves_nothing(void **state)
{
    (void)state;
    (void)unlink(path);
    struct suspects *suspects = open_file(2);
    uint64_t hashes[3] = {1, 2, 3};
    assert_int_equal(suspects_unfinished(suspects), 0);
    suspects_begin(suspects, 1, hashes, 3);
    suspects_end(suspects, 1);
    suspects_close(&suspects);
    assert_null(suspects);
    suspects_close(&suspects);
    suspects = open_file(2);
    assert_int_equal(suspects_unfinished(suspects), 0);
    assert_int_equal(suspects_look(suspects, 1), SUSPICION_NONE);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    suspects_close(&suspects);
}

static void test_suspects_are_cleared(void **state)
{
    (void)state;
    (void)unlink(path);
    die_scanning(1, 1001, 5000, 5002);
    struct suspects *suspects = open_file(4); /* with another number of workers */
    assert_int_equal(suspects_unfinished(suspects), 1002);
    assert_int_equal(suspects_look(suspects, 1), SUSPICION_ALONE);
    assert_int_equal(suspects_look(suspects, 1000), SUSPICION_ALONE);
    assert_int_equal(suspects_look(suspects, 5001), SUSPICION_ALONE);
    assert_int_equal(suspects_look(suspects, 1001), SUSPICION_NONE);
    assert_int_equal(suspects_look(suspects, 1 + 65536), SUSPICION_NONE); /* the same bit of the filter */
    suspects_clear(suspects, 1);
    suspects_clear(suspects, 1);
    suspects_clear(suspects, 4711);
    assert_int_equal(suspects_look(suspects, 1), SUSPICION_NONE);
    suspects_close(&suspects);
    suspects = open_file(1); /* what was not cleared stays suspect, what was does not come back */
    assert_int_equal(suspects_unfinished(suspects), 0);
    assert_int_equal(suspects_look(suspects, 1), SUSPICION_NONE);
    assert_int_equal(suspects_look(suspects, 2), SUSPICION_ALONE);
    suspects_close(&suspects);
}

static void test_poison(void **state)
{
    (void)state;
    (void)unlink(path);
    die_scanning(10, 20, 30, 30); /* among others: nobody knows which */
    for (int crash = 1; crash <= SUSPECTS_CRASHES_MAX; crash++) {
        die_scanning(15, 16, 30, 40);
        struct suspects *suspects = open_file(2);
        bool poisonous = crash == SUSPECTS_CRASHES_MAX;
        assert_int_equal(suspects_look(suspects, 15), poisonous ? SUSPICION_POISONOUS : SUSPICION_ALONE);
        assert_int_equal(suspects_look(suspects, 14), SUSPICION_ALONE);
        assert_int_equal(suspects_look(suspects, 33), SUSPICION_ALONE); /* never alone: never more than a suspect */
        assert_int_equal(suspects_poisonous(suspects), poisonous);
        suspects_close(&suspects);
    }
}

/* Dying alone the first time counts as dying among others: so do operators' kills. */
static void test_first_death_alone(void **state)
{
    (void)state;
    (void)unlink(path);
    die_scanning(1, 2, 0, 0);
    die_scanning(1, 2, 0, 0);
    struct suspects *suspects = open_file(2);
    assert_int_equal(suspects_look(suspects, 1), SUSPICION_ALONE);
    suspects_close(&suspects);
}

static void test_oldest_are_forgotten(void **state)
{
    (void)state;
    (void)unlink(path);
    for (uint64_t i = 0; i < 3; i++) {
        die_scanning(i * 8192, i * 8192 + 4096, i * 8192 + 4096, i * 8192 + 8192);
    }
    struct suspects *suspects = open_file(2);
    assert_int_equal(suspects_look(suspects, 0), SUSPICION_NONE);
    assert_int_equal(suspects_look(suspects, 8191), SUSPICION_NONE);
    assert_int_equal(suspects_look(suspects, 8192), SUSPICION_ALONE);
    assert_int_equal(suspects_look(suspects, (uint64_t)3 * 8192 - 1), SUSPICION_ALONE);
    suspects_close(&suspects);
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    static char bytes[2000000];
    static const char magic[8] = {'W', 'E', 'I', 'R', 'S', 'U', 'S', '1'};
    static const size_t sizes[] = {0, 1, 7, 8, 4096, 262144, sizeof bytes};
    for (int fill = 0; fill < 3; fill++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            memset(bytes, fill == 0 ? 0 : 0xff, sizeof bytes);
            if (fill == 2) {
                memcpy(bytes, magic, sizeof magic);
            }
            FILE *file = fopen(path, "w");
            assert_non_null(file);
            assert_int_equal(fwrite(bytes, 1, sizes[i], file), sizes[i]);
            assert_int_equal(fclose(file), 0);
            struct suspects *suspects = open_file(3);
            assert_int_equal(suspects_unfinished(suspects), 0);
            assert_int_equal(suspects_look(suspects, 1), SUSPICION_NONE);
            suspects_close(&suspects);
        }
    }
    struct suspects *suspects = NULL;
    struct error error = {0};
    assert_int_equal(suspects_open("/nonexistent/x", 1, &error, &suspects), STATUS_SYSTEM);
    assert_non_null(strstr(error.text, "/nonexistent/x"));
    assert_null(suspects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_end_leaves_nothing),
        cmocka_unit_test(test_suspects_are_cleared),
        cmocka_unit_test(test_poison),
        cmocka_unit_test(test_first_death_alone),
        cmocka_unit_test(test_oldest_are_forgotten),
        cmocka_unit_test(test_files_that_are_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
