/* Lists, leases, fencing, decisions and the audit; time is an argument. */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/alerts/fixture.h"

static enum status claim(struct store *store, struct fixture *f, int64_t id, const char *queue, const char *who,
                         int64_t now_ms, int64_t lease_ms, int64_t *ret_case, int64_t *ret_token)
{
    struct store_case item = {0};
    enum status status = store_sqlite.claim(store, id, queue, who, now_ms, lease_ms, f->arena, NULL, &item, ret_token);
    if (status == STATUS_OK)
        *ret_case = item.id;
    return status;
}

enum action { CLAIM, DECIDE, GIVE_BACK };

/* One case through its life, step by step. */
static void test_lease_table(void **state)
{
    static const struct {
        int64_t at_ms; /* after NOW */
        enum action action;
        enum status expected; /* of the step */
        const char *who;
        int64_t token;      /* DECIDE: given; CLAIM: expected */
        const char *holder; /* after it */
    } steps[] = {
        {0, DECIDE, STATUS_CONFLICT, "eve", 0, NULL}, /* never claimed: no token is good */
        {0, CLAIM, STATUS_OK, "eve", 1, "eve"},          {1, CLAIM, STATUS_CONFLICT, "dan", 0, "eve"},
        {2, DECIDE, STATUS_CONFLICT, "dan", 2, "eve"}, /* a guess */
        {3, CLAIM, STATUS_OK, "eve", 2, "eve"},        /* renewed until 1003 */
        {4, DECIDE, STATUS_CONFLICT, "eve", 1, "eve"}, /* the old token */
        {1002, CLAIM, STATUS_CONFLICT, "dan", 0, "eve"}, {1003, DECIDE, STATUS_CONFLICT, "eve", 2, NULL},  /* run out */
        {1003, CLAIM, STATUS_OK, "dan", 3, "dan"},       {1004, DECIDE, STATUS_CONFLICT, "eve", 2, "dan"}, /* fenced */
        {1005, GIVE_BACK, STATUS_OK, "dan", 3, NULL},    {1006, GIVE_BACK, STATUS_CONFLICT, "dan", 3, NULL},
        {1007, CLAIM, STATUS_OK, "eve", 4, "eve"},       {1008, DECIDE, STATUS_OK, "eve", 4, NULL},
        {1009, DECIDE, STATUS_CONFLICT, "eve", 4, NULL}, /* once */
        {1010, CLAIM, STATUS_NOT_FOUND, "dan", 0, NULL}, /* decided */
    };
    struct fixture *f = *state;
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int64_t now_ms = NOW + steps[i].at_ms, id = 0, token = 0;
        enum status status;
        if (steps[i].action == CLAIM) {
            status = claim(f->store, f, 1, NULL, steps[i].who, now_ms, 1000, &id, &token);
            assert_int_equal(token, steps[i].token);
        } else {
            enum decision what = steps[i].action == DECIDE ? DECISION_UNSURE : DECISION_NONE;
            status = store_sqlite.decide(f->store, 1, steps[i].token, what, steps[i].who, NULL, now_ms, NULL);
        }
        if (status != steps[i].expected)
            fail_msg("step %zu: %s", i, status_text(status));
        struct store_case item = fixture_case(f, 1, now_ms);
        if (steps[i].holder)
            assert_string_equal(item.lease_holder, steps[i].holder);
        else
            assert_null(item.lease_holder);
    }
    /* Only what happened is in the audit. */
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit WHERE action = 'claim'"), 4);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit WHERE action = 'give_back'"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit WHERE action = 'decide' AND who = 'eve' "
                                       "AND detail = 'unsure' AND case_id = 1"),
                     1);
}

static void test_most_urgent(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *id, *queue;
        enum severity severity;
        int64_t level_ms;
    } cases[] = {
        {"m1", "q", SEVERITY_LOW, 1},        {"m2", "q", SEVERITY_HIGH, 500}, {"m3", "q", SEVERITY_HIGH, 400},
        {"m4", "r", SEVERITY_CRITICAL, 900}, {"m5", "q", SEVERITY_HIGH, 400},
    };
    for (size_t i = 0; i < 5; i++) {
        struct sample one;
        sample(&one, cases[i].id, cases[i].id, "a", cases[i].severity, cases[i].queue);
        one.store_hit.service_level_ms = cases[i].level_ms;
        fixture_commit(f, &one.store_verdict, 1, NOW);
    }
    int64_t id = 0, token = 0;
    static const int64_t of_q[] = {3, 5, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(claim(f->store, f, 0, "q", "eve", NOW, 1000, &id, &token), STATUS_OK);
        assert_int_equal(id, of_q[i]);
    }
    assert_int_equal(claim(f->store, f, 0, "q", "eve", NOW, 1000, &id, &token), STATUS_NOT_FOUND);
    assert_int_equal(claim(f->store, f, 0, "nowhere", "eve", NOW, 1000, &id, &token), STATUS_NOT_FOUND);
    assert_int_equal(claim(f->store, f, 0, NULL, "eve", NOW, 1000, &id, &token), STATUS_OK);
    assert_int_equal(id, 4);
    assert_int_equal(claim(f->store, f, 0, NULL, "dan", NOW + 1000, 1000, &id, &token), STATUS_OK); /* ran out */
    assert_int_equal(id, 4);
    assert_int_equal(token, 2);
}

static void test_list(void **state)
{
    struct fixture *f = *state;
    fixture_flag(f, "m1", "c1", "a", SEVERITY_LOW, "q");
    fixture_flag(f, "m2", "c2", "a", SEVERITY_CRITICAL, "q");
    fixture_flag(f, "m3", "c3", "a", SEVERITY_HIGH, "r");
    fixture_flag(f, "m4", "c4", "a", SEVERITY_HIGH, "q");
    int64_t id = 0, token = 0;
    assert_int_equal(claim(f->store, f, 4, NULL, "eve", NOW, 1000, &id, &token), STATUS_OK);
    assert_int_equal(store_sqlite.decide(f->store, 4, token, DECISION_VIOLATION, "eve", "note", NOW, NULL), STATUS_OK);
    assert_int_equal(claim(f->store, f, 1, NULL, "eve", NOW, 1000, &id, &token), STATUS_OK);
    const struct {
        struct store_filter filter;
        uint32_t count;
        int64_t ids[4];
    } cases[] = {
        {{.queue = NULL}, 4, {2, 3, 4, 1}},
        {{.open_only = true}, 3, {2, 3, 1}},
        {{.open_only = true, .unclaimed_only = true}, 2, {2, 3}},
        {{.queue = "q"}, 3, {2, 4, 1}},
        {{.queue = "q", .open_only = true, .limit = 1}, 1, {2}},
        {{.severity_min = SEVERITY_HIGH}, 3, {2, 3, 4}},
        {{.queue = "none"}, 0, {0}},
        {{.queue = "q' OR 1=1 --"}, 0, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_case *items = NULL;
        uint32_t count = 77;
        assert_int_equal(store_sqlite.list(f->store, &cases[i].filter, NOW, f->arena, NULL, &items, &count), STATUS_OK);
        assert_int_equal(count, cases[i].count);
        for (uint32_t k = 0; k < count; k++)
            assert_int_equal(items[k].id, cases[i].ids[k]);
    }
    struct store_case item = fixture_case(f, 4, NOW);
    assert_string_equal(item.decided_by, "eve");
    assert_string_equal(item.note, "note");
    assert_int_equal(item.decided_at_ms, NOW);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct store_case item = {.id = 55};
    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    uint32_t count = 5, hit_count = 6;
    int64_t id = 0, token = 44;
    char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    struct error error = {0};
    assert_int_equal(store_sqlite.get(f->store, 9, NOW, f->arena, &error, &item), STATUS_NOT_FOUND);
    assert_int_equal(item.id, 55);
    assert_string_equal(error.text, "there is no case 9");
    assert_int_equal(claim(f->store, f, 9, NULL, "eve", NOW, 1000, &id, &token), STATUS_NOT_FOUND);
    assert_int_equal(claim(f->store, f, 1, NULL, "", NOW, 1000, &id, &token), STATUS_INVALID);
    assert_int_equal(claim(f->store, f, 1, NULL, NULL, NOW, 1000, &id, &token), STATUS_INVALID);
    assert_int_equal(claim(f->store, f, 1, NULL, long_name, NOW, 1000, &id, &token), STATUS_INVALID);
    assert_int_equal(claim(f->store, f, 1, NULL, "eve", NOW, 0, &id, &token), STATUS_INVALID);
    assert_int_equal(claim(f->store, f, 1, NULL, "eve", NOW, -5, &id, &token), STATUS_INVALID);
    assert_int_equal(claim(f->store, f, 1, NULL, "eve", NOW, INT64_MAX, &id, &token), STATUS_INVALID);
    assert_int_equal(token, 44);
    assert_int_equal(store_sqlite.decide(f->store, 9, 1, DECISION_UNSURE, "eve", NULL, NOW, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store_sqlite.decide(f->store, 1, 1, DECISION_UNSURE, "", NULL, NOW, NULL), STATUS_INVALID);
    assert_int_equal(store_sqlite.decide(f->store, 1, 1, (enum decision)9, "eve", NULL, NOW, NULL), STATUS_INVALID);
    static const char *const who[][2] = {{"", "why"}, {NULL, "why"}, {"eve", ""}, {"eve", NULL}};
    for (int i = 0; i < 4; i++)
        assert_int_equal(store_sqlite.read(f->store, 1, who[i][0], who[i][1], NOW, f->arena, NULL, &messages, &count,
                                           &hits, &hit_count),
                         STATUS_INVALID);
    assert_int_equal(
        store_sqlite.read(f->store, 9, "eve", "why", NOW, f->arena, NULL, &messages, &count, &hits, &hit_count),
        STATUS_NOT_FOUND);
    assert_null(messages);
    assert_int_equal(count, 5);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), 0);
    /* Nothing was left open. */
    assert_int_equal(claim(f->store, f, 1, NULL, "eve", NOW, 1000, &id, &token), STATUS_OK);
}

static void test_audit(void **state)
{
    struct fixture *f = *state;
    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    uint32_t count = 0, hit_count = 0;
    struct error error = {0};
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    assert_int_equal(store_sqlite.read(f->store, 1, "eve", "appeal 7", NOW + 3, f->arena, &error, &messages, &count,
                                       &hits, &hit_count),
                     STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit WHERE who = 'eve' AND why = 'appeal 7' "
                                       "AND at_ms = 1700000000003 AND action = 'read' AND case_id = 1"),
                     1);

    /* If the audit cannot be written, nothing is shown. */
    char file[120];
    sqlite3 *database = NULL;
    snprintf(file, sizeof file, "%s/alerts.db", f->data);
    assert_int_equal(sqlite3_open(file, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "CREATE TRIGGER stop BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END", 0,
                                  0, 0),
                     SQLITE_OK);
    messages = NULL;
    assert_int_not_equal(
        store_sqlite.read(f->store, 1, "eve", "x", NOW, f->arena, &error, &messages, &count, &hits, &hit_count),
        STATUS_OK);
    assert_null(messages);
    int64_t id = 0, token = 0;
    assert_int_not_equal(claim(f->store, f, 1, NULL, "eve", NOW, 1000, &id, &token), STATUS_OK);
    assert_null(fixture_case(f, 1, NOW).lease_holder);

    /* It can neither be changed nor emptied. */
    assert_int_equal(sqlite3_exec(database, "UPDATE audit SET who = 'dan'", 0, 0, 0), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(database, "DELETE FROM audit", 0, 0, 0), SQLITE_CONSTRAINT);
    sqlite3_close(database);
}

/* Two handles of one process: what one did the other sees at once. */
static void test_two_handles(void **state)
{
    struct fixture *f = *state;
    struct store *other = NULL;
    struct error error = {0};
    assert_int_equal(store_sqlite.open(f->data, false, &error, &other), STATUS_OK);
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    int64_t id = 0, first = 0, second = 0;
    assert_int_equal(claim(other, f, 0, NULL, "eve", NOW, 1000, &id, &first), STATUS_OK);
    assert_int_equal(claim(f->store, f, 1, NULL, "dan", NOW, 1000, &id, &second), STATUS_CONFLICT);
    assert_int_equal(claim(f->store, f, 0, NULL, "dan", NOW, 1000, &id, &second), STATUS_NOT_FOUND);
    assert_int_equal(claim(f->store, f, 1, NULL, "dan", NOW + 1000, 1000, &id, &second), STATUS_OK);
    assert_true(second > first);
    assert_int_equal(store_sqlite.decide(other, 1, first, DECISION_VIOLATION, "eve", NULL, NOW + 1001, NULL),
                     STATUS_CONFLICT);
    assert_int_equal(store_sqlite.decide(f->store, 1, second, DECISION_NO_VIOLATION, "dan", NULL, NOW + 1001, NULL),
                     STATUS_OK);
    store_sqlite.close(&other);
    assert_null(other);
    store_sqlite.close(&other);
}

/* Several processes claim at once: every case goes to exactly one of them, with one token. */
#define CLAIMERS 4
#define CLAIMED 40
static void test_processes(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < CLAIMED; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        fixture_flag(f, id, id, "a", SEVERITY_LOW, "q");
    }
    store_sqlite.close(&f->store);
    pid_t children[CLAIMERS];
    for (int i = 0; i < CLAIMERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char who[16];
            struct store *store = NULL;
            snprintf(who, sizeof who, "analyst%d", i);
            enum status status = store_sqlite.open(f->data, false, NULL, &store);
            while (status == STATUS_OK) {
                int64_t id = 0, token = 0;
                status = claim(store, f, 0, "q", who, NOW, 1000, &id, &token);
                if (status == STATUS_OK && token != 1)
                    _exit(3);
                if (status == STATUS_OK)
                    status = store_sqlite.decide(store, id, token, DECISION_UNSURE, who, NULL, NOW, NULL);
            }
            _exit(status == STATUS_NOT_FOUND ? 0 : 4);
        }
    }
    for (int i = 0; i < CLAIMERS; i++) {
        int result = -1;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_int_equal(result, 0);
    }
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit WHERE action = 'claim'"), CLAIMED);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM cases WHERE decision = 3"), CLAIMED);
    assert_true(fixture_intact(f));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lease_table), TEST(test_most_urgent), TEST(test_list),      TEST(test_refused),
        TEST(test_audit),       TEST(test_two_handles), TEST(test_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
