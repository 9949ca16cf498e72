/* Storing verdicts: one transaction a group. */
#include <stdlib.h>
#include <string.h>

#include "alerts/record.h"
#include "alerts/store_sqlite.h"
#include "alerts/store_sqlite_hits.h"
#include "alerts/store_sqlite_words.h"

/* One verdict on its way into the store. */
struct store_writing {
    struct store *store;
    const struct verdict *verdict;
    int64_t now_ms;
    int64_t message; /* row of the flagged message; 0: it is not stored yet */
    bool complete;   /* that row is more than context */
    struct store_commit_result *result;
};

/* The new hits of one verdict that belong in one queue: what its case gets of them. */
struct store_share {
    const char *queue;
    enum severity severity; /* the highest */
    int64_t deadline_ms;    /* the soonest */
    bool unscanned;         /* one of them is */
    uint32_t context_max;   /* the most */
};

static int64_t store_add_clamped(int64_t time_ms, int64_t more_ms)
{
    int64_t sum;
    if (!__builtin_add_overflow(time_ms, more_ms, &sum))
        return sum;
    return more_ms < 0 ? INT64_MIN : INT64_MAX;
}

/* The stored message with this id, conversation and text; *ret_row 0: none. *ret_any: there is one with this id. */
static int store_message_find(struct store *store, struct span message_id, struct span conversation_id,
                              struct span text, int64_t *ret_row, bool *ret_complete, bool *ret_any)
{
    *ret_row = 0;
    *ret_any = false;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_MESSAGE_FIND);
    TRY(store_sqlite_bind_span(statement, 1, message_id));
    TRY(store_sqlite_bind_span(statement, 2, conversation_id));
    TRY(store_sqlite_bind_blob(statement, 3, text));
    while (*ret_row == 0 && sqlite3_step(statement) == SQLITE_ROW) {
        *ret_any = true;
        if (sqlite3_column_int(statement, 2)) {
            *ret_row = sqlite3_column_int64(statement, 0);
            *ret_complete = sqlite3_column_int(statement, 1) != 0;
        }
    }
    return sqlite3_reset(statement); /* what the last step said */
}

/* The flagged message with everything that is known of it; a message that was stored as context is completed. */
static int store_message_flagged(struct store_writing *writing)
{
    struct store *store = writing->store;
    const struct verdict *verdict = writing->verdict;
    int64_t row = writing->message;
    if (row != 0 && writing->complete)
        return SQLITE_OK;
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
    writing->complete = true;
    return SQLITE_OK;
}

static int store_message_context(struct store_writing *writing, const struct verdict_context *context, int64_t *ret_row)
{
    struct store *store = writing->store;
    int64_t row = 0;
    bool complete = false, any = false;
    TRY(store_message_find(store, context->message_id, writing->verdict->conversation_id, context->text, &row,
                           &complete, &any));
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

/* What the share changes of an open case: severities only rise, deadlines only come closer. `open` stands at its row. */
static int store_case_join(struct store_writing *writing, const struct store_share *share, sqlite3_stmt *open,
                           int64_t *ret_case)
{
    struct store *store = writing->store;
    int64_t row = sqlite3_column_int64(open, 0), severity = sqlite3_column_int64(open, 1);
    int64_t updated_at_ms = sqlite3_column_int64(open, 2), deadline_ms = sqlite3_column_int64(open, 3);
    bool unscanned = sqlite3_column_int(open, 4) != 0;
    TRY(sqlite3_reset(open));
    *ret_case = row;

    bool raised = share->severity > severity || share->deadline_ms < deadline_ms || (share->unscanned && !unscanned);
    if (!raised && writing->now_ms <= updated_at_ms)
        return SQLITE_OK;
    if (writing->now_ms > updated_at_ms)
        updated_at_ms = writing->now_ms;
    if (!raised) { /* spares the index of urgency */
        sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_TOUCH);
        TRY(sqlite3_bind_int64(statement, 1, row));
        TRY(sqlite3_bind_int64(statement, 2, updated_at_ms));
        return store_sqlite_run(store, statement);
    }
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_RAISE);
    TRY(sqlite3_bind_int64(statement, 1, row));
    TRY(sqlite3_bind_int64(statement, 2, share->severity > severity ? (int64_t)share->severity : severity));
    TRY(sqlite3_bind_int64(statement, 3, updated_at_ms));
    TRY(sqlite3_bind_int64(statement, 4, share->deadline_ms < deadline_ms ? share->deadline_ms : deadline_ms));
    TRY(sqlite3_bind_int64(statement, 5, share->unscanned || unscanned));
    return store_sqlite_run(store, statement);
}

/* The open case of (conversation, queue), or a new one. */
static int store_case_for(struct store_writing *writing, const struct store_share *share, int64_t *ret_case,
                          bool *ret_opened)
{
    struct store *store = writing->store;
    const struct verdict *verdict = writing->verdict;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_OPEN);
    TRY(store_sqlite_bind_span(statement, 1, verdict->conversation_id));
    TRY(store_sqlite_bind_text(statement, 2, share->queue));
    int code = sqlite3_step(statement);
    *ret_opened = code == SQLITE_DONE;
    if (code == SQLITE_ROW)
        return store_case_join(writing, share, statement, ret_case);
    TRY(sqlite3_reset(statement));
    statement = store_sqlite_take(store, STORE_CASE_ADD);
    TRY(store_sqlite_bind_text(statement, 1, share->queue));
    TRY(store_sqlite_bind_span(statement, 2, verdict->conversation_id));
    TRY(sqlite3_bind_int64(statement, 3, share->severity));
    TRY(sqlite3_bind_int64(statement, 4, writing->now_ms));
    TRY(sqlite3_bind_int64(statement, 5, share->deadline_ms));
    TRY(sqlite3_bind_int64(statement, 6, share->unscanned));
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

static int store_case_add_context(struct store_writing *writing, uint32_t context_max, int64_t case_id)
{
    const struct verdict *verdict = writing->verdict;
    uint32_t count = context_max + verdict->part_count; /* what took part in the hit is no mere context */
    count = count < verdict->context_count ? count : verdict->context_count;
    for (uint32_t i = verdict->context_count - count; i < verdict->context_count; i++) {
        int64_t message = 0;
        bool changed = false;
        TRY(store_message_context(writing, &verdict->context[i], &message));
        TRY(store_case_add_message(writing->store, STORE_CASE_CONTEXT, case_id, message, &changed));
    }
    return SQLITE_OK;
}

/* One row for the hits `text` of the verdict in that case. */
static int store_hits_write(struct store_writing *writing, int64_t case_id, struct store_hits_text *text)
{
    struct store *store = writing->store;
    TRY(store_hits_end(text));
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_HITS_ADD);
    TRY(sqlite3_bind_int64(statement, 1, case_id));
    TRY(sqlite3_bind_int64(statement, 2, writing->message));
    TRY(store_sqlite_bind_text(statement, 3, writing->verdict->generation));
    TRY(sqlite3_bind_int64(statement, 4, writing->now_ms));
    TRY(sqlite3_bind_int64(statement, 5, text->count));
    TRY(store_sqlite_bind_span(statement, 6, buffer_span(&text->kinds)));
    TRY(store_sqlite_bind_span(statement, 7, buffer_span(&text->spans)));
    return store_sqlite_run(store, statement);
}

static bool store_same_queue(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

/*
 * Gathers the new hits of `queue`, those from `first` on, into `text` and the share. New are those whose kind is not 0;
 * those that are taken become 0, which is how the caller finds the next queue.
 */
static int store_gather(struct store_writing *writing, const struct store_verdict *from, int64_t *kinds, uint32_t first,
                        struct store_hits_text *text, struct store_share *ret_share)
{
    const struct verdict *verdict = writing->verdict;
    struct store_share share = {.queue = from->hits[first].queue, .deadline_ms = INT64_MAX};
    store_hits_begin(text);
    for (uint32_t i = first; i < from->hit_count; i++) {
        const struct store_hit *hit = &from->hits[i];
        if (kinds[i] == 0 || !store_same_queue(hit->queue, share.queue))
            continue;
        TRY(store_hits_add(writing->store, kinds[i], hit->hit, text));
        kinds[i] = 0;
        int64_t deadline_ms = store_add_clamped(verdict->received_at_ms, hit->service_level_ms);
        if (deadline_ms < share.deadline_ms)
            share.deadline_ms = deadline_ms;
        if (hit->hit->severity > share.severity)
            share.severity = hit->hit->severity;
        if (hit->context_max > share.context_max)
            share.context_max = hit->context_max;
        share.unscanned |= hit->hit->outcome == OUTCOME_UNSCANNED;
    }
    *ret_share = share;
    return SQLITE_OK;
}

/* Stores the share of one queue. */
static int store_write_share(struct store_writing *writing, const struct store_share *share,
                             struct store_hits_text *text)
{
    int64_t case_id = 0;
    bool opened = false, flagged = false;
    TRY(store_message_flagged(writing));
    TRY(store_case_for(writing, share, &case_id, &opened));
    TRY(store_case_add_message(writing->store, STORE_CASE_FLAG, case_id, writing->message, &flagged));
    TRY(store_case_add_context(writing, share->context_max, case_id));
    TRY(store_hits_write(writing, case_id, text));
    writing->result->hits_new += text->count;
    if (opened)
        writing->result->cases_opened++;
    else if (flagged)
        writing->result->cases_joined++;
    return SQLITE_OK;
}

/* Marks the rules that are stored for the message's id. */
static int store_mark_known(struct store_writing *writing)
{
    struct store *store = writing->store;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_HITS_KNOWN);
    TRY(store_sqlite_bind_span(statement, 1, writing->verdict->message_id));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const unsigned char *id = sqlite3_column_text(statement, 0);
        struct store_word *rule = NULL;
        int code = id ? store_words_rule(store, (const char *)id, &rule) : SQLITE_NOMEM;
        if (code != SQLITE_OK) {
            (void)sqlite3_reset(statement);
            return code;
        }
        (void)store_words_is_new(store->words, rule);
    }
    return sqlite3_reset(statement);
}

/* Says of each hit whether it is new, and gives the kind of those that are; the others get 0. */
static int store_find_new(struct store_writing *writing, const struct store_verdict *from, int64_t *kinds)
{
    struct store *store = writing->store;
    const struct verdict *verdict = writing->verdict;
    bool any = false;
    TRY(store_message_find(store, verdict->message_id, verdict->conversation_id, verdict->text, &writing->message,
                           &writing->complete, &any));
    store_words_begin_message(store->words);
    if (any)
        TRY(store_mark_known(writing));
    for (uint32_t i = 0; i < from->hit_count; i++) {
        const struct store_hit *hit = &from->hits[i];
        struct store_word *rule = NULL;
        TRY(store_words_rule(store, hit->hit->rule, &rule));
        bool is_new = store_words_is_new(store->words, rule);
        kinds[i] = 0;
        if (is_new)
            TRY(store_words_kind(store, rule, hit->hit, &kinds[i]));
        else
            writing->result->hits_known++;
        if (hit->ret_new)
            *hit->ret_new = is_new;
    }
    return SQLITE_OK;
}

/* Room for the kinds of `count` hits; NULL without memory. */
static int64_t *store_kinds(struct store *store, uint32_t count)
{
    if (count > store->kinds_capacity) {
        int64_t *kinds = reallocarray(store->kinds, count, sizeof *kinds);
        if (!kinds)
            return NULL;
        store->kinds = kinds;
        store->kinds_capacity = count;
    }
    return store->kinds;
}

static int store_write_verdict(struct store_writing *writing, const struct store_verdict *from,
                               struct store_hits_text *text)
{
    int64_t *kinds = store_kinds(writing->store, from->hit_count);
    if (!kinds)
        return SQLITE_NOMEM;
    TRY(store_find_new(writing, from, kinds));
    for (uint32_t i = 0; i < from->hit_count; i++) {
        struct store_share share;
        if (kinds[i] == 0)
            continue;
        TRY(store_gather(writing, from, kinds, i, text, &share));
        TRY(store_write_share(writing, &share, text));
    }
    return SQLITE_OK;
}

static int store_write_all(struct store *store, const struct store_verdict *verdicts, uint32_t count, int64_t now_ms,
                           struct store_commit_result *result)
{
    for (uint32_t i = 0; i < count; i++) {
        struct store_writing writing = {
            .store = store, .verdict = verdicts[i].verdict, .now_ms = now_ms, .result = result};
        if (verdicts[i].hit_count == 0)
            continue;
        arena_reset(store->scratch);
        TRY(store_write_verdict(&writing, &verdicts[i], &store->hits));
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
        store_words_forget(store->words); /* some may never have been stored */
        return status;
    }
    *ret_result = result;
    return STATUS_OK;
}
