/* Opening, versions, what is not Weir's, and the lock. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alerts/store_sqlite_schema.h"
#include "tests/unit/alerts/fault_vfs.h"
#include "tests/unit/alerts/fixture.h"

static int folder_setup(void **state)
{
    struct fixture *f = malloc(sizeof *f);
    assert_non_null(f);
    fixture_folder(f);
    *state = f;
    return 0;
}

static sqlite3 *raw_open(const struct fixture *f)
{
    char file[120];
    sqlite3 *database = NULL;
    snprintf(file, sizeof file, "%s/alerts.db", f->data);
    assert_int_equal(sqlite3_open(file, &database), SQLITE_OK);
    return database;
}

static void raw(const struct fixture *f, const char *sql)
{
    sqlite3 *database = raw_open(f);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void test_fresh(void **state)
{
    struct fixture *f = *state;
    fixture_open(f);
    assert_int_equal(fixture_number(f, "PRAGMA user_version"), store_sqlite_migration_count);
    assert_int_equal(fixture_number(f, "PRAGMA application_id"), STORE_SQLITE_APPLICATION_ID);
    assert_int_equal(fixture_number(f, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND strict = 0 "
                                       "AND name NOT LIKE 'sqlite_%'"),
                     0);
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    store_sqlite.close(&f->store);
    fixture_open(f); /* again, with what is there */
    assert_int_equal(fixture_case(f, 1, NOW).hit_count, 1);
}

static void test_missing(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    assert_int_equal(store_sqlite.open(f->data, false, &error, &f->store), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.text, f->data));
    assert_null(f->store);
    assert_int_equal(access(f->data, F_OK), -1); /* nothing was made */

    char deep[120];
    snprintf(deep, sizeof deep, "%s/no/such", f->folder);
    assert_int_equal(store_sqlite.open(deep, true, &error, &f->store), STATUS_SYSTEM);
    snprintf(deep, sizeof deep, "%s/file", f->folder);
    FILE *file = fopen(deep, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(store_sqlite.open(deep, true, &error, &f->store), STATUS_SYSTEM);
    assert_non_null(strstr(error.text, "not a folder"));
    assert_null(f->store);
}

static void test_newer_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    fixture_open(f);
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    store_sqlite.close(&f->store);
    raw(f, "PRAGMA user_version = 99");
    assert_int_equal(store_sqlite.open(f->data, true, &error, &f->store), STATUS_UNSUPPORTED);
    assert_non_null(strstr(error.text, "99"));
    assert_non_null(strstr(error.text, "newer Weir"));
    assert_int_equal(store_sqlite.open(f->data, false, &error, &f->store), STATUS_UNSUPPORTED);
    raw(f, "PRAGMA user_version = -1");
    assert_int_equal(store_sqlite.open(f->data, true, &error, &f->store), STATUS_UNSUPPORTED);
    assert_null(f->store);
}

static void test_foreign_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    assert_int_equal(mkdir(f->data, 0700), 0);
    raw(f, "CREATE TABLE mine (x)");
    assert_int_equal(store_sqlite.open(f->data, true, &error, &f->store), STATUS_UNSUPPORTED);
    assert_non_null(strstr(error.text, "not an alert store"));
    assert_int_equal(fixture_number(f, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1); /* as it was */
    raw(f, "PRAGMA application_id = 77");
    assert_int_equal(store_sqlite.open(f->data, true, &error, &f->store), STATUS_UNSUPPORTED);

    char file[120];
    snprintf(file, sizeof file, "%s/alerts.db", f->data);
    FILE *noise = fopen(file, "w");
    assert_non_null(noise);
    for (int i = 0; i < 5000; i++)
        fputs("no database", noise);
    fclose(noise);
    assert_int_equal(store_sqlite.open(f->data, true, &error, &f->store), STATUS_SYSTEM);
    assert_null(f->store);
}

/* An older store is brought forward step by step, and keeps what it holds. */
static void test_migrations(void **state)
{
    struct fixture *f = *state;
    static const char *const list[] = {
        "CREATE TABLE one (a INTEGER) STRICT; INSERT INTO one VALUES (7)",
        "ALTER TABLE one ADD COLUMN b INTEGER NOT NULL DEFAULT 5; CREATE TABLE two (a) ",
        "CREATE TABLE three (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)", /* fails half-way */
    };
    struct error error = {0};
    assert_int_equal(mkdir(f->data, 0700), 0);
    sqlite3 *database = raw_open(f);
    assert_int_equal(store_sqlite_migrate(database, list, 1, &error), STATUS_OK);
    assert_int_equal(fixture_number(f, "PRAGMA user_version"), 1);
    assert_int_equal(store_sqlite_migrate(database, list, 2, &error), STATUS_OK);
    assert_int_equal(store_sqlite_migrate(database, list, 2, &error), STATUS_OK); /* nothing to do */
    assert_int_equal(fixture_number(f, "PRAGMA user_version"), 2);
    assert_int_equal(fixture_number(f, "SELECT a * 10 + b FROM one"), 75);
    assert_int_equal(store_sqlite_migrate(database, list, 3, &error), STATUS_SYSTEM);
    assert_int_equal(fixture_number(f, "PRAGMA user_version"), 2);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM sqlite_schema WHERE name = 'three'"), 0);
    assert_int_equal(store_sqlite_migrate(database, list, 1, &error), STATUS_UNSUPPORTED); /* an older program */
    sqlite3_close(database);
}

/*
 * A store of version 2 with: a message with hits stored together (one of them with no title, one with two spans, one
 * unscanned), more hits of it stored later and under another generation, a hit in another queue's case, context, a
 * decided case, and a rule whose severity changed.
 */
static const char version_2[] =
    "INSERT INTO cases (queue, conversation_id, severity, opened_at_ms, updated_at_ms, deadline_ms, unscanned, "
    "decision, decided_by) VALUES ('q', 'c', 2, 1, 9, 50, 1, 0, NULL), ('r', 'c', 0, 1, 1, 50, 0, 0, NULL), "
    "('q', 'd', 1, 2, 2, 50, 0, 1, 'eve');"
    "INSERT INTO messages (message_id, conversation_id, sender_id, text, sent_at_ms, received_at_ms, complete) VALUES "
    "('m0', 'c', 'anna', x'30', 1, 1, 0), ('m1', 'c', 'anna', x'31', 2, 2, 1), ('m2', 'd', 'bob', x'32', 3, 3, 1);"
    "INSERT INTO case_messages VALUES (1, 1, 0), (1, 2, 1), (2, 2, 1), (3, 3, 1);"
    "INSERT INTO hits (id, message_id, rule, case_id, message, title, generation, reason, severity, outcome, "
    "flagged_at_ms) VALUES "
    "(1, 'm1', 'b.two', 1, 2, 'Two', 'g1', NULL, 1, 0, 5), (2, 'm1', 'r.else', 2, 2, 'Else', 'g1', NULL, 0, 0, 5), "
    "(3, 'm1', 'a.one', 1, 2, NULL, 'g1', NULL, 0, 0, 5), (4, 'm1', 'a.cut', 1, 2, 'Cut', 'g1', 'match_limit', 1, 1, "
    "5),"
    "(5, 'm1', 'late', 1, 2, 'Late', 'g1', NULL, 2, 0, 9), (6, 'm1', 'new', 1, 2, 'New', NULL, NULL, 1, 0, 9), "
    "(9, 'm2', 'b.two', 3, 3, 'Two', 'g2', NULL, 2, 0, 7);"
    "INSERT INTO hit_spans VALUES (1, 1, 'code', 'raw', 4, 6), (1, 0, 'ask', 'folded', 0, 3), "
    "(3, 0, 'ask', 'raw', 1, 1), (9, 0, '', '', 0, 4294967295)";

static void test_version_2(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    assert_int_equal(mkdir(f->data, 0700), 0);
    sqlite3 *database = raw_open(f);
    assert_int_equal(store_sqlite_migrate(database, store_sqlite_migrations, 2, &error), STATUS_OK);
    sqlite3_close(database);
    raw(f, version_2);
    fixture_open(f);
    assert_int_equal(fixture_number(f, "PRAGMA user_version"), 3);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 3);

    struct store_case item = fixture_case(f, 1, NOW);
    assert_int_equal(item.hit_count, 5);
    assert_int_equal(item.message_count, 2);
    assert_string_equal(item.rules, "late,a.cut,b.two,new,a.one");
    assert_int_equal(fixture_case(f, 2, NOW).hit_count, 1);
    assert_string_equal(fixture_case(f, 3, NOW).rules, "b.two");
    assert_int_equal(fixture_case(f, 3, NOW).decision, DECISION_VIOLATION);

    static const struct store_case_hit expected[] = {
        {2, "m1", "b.two", "Two", "g1", NULL, SEVERITY_MEDIUM, OUTCOME_FLAGGED, 5, NULL, 2},
        {2, "m1", "a.one", NULL, "g1", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, 5, NULL, 1},
        {2, "m1", "a.cut", "Cut", "g1", "match_limit", SEVERITY_MEDIUM, OUTCOME_UNSCANNED, 5, NULL, 0},
        {2, "m1", "late", "Late", "g1", NULL, SEVERITY_HIGH, OUTCOME_FLAGGED, 9, NULL, 0},
        {2, "m1", "new", "New", NULL, NULL, SEVERITY_MEDIUM, OUTCOME_FLAGGED, 9, NULL, 0},
    };
    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    uint32_t count = 0, hit_count = 0;
    assert_int_equal(
        store_sqlite.read(f->store, 1, "eve", "test", NOW, f->arena, &error, &messages, &count, &hits, &hit_count),
        STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(hit_count, 5);
    for (uint32_t i = 0; i < hit_count; i++) {
        const char *const texts[][2] = {{hits[i].message_id, expected[i].message_id},
                                        {hits[i].rule, expected[i].rule},
                                        {hits[i].title, expected[i].title},
                                        {hits[i].generation, expected[i].generation},
                                        {hits[i].reason, expected[i].reason}};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            assert_true(!texts[k][0] ? !texts[k][1] : texts[k][1] && strcmp(texts[k][0], texts[k][1]) == 0);
        assert_int_equal(hits[i].message, expected[i].message);
        assert_int_equal(hits[i].severity, expected[i].severity);
        assert_int_equal(hits[i].outcome, expected[i].outcome);
        assert_int_equal(hits[i].flagged_at_ms, expected[i].flagged_at_ms);
        assert_int_equal(hits[i].span_count, expected[i].span_count);
    }
    assert_string_equal(hits[0].spans[0].pattern, "ask");
    assert_string_equal(hits[0].spans[0].view, "folded");
    assert_string_equal(hits[0].spans[1].pattern, "code");
    assert_int_equal(hits[0].spans[1].end, 6);
    assert_int_equal(hits[1].spans[0].start, 1);
    assert_int_equal(fixture_number(f, "SELECT span_end FROM hit_spans WHERE pattern = ''"), UINT32_MAX);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits"), 7);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hit_spans"), 4);

    /* What was stored then is known now; the rest of the verdict is new. */
    struct sample one;
    struct verdict_hit two[2] = {{.rule = "late", .severity = SEVERITY_HIGH}, {.rule = "fresh"}};
    struct store_hit routed[2] = {{.hit = &two[0], .queue = "q"}, {.hit = &two[1], .queue = "q"}};
    sample(&one, "m1", "c", "a", SEVERITY_LOW, "q");
    struct store_verdict verdict = {&one.verdict, routed, 2};
    assert_result(fixture_commit(f, &verdict, 1, NOW), 1, 1, 0, 1);
    assert_result(fixture_flag(f, "m2", "d", "b.two", SEVERITY_HIGH, "q"), 0, 1, 0, 0);
    assert_int_equal(fixture_case(f, 1, NOW).hit_count, 6);
    assert_true(fixture_intact(f));
}

/* Bringing an old store forward is stopped at every write; whatever happened, it can be tried again. */
static void test_version_2_stopped(void **state)
{
    (void)state;
    for (int at = 1; at < 500; at++) {
        struct fixture fixture, *f = &fixture;
        struct error error = {0};
        fixture_folder(f);
        assert_int_equal(mkdir(f->data, 0700), 0);
        sqlite3 *database = raw_open(f);
        assert_int_equal(store_sqlite_migrate(database, store_sqlite_migrations, 2, &error), STATUS_OK);
        sqlite3_close(database);
        raw(f, version_2);
        fault_arm(at, true, SQLITE_FULL);
        enum status status = store_sqlite.open(f->data, true, &error, &f->store);
        int failed = fault.failed;
        fault_arm(0, false, 0);
        if (status != STATUS_OK) {
            assert_null(f->store);
            assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits"), 7);
            fixture_open(f);
        }
        assert_int_equal(fixture_number(f, "PRAGMA user_version"), 3);
        assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits"), 7);
        assert_int_equal(fixture_case(f, 1, NOW).hit_count, 5);
        store_sqlite.close(&f->store);
        arena_free(&f->arena);
        nftw(f->folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
        if (failed == 0) {
            assert_true(at > 5);
            return;
        }
    }
    fail_msg("there is always one more write");
}

/* Several processes open a new folder at once: one makes the store, all can use it. */
static void test_opened_at_once(void **state)
{
    struct fixture *f = *state;
    pid_t children[6];
    for (int i = 0; i < 6; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct error error = {0};
            struct sample one;
            struct store_commit_result result;
            char id[16];
            snprintf(id, sizeof id, "m%d", i);
            enum status status = store_sqlite.open(f->data, true, &error, &f->store);
            if (status == STATUS_OK)
                status = store_sqlite.commit(f->store, sample(&one, id, "c", "a", SEVERITY_LOW, "q"), 1, NOW, &error,
                                             &result);
            if (status != STATUS_OK)
                fprintf(stderr, "%s\n", error.text);
            _exit((int)status);
        }
    }
    for (int i = 0; i < 6; i++) {
        int result = -1;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_int_equal(result, 0);
    }
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits"), 6);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM cases"), 1);
}

static void test_lock(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    int fd = -1, other = -2;
    assert_int_equal(store_lock(f->data, &error, &fd), STATUS_OK);
    assert_true(fd >= 0);
    assert_int_equal(store_lock(f->data, &error, &other), STATUS_CONFLICT);
    assert_int_equal(other, -2);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(error.text, pid));
    assert_non_null(strstr(error.text, f->data));
    fixture_open(f); /* needs no lock */

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fd);
        _exit((int)store_lock(f->data, NULL, &other));
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(WEXITSTATUS(result), STATUS_CONFLICT);

    store_unlock(&fd);
    assert_int_equal(fd, -1);
    store_unlock(&fd);
    assert_int_equal(store_lock(f->data, &error, &fd), STATUS_OK);
    store_unlock(&fd);
    char deep[120];
    snprintf(deep, sizeof deep, "%s/no/such", f->folder);
    assert_int_equal(store_lock(deep, &error, &fd), STATUS_SYSTEM);
}

/* A process that was killed leaves no lock behind. */
static void test_lock_of_killed(void **state)
{
    struct fixture *f = *state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd = -1;
        if (store_lock(f->data, NULL, &fd) != STATUS_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    int fd = -1, result;
    assert_int_equal(store_lock(f->data, NULL, &fd), STATUS_CONFLICT);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(store_lock(f->data, NULL, &fd), STATUS_OK);
    store_unlock(&fd);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_fresh),
        TEST(test_missing),
        TEST(test_newer_is_refused),
        TEST(test_migrations),
        TEST(test_lock),
        TEST(test_foreign_is_refused),
        TEST(test_opened_at_once),
        TEST(test_lock_of_killed),
        TEST(test_version_2),
        cmocka_unit_test(test_version_2_stopped),
    };
    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
