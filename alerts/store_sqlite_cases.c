/* Cases: lists, leases, decisions. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "alerts/store_sqlite.h"

static int store_row_case(struct store *store, sqlite3_stmt *row, int64_t now_ms, struct arena *arena,
                          struct store_case *item)
{
    const struct {
        int column;
        const char **text;
    } texts[] = {{1, &item->queue},
                 {2, &item->conversation_id},
                 {8, &item->decided_by},
                 {9, &item->note},
                 {11, &item->lease_holder}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (store_sqlite_copy(row, texts[i].column, arena, texts[i].text) != STATUS_OK)
            return SQLITE_NOMEM;
    }
    item->id = sqlite3_column_int64(row, 0);
    item->severity = (enum severity)sqlite3_column_int(row, 3);
    item->opened_at_ms = sqlite3_column_int64(row, 4);
    item->updated_at_ms = sqlite3_column_int64(row, 5);
    item->deadline_ms = sqlite3_column_int64(row, 6);
    item->decision = (enum decision)sqlite3_column_int(row, 7);
    item->decided_at_ms = sqlite3_column_int64(row, 10);
    item->lease_until_ms = sqlite3_column_int64(row, 12);
    item->unscanned = sqlite3_column_int(row, 13) != 0;
    item->message_count = (uint32_t)sqlite3_column_int64(row, 14);
    item->hit_count = (uint32_t)sqlite3_column_int64(row, 15);
    if (item->lease_until_ms <= now_ms) {
        item->lease_holder = NULL;
        item->lease_until_ms = 0;
    }
    return store_sqlite_case_rules(store, item->id, arena, &item->rules);
}

static int store_bind_filter(sqlite3_stmt *statement, const struct store_filter *filter, int64_t now_ms)
{
    int code = store_sqlite_bind_text(statement, 1, filter->queue);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 2, filter->open_only);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 3, filter->unclaimed_only);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 4, now_ms);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 5, filter->severity_min);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 6, filter->limit ? (int64_t)filter->limit : -1);
    return code;
}

enum status store_sqlite_list(struct store *store, const struct store_filter *filter, int64_t now_ms,
                              struct arena *arena, struct error *error, struct store_case **ret_cases,
                              uint32_t *ret_count)
{
    struct link {
        struct store_case item;
        struct link *next;
    } *first = NULL, **last = &first;
    uint32_t count = 0;
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_LIST);
    int code = store_bind_filter(statement, filter, now_ms);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct link *link = arena_array(arena, 1, sizeof *link);
        code = link ? store_row_case(store, statement, now_ms, arena, &link->item) : SQLITE_NOMEM;
        if (code != SQLITE_OK)
            break;
        *last = link;
        last = &link->next;
        count++;
    }
    struct store_case *cases = code == SQLITE_DONE ? arena_array(arena, count, sizeof *cases) : NULL;
    if (code == SQLITE_DONE && count > 0 && !cases)
        code = SQLITE_NOMEM;
    enum status status = code == SQLITE_DONE ? STATUS_OK : store_sqlite_failed(store, code, "cannot list cases", error);
    (void)sqlite3_reset(statement);
    if (status != STATUS_OK)
        return status;
    uint32_t i = 0;
    for (const struct link *link = first; cases && link; link = link->next)
        cases[i++] = link->item;
    *ret_cases = cases;
    *ret_count = count;
    return STATUS_OK;
}

enum status store_sqlite_get(struct store *store, int64_t case_id, int64_t now_ms, struct arena *arena,
                             struct error *error, struct store_case *ret_case)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_GET);
    int code = sqlite3_bind_int64(statement, 1, case_id);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    struct store_case item = {0};
    if (code == SQLITE_ROW) {
        code = store_row_case(store, statement, now_ms, arena, &item);
        if (code != SQLITE_OK)
            status = store_sqlite_failed(store, code, "cannot read the case", error);
    } else if (code == SQLITE_DONE) {
        error_set(error, "there is no case %" PRId64, case_id);
        status = STATUS_NOT_FOUND;
    } else {
        status = store_sqlite_failed(store, code, "cannot read the case", error);
    }
    (void)sqlite3_reset(statement);
    if (status == STATUS_OK)
        *ret_case = item;
    return status;
}

/* What stands in the way of a claim or a decision. */
struct store_lease {
    enum decision decision;
    bool live;
    int64_t token;
    char holder[256]; /* cut off: for words and for comparing with a holder that was checked against this size */
};

#define STORE_HOLDER_SIZE_MAX 255

static enum status store_lease_of(struct store *store, int64_t case_id, int64_t now_ms, struct error *error,
                                  struct store_lease *ret_lease)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_LEASE);
    int code = sqlite3_bind_int64(statement, 1, case_id);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        const unsigned char *holder = sqlite3_column_text(statement, 1);
        ret_lease->decision = (enum decision)sqlite3_column_int(statement, 0);
        snprintf(ret_lease->holder, sizeof ret_lease->holder, "%s", holder ? (const char *)holder : "");
        ret_lease->live = holder && sqlite3_column_int64(statement, 2) > now_ms;
        ret_lease->token = sqlite3_column_int64(statement, 3);
    } else if (code == SQLITE_DONE) {
        error_set(error, "there is no case %" PRId64, case_id);
        status = STATUS_NOT_FOUND;
    } else {
        status = store_sqlite_failed(store, code, "cannot read the case", error);
    }
    (void)sqlite3_reset(statement);
    return status;
}

static enum status store_may_claim(struct store *store, int64_t case_id, const char *holder, int64_t now_ms,
                                   struct error *error)
{
    struct store_lease lease = {0};
    enum status status = store_lease_of(store, case_id, now_ms, error, &lease);
    if (status != STATUS_OK)
        return status;
    if (lease.decision != DECISION_NONE) {
        error_set(error, "case %" PRId64 " is decided already (%s)", case_id, decision_names[lease.decision]);
        return STATUS_NOT_FOUND;
    }
    if (lease.live && strcmp(lease.holder, holder) != 0) {
        error_set(error, "case %" PRId64 " is held by %s", case_id, lease.holder);
        return STATUS_CONFLICT;
    }
    return STATUS_OK;
}

static enum status store_most_urgent(struct store *store, const char *queue, int64_t now_ms, struct error *error,
                                     int64_t *ret_case_id)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_URGENT);
    int code = sqlite3_bind_int64(statement, 1, now_ms);
    if (code == SQLITE_OK)
        code = store_sqlite_bind_text(statement, 2, queue);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        *ret_case_id = sqlite3_column_int64(statement, 0);
    } else if (code == SQLITE_DONE) {
        error_set(error, "nothing to claim: every open case%s%s is held by somebody, or there is none",
                  queue ? " of queue " : "", queue ? queue : "");
        status = STATUS_NOT_FOUND;
    } else {
        status = store_sqlite_failed(store, code, "cannot look for a case", error);
    }
    (void)sqlite3_reset(statement);
    return status;
}

static int store_lease_take(struct store *store, int64_t case_id, const char *holder, int64_t until_ms,
                            int64_t *ret_token)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_CLAIM);
    int code = sqlite3_bind_int64(statement, 1, case_id);
    if (code == SQLITE_OK)
        code = store_sqlite_bind_text(statement, 2, holder);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 3, until_ms);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *ret_token = sqlite3_column_int64(statement, 0);
        code = sqlite3_step(statement);
    }
    int closed = sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : (code != SQLITE_ROW ? code : closed);
}

enum status store_sqlite_claim(struct store *store, int64_t case_id, const char *queue, const char *holder,
                               int64_t now_ms, int64_t lease_ms, struct arena *arena, struct error *error,
                               struct store_case *ret_case, int64_t *ret_token)
{
    int64_t until_ms;
    if (!holder || !*holder || strlen(holder) > STORE_HOLDER_SIZE_MAX || lease_ms <= 0 ||
        __builtin_add_overflow(now_ms, lease_ms, &until_ms)) {
        error_set(error, "a claim needs a holder of at most %d bytes and some time", STORE_HOLDER_SIZE_MAX);
        return STATUS_INVALID;
    }
    struct store_case item = {0};
    int64_t token = 0;
    int code = store_sqlite_begin(store);
    if (code != SQLITE_OK)
        return store_sqlite_failed(store, code, "cannot claim a case", error);
    enum status status = case_id == 0 ? store_most_urgent(store, queue, now_ms, error, &case_id)
                                      : store_may_claim(store, case_id, holder, now_ms, error);
    if (status != STATUS_OK)
        goto out;
    code = store_lease_take(store, case_id, holder, until_ms, &token);
    if (code == SQLITE_OK) {
        char detail[80];
        snprintf(detail, sizeof detail, "token %" PRId64 ", %" PRId64 " ms", token, lease_ms);
        code = store_sqlite_audit(store, now_ms, holder, "claim", case_id, NULL, detail);
    }
    if (code == SQLITE_OK) {
        status = store_sqlite_get(store, case_id, now_ms, arena, error, &item);
        if (status != STATUS_OK)
            goto out;
        code = store_sqlite_commit(store);
    }
    if (code != SQLITE_OK) {
        status = store_sqlite_failed(store, code, "cannot claim the case", error);
        goto out;
    }
    *ret_case = item;
    *ret_token = token;

out:
    store_sqlite_rollback(store);
    return status;
}

static enum status store_may_decide(struct store *store, int64_t case_id, int64_t token, int64_t now_ms,
                                    struct error *error)
{
    struct store_lease lease = {0};
    enum status status = store_lease_of(store, case_id, now_ms, error, &lease);
    if (status != STATUS_OK)
        return status;
    if (lease.decision != DECISION_NONE) {
        error_set(error, "case %" PRId64 " is decided already (%s)", case_id, decision_names[lease.decision]);
        return STATUS_CONFLICT;
    }
    if (token != lease.token || !lease.live) {
        if (lease.live)
            error_set(error, "token %" PRId64 " of case %" PRId64 " is not the one that counts: the case is held by %s",
                      token, case_id, lease.holder);
        else
            error_set(error,
                      "token %" PRId64 " of case %" PRId64 " is not good: its lease has ended, or there never was one",
                      token, case_id);
        return STATUS_CONFLICT;
    }
    return STATUS_OK;
}

static int store_decision_write(struct store *store, int64_t case_id, enum decision decision, const char *decider,
                                const char *note, int64_t now_ms)
{
    sqlite3_stmt *statement =
        store_sqlite_take(store, decision == DECISION_NONE ? STORE_CASE_GIVE_BACK : STORE_CASE_DECIDE);
    int code = sqlite3_bind_int64(statement, 1, case_id);
    if (decision != DECISION_NONE) {
        if (code == SQLITE_OK)
            code = sqlite3_bind_int(statement, 2, decision);
        if (code == SQLITE_OK)
            code = store_sqlite_bind_text(statement, 3, decider);
        if (code == SQLITE_OK)
            code = store_sqlite_bind_text(statement, 4, note);
        if (code == SQLITE_OK)
            code = sqlite3_bind_int64(statement, 5, now_ms);
    }
    return code == SQLITE_OK ? store_sqlite_run(store, statement) : code;
}

enum status store_sqlite_decide(struct store *store, int64_t case_id, int64_t token, enum decision decision,
                                const char *decider, const char *note, int64_t now_ms, struct error *error)
{
    if (!decider || !*decider || decision < DECISION_NONE || decision >= DECISION_COUNT) {
        error_set(error, "a decision needs to say what was decided and by whom");
        return STATUS_INVALID;
    }
    int code = store_sqlite_begin(store);
    if (code != SQLITE_OK)
        return store_sqlite_failed(store, code, "cannot decide the case", error);
    enum status status = store_may_decide(store, case_id, token, now_ms, error);
    if (status != STATUS_OK)
        goto out;
    code = store_decision_write(store, case_id, decision, decider, note, now_ms);
    if (code == SQLITE_OK)
        code = store_sqlite_audit(store, now_ms, decider, decision == DECISION_NONE ? "give_back" : "decide", case_id,
                                  note, decision_names[decision]);
    if (code == SQLITE_OK)
        code = store_sqlite_commit(store);
    if (code != SQLITE_OK)
        status = store_sqlite_failed(store, code, "cannot decide the case", error);

out:
    store_sqlite_rollback(store);
    return status;
}
