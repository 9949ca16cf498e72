/* Storing verdicts: one transaction a group. */
#include <string.h>

#include "alerts/record.h"
#include "alerts/store_sqlite.h"

/* One verdict on its way into the store. */
struct store_writing {
    struct store *store;
    const struct verdict *verdict;
    int64_t now_ms;
    int64_t message; /* row of the flagged message; 0: not looked up yet */
    struct store_commit_result *result;
};

static int64_t store_add_clamped(int64_t time_ms, int64_t more_ms)
{
    int64_t sum;
    if (!__builtin_add_overflow(time_ms, more_ms, &sum))
        return sum;
    return more_ms < 0 ? INT64_MIN : INT64_MAX;
}

/* Steps a look-up that gives at most one row of at most two numbers; *ret_row 0 if there is none. */
static int store_look_up(struct store *store, sqlite3_stmt *statement, int64_t *ret_row, int64_t *ret_more)
{
    *ret_row = 0;
    if (!statement)
        return sqlite3_extended_errcode(store->database);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *ret_row = sqlite3_column_int64(statement, 0);
        if (ret_more)
            *ret_more = sqlite3_column_int64(statement, 1);
        return sqlite3_reset(statement);
    }
    int closed = sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : closed;
}

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        int try_code = (call);                                                                                         \
        if (try_code != SQLITE_OK)                                                                                     \
            return try_code;                                                                                           \
    } while (0)

static int store_message_find(struct store *store, struct span message_id, struct span conversation_id,
                              struct span text, int64_t *ret_row, int64_t *ret_complete)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_MESSAGE_FIND);
    TRY(store_sqlite_bind_span(statement, 1, message_id));
    TRY(store_sqlite_bind_span(statement, 2, conversation_id));
    TRY(store_sqlite_bind_blob(statement, 3, text));
    return store_look_up(store, statement, ret_row, ret_complete);
}

/* The flagged message with everything that is known of it; a message that was stored as context is completed. */
static int store_message_flagged(struct store_writing *writing)
{
    struct store *store = writing->store;
    const struct verdict *verdict = writing->verdict;
    int64_t row = 0, complete = 0;
    TRY(store_message_find(store, verdict->message_id, verdict->conversation_id, verdict->text, &row, &complete));
    if (row != 0 && complete) {
        writing->message = row;
        return SQLITE_OK;
    }
    struct record_texts texts = {0};
    record_decode(verdict->record, store->scratch, &texts);
    sqlite3_stmt *statement = store_sqlite_take(store, row ? STORE_MESSAGE_COMPLETE : STORE_MESSAGE_ADD);
    int place = 2;
    if (row) {
        TRY(sqlite3_bind_int64(statement, 1, row));
    } else {
        TRY(store_sqlite_bind_span(statement, 1, verdict->message_id));
        TRY(store_sqlite_bind_span(statement, 2, verdict->conversation_id));
        TRY(store_sqlite_bind_span(statement, 3, verdict->sender_id));
        TRY(store_sqlite_bind_blob(statement, 4, verdict->text));
        TRY(sqlite3_bind_int64(statement, 5, verdict->sent_at_ms));
        TRY(sqlite3_bind_int64(statement, 6, verdict->received_at_ms));
        TRY(sqlite3_bind_int64(statement, 7, 1));
        place = 8;
    }
    TRY(store_sqlite_bind_text(statement, place, texts.recipients));
    if (verdict->locale.size > 0)
        TRY(store_sqlite_bind_span(statement, place + 1, verdict->locale));
    TRY(store_sqlite_bind_text(statement, place + 2, texts.attributes));
    TRY(store_sqlite_run(store, statement));
    writing->message = row ? row : sqlite3_last_insert_rowid(store->database);
    return SQLITE_OK;
}

static int store_message_context(struct store_writing *writing, const struct verdict_context *context, int64_t *ret_row)
{
    struct store *store = writing->store;
    int64_t row = 0;
    TRY(store_message_find(store, context->message_id, writing->verdict->conversation_id, context->text, &row, NULL));
    if (row == 0) {
        sqlite3_stmt *statement = store_sqlite_take(store, STORE_MESSAGE_ADD);
        TRY(store_sqlite_bind_span(statement, 1, context->message_id));
        TRY(store_sqlite_bind_span(statement, 2, writing->verdict->conversation_id));
        TRY(store_sqlite_bind_span(statement, 3, context->sender_id));
        TRY(store_sqlite_bind_blob(statement, 4, context->text));
        TRY(sqlite3_bind_int64(statement, 5, context->sent_at_ms));
        TRY(sqlite3_bind_int64(statement, 6, context->received_at_ms));
        TRY(sqlite3_bind_int64(statement, 7, 0));
        TRY(store_sqlite_run(store, statement));
        row = sqlite3_last_insert_rowid(store->database);
    }
    *ret_row = row;
    return SQLITE_OK;
}

/* The open case of (conversation, queue), or a new one. */
static int store_case_for(struct store_writing *writing, const struct store_hit *hit, int64_t *ret_case,
                          bool *ret_opened)
{
    struct store *store = writing->store;
    const struct verdict *verdict = writing->verdict;
    int64_t deadline_ms = store_add_clamped(verdict->received_at_ms, hit->service_level_ms);
    bool unscanned = hit->hit->outcome == OUTCOME_UNSCANNED;

    int64_t row = 0;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_OPEN);
    TRY(store_sqlite_bind_span(statement, 1, verdict->conversation_id));
    TRY(store_sqlite_bind_text(statement, 2, hit->queue));
    TRY(store_look_up(store, statement, &row, NULL));
    *ret_opened = row == 0;
    if (row != 0) {
        statement = store_sqlite_take(store, STORE_CASE_JOIN);
        TRY(sqlite3_bind_int64(statement, 1, row));
        TRY(sqlite3_bind_int64(statement, 2, hit->hit->severity));
        TRY(sqlite3_bind_int64(statement, 3, writing->now_ms));
        TRY(sqlite3_bind_int64(statement, 4, deadline_ms));
        TRY(sqlite3_bind_int64(statement, 5, unscanned));
        TRY(store_sqlite_run(store, statement));
        *ret_case = row;
        return SQLITE_OK;
    }
    statement = store_sqlite_take(store, STORE_CASE_ADD);
    TRY(store_sqlite_bind_text(statement, 1, hit->queue));
    TRY(store_sqlite_bind_span(statement, 2, verdict->conversation_id));
    TRY(sqlite3_bind_int64(statement, 3, hit->hit->severity));
    TRY(sqlite3_bind_int64(statement, 4, writing->now_ms));
    TRY(sqlite3_bind_int64(statement, 5, deadline_ms));
    TRY(sqlite3_bind_int64(statement, 6, unscanned));
    TRY(store_sqlite_run(store, statement));
    *ret_case = sqlite3_last_insert_rowid(store->database);
    return SQLITE_OK;
}

static int store_case_add_message(struct store *store, enum store_statement how, int64_t case_id, int64_t message,
                                  bool *ret_changed)
{
    sqlite3_stmt *statement = store_sqlite_take(store, how);
    TRY(sqlite3_bind_int64(statement, 1, case_id));
    TRY(sqlite3_bind_int64(statement, 2, message));
    TRY(store_sqlite_run(store, statement));
    *ret_changed = sqlite3_changes(store->database) > 0;
    return SQLITE_OK;
}

static int store_case_add_context(struct store_writing *writing, const struct store_hit *hit, int64_t case_id)
{
    const struct verdict *verdict = writing->verdict;
    uint32_t count = hit->context_max + verdict->part_count; /* what took part in the hit is no mere context */
    count = count < verdict->context_count ? count : verdict->context_count;
    for (uint32_t i = verdict->context_count - count; i < verdict->context_count; i++) {
        int64_t message = 0;
        bool changed = false;
        TRY(store_message_context(writing, &verdict->context[i], &message));
        TRY(store_case_add_message(writing->store, STORE_CASE_CONTEXT, case_id, message, &changed));
    }
    return SQLITE_OK;
}

static int store_hit_add(struct store_writing *writing, const struct verdict_hit *hit, int64_t case_id)
{
    struct store *store = writing->store;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_HIT_ADD);
    TRY(store_sqlite_bind_span(statement, 1, writing->verdict->message_id));
    TRY(store_sqlite_bind_text(statement, 2, hit->rule));
    TRY(sqlite3_bind_int64(statement, 3, case_id));
    TRY(sqlite3_bind_int64(statement, 4, writing->message));
    TRY(store_sqlite_bind_text(statement, 5, hit->title));
    TRY(store_sqlite_bind_text(statement, 6, writing->verdict->generation));
    TRY(store_sqlite_bind_text(statement, 7, hit->reason));
    TRY(sqlite3_bind_int64(statement, 8, hit->severity));
    TRY(sqlite3_bind_int64(statement, 9, hit->outcome));
    TRY(sqlite3_bind_int64(statement, 10, writing->now_ms));
    TRY(store_sqlite_run(store, statement));

    int64_t row = sqlite3_last_insert_rowid(store->database);
    for (uint32_t i = 0; i < hit->span_count; i++) {
        const struct verdict_span *span = &hit->spans[i];
        statement = store_sqlite_take(store, STORE_SPAN_ADD);
        TRY(sqlite3_bind_int64(statement, 1, row));
        TRY(sqlite3_bind_int64(statement, 2, i));
        TRY(store_sqlite_bind_text(statement, 3, span->pattern ? span->pattern : ""));
        TRY(store_sqlite_bind_text(statement, 4, span->view ? span->view : ""));
        TRY(sqlite3_bind_int64(statement, 5, span->start));
        TRY(sqlite3_bind_int64(statement, 6, span->end));
        TRY(store_sqlite_run(store, statement));
    }
    return SQLITE_OK;
}

static int store_write_hit(struct store_writing *writing, const struct store_hit *hit)
{
    struct store *store = writing->store;
    int64_t known = 0;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_HIT_KNOWN);
    TRY(store_sqlite_bind_span(statement, 1, writing->verdict->message_id));
    TRY(store_sqlite_bind_text(statement, 2, hit->hit->rule));
    TRY(store_look_up(store, statement, &known, NULL));
    if (hit->ret_new)
        *hit->ret_new = !known;
    if (known) {
        writing->result->hits_known++;
        return SQLITE_OK;
    }
    if (writing->message == 0)
        TRY(store_message_flagged(writing));
    int64_t case_id = 0;
    bool opened = false, flagged = false;
    TRY(store_case_for(writing, hit, &case_id, &opened));
    TRY(store_case_add_message(store, STORE_CASE_FLAG, case_id, writing->message, &flagged));
    TRY(store_case_add_context(writing, hit, case_id));
    TRY(store_hit_add(writing, hit->hit, case_id));
    writing->result->hits_new++;
    if (opened)
        writing->result->cases_opened++;
    else if (flagged)
        writing->result->cases_joined++;
    return SQLITE_OK;
}

static int store_write_all(struct store *store, const struct store_verdict *verdicts, uint32_t count, int64_t now_ms,
                           struct store_commit_result *result)
{
    for (uint32_t i = 0; i < count; i++) {
        struct store_writing writing = {store, verdicts[i].verdict, now_ms, 0, result};
        arena_reset(store->scratch);
        for (uint32_t k = 0; k < verdicts[i].hit_count; k++)
            TRY(store_write_hit(&writing, &verdicts[i].hits[k]));
    }
    return SQLITE_OK;
}

enum status store_sqlite_commit_verdicts(struct store *store, const struct store_verdict *verdicts, uint32_t count,
                                         int64_t now_ms, struct error *error, struct store_commit_result *ret_result)
{
    struct store_commit_result result = {0};
    int code = store_sqlite_begin(store);
    if (code == SQLITE_OK)
        code = store_write_all(store, verdicts, count, now_ms, &result);
    if (code == SQLITE_OK)
        code = store_sqlite_commit(store);
    if (code != SQLITE_OK) {
        enum status status = store_sqlite_failed(store, code, "cannot store alerts", error);
        store_sqlite_rollback(store);
        return status;
    }
    *ret_result = result;
    return STATUS_OK;
}
