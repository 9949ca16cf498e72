/*
 * The schema of the SQLite store, as a list of migrations: number n brings a database from version n - 1 to n. Each
 * runs in one transaction with the change of PRAGMA user_version. Private to alerts/store_sqlite*.c and their tests.
 *
 * A migration that was released is never changed: what is to be different comes as a new one at the end.
 */
#ifndef ALERTS_STORE_SQLITE_SCHEMA_H
#define ALERTS_STORE_SQLITE_SCHEMA_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"

#define STORE_SQLITE_APPLICATION_ID 0x57454952 /* "WEIR" */

extern const char *const store_sqlite_migrations[];
extern const uint32_t store_sqlite_migration_count;

/*
 * Brings the database to version `count`. STATUS_UNSUPPORTED: it is newer than that, or not Weir's; STATUS_SYSTEM or
 * another status of the environment otherwise. Words on failure. Safe when several processes do it at once.
 */
enum status store_sqlite_migrate(sqlite3 *database, const char *const *migrations, uint32_t count,
                                 struct error *error) MUST_USE;

#endif
