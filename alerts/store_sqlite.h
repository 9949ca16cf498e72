/*
 * What the files of the SQLite store share. Private to alerts/store_sqlite*.c and their tests.
 *
 * A transaction goes store_sqlite_begin, statements, store_sqlite_commit; on any failure store_sqlite_rollback, which
 * is harmless outside a transaction. Statements are prepared once and kept; store_sqlite_take resets one for use.
 */
#ifndef ALERTS_STORE_SQLITE_H
#define ALERTS_STORE_SQLITE_H

#include <sqlite3.h>

#include "alerts/store.h"
#include "alerts/store_sqlite_hits.h"
#include "alerts/store_sqlite_words.h"

/* X(name, sql) */
#define STORE_STATEMENTS(X)                                                                                            \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    /* the rules that are stored for a message id, whatever its text was then */                                       \
    X(HITS_KNOWN, "SELECT DISTINCT d.rule FROM messages m JOIN case_messages c ON c.message = m.id "                   \
                  "JOIN message_hits h ON h.case_id = c.case_id AND h.message = m.id JOIN json_each(h.kinds) k "       \
                  "JOIN hit_kinds d ON d.id = k.value WHERE m.message_id = ?1")                                        \
    X(HITS_ADD, "INSERT INTO message_hits (case_id, message, generation, flagged_at_ms, hit_count, kinds, spans) "     \
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                                                 \
    X(KIND_FIND, "SELECT id FROM hit_kinds WHERE rule = ?1 AND title IS ?2 AND reason IS ?3 AND severity = ?4 "        \
                 "AND outcome = ?5")                                                                                   \
    X(KIND_ADD, "INSERT INTO hit_kinds (rule, title, reason, severity, outcome) VALUES (?1, ?2, ?3, ?4, ?5)")          \
    X(PLACE_FIND, "SELECT id FROM hit_places WHERE pattern = ?1 AND view = ?2")                                        \
    X(PLACE_ADD, "INSERT INTO hit_places (pattern, view) VALUES (?1, ?2)")                                             \
    X(CASE_OPEN, "SELECT id, severity, updated_at_ms, deadline_ms, unscanned FROM cases "                              \
                 "WHERE conversation_id = ?1 AND queue = ?2 AND decision = 0")                                         \
    X(CASE_ADD, "INSERT INTO cases (queue, conversation_id, severity, opened_at_ms, updated_at_ms, deadline_ms, "      \
                "unscanned) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)")                                                      \
    X(CASE_RAISE, "UPDATE cases SET severity = ?2, updated_at_ms = ?3, deadline_ms = ?4, unscanned = ?5 "              \
                  "WHERE id = ?1")                                                                                     \
    X(CASE_TOUCH, "UPDATE cases SET updated_at_ms = ?2 WHERE id = ?1")                                                 \
    X(MESSAGE_FIND, "SELECT id, complete, conversation_id = ?2 AND text = ?3 FROM messages WHERE message_id = ?1")     \
    X(MESSAGE_ADD, "INSERT INTO messages (message_id, conversation_id, sender_id, text, sent_at_ms, received_at_ms, "  \
                   "complete, recipients, locale, attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")       \
    X(MESSAGE_COMPLETE, "UPDATE messages SET complete = 1, recipients = ?2, locale = ?3, attributes = ?4 "             \
                        "WHERE id = ?1")                                                                               \
    X(CASE_FLAG, "INSERT INTO case_messages (case_id, message, flagged) VALUES (?1, ?2, 1) "                           \
                 "ON CONFLICT (case_id, message) DO UPDATE SET flagged = 1 WHERE flagged = 0")                         \
    X(CASE_CONTEXT, "INSERT INTO case_messages (case_id, message, flagged) VALUES (?1, ?2, 0) "                        \
                    "ON CONFLICT (case_id, message) DO NOTHING")                                                       \
    /* chosen first, so that what is counted is counted only for those that are shown */                               \
    X(CASE_LIST, STORE_CASE_COLUMNS "(SELECT * FROM cases WHERE (?1 IS NULL OR queue = ?1) "                           \
                                    "AND (?2 = 0 OR decision = 0) AND (?3 = 0 OR lease_until_ms <= ?4) "               \
                                    "AND severity >= ?5 ORDER BY severity DESC, deadline_ms, id LIMIT ?6) AS cases "   \
                                    "ORDER BY severity DESC, deadline_ms, id")                                         \
    X(CASE_GET, STORE_CASE_COLUMNS "cases WHERE id = ?1")                                                              \
    X(CASE_URGENT, "SELECT id FROM cases WHERE decision = 0 AND lease_until_ms <= ?1 AND (?2 IS NULL OR queue = ?2) "  \
                   "ORDER BY severity DESC, deadline_ms, id LIMIT 1")                                                  \
    X(CASE_LEASE, "SELECT decision, lease_holder, lease_until_ms, lease_token FROM cases WHERE id = ?1")               \
    X(CASE_CLAIM, "UPDATE cases SET lease_holder = ?2, lease_until_ms = ?3, lease_token = lease_token + 1 "            \
                  "WHERE id = ?1 RETURNING lease_token")                                                               \
    X(CASE_DECIDE, "UPDATE cases SET decision = ?2, decided_by = ?3, note = ?4, decided_at_ms = ?5, "                  \
                   "updated_at_ms = max(updated_at_ms, ?5), lease_holder = NULL, lease_until_ms = 0 WHERE id = ?1")    \
    X(CASE_GIVE_BACK, "UPDATE cases SET lease_holder = NULL, lease_until_ms = 0 WHERE id = ?1")                        \
    X(CASE_MESSAGES, "SELECT m.message_id, m.sender_id, m.recipients, m.locale, m.attributes, m.text, m.sent_at_ms, "  \
                     "m.received_at_ms, c.flagged, m.id FROM case_messages c JOIN messages m ON m.id = c.message "     \
                     "WHERE c.case_id = ?1 ORDER BY m.received_at_ms, m.sent_at_ms, m.id")                             \
    X(CASE_HITS, "SELECT m.message_id, h.message, h.generation, h.flagged_at_ms, h.hit_count, h.kinds, h.spans "       \
                 "FROM message_hits h JOIN messages m ON m.id = h.message WHERE h.case_id = ?1 ORDER BY h.id")         \
    X(CASE_KINDS, "SELECT kinds FROM message_hits WHERE case_id = ?1")                                                 \
    X(KIND_GET, "SELECT rule, title, reason, severity, outcome FROM hit_kinds WHERE id = ?1")                          \
    X(PLACE_GET, "SELECT pattern, view FROM hit_places WHERE id = ?1")                                                 \
    X(SHADOW_ADD, "INSERT INTO rule_shadow (rule, generation, shadow_hits, demoted_hits, last_at_ms) "                 \
                  "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (rule, generation) DO UPDATE SET "                          \
                  "shadow_hits = shadow_hits + excluded.shadow_hits, "                                                 \
                  "demoted_hits = demoted_hits + excluded.demoted_hits, "                                              \
                  "last_at_ms = max(last_at_ms, excluded.last_at_ms)")                                                 \
    X(SHADOW_OLDEST, "SELECT generation, shadow_hits, demoted_hits, last_at_ms, (SELECT count(*) FROM rule_shadow "    \
                     "WHERE rule = ?1 AND generation <> '') FROM rule_shadow WHERE rule = ?1 AND generation <> '' "    \
                     "ORDER BY last_at_ms, generation LIMIT 1")                                                        \
    X(SHADOW_REMOVE, "DELETE FROM rule_shadow WHERE rule = ?1 AND generation = ?2")                                    \
    X(SAMPLE_ADD, "INSERT INTO rule_samples (rule, generation, message_id, conversation_id, at_ms, text) "             \
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (rule, message_id) DO NOTHING")                         \
    X(SAMPLE_PRUNE, "DELETE FROM rule_samples WHERE rule = ?1 AND id <= (SELECT id FROM rule_samples "                 \
                    "WHERE rule = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)")                                             \
    X(SAMPLE_LIST, "SELECT generation, message_id, conversation_id, at_ms, text FROM rule_samples WHERE rule = ?1 "    \
                   "ORDER BY id DESC")                                                                                 \
    X(SAMPLE_AUDIT, "INSERT INTO sample_audit (at_ms, who, rule, why) VALUES (?1, ?2, ?3, ?4)")                        \
    X(SNAPSHOT, "BEGIN")                                                                                               \
    X(STATS_KIND_MAX, "SELECT coalesce(max(id), 0) FROM hit_kinds")                                                    \
    X(STATS_KINDS, "SELECT id, rule, outcome FROM hit_kinds WHERE " STORE_RULE_CHOSEN)                                 \
    X(STATS_HITS, "SELECT h.case_id, c.decision, h.generation, h.flagged_at_ms, h.kinds FROM message_hits h "          \
                  "JOIN cases c ON c.id = h.case_id ORDER BY h.case_id")                                               \
    X(STATS_SHADOW, STORE_STATS_OF_SHADOW("NULL"))                                                                     \
    X(STATS_SHADOW_BY_GENERATION, STORE_STATS_OF_SHADOW("generation"))                                                 \
    X(AUDIT_ADD, "INSERT INTO audit (at_ms, who, action, case_id, why, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")

#define STORE_CASE_COLUMNS                                                                                             \
    "SELECT id, queue, conversation_id, severity, opened_at_ms, updated_at_ms, deadline_ms, decision, decided_by, "    \
    "note, decided_at_ms, lease_holder, lease_until_ms, unscanned, "                                                   \
    "(SELECT count(*) FROM case_messages m WHERE m.case_id = cases.id), "                                              \
    "(SELECT coalesce(sum(h.hit_count), 0) FROM message_hits h WHERE h.case_id = cases.id) FROM "

#define STORE_RULE_CHOSEN "(?1 IS NULL OR rule = ?1 OR substr(rule, 1, length(?1) + 1) = ?1 || '.')"

/*
 * Of shadow rules, one row a rule, or a rule and generation (`by` "generation"). A message that they hit counts with
 * what was decided about it, if any case of it was decided; a message in several decided cases is a violation if one of
 * them was.
 */
#define STORE_STATS_OF_SHADOW(by)                                                                                      \
    "WITH "                                                                                                            \
    "judged AS (SELECT s.rule, " by " AS generation, min(c.decision) AS decision FROM rule_samples s "                 \
    "JOIN messages m ON m.message_id = s.message_id AND m.conversation_id = s.conversation_id "                        \
    "JOIN case_messages f ON f.message = m.id AND f.flagged = 1 "                                                      \
    "JOIN cases c ON c.id = f.case_id AND c.decision IN (1, 2) GROUP BY 1, 2, s.message_id), "                         \
    "parts (rule, generation, shadow, demoted, s1, s2, last_at_ms) AS ("                                               \
    "SELECT rule, " by " AS generation, sum(shadow_hits), sum(demoted_hits), 0, 0, max(last_at_ms) FROM rule_shadow "  \
    "GROUP BY 1, 2 "                                                                                                   \
    "UNION ALL SELECT rule, generation, 0, 0, sum(decision = 1), sum(decision = 2), 0 FROM judged GROUP BY 1, 2) "     \
    "SELECT rule, generation, sum(shadow), sum(demoted), sum(s1), sum(s2), max(last_at_ms) FROM parts "                \
    "WHERE " STORE_RULE_CHOSEN " GROUP BY 1, 2"

/* For functions that return an SQLite result. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        int try_code = (call);                                                                                         \
        if (try_code != SQLITE_OK)                                                                                     \
            return try_code;                                                                                           \
    } while (0)

enum store_statement {
#define X(name, sql) STORE_##name,
    STORE_STATEMENTS(X)
#undef X
        STORE_STATEMENT_COUNT
};

struct store {
    sqlite3 *database;
    sqlite3_stmt *statements[STORE_STATEMENT_COUNT];
    struct arena *scratch;     /* of one verdict: decoded recipients and attributes */
    struct store_words *words; /* what hits say again and again */
    /* of one verdict on its way into the store */
    struct store_hits_text hits;
    int64_t *kinds; /* of its hits */
    uint32_t kinds_capacity;
};

/* What an SQLite result means; the words begin with `what`, e.g. "cannot store alerts". Never holds stored text. */
enum status store_sqlite_failed(struct store *store, int code, const char *what, struct error *error) MUST_USE;

/* The statement, prepared, reset and without bindings; NULL if it cannot be prepared (then ask store_sqlite_failed). */
sqlite3_stmt *store_sqlite_take(struct store *store, enum store_statement statement) MUST_USE;

/* Runs a statement that gives no rows (or at most one that is not wanted), then resets it. An SQLite result. */
int store_sqlite_run(struct store *store, sqlite3_stmt *statement) MUST_USE;

int store_sqlite_begin(struct store *store) MUST_USE;
int store_sqlite_commit(struct store *store) MUST_USE;
void store_sqlite_rollback(struct store *store);

/* Binds; `text` NULL is NULL. What is bound must stay until the statement was run. */
int store_sqlite_bind_text(sqlite3_stmt *statement, int place, const char *text) MUST_USE;
int store_sqlite_bind_span(sqlite3_stmt *statement, int place, struct span text) MUST_USE;
int store_sqlite_bind_blob(sqlite3_stmt *statement, int place, struct span bytes) MUST_USE;

/* A column copied into the arena: STATUS_NO_MEMORY if it does not fit. A NULL column gives NULL. */
enum status store_sqlite_copy(sqlite3_stmt *statement, int column, struct arena *arena, const char **ret_text) MUST_USE;

/* One row of the audit. An SQLite result. */
int store_sqlite_audit(struct store *store, int64_t now_ms, const char *who, const char *action, int64_t case_id,
                       const char *why, const char *detail) MUST_USE;

/* The ids of the rules that have hits in a case, comma-separated, most severe first. An SQLite result. */
int store_sqlite_case_rules(struct store *store, int64_t case_id, struct arena *arena, const char **ret_rules) MUST_USE;

/* The operations, one file each group. */
enum status store_sqlite_commit_verdicts(struct store *store, const struct store_verdict *verdicts, uint32_t count,
                                         int64_t now_ms, struct error *error,
                                         struct store_commit_result *ret_result) MUST_USE;
enum status store_sqlite_list(struct store *store, const struct store_filter *filter, int64_t now_ms,
                              struct arena *arena, struct error *error, struct store_case **ret_cases,
                              uint32_t *ret_count) MUST_USE;
enum status store_sqlite_get(struct store *store, int64_t case_id, int64_t now_ms, struct arena *arena,
                             struct error *error, struct store_case *ret_case) MUST_USE;
enum status store_sqlite_read(struct store *store, int64_t case_id, const char *reader, const char *purpose,
                              int64_t now_ms, struct arena *arena, struct error *error,
                              struct store_case_message **ret_messages, uint32_t *ret_message_count,
                              struct store_case_hit **ret_hits, uint32_t *ret_hit_count) MUST_USE;
enum status store_sqlite_claim(struct store *store, int64_t case_id, const char *queue, const char *holder,
                               int64_t now_ms, int64_t lease_ms, struct arena *arena, struct error *error,
                               struct store_case *ret_case, int64_t *ret_token) MUST_USE;
enum status store_sqlite_decide(struct store *store, int64_t case_id, int64_t token, enum decision decision,
                                const char *decider, const char *note, int64_t now_ms, struct error *error) MUST_USE;
enum status store_sqlite_tally(struct store *store, const struct store_tally *tallies, uint32_t count,
                               uint32_t samples_max, struct error *error) MUST_USE;
enum status store_sqlite_rule_stats(struct store *store, const char *rule, bool generations, struct arena *arena,
                                    struct error *error, struct store_rule_stats **ret_stats,
                                    uint32_t *ret_count) MUST_USE;
enum status store_sqlite_samples(struct store *store, const char *rule, const char *reader, const char *purpose,
                                 int64_t now_ms, struct arena *arena, struct error *error,
                                 struct store_sample **ret_samples, uint32_t *ret_count) MUST_USE;

#endif
