/*
 * The case store: a small table of operations with one file a back end (alerts/store_sqlite.c; PostgreSQL later).
 *
 * What is stored: hits, idempotent by (message id, rule id); flagged messages and the context a queue's policy allows;
 * cases by (conversation, queue); leases with fencing tokens; decisions; the audit record of every reading.
 *
 * A handle belongs to one thread. Several processes may have the same store open: `weir run` writes alerts while
 * `weir alerts` claims and decides.
 */
#ifndef ALERTS_STORE_H
#define ALERTS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/status.h"
#include "proto/verdict.h"

struct store;
struct store_tally;
struct store_sample;
struct store_rule_stats;

/*
 * Only one process may commit alerts into a folder. It takes this lock before it opens the store and keeps it until it
 * ends; reading, claiming and deciding need no lock. The folder is made if it is missing. The lock goes with the
 * process (and with children that it forked without exec). STATUS_CONFLICT: another process has it; STATUS_SYSTEM.
 * Words on failure.
 */
enum status store_lock(const char *path, struct error *error, int *ret_fd) MUST_USE;

/* Lets the lock go; accepts -1 inside, and sets it to -1. */
void store_unlock(int *fd);

enum decision { DECISION_NONE, DECISION_VIOLATION, DECISION_NO_VIOLATION, DECISION_UNSURE };
#define DECISION_COUNT 4
extern const char *const decision_names[DECISION_COUNT + 1]; /* "none", "violation", "no_violation", "unsure", NULL */

/* One hit with the queue that routing chose for it. */
struct store_hit {
    const struct verdict_hit *hit;
    const char *queue;
    int64_t service_level_ms; /* a new case's deadline is received_at_ms + this */
    uint32_t context_max;     /* how many of the verdict's context messages (the newest) may be stored with the case */
    bool *ret_new;            /* NULL, or where commit says if the hit was new; means something only on STATUS_OK */
};

struct store_verdict {
    const struct verdict *verdict;
    const struct store_hit *hits;
    uint32_t hit_count;
};

struct store_commit_result {
    uint32_t hits_new, hits_known; /* known: the same (message id, rule id) was stored before */
    uint32_t cases_opened;
    uint32_t cases_joined; /* how many times a message was flagged in a case that was open already */
};

/* What a case looks like in a list: no message text. Strings live in the arena given. */
struct store_case {
    int64_t id;
    const char *queue;
    const char *conversation_id;
    enum severity severity;
    int64_t opened_at_ms, updated_at_ms, deadline_ms;
    uint32_t message_count; /* flagged ones and context */
    uint32_t hit_count;
    const char *rules; /* ids, comma-separated, most severe first */
    enum decision decision;
    const char *decided_by;
    const char *note;
    int64_t decided_at_ms;
    const char *lease_holder; /* NULL: nobody, or expired */
    int64_t lease_until_ms;
    bool unscanned; /* holds something that could not be scanned */
};

struct store_case_message {
    int64_t id;                                               /* of this store: which hits are about this text */
    const char *message_id, *sender_id, *recipients, *locale; /* recipients: JSON list; attributes: JSON object */
    const char *attributes;
    struct span text;
    int64_t sent_at_ms, received_at_ms;
    bool flagged; /* false: context */
};

struct store_case_hit {
    int64_t message; /* id of its store_case_message */
    const char *message_id, *rule, *title, *generation, *reason;
    enum severity severity;
    enum outcome outcome;
    int64_t flagged_at_ms;
    struct verdict_span *spans;
    uint32_t span_count;
};

struct store_filter {
    const char *queue;   /* NULL: all */
    bool open_only;      /* not decided */
    bool unclaimed_only; /* no live lease */
    int severity_min;    /* enum severity; 0: all */
    uint32_t limit;      /* 0: all */
};

struct store_ops {
    const char *name;

    /* Opens or creates `path` (for SQLite a folder), migrates its schema. Words on failure. */
    enum status (*open)(const char *path, bool create, struct error *error, struct store **ret_store);
    void (*close)(struct store **store);

    /*
     * One transaction for all of it; when it returns STATUS_OK everything is on stable storage, otherwise nothing was
     * written. `now_ms` is Unix time.
     *
     * STATUS_INVALID and STATUS_LIMIT mean that something in these verdicts can never be stored, however often it is
     * tried; every other failure (STATUS_FULL: the disk; STATUS_TIMEOUT: locked by another process; STATUS_SYSTEM;
     * STATUS_NO_MEMORY) is of the environment and may pass.
     */
    enum status (*commit)(struct store *store, const struct store_verdict *verdicts, uint32_t count, int64_t now_ms,
                          struct error *error, struct store_commit_result *ret_result);

    /* Most urgent first: severity, then deadline. */
    enum status (*list)(struct store *store, const struct store_filter *filter, int64_t now_ms, struct arena *arena,
                        struct error *error, struct store_case **ret_cases, uint32_t *ret_count);
    enum status (*get)(struct store *store, int64_t case_id, int64_t now_ms, struct arena *arena, struct error *error,
                       struct store_case *ret_case);

    /*
     * The messages of a case in order and its hits. Writes who read it, when and why to the audit first, in the same
     * transaction: if that cannot be written, nothing is shown. STATUS_NOT_FOUND.
     */
    enum status (*read)(struct store *store, int64_t case_id, const char *reader, const char *purpose, int64_t now_ms,
                        struct arena *arena, struct error *error, struct store_case_message **ret_messages,
                        uint32_t *ret_message_count, struct store_case_hit **ret_hits, uint32_t *ret_hit_count);

    /*
     * Takes the most urgent open case without a live lease (case_id 0: of `queue`, or of any if NULL; otherwise that
     * case) and leases it until now_ms + lease_ms. The token is larger than every token given before for that case.
     * STATUS_NOT_FOUND: nothing to claim, or that case is decided; STATUS_CONFLICT: somebody else holds it; the same
     * holder claiming a case by its id again renews the lease and gets a new token. STATUS_INVALID: no holder, or no
     * time.
     */
    enum status (*claim)(struct store *store, int64_t case_id, const char *queue, const char *holder, int64_t now_ms,
                         int64_t lease_ms, struct arena *arena, struct error *error, struct store_case *ret_case,
                         int64_t *ret_token);

    /*
     * Decides a case. STATUS_CONFLICT if `token` is not the case's newest or the lease has run out: somebody else may
     * have it. The lease ends. DECISION_NONE gives the case back undecided. A decided case is never opened again: later
     * hits of its conversation open a new one. STATUS_NOT_FOUND; STATUS_INVALID: no decider.
     */
    enum status (*decide)(struct store *store, int64_t case_id, int64_t token, enum decision decision,
                          const char *decider, const char *note, int64_t now_ms, struct error *error);

    /*
     * Rules (alerts/store_rules.h). `tally` adds shadow hits, in one transaction, and keeps the newest `samples_max`
     * samples of each rule that it is given. Fails as commit does.
     */
    enum status (*tally)(struct store *store, const struct store_tally *tallies, uint32_t count, uint32_t samples_max,
                         struct error *error);

    /*
     * What is known of the rules whose id is `rule` or begins with `rule.` (NULL: all), by id; `generations`: each
     * generation apart, newest first.
     */
    enum status (*rule_stats)(struct store *store, const char *rule, bool generations, struct arena *arena,
                              struct error *error, struct store_rule_stats **ret_stats, uint32_t *ret_count);

    /*
     * The samples of one rule, newest first. With a `reader`, texts too, where they were kept; who read them, when and
     * why is recorded first, in the same transaction.
     */
    enum status (*samples)(struct store *store, const char *rule, const char *reader, const char *purpose,
                           int64_t now_ms, struct arena *arena, struct error *error, struct store_sample **ret_samples,
                           uint32_t *ret_count);
};

extern const struct store_ops store_sqlite;

#endif
