#include "rules/compile_child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/partition.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define TIME_MS 20000u
/* Takes Hyperscan minutes: a large repeat of a choice with a repeat in it. */
#define ENDLESS "(?:(?:[a-c]|[\\xc2-\\xf4][\\x80-\\xbf]{1,3}){0,60}[0-9]){0,60}x(?:[a-d]{0,140}e){0,140}[xyz]{30,90}q"

static enum status run(struct compile_child *child, enum compile_kind kind, const char *const *texts, uint32_t count,
                       uint32_t time_ms, bool *refused, struct buffer *database, struct error *error)
{
    struct span items[8];
    for (uint32_t i = 0; i < count; i++) {
        items[i] = span_text(texts[i]);
    }
    return compile_child_run(child, kind, items, count, time_ms, refused, database, error);
}

static struct compile_child *child_new(const char *path, uint32_t memory_mib)
{
    struct compile_child *child = NULL;
    assert_int_equal(compile_child_new(path, memory_mib, &child), STATUS_OK);
    return child;
}

static void test_same_as_in_process(void **state)
{
    (void)state;
    static const char *const texts[] = {"ab+c", "(?:unclosed", "x\\d{3}", "(?<=no)look", "plain"};
    static const bool expected[] = {false, true, false, true, false};
    struct compile_child *child = child_new(WEIR_COMPILE_HELPER, PARTITION_MEMORY_MIB);
    for (int round = 0; round < 2; round++) {
        struct buffer theirs = BUFFER_INIT(COMPILE_DATABASE_MAX), ours = BUFFER_INIT(COMPILE_DATABASE_MAX);
        bool refused[5] = {0}, refused_here[5] = {0};
        struct span items[5];
        for (int i = 0; i < 5; i++) {
            items[i] = span_text(texts[i]);
        }
        struct error error = {0};
        assert_int_equal(run(child, COMPILE_EXPRESSIONS, texts, 5, TIME_MS, refused, &theirs, &error), STATUS_OK);
        assert_int_equal(compile_engine_run(COMPILE_EXPRESSIONS, items, 5, refused_here, &ours), STATUS_OK);
        assert_memory_equal(refused, expected, sizeof refused);
        assert_memory_equal(refused_here, expected, sizeof refused);
        assert_int_equal(ours.size, theirs.size);
        assert_memory_equal(ours.data, theirs.data, ours.size);
        buffer_free(&ours);
        buffer_free(&theirs);
    }
    compile_child_free(&child);
    assert_null(child);
}

/* Out of time, then at work again. */
static void test_out_of_time(void **state)
{
    (void)state;
    static const char *const endless[] = {ENDLESS}, *const fine[] = {"fine"};
    struct compile_child *child = child_new(WEIR_COMPILE_HELPER, PARTITION_MEMORY_MIB);
    struct buffer database = BUFFER_INIT(COMPILE_DATABASE_MAX);
    bool refused[1] = {0};
    struct error error = {0};
    assert_int_equal(run(child, COMPILE_EXPRESSIONS, endless, 1, 100, refused, &database, &error), STATUS_LIMIT);
    assert_int_equal(compile_child_process(child), 0);
    assert_false(refused[0]);
    assert_int_equal(database.size, 0);
    assert_int_equal(run(child, COMPILE_EXPRESSIONS, fine, 1, TIME_MS, refused, &database, &error), STATUS_OK);
    assert_true(database.size > 0);
    buffer_free(&database);
    compile_child_free(&child);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    if (SANITIZED) {
        skip(); /* there is no limit then */
    }
    enum { COUNT = 30000, TEXT_SIZE = 32 };
    static const char *const fine[] = {"fine"};
    struct compile_child *child = child_new(WEIR_COMPILE_HELPER, 48);
    struct buffer database = BUFFER_INIT(COMPILE_DATABASE_MAX);
    struct span *items = calloc(COUNT, sizeof *items);
    char(*texts)[TEXT_SIZE] = calloc(COUNT, TEXT_SIZE);
    bool *refused = calloc(COUNT, sizeof *refused);
    struct error error = {0};
    assert_true(items && texts && refused);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(texts[i], TEXT_SIZE, "%x a literal %d", i * 7919, i);
        items[i] = span_text(texts[i]);
    }
    enum status status = compile_child_run(child, COMPILE_LITERALS, items, COUNT, 60000, refused, &database, &error);
    assert_true(status == STATUS_LIMIT || status == STATUS_CLOSED);
    assert_int_equal(database.size, 0);
    assert_int_equal(run(child, COMPILE_EXPRESSIONS, fine, 1, TIME_MS, refused, &database, &error), STATUS_OK);
    free(items);
    free(texts);
    free(refused);
    buffer_free(&database);
    compile_child_free(&child);
}

static void test_killed(void **state)
{
    (void)state;
    static const char *const fine[] = {"fine"};
    static const int signals[] = {SIGKILL, SIGTERM, SIGABRT, SIGSEGV};
    struct compile_child *child = child_new(WEIR_COMPILE_HELPER, PARTITION_MEMORY_MIB);
    struct buffer database = BUFFER_INIT(COMPILE_DATABASE_MAX);
    bool refused[1] = {0};
    struct error error = {0};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        assert_int_equal(run(child, COMPILE_EXPRESSIONS, fine, 1, TIME_MS, refused, &database, &error), STATUS_OK);
        int process = compile_child_process(child);
        assert_true(process > 0);
        assert_int_equal(kill(process, signals[i]), 0);
        /* gone, but not waited for: that is left to its owner */
        siginfo_t how;
        assert_int_equal(waitid(P_PID, (id_t)process, &how, WEXITED | WNOWAIT), 0);
        assert_int_equal(run(child, COMPILE_EXPRESSIONS, fine, 1, TIME_MS, refused, &database, &error), STATUS_CLOSED);
    }
    assert_int_equal(run(child, COMPILE_EXPRESSIONS, fine, 1, TIME_MS, refused, &database, &error), STATUS_OK);
    buffer_free(&database);
    compile_child_free(&child);
}

/* However many are refused, the others are compiled, each under its id. */
static void test_some_refused(void **state)
{
    (void)state;
    static const unsigned sets[] = {0x00, 0x01, 0x80, 0x12, 0x3F, 0x7F, 0xFE, 0xFF};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        struct buffer database = BUFFER_INIT(COMPILE_DATABASE_MAX);
        struct span items[8];
        char texts[8][32];
        bool refused[8] = {0};
        for (unsigned i = 0; i < 8; i++) {
            bool bad = sets[s] >> i & 1;
            (void)snprintf(texts[i], sizeof texts[i], bad ? "(?:open%u" : "go+d%u", i);
            items[i] = span_text(texts[i]);
        }
        assert_int_equal(compile_engine_run(COMPILE_EXPRESSIONS, items, 8, refused, &database), STATUS_OK);
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(refused[i], sets[s] >> i & 1);
        }
        assert_int_equal(database.size == 0, sets[s] == 0xFF);
        buffer_free(&database);
    }
}

static void test_wrong_helper(void **state)
{
    (void)state;
    char *dir = temp_dir_make();
    char *liar = temp_file(dir, "liar", "#!/bin/sh\nhead -c 300 /dev/zero\n", 32);
    assert_int_equal(chmod(liar, 0700), 0);
    const char *const helpers[] = {"/nowhere/weir-compile", "/bin/true", "/dev/null", liar};
    static const char *const fine[] = {"fine"};
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++) {
        struct compile_child *child = child_new(helpers[i], PARTITION_MEMORY_MIB);
        struct buffer database = BUFFER_INIT(COMPILE_DATABASE_MAX);
        struct error error = {0};
        bool refused[1] = {0};
        assert_int_equal(run(child, COMPILE_EXPRESSIONS, fine, 1, TIME_MS, refused, &database, &error), STATUS_SYSTEM);
        assert_non_null(strstr(error.text, helpers[i]));
        assert_int_equal(compile_child_process(child), 0);
        buffer_free(&database);
        compile_child_free(&child);
    }
    free(liar);
    temp_dir_remove(&dir);
}

static struct partition_job job_of(struct span *items, const char *const *texts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        items[i] = span_text(texts[i]);
    }
    return (struct partition_job){.kind = COMPILE_EXPRESSIONS, .items = items, .count = count};
}

/* The one that takes too long is left out, the others are searched, and the cache remembers both. */
static void test_heavy_harms_only_itself(void **state)
{
    (void)state;
    static const char *const texts[] = {"first", "sec(?:ond", ENDLESS, "[a-f]{2}x", "last"};
    static const uint8_t verdicts[] = {PARTITION_SEARCHED, PARTITION_REFUSED, PARTITION_HEAVY, PARTITION_SEARCHED,
                                       PARTITION_SEARCHED};
    char *folder = temp_dir_make();
    struct partition_options options = {.helper = WEIR_COMPILE_HELPER, .time_ms = 1000};
    struct error error = {0};
    for (int round = 0; round < 2; round++) {
        struct span items[5];
        struct partition_job job = job_of(items, texts, 5);
        struct partition_report report;
        assert_int_equal(cache_open(folder, 1u << 20, &error, &options.cache), STATUS_OK);
        assert_int_equal(partition_compile(&job, 1, &options, &error, &report), STATUS_OK);
        assert_int_equal(report.cached, round);
        assert_int_equal(report.compiled, 1 - round);
        assert_false(report.unlimited);
        assert_memory_equal(job.ret_verdicts, verdicts, sizeof verdicts);
        assert_int_equal(job.ret_part_count, 1);
        assert_int_equal(job.ret_parts[0].count, 4);
        cache_close(&options.cache);
        partition_job_clear(&job);
    }
    temp_dir_remove(&folder);
}

/* A helper that cannot be started fails the load; it does not make rules of the half of it. */
static void test_no_start_no_rules(void **state)
{
    (void)state;
    static const char *const texts[] = {"one", "two"};
    struct span items[2];
    struct partition_job job = job_of(items, texts, 2);
    struct partition_options options = {.helper = "/nowhere/weir-compile"};
    struct partition_report report;
    struct error error = {0};
    assert_int_equal(partition_compile(&job, 1, &options, &error, &report), STATUS_SYSTEM);
    assert_non_null(strstr(error.text, "/nowhere/weir-compile"));
    partition_job_clear(&job);
}

/* What the cache has under the key, but is no entry, is compiled anew. */
static void test_entry_of_nonsense(void **state)
{
    (void)state;
    static const char *const texts[] = {"one", "two"};
    char *folder = temp_dir_make();
    struct span items[2];
    struct partition_options options = {.helper = WEIR_COMPILE_HELPER};
    struct error error = {0};
    assert_int_equal(cache_open(folder, 1u << 20, &error, &options.cache), STATUS_OK);
    struct partition_job job = job_of(items, texts, 2);
    struct partition_report report;
    assert_int_equal(partition_compile(&job, 1, &options, &error, &report), STATUS_OK);
    struct cache_key key = job.key;
    partition_job_clear(&job);
    struct buffer good = BUFFER_INIT(CACHE_ENTRY_MAX);
    assert_int_equal(cache_get(options.cache, &key, &good), STATUS_OK);
    for (size_t cut = 0; cut<good.size; cut += good.size> 64 && cut > 40 ? 97 : 1) {
        cache_put(options.cache, &key, span_of(good.data, cut));
        job = job_of(items, texts, 2);
        assert_int_equal(partition_compile(&job, 1, &options, &error, &report), STATUS_OK);
        assert_int_equal(report.compiled, 1);
        assert_int_equal(job.ret_part_count, 1);
        partition_job_clear(&job);
    }
    buffer_free(&good);
    cache_close(&options.cache);
    temp_dir_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_in_process),
        cmocka_unit_test(test_out_of_time),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_some_refused),
        cmocka_unit_test(test_wrong_helper),
        cmocka_unit_test(test_heavy_harms_only_itself),
        cmocka_unit_test(test_no_start_no_rules),
        cmocka_unit_test(test_entry_of_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
