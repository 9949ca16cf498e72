/* Showing messages to people: what is read was audited first. */
#include <string.h>

/* Without memory an item is left out of its table, which its hh.tbl then shows. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "alerts/store_sqlite.h"
#include "alerts/store_sqlite_hits.h"

static const char store_reading[] = "cannot read the case";

/* Rows are gathered in a chain first, because their number is not known. */
struct store_message_link {
    struct store_case_message message;
    struct store_message_link *next;
};

/* A row of hits of one message. */
struct store_hits_link {
    struct store_case_hit *hits;
    uint32_t count;
    struct store_hits_link *next;
};

/* What rows of hits name by number, read once. In the arena, but for the tables. */
struct store_kind_words {
    UT_hash_handle hh;
    int64_t id;
    struct store_case_hit words; /* rule, title, reason, severity and outcome */
};

struct store_place_words {
    UT_hash_handle hh;
    int64_t id;
    struct verdict_span words; /* pattern and view */
};

struct store_reading {
    struct store *store;
    struct arena *arena;
    struct store_kind_words *kinds;
    struct store_place_words *places;
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

/* A row of the dictionary by its number; SQLITE_CORRUPT: there is none. The caller resets the statement. */
static int store_word_row(struct store *store, enum store_statement which, int64_t id, sqlite3_stmt **ret_row)
{
    sqlite3_stmt *statement = store_sqlite_take(store, which);
    TRY(sqlite3_bind_int64(statement, 1, id));
    int code = sqlite3_step(statement);
    *ret_row = statement;
    return code == SQLITE_ROW ? SQLITE_OK : code == SQLITE_DONE ? SQLITE_CORRUPT : code;
}

static int store_kind_words(struct store_reading *reading, int64_t id, const struct store_case_hit **ret_words)
{
    struct store_kind_words *kind = NULL;
    HASH_FIND(hh, reading->kinds, &id, sizeof id, kind);
    if (!kind) {
        sqlite3_stmt *row = NULL;
        TRY(store_word_row(reading->store, STORE_KIND_GET, id, &row));
        kind = arena_array(reading->arena, 1, sizeof *kind);
        if (!kind || store_sqlite_copy(row, 0, reading->arena, &kind->words.rule) != STATUS_OK ||
            store_sqlite_copy(row, 1, reading->arena, &kind->words.title) != STATUS_OK ||
            store_sqlite_copy(row, 2, reading->arena, &kind->words.reason) != STATUS_OK)
            return SQLITE_NOMEM;
        kind->id = id;
        kind->words.severity = (enum severity)sqlite3_column_int(row, 3);
        kind->words.outcome = sqlite3_column_int(row, 4) ? OUTCOME_UNSCANNED : OUTCOME_FLAGGED;
        TRY(sqlite3_reset(row));
        HASH_ADD_KEYPTR(hh, reading->kinds, &kind->id, sizeof kind->id, kind);
        if (!kind->hh.tbl)
            return SQLITE_NOMEM;
    }
    *ret_words = &kind->words;
    return SQLITE_OK;
}

static int store_place_words(struct store_reading *reading, int64_t id, const struct verdict_span **ret_words)
{
    struct store_place_words *place = NULL;
    HASH_FIND(hh, reading->places, &id, sizeof id, place);
    if (!place) {
        sqlite3_stmt *row = NULL;
        TRY(store_word_row(reading->store, STORE_PLACE_GET, id, &row));
        place = arena_array(reading->arena, 1, sizeof *place);
        if (!place || store_sqlite_copy(row, 0, reading->arena, &place->words.pattern) != STATUS_OK ||
            store_sqlite_copy(row, 1, reading->arena, &place->words.view) != STATUS_OK)
            return SQLITE_NOMEM;
        place->id = id;
        TRY(sqlite3_reset(row));
        HASH_ADD_KEYPTR(hh, reading->places, &place->id, sizeof place->id, place);
        if (!place->hh.tbl)
            return SQLITE_NOMEM;
    }
    *ret_words = &place->words;
    return SQLITE_OK;
}

/* The spans of one hit: the list that comes next. */
static int store_read_spans(struct store_reading *reading, struct store_hits_reader *list, struct store_case_hit *hit)
{
    if (!store_hits_enter(list))
        return SQLITE_CORRUPT;
    struct store_hits_reader ahead = *list;
    int64_t id = 0, start = 0, end = 0;
    uint32_t count = 0;
    while (store_hits_number(&ahead, &id))
        count++;
    struct verdict_span *spans = arena_array(reading->arena, count / 3, sizeof *spans);
    if (!spans && count >= 3)
        return SQLITE_NOMEM;
    for (uint32_t i = 0; i < count / 3; i++) {
        const struct verdict_span *words = NULL;
        if (!store_hits_number(list, &id) || !store_hits_number(list, &start) || !store_hits_number(list, &end) ||
            start > end || end > UINT32_MAX)
            return SQLITE_CORRUPT;
        TRY(store_place_words(reading, id, &words));
        spans[i] = (struct verdict_span){words->pattern, words->view, (uint32_t)start, (uint32_t)end};
    }
    hit->spans = spans;
    hit->span_count = count / 3;
    return store_hits_leave(list) ? SQLITE_OK : SQLITE_CORRUPT;
}

static struct store_hits_reader store_hits_list(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    int size = sqlite3_column_bytes(row, column);
    return text ? (struct store_hits_reader){text, text + size} : (struct store_hits_reader){"", ""};
}

/* The hits of one row; what is damaged is not shown in part. */
static int store_row_hits(struct store_reading *reading, sqlite3_stmt *row, struct store_hits_link *link)
{
    struct store_case_hit common = {.message = sqlite3_column_int64(row, 1),
                                    .flagged_at_ms = sqlite3_column_int64(row, 3)};
    struct store_hits_reader kinds = store_hits_list(row, 5), spans = store_hits_list(row, 6);
    int64_t count = sqlite3_column_int64(row, 4);
    if (store_sqlite_copy(row, 0, reading->arena, &common.message_id) != STATUS_OK ||
        store_sqlite_copy(row, 2, reading->arena, &common.generation) != STATUS_OK)
        return SQLITE_NOMEM;
    /* A hit takes at least two bytes of either list. */
    if (count <= 0 || count > kinds.end - kinds.at || !store_hits_enter(&kinds) || !store_hits_enter(&spans))
        return SQLITE_CORRUPT;
    link->hits = arena_array(reading->arena, (size_t)count, sizeof *link->hits);
    if (!link->hits)
        return SQLITE_NOMEM;
    for (; link->count < count; link->count++) {
        struct store_case_hit *hit = &link->hits[link->count];
        const struct store_case_hit *words = NULL;
        int64_t kind = 0;
        if (!store_hits_number(&kinds, &kind))
            return SQLITE_CORRUPT;
        TRY(store_kind_words(reading, kind, &words));
        *hit = *words;
        hit->message = common.message;
        hit->message_id = common.message_id;
        hit->generation = common.generation;
        hit->flagged_at_ms = common.flagged_at_ms;
        TRY(store_read_spans(reading, &spans, hit));
    }
    return store_hits_leave(&kinds) && store_hits_leave(&spans) ? SQLITE_OK : SQLITE_CORRUPT;
}

/* All rows of a case, in a chain. */
static int store_read_rows(struct store_reading *reading, int64_t case_id, struct store_hits_link **ret_first,
                           uint32_t *ret_count)
{
    struct store_hits_link *first = NULL, **last = &first;
    uint32_t count = 0;
    sqlite3_stmt *statement = store_sqlite_take(reading->store, STORE_CASE_HITS);
    TRY(sqlite3_bind_int64(statement, 1, case_id));
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_hits_link *link = arena_array(reading->arena, 1, sizeof *link);
        if (!link)
            return SQLITE_NOMEM;
        TRY(store_row_hits(reading, statement, link));
        if (__builtin_add_overflow(count, link->count, &count))
            return SQLITE_NOMEM;
        *last = link;
        last = &link->next;
    }
    *ret_first = first;
    *ret_count = count;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static enum status store_read_hits(struct store *store, int64_t case_id, struct arena *arena, struct error *error,
                                   struct store_case_hit **ret_hits, uint32_t *ret_count)
{
    struct store_reading reading = {.store = store, .arena = arena};
    struct store_hits_link *first = NULL;
    uint32_t count = 0, done = 0;
    int code = store_read_rows(&reading, case_id, &first, &count);
    HASH_CLEAR(hh, reading.kinds);
    HASH_CLEAR(hh, reading.places);
    struct store_case_hit *hits = code == SQLITE_OK ? arena_array(arena, count, sizeof *hits) : NULL;
    if (code == SQLITE_OK && count > 0 && !hits)
        code = SQLITE_NOMEM;
    if (code != SQLITE_OK)
        return store_sqlite_failed(store, code, store_reading, error);
    for (const struct store_hits_link *link = first; link; link = link->next) {
        memcpy(hits + done, link->hits, link->count * sizeof *hits);
        done += link->count;
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
