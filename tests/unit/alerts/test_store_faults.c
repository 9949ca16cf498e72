/* What happens to the store when writes fail, the disk is full, or the process is killed. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alerts/store_sqlite.h"
#include "tests/unit/alerts/fault_vfs.h"
#include "tests/unit/alerts/fixture.h"

/* Group n: messages "n-0" to "n-2", each with context and two hits of two queues with a span. */
#define GROUP_SIZE 3
struct group {
    char ids[GROUP_SIZE][32], context_ids[GROUP_SIZE][32];
    struct verdict_context context[GROUP_SIZE];
    struct verdict_hit hits[2];
    struct store_hit store_hits[2];
    struct verdict verdicts[GROUP_SIZE];
    struct store_verdict all[GROUP_SIZE];
};

static const struct store_verdict *group_fill(struct group *group, int n)
{
    static const struct verdict_span span = {"ask", "raw", 0, 3};
    memset(group, 0, sizeof *group);
    group->hits[0] = (struct verdict_hit){.rule = "a.one", .severity = SEVERITY_LOW, .spans = &span, .span_count = 1};
    group->hits[1] = (struct verdict_hit){.rule = "a.two", .severity = SEVERITY_HIGH, .spans = &span, .span_count = 1};
    group->store_hits[0] = (struct store_hit){.hit = &group->hits[0], .queue = "q", .context_max = 5};
    group->store_hits[1] = (struct store_hit){.hit = &group->hits[1], .queue = "r", .context_max = 0};
    for (int i = 0; i < GROUP_SIZE; i++) {
        snprintf(group->ids[i], sizeof group->ids[i], "%d-%d", n, i);
        snprintf(group->context_ids[i], sizeof group->context_ids[i], "%d-%d-before", n, i);
        group->context[i] = (struct verdict_context){span_text(group->context_ids[i]), span_text("anna"),
                                                     span_text("hello"), NOW - 1, NOW - 1};
        group->verdicts[i] = (struct verdict){
            .message_id = span_text(group->ids[i]),
            .conversation_id = span_text(i == 0 ? "shared" : group->ids[i]),
            .sender_id = span_text("anna"),
            .text = span_text("buy two gift cards and read me the code on the back"),
            .received_at_ms = NOW,
            .generation = "g",
            .hits = group->hits,
            .hit_count = 2,
            .context = &group->context[i],
            .context_count = 1,
        };
        group->all[i] = (struct store_verdict){&group->verdicts[i], group->store_hits, 2};
    }
    return group->all;
}

/* Every group that is there is there whole. */
static void check_nothing_half(const struct fixture *f)
{
    static const char *const halves[] = {
        "SELECT count(*) FROM (SELECT count(*) n FROM hits GROUP BY substr(message_id, 1, instr(message_id, '-')) "
        "HAVING n <> 6)",
        "SELECT count(*) FROM (SELECT id FROM hits EXCEPT SELECT hit FROM hit_spans WHERE position = 0)",
        "SELECT abs((SELECT count(*) FROM hits) - (SELECT count(*) FROM hit_spans))",
        "SELECT count(*) FROM message_hits h WHERE NOT EXISTS (SELECT 1 FROM case_messages c "
        "WHERE c.case_id = h.case_id AND c.message = h.message AND c.flagged = 1)",
        "SELECT abs((SELECT coalesce(sum(hit_count), 0) FROM message_hits) - (SELECT count(*) FROM hits))",
        "SELECT count(*) FROM messages m WHERE NOT EXISTS (SELECT 1 FROM case_messages c WHERE c.message = m.id)",
        "SELECT count(*) FROM cases c WHERE NOT EXISTS (SELECT 1 FROM hits h WHERE h.case_id = c.id)",
        "SELECT abs((SELECT count(*) FROM hits) - (SELECT count(*) FROM messages))",
    };
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        int64_t count = fixture_number(f, halves[i]);
        if (count != 0)
            fail_msg("%d of: %s", (int)count, halves[i]);
    }
    assert_true(fixture_intact(f));
}

/* The nth write, sync or truncation fails, once or from then on; afterwards the same commit succeeds. */
static void sweep(struct fixture *f, bool sticky, int code, int *n)
{
    static const enum status allowed[] = {STATUS_SYSTEM, STATUS_FULL, STATUS_NO_MEMORY};
    struct group group;
    int failures = 0;
    for (int at = 1; at < 500; at++) {
        struct store_commit_result result = {77, 77, 77, 77};
        struct error error = {0};
        const struct store_verdict *verdicts = group_fill(&group, ++*n);
        fault_arm(at, sticky, code);
        enum status status = store_sqlite.commit(f->store, verdicts, GROUP_SIZE, NOW, &error, &result);
        int failed = fault.failed;
        fault_arm(0, false, 0);
        if (failed == 0) { /* there was no nth */
            assert_int_equal(status, STATUS_OK);
            assert_true(failures > 5);
            return;
        }
        if (status == STATUS_OK)
            continue; /* what failed was not needed for it, e.g. a checkpoint */
        failures++;
        assert_true(status == allowed[0] || status == allowed[1] || status == allowed[2]);
        assert_int_equal(result.hits_new, 77);
        assert_true(error.text[0] != '\0');
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM hits WHERE message_id GLOB '%d-*'", *n);
        assert_int_equal(fixture_number(f, sql), 0);
        result = fixture_commit(f, verdicts, GROUP_SIZE, NOW);
        assert_int_equal(result.hits_new, GROUP_SIZE * 2);
        assert_int_equal(result.hits_known, 0);
        assert_int_equal(fixture_number(f, sql), GROUP_SIZE * 2);
    }
    fail_msg("there is always one more write");
}

static void test_failing_writes(void **state)
{
    struct fixture *f = *state;
    int n = 0;
    sweep(f, false, SQLITE_IOERR_WRITE, &n);
    sweep(f, true, SQLITE_IOERR_WRITE, &n);
    sweep(f, false, SQLITE_FULL, &n);
    sweep(f, true, SQLITE_IOERR_FSYNC, &n);
    check_nothing_half(f);
    store_sqlite.close(&f->store);
    fixture_open(f);
    check_nothing_half(f);
}

/* Making a store fails at every step, and works when it is tried again. */
static void test_failing_open(void **state)
{
    (void)state;
    for (int at = 1; at < 500; at++) {
        struct fixture fixture, *f = &fixture;
        struct error error = {0};
        fixture_folder(f);
        fault_arm(at, true, SQLITE_FULL);
        enum status status = store_sqlite.open(f->data, true, &error, &f->store);
        int failed = fault.failed;
        fault_arm(0, false, 0);
        if (status != STATUS_OK) {
            assert_null(f->store);
            assert_true(error.text[0] != '\0');
            fixture_open(f);
        }
        struct group group;
        assert_int_equal(fixture_commit(f, group_fill(&group, 1), GROUP_SIZE, NOW).hits_new, 6);
        check_nothing_half(f);
        store_sqlite.close(&f->store);
        arena_free(&f->arena);
        nftw(f->folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
        if (failed == 0)
            return;
    }
    fail_msg("there is always one more write");
}

static void test_full(void **state)
{
    struct fixture *f = *state;
    struct group group;
    struct error error = {0};
    struct store_commit_result result;
    int n = 0;
    assert_int_equal(sqlite3_exec(f->store->database, "PRAGMA max_page_count = 60", NULL, NULL, NULL), SQLITE_OK);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && n < 10000)
        status = store_sqlite.commit(f->store, group_fill(&group, ++n), GROUP_SIZE, NOW, &error, &result);
    assert_int_equal(status, STATUS_FULL);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits"), (n - 1) * 6);
    check_nothing_half(f);
    assert_int_equal(sqlite3_exec(f->store->database, "PRAGMA max_page_count = 100000", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(fixture_commit(f, group.all, GROUP_SIZE, NOW).hits_new, 6);
    check_nothing_half(f);
}

/* Larger than SQLite takes: that will not pass, and the store says so. */
static void test_too_big(void **state)
{
    struct fixture *f = *state;
    struct group group;
    struct error error = {0};
    struct store_commit_result result = {77, 77, 77, 77};
    static char text[5000];
    memset(text, 'x', sizeof text);
    const struct store_verdict *verdicts = group_fill(&group, 1);
    group.verdicts[1].text = span_of(text, sizeof text);
    int before = sqlite3_limit(f->store->database, SQLITE_LIMIT_LENGTH, 3000);
    assert_int_equal(store_sqlite.commit(f->store, verdicts, GROUP_SIZE, NOW, &error, &result), STATUS_LIMIT);
    assert_int_equal(result.hits_new, 77);
    assert_null(strstr(error.text, "xxx"));
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits"), 0);
    sqlite3_limit(f->store->database, SQLITE_LIMIT_LENGTH, before);
    assert_int_equal(fixture_commit(f, verdicts, GROUP_SIZE, NOW).hits_new, 6);
    check_nothing_half(f);
}

/* The system refuses to let files grow: the same in another process, because the limit is the process's. */
static void test_file_size_limit(void **state)
{
    struct fixture *f = *state;
    store_sqlite.close(&f->store);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct group group;
        struct error error = {0};
        struct store_commit_result result;
        struct rlimit limit = {300000, RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(9);
        limit.rlim_cur = 300000;
        enum status status = store_sqlite.open(f->data, false, &error, &f->store);
        if (status != STATUS_OK || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(10);
        int n = 0;
        while (status == STATUS_OK && n < 10000)
            status = store_sqlite.commit(f->store, group_fill(&group, ++n), GROUP_SIZE, NOW, &error, &result);
        if (status != STATUS_SYSTEM && status != STATUS_FULL)
            _exit(11);
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            store_sqlite.commit(f->store, group.all, GROUP_SIZE, NOW, &error, &result) != STATUS_OK)
            _exit(12);
        _exit(result.hits_new == 6 && n > 3 ? 0 : 13);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    check_nothing_half(f);
}

/* Commits one group after the other and says after each which it was; until it is killed. */
static void committing_child(const struct fixture *f, int first, int to_parent)
{
    struct store *store = NULL;
    struct group group;
    struct error error = {0};
    struct store_commit_result result;
    if (store_sqlite.open(f->data, true, &error, &store) != STATUS_OK)
        _exit(1);
    for (int n = first;; n++) {
        if (store_sqlite.commit(store, group_fill(&group, n), GROUP_SIZE, NOW, &error, &result) != STATUS_OK)
            _exit(2);
        if (write(to_parent, &n, sizeof n) != sizeof n)
            _exit(3);
    }
}

#define KILLS 25
static void test_killed(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 20231114;
    int next = 1;
    store_sqlite.close(&f->store);
    for (int round = 0; round < KILLS; round++) {
        int link[2];
        assert_int_equal(pipe(link), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(link[0]);
            committing_child(f, next, link[1]);
        }
        close(link[1]);
        int committed = next - 1, wanted = rand_r(&seed) % 12;
        /* Kill it at some moment after that many commits: how far it gets into the next one is up to the machine. */
        for (int i = 0; i < wanted && read(link[0], &committed, sizeof committed) == sizeof committed; i++)
            ;
        for (volatile unsigned spin = (unsigned)rand_r(&seed) % 1000000; spin > 0; spin--)
            ;
        kill(child, SIGKILL);
        while (read(link[0], &committed, sizeof committed) == sizeof committed)
            ;
        close(link[0]);
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL);

        /* All that was committed is there, at most one more, and nothing half. */
        fixture_open(f);
        check_nothing_half(f);
        int64_t groups = fixture_number(f, "SELECT count(*) / 6 FROM hits");
        assert_true(groups == committed || groups == committed + 1);
        next = (int)groups + 1;
        /* Sent again, nothing becomes two. */
        struct group group;
        if (groups > 0)
            assert_int_equal(fixture_commit(f, group_fill(&group, (int)groups), GROUP_SIZE, NOW).hits_known, 6);
        store_sqlite.close(&f->store);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_failing_writes), cmocka_unit_test(test_failing_open),
        TEST(test_full),           TEST(test_file_size_limit),
        TEST(test_killed),         TEST(test_too_big),
    };
    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
