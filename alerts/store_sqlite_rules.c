/* What the store is told of rules, and their samples. What is known of them: alerts/store_sqlite_stats.c. */
#include <string.h>

#include "alerts/store_rules.h"
#include "alerts/store_sqlite.h"

static int store_shadow_add(struct store *store, const char *rule, const char *generation, int64_t shadow_hits,
                            int64_t demoted_hits, int64_t last_at_ms)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_SHADOW_ADD);
    TRY(store_sqlite_bind_text(statement, 1, rule));
    TRY(store_sqlite_bind_text(statement, 2, generation));
    TRY(sqlite3_bind_int64(statement, 3, shadow_hits));
    TRY(sqlite3_bind_int64(statement, 4, demoted_hits));
    TRY(sqlite3_bind_int64(statement, 5, last_at_ms));
    return store_sqlite_run(store, statement);
}

/* Adds the oldest generation of a rule to those that are not told apart any more, if there are too many. */
static int store_shadow_fold(struct store *store, const char *rule, bool *ret_folded)
{
    sqlite3_stmt *oldest = store_sqlite_take(store, STORE_SHADOW_OLDEST);
    *ret_folded = false;
    TRY(store_sqlite_bind_text(oldest, 1, rule));
    int code = sqlite3_step(oldest);
    if (code != SQLITE_ROW || sqlite3_column_int64(oldest, 4) <= STORE_RULE_GENERATIONS_MAX) {
        int closed = sqlite3_reset(oldest);
        return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : closed;
    }
    char generation[64];
    const unsigned char *text = sqlite3_column_text(oldest, 0);
    (void)sqlite3_snprintf(sizeof generation, generation, "%s", text ? (const char *)text : "");
    int64_t shadow_hits = sqlite3_column_int64(oldest, 1), demoted_hits = sqlite3_column_int64(oldest, 2);
    int64_t last_at_ms = sqlite3_column_int64(oldest, 3);
    TRY(sqlite3_reset(oldest));
    TRY(store_shadow_add(store, rule, "", shadow_hits, demoted_hits, last_at_ms));
    sqlite3_stmt *removal = store_sqlite_take(store, STORE_SHADOW_REMOVE);
    TRY(store_sqlite_bind_text(removal, 1, rule));
    TRY(store_sqlite_bind_text(removal, 2, generation));
    *ret_folded = true;
    return store_sqlite_run(store, removal);
}

static int store_sample_add(struct store *store, const char *rule, const struct store_sample *sample)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_SAMPLE_ADD);
    TRY(store_sqlite_bind_text(statement, 1, rule));
    TRY(store_sqlite_bind_text(statement, 2, sample->generation));
    TRY(store_sqlite_bind_span(statement, 3, sample->message_id));
    TRY(store_sqlite_bind_span(statement, 4, sample->conversation_id));
    TRY(sqlite3_bind_int64(statement, 5, sample->at_ms));
    if (sample->has_text)
        TRY(store_sqlite_bind_blob(statement, 6, sample->text));
    return store_sqlite_run(store, statement);
}

static int store_tally_one(struct store *store, const struct store_tally *tally, uint32_t samples_max)
{
    TRY(store_shadow_add(store, tally->rule, tally->generation, (int64_t)tally->shadow_hits,
                         (int64_t)tally->demoted_hits, tally->last_at_ms));
    for (bool folded = true; folded;)
        TRY(store_shadow_fold(store, tally->rule, &folded));
    for (uint32_t i = 0; i < tally->sample_count; i++)
        TRY(store_sample_add(store, tally->rule, &tally->samples[i]));
    sqlite3_stmt *prune = store_sqlite_take(store, STORE_SAMPLE_PRUNE);
    TRY(store_sqlite_bind_text(prune, 1, tally->rule));
    TRY(sqlite3_bind_int64(prune, 2, samples_max));
    return store_sqlite_run(store, prune);
}

enum status store_sqlite_tally(struct store *store, const struct store_tally *tallies, uint32_t count,
                               uint32_t samples_max, struct error *error)
{
    int code = store_sqlite_begin(store);
    for (uint32_t i = 0; code == SQLITE_OK && i < count; i++)
        code = store_tally_one(store, &tallies[i], samples_max);
    if (code == SQLITE_OK)
        code = store_sqlite_commit(store);
    if (code == SQLITE_OK)
        return STATUS_OK;
    enum status status = store_sqlite_failed(store, code, "cannot store the hits of shadow rules", error);
    store_sqlite_rollback(store);
    return status;
}

static enum status store_copy_bytes(sqlite3_stmt *row, int column, struct arena *arena, struct span *ret_bytes)
{
    const void *bytes = sqlite3_column_blob(row, column);
    size_t size = (size_t)sqlite3_column_bytes(row, column);
    char *copy = arena_copy(arena, span_of(bytes, bytes ? size : 0));
    if (!copy || (size > 0 && !bytes))
        return STATUS_NO_MEMORY;
    *ret_bytes = span_of(copy, size);
    return STATUS_OK;
}

/* Rows are gathered in a chain first, because their number is not known. */
struct store_sample_link {
    struct store_sample sample;
    struct store_sample_link *next;
};

static enum status store_row_sample(sqlite3_stmt *row, bool with_text, struct arena *arena, struct store_sample *sample)
{
    enum status status = store_sqlite_copy(row, 0, arena, &sample->generation);
    if (status == STATUS_OK)
        status = store_copy_bytes(row, 1, arena, &sample->message_id);
    if (status == STATUS_OK)
        status = store_copy_bytes(row, 2, arena, &sample->conversation_id);
    sample->at_ms = sqlite3_column_int64(row, 3);
    sample->has_text = with_text && sqlite3_column_type(row, 4) != SQLITE_NULL;
    if (status == STATUS_OK && sample->has_text)
        status = store_copy_bytes(row, 4, arena, &sample->text);
    return status;
}

static enum status store_list_samples(struct store *store, const char *rule, bool with_text, struct arena *arena,
                                      struct store_sample **ret_samples, uint32_t *ret_count, int *ret_code)
{
    struct store_sample_link *first = NULL, **last = &first;
    uint32_t count = 0;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_SAMPLE_LIST);
    int code = store_sqlite_bind_text(statement, 1, rule);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW)
            break;
        struct store_sample_link *link = arena_array(arena, 1, sizeof *link);
        if (!link || store_row_sample(statement, with_text, arena, &link->sample) != STATUS_OK) {
            (void)sqlite3_reset(statement);
            return STATUS_NO_MEMORY;
        }
        *last = link;
        last = &link->next;
        count++;
    }
    (void)sqlite3_reset(statement);
    *ret_code = code == SQLITE_DONE ? SQLITE_OK : code;
    struct store_sample *samples = arena_array(arena, (size_t)count + 1, sizeof *samples);
    if (!samples)
        return STATUS_NO_MEMORY;
    uint32_t i = 0;
    for (const struct store_sample_link *link = first; link; link = link->next)
        samples[i++] = link->sample;
    *ret_samples = samples;
    *ret_count = count;
    return STATUS_OK;
}

static int store_sample_audit(struct store *store, const char *rule, const char *reader, const char *purpose,
                              int64_t now_ms)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_SAMPLE_AUDIT);
    TRY(sqlite3_bind_int64(statement, 1, now_ms));
    TRY(store_sqlite_bind_text(statement, 2, reader));
    TRY(store_sqlite_bind_text(statement, 3, rule));
    TRY(store_sqlite_bind_text(statement, 4, purpose));
    return store_sqlite_run(store, statement);
}

enum status store_sqlite_samples(struct store *store, const char *rule, const char *reader, const char *purpose,
                                 int64_t now_ms, struct arena *arena, struct error *error,
                                 struct store_sample **ret_samples, uint32_t *ret_count)
{
    static const char what[] = "cannot read samples";
    struct store_sample *samples = NULL;
    uint32_t count = 0;
    enum status status = STATUS_OK;
    if (reader && (!*reader || !purpose || !*purpose)) {
        error_set(error, "%s without saying who reads them and why", what);
        return STATUS_INVALID;
    }
    int code = store_sqlite_begin(store);
    if (code == SQLITE_OK && reader)
        code = store_sample_audit(store, rule, reader, purpose, now_ms);
    if (code == SQLITE_OK)
        status = store_list_samples(store, rule, reader != NULL, arena, &samples, &count, &code);
    if (code == SQLITE_OK && status == STATUS_OK)
        code = store_sqlite_commit(store);
    if (status != STATUS_OK)
        error_set(error, "%s: out of memory", what);
    else if (code != SQLITE_OK)
        status = store_sqlite_failed(store, code, what, error);
    if (status == STATUS_OK) {
        *ret_samples = samples;
        *ret_count = count;
    }
    store_sqlite_rollback(store); /* nothing to do after the commit */
    return status;
}
