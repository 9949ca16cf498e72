/* Showing messages to people: what is read was audited first. */
#include <string.h>

#include "alerts/store_sqlite.h"

static const char store_reading[] = "cannot read the case";

/* Rows are gathered in a chain first, because their number is not known. */
struct store_message_link {
    struct store_case_message message;
    struct store_message_link *next;
};

struct store_hit_link {
    struct store_case_hit hit;
    int64_t row;
    struct store_hit_link *next;
};

static enum status store_row_message(sqlite3_stmt *row, struct arena *arena, struct store_case_message *message)
{
    const char **const texts[] = {&message->message_id, &message->sender_id, &message->recipients, &message->locale,
                                  &message->attributes};
    for (int i = 0; i < 5; i++) {
        enum status status = store_sqlite_copy(row, i, arena, texts[i]);
        if (status != STATUS_OK)
            return status;
    }
    const void *bytes = sqlite3_column_blob(row, 5);
    size_t size = (size_t)sqlite3_column_bytes(row, 5);
    char *copy = arena_copy(arena, span_of(bytes, bytes ? size : 0));
    if (!copy || (size > 0 && !bytes))
        return STATUS_NO_MEMORY;
    message->text = span_of(copy, size);
    message->sent_at_ms = sqlite3_column_int64(row, 6);
    message->received_at_ms = sqlite3_column_int64(row, 7);
    message->flagged = sqlite3_column_int(row, 8) != 0;
    message->id = sqlite3_column_int64(row, 9);
    return STATUS_OK;
}

static enum status store_read_messages(struct store *store, int64_t case_id, struct arena *arena, struct error *error,
                                       struct store_case_message **ret_messages, uint32_t *ret_count)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_MESSAGES);
    int code = sqlite3_bind_int64(statement, 1, case_id);
    if (code != SQLITE_OK)
        return store_sqlite_failed(store, code, store_reading, error);
    struct store_message_link *first = NULL, **last = &first;
    uint32_t count = 0;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_message_link *link = arena_array(arena, 1, sizeof *link);
        if (!link || store_row_message(statement, arena, &link->message) != STATUS_OK) {
            error_set(error, "%s: out of memory", store_reading);
            return STATUS_NO_MEMORY;
        }
        *last = link;
        last = &link->next;
        count++;
    }
    if (code != SQLITE_DONE)
        return store_sqlite_failed(store, code, store_reading, error);
    struct store_case_message *messages = arena_array(arena, count, sizeof *messages);
    if (count > 0 && !messages) {
        error_set(error, "%s: out of memory", store_reading);
        return STATUS_NO_MEMORY;
    }
    uint32_t i = 0;
    for (const struct store_message_link *link = first; link; link = link->next)
        messages[i++] = link->message;
    *ret_messages = messages;
    *ret_count = count;
    return STATUS_OK;
}

static enum status store_row_hit(sqlite3_stmt *row, struct arena *arena, struct store_hit_link *link)
{
    struct store_case_hit *hit = &link->hit;
    const char **const texts[] = {&hit->message_id, &hit->rule, &hit->title, &hit->generation, &hit->reason};
    for (int i = 0; i < 5; i++) {
        enum status status = store_sqlite_copy(row, i + 1, arena, texts[i]);
        if (status != STATUS_OK)
            return status;
    }
    link->row = sqlite3_column_int64(row, 0);
    hit->severity = (enum severity)sqlite3_column_int(row, 6);
    hit->outcome = sqlite3_column_int(row, 7) ? OUTCOME_UNSCANNED : OUTCOME_FLAGGED;
    hit->flagged_at_ms = sqlite3_column_int64(row, 8);
    hit->message = sqlite3_column_int64(row, 9);
    return STATUS_OK;
}

static enum status store_read_spans(struct store *store, struct store_hit_link *link, struct arena *arena,
                                    struct error *error)
{
    struct span_link {
        struct verdict_span span;
        struct span_link *next;
    } *first = NULL, **last = &first;
    uint32_t count = 0;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_HIT_SPANS);
    int code = sqlite3_bind_int64(statement, 1, link->row);
    if (code != SQLITE_OK)
        return store_sqlite_failed(store, code, store_reading, error);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct span_link *item = arena_array(arena, 1, sizeof *item);
        if (!item || store_sqlite_copy(statement, 0, arena, &item->span.pattern) != STATUS_OK ||
            store_sqlite_copy(statement, 1, arena, &item->span.view) != STATUS_OK)
            return STATUS_NO_MEMORY;
        item->span.start = (uint32_t)sqlite3_column_int64(statement, 2);
        item->span.end = (uint32_t)sqlite3_column_int64(statement, 3);
        *last = item;
        last = &item->next;
        count++;
    }
    if (code != SQLITE_DONE)
        return store_sqlite_failed(store, code, store_reading, error);
    struct verdict_span *spans = arena_array(arena, count, sizeof *spans);
    if (count > 0 && !spans)
        return STATUS_NO_MEMORY;
    uint32_t i = 0;
    for (const struct span_link *item = first; item; item = item->next)
        spans[i++] = item->span;
    link->hit.spans = spans;
    link->hit.span_count = count;
    return STATUS_OK;
}

static enum status store_read_hits(struct store *store, int64_t case_id, struct arena *arena, struct error *error,
                                   struct store_case_hit **ret_hits, uint32_t *ret_count)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_HITS);
    int code = sqlite3_bind_int64(statement, 1, case_id);
    if (code != SQLITE_OK)
        return store_sqlite_failed(store, code, store_reading, error);
    struct store_hit_link *first = NULL, **last = &first;
    uint32_t count = 0;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_hit_link *link = arena_array(arena, 1, sizeof *link);
        if (!link || store_row_hit(statement, arena, link) != STATUS_OK) {
            error_set(error, "%s: out of memory", store_reading);
            return STATUS_NO_MEMORY;
        }
        *last = link;
        last = &link->next;
        count++;
    }
    if (code != SQLITE_DONE)
        return store_sqlite_failed(store, code, store_reading, error);
    struct store_case_hit *hits = arena_array(arena, count, sizeof *hits);
    if (count > 0 && !hits) {
        error_set(error, "%s: out of memory", store_reading);
        return STATUS_NO_MEMORY;
    }
    uint32_t i = 0;
    for (struct store_hit_link *link = first; link; link = link->next) {
        enum status status = store_read_spans(store, link, arena, error);
        if (status == STATUS_NO_MEMORY)
            error_set(error, "%s: out of memory", store_reading);
        if (status != STATUS_OK)
            return status;
        hits[i++] = link->hit;
    }
    *ret_hits = hits;
    *ret_count = count;
    return STATUS_OK;
}

enum status store_sqlite_read(struct store *store, int64_t case_id, const char *reader, const char *purpose,
                              int64_t now_ms, struct arena *arena, struct error *error,
                              struct store_case_message **ret_messages, uint32_t *ret_message_count,
                              struct store_case_hit **ret_hits, uint32_t *ret_hit_count)
{
    if (!reader || !*reader || !purpose || !*purpose) {
        error_set(error, "%s without saying who reads it and why", store_reading);
        return STATUS_INVALID;
    }
    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    uint32_t message_count = 0, hit_count = 0;
    struct store_case found;
    enum status status = STATUS_OK;

    int code = store_sqlite_begin(store);
    if (code == SQLITE_OK) {
        status = store_sqlite_get(store, case_id, now_ms, arena, error, &found);
        if (status != STATUS_OK)
            goto out;
        code = store_sqlite_audit(store, now_ms, reader, "read", case_id, purpose, NULL);
    }
    if (code == SQLITE_OK) {
        status = store_read_messages(store, case_id, arena, error, &messages, &message_count);
        if (status == STATUS_OK)
            status = store_read_hits(store, case_id, arena, error, &hits, &hit_count);
        if (status != STATUS_OK)
            goto out;
        code = store_sqlite_commit(store);
    }
    if (code != SQLITE_OK) {
        status = store_sqlite_failed(store, code, store_reading, error);
        goto out;
    }
    *ret_messages = messages;
    *ret_message_count = message_count;
    *ret_hits = hits;
    *ret_hit_count = hit_count;

out:
    store_sqlite_rollback(store); /* nothing to do after the commit */
    return status;
}
