/* The SQLite store: opening, statements, results. The operations are in store_sqlite_*.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerts/store_folder.h"
#include "alerts/store_sqlite.h"
#include "alerts/store_sqlite_schema.h"

#define STORE_BUSY_TIMEOUT_MS 5000
#define STORE_SCRATCH_CHUNK (16u << 10)
#define STORE_SCRATCH_MAX (8u << 20) /* a small record can ask for much more memory than it has bytes */

enum status store_sqlite_failed(struct store *store, int code, const char *what, struct error *error)
{
    if ((code & 0xff) == SQLITE_NOMEM || !store->database) {
        error_set(error, "%s: out of memory", what);
        return STATUS_NO_MEMORY;
    }
    /* The connection's words only if they are about this failure. */
    bool fresh = (sqlite3_errcode(store->database) & 0xff) == (code & 0xff);
    error_set(error, "%s: %s", what, fresh ? sqlite3_errmsg(store->database) : sqlite3_errstr(code));
    switch (code & 0xff) {
    case SQLITE_TOOBIG:
        return STATUS_LIMIT;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return STATUS_INVALID;
    case SQLITE_FULL:
        return STATUS_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_TIMEOUT;
    default:
        return STATUS_SYSTEM;
    }
}

sqlite3_stmt *store_sqlite_take(struct store *store, enum store_statement statement)
{
    static const char *const texts[STORE_STATEMENT_COUNT] = {
#define X(name, sql) sql,
        STORE_STATEMENTS(X)
#undef X
    };
    sqlite3_stmt **kept = &store->statements[statement];
    if (*kept) {
        (void)sqlite3_reset(*kept); /* repeats the result of its last run, which was judged then */
        (void)sqlite3_clear_bindings(*kept);
        return *kept;
    }
    if (sqlite3_prepare_v3(store->database, texts[statement], -1, SQLITE_PREPARE_PERSISTENT, kept, NULL) != SQLITE_OK)
        *kept = NULL;
    return *kept;
}

int store_sqlite_run(struct store *store, sqlite3_stmt *statement)
{
    if (!statement)
        return sqlite3_extended_errcode(store->database);
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE || code == SQLITE_ROW)
        code = sqlite3_reset(statement);
    else
        (void)sqlite3_reset(statement);
    return code;
}

int store_sqlite_begin(struct store *store)
{
    return store_sqlite_run(store, store_sqlite_take(store, STORE_BEGIN));
}

int store_sqlite_commit(struct store *store)
{
    return store_sqlite_run(store, store_sqlite_take(store, STORE_COMMIT));
}

void store_sqlite_rollback(struct store *store)
{
    /* A statement that still stands at a row would keep its read lock. */
    for (int i = 0; i < STORE_STATEMENT_COUNT; i++) {
        if (store->statements[i])
            (void)sqlite3_reset(store->statements[i]);
    }
    /* SQLite rolls back by itself after some failures. */
    if (!sqlite3_get_autocommit(store->database) &&
        store_sqlite_run(store, store_sqlite_take(store, STORE_ROLLBACK)) != SQLITE_OK)
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

int store_sqlite_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    if (!text)
        return sqlite3_bind_null(statement, place);
    return sqlite3_bind_text64(statement, place, text, strlen(text), SQLITE_STATIC, SQLITE_UTF8);
}

int store_sqlite_bind_span(sqlite3_stmt *statement, int place, struct span text)
{
    /* An empty text must not become NULL. */
    return sqlite3_bind_text64(statement, place, text.size ? (const char *)text.data : "", text.size, SQLITE_STATIC,
                               SQLITE_UTF8);
}

int store_sqlite_bind_blob(sqlite3_stmt *statement, int place, struct span bytes)
{
    return sqlite3_bind_blob64(statement, place, bytes.size ? (const void *)bytes.data : "", bytes.size, SQLITE_STATIC);
}

enum status store_sqlite_copy(sqlite3_stmt *statement, int column, struct arena *arena, const char **ret_text)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        *ret_text = NULL;
        return STATUS_OK;
    }
    const unsigned char *text = sqlite3_column_text(statement, column);
    int size = sqlite3_column_bytes(statement, column);
    char *copy = text ? arena_copy(arena, span_of(text, (size_t)size)) : NULL;
    if (!copy)
        return STATUS_NO_MEMORY;
    *ret_text = copy;
    return STATUS_OK;
}

int store_sqlite_audit(struct store *store, int64_t now_ms, const char *who, const char *action, int64_t case_id,
                       const char *why, const char *detail)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_AUDIT_ADD);
    int code = sqlite3_bind_int64(statement, 1, now_ms);
    if (code == SQLITE_OK)
        code = store_sqlite_bind_text(statement, 2, who);
    if (code == SQLITE_OK)
        code = store_sqlite_bind_text(statement, 3, action);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 4, case_id);
    if (code == SQLITE_OK)
        code = store_sqlite_bind_text(statement, 5, why);
    if (code == SQLITE_OK)
        code = store_sqlite_bind_text(statement, 6, detail);
    return code == SQLITE_OK ? store_sqlite_run(store, statement) : code;
}

/*
 * Makes the database file with its mode before SQLite sees it: SQLite would let the umask decide, and gives its other
 * files the mode of this one.
 */
static enum status store_sqlite_prepare_file(const char *folder, const char *file, bool create, struct error *error)
{
    struct stat facts;
    if (!create) {
        if (stat(file, &facts) == 0)
            return STATUS_OK;
        int reason = errno;
        error_set(error, "no alerts in '%s': %s (say where they are with --data)", folder, strerror(reason));
        return reason == ENOENT || reason == ENOTDIR ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    }
    enum status status = store_folder_make(folder, error);
    if (status != STATUS_OK)
        return status;
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &facts) != 0 || ((facts.st_mode & 077) && fchmod(fd, 0600) != 0) ||
        ((facts.st_mode & 0600) != 0600 && fchmod(fd, 0600) != 0)) {
        error_set(error, "cannot open '%s' for its owner alone: %s", file, strerror(errno));
        status = STATUS_SYSTEM;
    }
    if (fd >= 0)
        close(fd);
    return status;
}

/* What needs nothing from the file, so that a file that is not ours stays as it is. */
static int store_sqlite_configure(struct store *store)
{
    sqlite3 *database = store->database;
    (void)sqlite3_extended_result_codes(database, 1);
    int code = sqlite3_busy_timeout(database, STORE_BUSY_TIMEOUT_MS);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(
            database,
            "PRAGMA trusted_schema = OFF;"
            "PRAGMA foreign_keys = ON;"
            "PRAGMA synchronous = FULL;"
            "PRAGMA temp_store = MEMORY;" /* texts never go to a file beside the store */
            "PRAGMA secure_delete = ON;"
            /* A group of messages with random ids touches hundreds of pages: room for a group in memory. */
            "PRAGMA cache_size = -16384;"
            /* 32 MiB of log: pages that many groups change are copied to the store once for all. */
            "PRAGMA wal_autocheckpoint = 8192;",
            NULL, NULL, NULL);
    return code;
}

static int store_sqlite_journal(sqlite3 *database, bool *ret_is_wal)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const unsigned char *mode = sqlite3_column_text(statement, 0);
        *ret_is_wal = mode && strcmp((const char *)mode, "wal") == 0;
        code = SQLITE_OK;
    }
    int closed = sqlite3_finalize(statement);
    return code != SQLITE_OK ? code : closed;
}

/* SQLite does not always wait when two processes switch at once, and may refuse without an error. */
static enum status store_sqlite_use_wal(struct store *store, const char *what, struct error *error)
{
    bool is_wal = false;
    int code = SQLITE_BUSY;
    for (int tries = 0; tries < 100 && (code & 0xff) == SQLITE_BUSY; tries++) {
        if (tries > 0)
            (void)sqlite3_sleep(20);
        code = store_sqlite_journal(store->database, &is_wal);
    }
    if (code != SQLITE_OK)
        return store_sqlite_failed(store, code, what, error);
    if (!is_wal) {
        error_set(error, "%s with a write-ahead log: keep the data folder on a local file system", what);
        return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

static void store_sqlite_close(struct store **store)
{
    if (!*store)
        return;
    for (int i = 0; i < STORE_STATEMENT_COUNT; i++)
        (void)sqlite3_finalize((*store)->statements[i]);
    (void)sqlite3_close_v2((*store)->database);
    arena_free(&(*store)->scratch);
    store_words_free(&(*store)->words);
    store_hits_free(&(*store)->hits);
    free((*store)->kinds);
    free(*store);
    *store = NULL;
}

/* Without a database yet. */
static struct store *store_sqlite_new(void)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store_hits_init(&store->hits);
    if (arena_new(STORE_SCRATCH_CHUNK, STORE_SCRATCH_MAX, &store->scratch) != STATUS_OK ||
        store_words_new(&store->words) != STATUS_OK)
        store_sqlite_close(&store);
    return store;
}

static enum status store_sqlite_open(const char *path, bool create, struct error *error, struct store **ret_store)
{
    char file[4096];
    if ((size_t)snprintf(file, sizeof file, "%s/alerts.db", path) >= sizeof file) {
        error_set(error, "the name of the data folder is too long");
        return STATUS_SYSTEM;
    }
    enum status status = store_sqlite_prepare_file(path, file, create, error);
    if (status != STATUS_OK)
        return status;
    struct store *store = store_sqlite_new();
    if (!store) {
        error_set(error, "cannot open the alert store: out of memory");
        return STATUS_NO_MEMORY;
    }
    char what[4200];
    snprintf(what, sizeof what, "cannot open '%s'", file);
    /* One thread at a time uses a handle, so SQLite need not lock it. */
    int code = sqlite3_open_v2(file, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = store_sqlite_configure(store);
    if (code != SQLITE_OK)
        status = store_sqlite_failed(store, code, what, error);
    if (status == STATUS_OK)
        status = store_sqlite_migrate(store->database, store_sqlite_migrations, store_sqlite_migration_count, error);
    if (status == STATUS_OK)
        status = store_sqlite_use_wal(store, what, error);
    if (status != STATUS_OK) {
        store_sqlite_close(&store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

const struct store_ops store_sqlite = {
    .name = "sqlite",
    .open = store_sqlite_open,
    .close = store_sqlite_close,
    .commit = store_sqlite_commit_verdicts,
    .list = store_sqlite_list,
    .get = store_sqlite_get,
    .read = store_sqlite_read,
    .claim = store_sqlite_claim,
    .decide = store_sqlite_decide,
    .tally = store_sqlite_tally,
    .rule_stats = store_sqlite_rule_stats,
    .samples = store_sqlite_samples,
};
