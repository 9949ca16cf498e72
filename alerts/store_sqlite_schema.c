#include "alerts/store_sqlite_schema.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* The hits of version 2 that were stored together with the hit `f`, in their order. */
#define STORE_OLD_HITS                                                                                                 \
    " FROM (SELECT * FROM hits WHERE message = f.message AND case_id = f.case_id AND generation IS f.generation"       \
    " AND flagged_at_ms = f.flagged_at_ms ORDER BY id) o"

/*
 * Version 3: the hits of a message in a case lie together in one row, because a row for each hit, and its places in four
 * indexes, was most of what storing cost. What hits say again and again is in a dictionary, whose rows are only added.
 * That a rule hits a message id only once, the unique key did; now it is looked up in the transaction that stores.
 */
static const char store_sqlite_packed_hits[] =
    "CREATE TABLE hit_kinds ("
    " id INTEGER PRIMARY KEY,"
    " rule TEXT NOT NULL CHECK (rule <> ''),"
    " title TEXT, reason TEXT,"
    " severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),"
    " outcome INTEGER NOT NULL CHECK (outcome IN (0, 1))"
    ") STRICT;"
    "CREATE INDEX hit_kinds_rule ON hit_kinds (rule);"
    "CREATE TABLE hit_places ("
    " id INTEGER PRIMARY KEY,"
    " pattern TEXT NOT NULL, view TEXT NOT NULL,"
    " UNIQUE (pattern, view)"
    ") STRICT;"
    "CREATE TABLE message_hits ("
    " id INTEGER PRIMARY KEY,"
    " case_id INTEGER NOT NULL REFERENCES cases (id),"
    " message INTEGER NOT NULL REFERENCES messages (id),"
    " generation TEXT,"
    " flagged_at_ms INTEGER NOT NULL,"
    " hit_count INTEGER NOT NULL CHECK (hit_count > 0),"
    " kinds TEXT NOT NULL," /* JSON: of each hit the number of its kind */
    " spans TEXT NOT NULL"  /* JSON: of each hit a list of three numbers a span: place, start, end */
    ") STRICT;"
    "CREATE INDEX message_hits_case ON message_hits (case_id, message);"
    /* Row by row, in the order in which hits were stored: the memory that it takes does not grow with the store. */
    "INSERT INTO hit_kinds (rule, title, reason, severity, outcome)"
    " SELECT DISTINCT rule, title, reason, severity, outcome FROM hits;"
    "INSERT INTO hit_places (pattern, view) SELECT DISTINCT pattern, view FROM hit_spans;"
    "INSERT INTO message_hits (case_id, message, generation, flagged_at_ms, hit_count, kinds, spans)"
    " SELECT f.case_id, f.message, f.generation, f.flagged_at_ms,"
    " (SELECT count(*)" STORE_OLD_HITS "),"
    " (SELECT '[' || group_concat((SELECT k.id FROM hit_kinds k WHERE k.rule = o.rule AND k.title IS o.title"
    " AND k.reason IS o.reason AND k.severity = o.severity AND k.outcome = o.outcome)) || ']'" STORE_OLD_HITS "),"
    " (SELECT '[' || group_concat('[' || coalesce((SELECT group_concat(p.id || ',' || s.span_start || ',' || "
    "s.span_end)"
    " FROM (SELECT * FROM hit_spans WHERE hit = o.id ORDER BY position) s"
    " CROSS JOIN hit_places p ON p.pattern = s.pattern AND p.view = s.view), '') || ']') || ']'" STORE_OLD_HITS ")"
    " FROM hits f WHERE NOT EXISTS (SELECT 1 FROM hits e WHERE e.message = f.message AND e.id < f.id"
    " AND e.case_id = f.case_id AND e.generation IS f.generation AND e.flagged_at_ms = f.flagged_at_ms);"
    /* Old rows are not overwritten: what they say is in the store anyway. */
    "PRAGMA secure_delete = FAST;"
    "DROP TABLE hit_spans;"
    "DROP TABLE hits;"
    "PRAGMA secure_delete = ON;"
    /* One row a hit, as before, for whoever asks the store in SQL. */
    "CREATE VIEW hits AS SELECT (h.id << 20) + k.key AS id, m.message_id, d.rule, c.case_id, c.message, d.title,"
    " h.generation, d.reason, d.severity, d.outcome, h.flagged_at_ms"
    " FROM message_hits h JOIN case_messages c ON c.case_id = h.case_id AND c.message = h.message"
    " JOIN messages m ON m.id = c.message JOIN json_each(h.kinds) k JOIN hit_kinds d ON d.id = k.value;"
    "CREATE VIEW hit_spans AS SELECT (h.id << 20) + s.key AS hit, c.case_id, c.message, n.key / 3 AS position,"
    " p.pattern, p.view, s.value ->> (n.key + 1) AS span_start, s.value ->> (n.key + 2) AS span_end"
    " FROM message_hits h JOIN case_messages c ON c.case_id = h.case_id AND c.message = h.message"
    " JOIN json_each(h.spans) s JOIN json_each(s.value) n ON n.key % 3 = 0"
    " JOIN hit_places p ON p.id = n.value;";

const char *const store_sqlite_migrations[] = {
    /* 1 */
    "CREATE TABLE cases ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " queue TEXT NOT NULL CHECK (queue <> ''),"
    " conversation_id TEXT NOT NULL,"
    " severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),"
    " opened_at_ms INTEGER NOT NULL,"
    " updated_at_ms INTEGER NOT NULL,"
    " deadline_ms INTEGER NOT NULL,"
    " unscanned INTEGER NOT NULL CHECK (unscanned IN (0, 1)),"
    " decision INTEGER NOT NULL DEFAULT 0 CHECK (decision BETWEEN 0 AND 3),"
    " decided_by TEXT, note TEXT,"
    " decided_at_ms INTEGER NOT NULL DEFAULT 0,"
    " lease_holder TEXT,"
    " lease_until_ms INTEGER NOT NULL DEFAULT 0,"
    " lease_token INTEGER NOT NULL DEFAULT 0"
    ") STRICT;"
    /* There is at most one open case of a conversation in a queue. */
    "CREATE UNIQUE INDEX cases_open ON cases (conversation_id, queue) WHERE decision = 0;"
    "CREATE INDEX cases_urgency ON cases (severity DESC, deadline_ms, id) WHERE decision = 0;"
    /*
     * Not unique by message_id: a producer that gives one id to different texts must not make an analyst see a text
     * that a hit does not belong to. `complete`: recipients, locale and attributes are known, which they are not for
     * context.
     */
    "CREATE TABLE messages ("
    " id INTEGER PRIMARY KEY,"
    " message_id TEXT NOT NULL,"
    " conversation_id TEXT NOT NULL,"
    " sender_id TEXT NOT NULL,"
    " text BLOB NOT NULL,"
    " sent_at_ms INTEGER NOT NULL,"
    " received_at_ms INTEGER NOT NULL,"
    " complete INTEGER NOT NULL CHECK (complete IN (0, 1)),"
    " recipients TEXT, locale TEXT, attributes TEXT"
    ") STRICT;"
    "CREATE INDEX messages_message_id ON messages (message_id);"
    "CREATE TABLE case_messages ("
    " case_id INTEGER NOT NULL REFERENCES cases (id),"
    " message INTEGER NOT NULL REFERENCES messages (id),"
    " flagged INTEGER NOT NULL CHECK (flagged IN (0, 1)),"
    " PRIMARY KEY (case_id, message)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX case_messages_message ON case_messages (message);"
    "CREATE TABLE hits ("
    " id INTEGER PRIMARY KEY,"
    " message_id TEXT NOT NULL,"
    " rule TEXT NOT NULL CHECK (rule <> ''),"
    " case_id INTEGER NOT NULL REFERENCES cases (id),"
    " message INTEGER NOT NULL REFERENCES messages (id),"
    " title TEXT, generation TEXT, reason TEXT,"
    " severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),"
    " outcome INTEGER NOT NULL CHECK (outcome IN (0, 1)),"
    " flagged_at_ms INTEGER NOT NULL,"
    " UNIQUE (message_id, rule)" /* what makes delivery idempotent */
    ") STRICT;"
    "CREATE INDEX hits_case ON hits (case_id);"
    "CREATE INDEX hits_message ON hits (message);"
    "CREATE TABLE hit_spans ("
    " hit INTEGER NOT NULL REFERENCES hits (id),"
    " position INTEGER NOT NULL,"
    " pattern TEXT NOT NULL, view TEXT NOT NULL,"
    " span_start INTEGER NOT NULL CHECK (span_start >= 0),"
    " span_end INTEGER NOT NULL CHECK (span_end >= span_start),"
    " PRIMARY KEY (hit, position)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE audit ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL CHECK (who <> ''),"
    " action TEXT NOT NULL,"
    " case_id INTEGER NOT NULL REFERENCES cases (id),"
    " why TEXT, detail TEXT"
    ") STRICT;"
    "CREATE INDEX audit_case ON audit (case_id);"
    /* The audit only grows. */
    "CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit cannot be changed'); END;"
    "CREATE TRIGGER audit_no_removal BEFORE DELETE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'nothing can be removed from the audit'); END;",
    /* 2: what is known of rules beside their hits */
    "CREATE TABLE rule_shadow ("
    " rule TEXT NOT NULL CHECK (rule <> ''),"
    " generation TEXT NOT NULL," /* '': several old ones */
    " shadow_hits INTEGER NOT NULL CHECK (shadow_hits >= 0),"
    " demoted_hits INTEGER NOT NULL CHECK (demoted_hits >= 0),"
    " last_at_ms INTEGER NOT NULL,"
    " PRIMARY KEY (rule, generation)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE rule_samples ("
    " id INTEGER PRIMARY KEY,"
    " rule TEXT NOT NULL CHECK (rule <> ''),"
    " generation TEXT NOT NULL,"
    " message_id TEXT NOT NULL,"
    " conversation_id TEXT NOT NULL,"
    " at_ms INTEGER NOT NULL,"
    " text BLOB," /* NULL: the queue's policy keeps none */
    " UNIQUE (rule, message_id)"
    ") STRICT;"
    "CREATE INDEX rule_samples_newest ON rule_samples (rule, id);"
    "CREATE INDEX hits_rule ON hits (rule);"
    /* Who read texts of samples; they belong to no case. */
    "CREATE TABLE sample_audit ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " at_ms INTEGER NOT NULL,"
    " who TEXT NOT NULL CHECK (who <> ''),"
    " rule TEXT NOT NULL,"
    " why TEXT NOT NULL CHECK (why <> '')"
    ") STRICT;"
    "CREATE TRIGGER sample_audit_no_change BEFORE UPDATE ON sample_audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit cannot be changed'); END;"
    "CREATE TRIGGER sample_audit_no_removal BEFORE DELETE ON sample_audit "
    "BEGIN SELECT RAISE(ABORT, 'nothing can be removed from the audit'); END;",
    store_sqlite_packed_hits,
};
const uint32_t store_sqlite_migration_count = sizeof store_sqlite_migrations / sizeof store_sqlite_migrations[0];

static enum status store_sqlite_schema_failed(sqlite3 *database, int code, const char *what, struct error *error)
{
    error_set(error, "%s: %s", what, sqlite3_errmsg(database));
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return STATUS_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_TIMEOUT;
    case SQLITE_FULL:
        return STATUS_FULL;
    default:
        return STATUS_SYSTEM;
    }
}

static int store_sqlite_number(sqlite3 *database, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(statement, 0);
        code = SQLITE_OK;
    }
    int closed = sqlite3_finalize(statement);
    return code != SQLITE_OK ? code : closed;
}

/* Which version it is; refuses what is not Weir's or too new. */
static enum status store_sqlite_version(sqlite3 *database, uint32_t known, struct error *error, uint32_t *ret_version)
{
    int64_t version = 0, application = 0, tables = 0;
    int code = store_sqlite_number(database, "PRAGMA user_version", &version);
    if (code == SQLITE_OK)
        code = store_sqlite_number(database, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = store_sqlite_number(database, "SELECT count(*) FROM sqlite_schema", &tables);
    if (code != SQLITE_OK)
        return store_sqlite_schema_failed(database, code, "cannot read the alert store's version", error);

    bool fresh = application == 0 && version == 0 && tables == 0;
    if (!fresh && application != STORE_SQLITE_APPLICATION_ID) {
        error_set(error, "the file is an SQLite database, but not an alert store of Weir's");
        return STATUS_UNSUPPORTED;
    }
    if (version < 0 || version > (int64_t)known) {
        error_set(error,
                  "the alert store has schema version %" PRId64 ", and this program knows versions up to %" PRIu32
                  ": it was written by a newer Weir; use that one",
                  version, known);
        return STATUS_UNSUPPORTED;
    }
    *ret_version = (uint32_t)version;
    return STATUS_OK;
}

/* One migration in its transaction; another process may have done it meanwhile. */
static enum status store_sqlite_step(sqlite3 *database, const char *const *migrations, uint32_t count,
                                     struct error *error)
{
    int code = sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return store_sqlite_schema_failed(database, code, "cannot change the alert store's schema", error);
    uint32_t version = 0;
    enum status status = store_sqlite_version(database, count, error, &version);
    if (status == STATUS_OK && version < count) {
        char finish[128];
        snprintf(finish, sizeof finish, "PRAGMA application_id = %d; PRAGMA user_version = %" PRIu32,
                 STORE_SQLITE_APPLICATION_ID, version + 1);
        code = sqlite3_exec(database, migrations[version], NULL, NULL, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_exec(database, finish, NULL, NULL, NULL);
    }
    if (status == STATUS_OK && code == SQLITE_OK)
        code = sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
    if (status == STATUS_OK && code != SQLITE_OK)
        status = store_sqlite_schema_failed(database, code, "cannot change the alert store's schema", error);
    if (!sqlite3_get_autocommit(database))
        (void)sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum status store_sqlite_migrate(sqlite3 *database, const char *const *migrations, uint32_t count, struct error *error)
{
    for (;;) {
        uint32_t version = 0;
        enum status status = store_sqlite_version(database, count, error, &version);
        if (status != STATUS_OK || version == count)
            return status;
        status = store_sqlite_step(database, migrations, count, error);
        if (status != STATUS_OK)
            return status;
    }
}
