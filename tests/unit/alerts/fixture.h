/* What the tests of alerts/ share: a folder for a store, and short ways to write verdicts. */
#ifndef TESTS_UNIT_ALERTS_FIXTURE_H
#define TESTS_UNIT_ALERTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <sqlite3.h>

#include "alerts/store.h"

#define NOW INT64_C(1700000000000)
#define MINUTE INT64_C(60000)

struct fixture {
    char folder[64]; /* made by mkdtemp */
    char data[80];   /* does not exist yet */
    struct store *store;
    struct arena *arena;
};

static inline int fixture_remove(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void fixture_folder(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    const char *base = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%.30s/weir-alerts-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->data, sizeof fixture->data, "%s/data", fixture->folder);
    assert_int_equal(arena_new(4096, 64u << 20, &fixture->arena), STATUS_OK);
}

static inline void fixture_open(struct fixture *fixture)
{
    struct error error = {0};
    enum status status = store_sqlite.open(fixture->data, true, &error, &fixture->store);
    if (status != STATUS_OK)
        fail_msg("%s", error.text);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = malloc(sizeof *fixture);
    assert_non_null(fixture);
    fixture_folder(fixture);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    store_sqlite.close(&fixture->store);
    arena_free(&fixture->arena);
    nftw(fixture->folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

/* Looks into the store's file behind its back. */
static inline int64_t fixture_number(const struct fixture *fixture, const char *sql)
{
    char file[120];
    snprintf(file, sizeof file, "%s/alerts.db", fixture->data);
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(file, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    int code = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
    if (code != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

static inline bool fixture_intact(const struct fixture *fixture)
{
    return fixture_number(fixture, "SELECT integrity_check = 'ok' FROM pragma_integrity_check LIMIT 1") == 1 &&
           fixture_number(fixture, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

/* A verdict on one message with one hit, on the stack of the caller. */
struct sample {
    struct verdict verdict;
    struct verdict_hit hit;
    struct store_hit store_hit;
    struct store_verdict store_verdict;
};

static inline struct store_verdict *sample(struct sample *sample, const char *message_id, const char *conversation,
                                           const char *rule, enum severity severity, const char *queue)
{
    memset(sample, 0, sizeof *sample);
    sample->hit = (struct verdict_hit){.rule = rule, .title = "A title", .severity = severity};
    sample->verdict = (struct verdict){
        .message_id = span_text(message_id),
        .conversation_id = span_text(conversation),
        .sender_id = span_text("anna"),
        .text = span_text("buy two gift cards"),
        .received_at_ms = NOW,
        .sent_at_ms = NOW - 5,
        .generation = "g1",
        .hits = &sample->hit,
        .hit_count = 1,
    };
    sample->store_hit = (struct store_hit){.hit = &sample->hit, .queue = queue, .service_level_ms = 60 * MINUTE};
    sample->store_verdict = (struct store_verdict){&sample->verdict, &sample->store_hit, 1};
    return &sample->store_verdict;
}

static inline struct store_commit_result fixture_commit(struct fixture *fixture, const struct store_verdict *verdicts,
                                                        uint32_t count, int64_t now_ms)
{
    struct store_commit_result result = {0};
    struct error error = {0};
    enum status status = store_sqlite.commit(fixture->store, verdicts, count, now_ms, &error, &result);
    if (status != STATUS_OK)
        fail_msg("%s", error.text);
    return result;
}

/* Commits one message with one hit. */
static inline struct store_commit_result fixture_flag(struct fixture *fixture, const char *message_id,
                                                      const char *conversation, const char *rule,
                                                      enum severity severity, const char *queue)
{
    struct sample one;
    return fixture_commit(fixture, sample(&one, message_id, conversation, rule, severity, queue), 1, NOW);
}

static inline struct store_case fixture_case(struct fixture *fixture, int64_t id, int64_t now_ms)
{
    struct store_case item = {0};
    struct error error = {0};
    enum status status = store_sqlite.get(fixture->store, id, now_ms, fixture->arena, &error, &item);
    if (status != STATUS_OK)
        fail_msg("%s", error.text);
    return item;
}

#define assert_result(result, new, known, opened, joined)                                                              \
    do {                                                                                                               \
        struct store_commit_result assert_r = (result);                                                                \
        assert_int_equal(assert_r.hits_new, new);                                                                      \
        assert_int_equal(assert_r.hits_known, known);                                                                  \
        assert_int_equal(assert_r.cases_opened, opened);                                                               \
        assert_int_equal(assert_r.cases_joined, joined);                                                               \
    } while (0)

#endif
