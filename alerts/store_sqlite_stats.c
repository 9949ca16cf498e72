/*
 * What is known of rules: hits, decisions, shadow hits. Hits are counted here and not in SQL, which would sort all of
 * them: rows of hits come by case, so that one look at each tells in how many cases a rule has hits.
 */
#include <stdlib.h>
#include <string.h>

/* Without memory an item is left out of its table, which its hh.tbl then shows. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "alerts/store_rules.h"
#include "alerts/store_sqlite.h"

/* One rule, or one rule in one generation. */
struct store_counted {
    struct store_counted *next; /* of the same rule; the one that was counted last comes first */
    struct store_rule_stats stats;
    int64_t last_case;
};

struct store_stats_rule {
    UT_hash_handle hh;
    const char *id;
    struct store_counted *counted;
};

struct store_generation {
    UT_hash_handle hh;
    const char *text;
};

struct store_stats_kind {
    struct store_stats_rule *rule; /* NULL: not asked for */
    bool unscanned;
};

/* Everything in the arena, but for the tables. */
struct store_counting {
    struct store *store;
    struct arena *arena;
    bool by_generation;
    struct store_stats_kind *kinds; /* by number */
    int64_t kind_count;
    struct store_stats_rule *rules;
    struct store_generation *generations;
    const struct store_generation *last; /* that was looked up */
    uint32_t count;                      /* of what is counted apart */
};

static int store_stats_rule(struct store_counting *counting, const char *id, struct store_stats_rule **ret_rule)
{
    struct store_stats_rule *rule = NULL;
    HASH_FIND_STR(counting->rules, id, rule);
    if (!rule) {
        rule = arena_array(counting->arena, 1, sizeof *rule);
        if (!rule || !(rule->id = arena_copy(counting->arena, span_text(id))))
            return SQLITE_NOMEM;
        HASH_ADD_KEYPTR(hh, counting->rules, rule->id, strlen(rule->id), rule);
        if (!rule->hh.tbl)
            return SQLITE_NOMEM;
    }
    *ret_rule = rule;
    return SQLITE_OK;
}

/* The same pointer for the same text; NULL for NULL, or where generations are not told apart. */
static int store_generation(struct store_counting *counting, const char *text, const char **ret_text)
{
    struct store_generation *generation = NULL;
    *ret_text = NULL;
    if (!counting->by_generation || !text)
        return SQLITE_OK;
    if (counting->last && strcmp(counting->last->text, text) == 0) {
        *ret_text = counting->last->text;
        return SQLITE_OK;
    }
    HASH_FIND_STR(counting->generations, text, generation);
    if (!generation) {
        generation = arena_array(counting->arena, 1, sizeof *generation);
        if (!generation || !(generation->text = arena_copy(counting->arena, span_text(text))))
            return SQLITE_NOMEM;
        HASH_ADD_KEYPTR(hh, counting->generations, generation->text, strlen(generation->text), generation);
        if (!generation->hh.tbl)
            return SQLITE_NOMEM;
    }
    counting->last = generation;
    *ret_text = generation->text;
    return SQLITE_OK;
}

/* Where a rule is counted in a generation. */
static struct store_counted *store_counted(struct store_counting *counting, struct store_stats_rule *rule,
                                           const char *generation)
{
    struct store_counted **link = &rule->counted;
    while (*link && (*link)->stats.generation != generation)
        link = &(*link)->next;
    struct store_counted *counted = *link;
    if (counted) {
        *link = counted->next;
    } else {
        counted = arena_array(counting->arena, 1, sizeof *counted);
        if (!counted)
            return NULL;
        counted->stats.rule = rule->id;
        counted->stats.generation = generation;
        counting->count++;
    }
    counted->next = rule->counted;
    rule->counted = counted;
    return counted;
}

/* The kinds of the rules that are asked for, by number. */
static int store_stats_kinds(struct store_counting *counting, const char *rule)
{
    sqlite3_stmt *most = store_sqlite_take(counting->store, STORE_STATS_KIND_MAX);
    if (sqlite3_step(most) != SQLITE_ROW)
        return sqlite3_reset(most);
    counting->kind_count = sqlite3_column_int64(most, 0) + 1;
    TRY(sqlite3_reset(most));
    counting->kinds = arena_array(counting->arena, (size_t)counting->kind_count, sizeof *counting->kinds);
    if (!counting->kinds)
        return SQLITE_NOMEM;
    sqlite3_stmt *statement = store_sqlite_take(counting->store, STORE_STATS_KINDS);
    TRY(store_sqlite_bind_text(statement, 1, rule));
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_stats_kind *kind = &counting->kinds[sqlite3_column_int64(statement, 0)];
        const char *id = (const char *)sqlite3_column_text(statement, 1);
        if (!id)
            return SQLITE_NOMEM;
        TRY(store_stats_rule(counting, id, &kind->rule));
        kind->unscanned = sqlite3_column_int(statement, 2) != 0;
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int store_count_hit(struct store_counting *counting, const struct store_stats_kind *kind, int64_t case_id,
                           enum decision decision, const char *generation, int64_t at_ms)
{
    struct store_counted *counted = store_counted(counting, kind->rule, generation);
    if (!counted)
        return SQLITE_NOMEM;
    struct store_rule_stats *stats = &counted->stats;
    if (at_ms > stats->last_at_ms)
        stats->last_at_ms = at_ms;
    if (kind->unscanned) {
        stats->unscanned++;
        return SQLITE_OK;
    }
    stats->hits++;
    if (counted->last_case == case_id)
        return SQLITE_OK;
    counted->last_case = case_id;
    stats->cases++;
    uint64_t *const decided[DECISION_COUNT] = {&stats->open, &stats->violation, &stats->no_violation, &stats->unsure};
    if (decision >= DECISION_NONE && decision < DECISION_COUNT)
        ++*decided[decision];
    return SQLITE_OK;
}

static int store_count_hits(struct store_counting *counting)
{
    sqlite3_stmt *row = store_sqlite_take(counting->store, STORE_STATS_HITS);
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t case_id = sqlite3_column_int64(row, 0), at_ms = sqlite3_column_int64(row, 3), number = 0;
        enum decision decision = (enum decision)sqlite3_column_int(row, 1);
        const char *generation = NULL, *kinds = (const char *)sqlite3_column_text(row, 4);
        if (!kinds)
            return SQLITE_NOMEM;
        struct store_hits_reader list = {kinds, kinds + sqlite3_column_bytes(row, 4)};
        TRY(store_generation(counting, (const char *)sqlite3_column_text(row, 2), &generation));
        if (!store_hits_enter(&list))
            return SQLITE_CORRUPT;
        while (store_hits_number(&list, &number)) {
            if (number >= counting->kind_count)
                return SQLITE_CORRUPT;
            const struct store_stats_kind *kind = &counting->kinds[number];
            if (kind->rule)
                TRY(store_count_hit(counting, kind, case_id, decision, generation, at_ms));
        }
        if (!store_hits_leave(&list))
            return SQLITE_CORRUPT;
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static uint64_t store_column_count(sqlite3_stmt *row, int column)
{
    int64_t value = sqlite3_column_int64(row, column);
    return value > 0 ? (uint64_t)value : 0;
}

/* What was counted of shadow rules, and what was decided about the messages they hit. */
static int store_count_shadow(struct store_counting *counting, const char *only)
{
    sqlite3_stmt *row = store_sqlite_take(counting->store, counting->by_generation ? STORE_STATS_SHADOW_BY_GENERATION
                                                                                   : STORE_STATS_SHADOW);
    TRY(store_sqlite_bind_text(row, 1, only));
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        const char *id = (const char *)sqlite3_column_text(row, 0), *generation = NULL;
        struct store_stats_rule *rule = NULL;
        if (!id)
            return SQLITE_NOMEM;
        TRY(store_stats_rule(counting, id, &rule));
        TRY(store_generation(counting, (const char *)sqlite3_column_text(row, 1), &generation));
        struct store_counted *counted = store_counted(counting, rule, generation);
        if (!counted)
            return SQLITE_NOMEM;
        counted->stats.shadow_hits = store_column_count(row, 2);
        counted->stats.demoted_hits = store_column_count(row, 3);
        counted->stats.shadow_violation = store_column_count(row, 4);
        counted->stats.shadow_no_violation = store_column_count(row, 5);
        int64_t at_ms = sqlite3_column_int64(row, 6);
        if (at_ms > counted->stats.last_at_ms)
            counted->stats.last_at_ms = at_ms;
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* By rule, then the newest first. */
static int store_stats_compare(const void *left, const void *right)
{
    const struct store_rule_stats *a = left, *b = right;
    int order = strcmp(a->rule, b->rule);
    if (order == 0 && a->last_at_ms != b->last_at_ms)
        order = a->last_at_ms > b->last_at_ms ? -1 : 1;
    if (order == 0)
        order = strcmp(a->generation ? a->generation : "", b->generation ? b->generation : "");
    return order;
}

static int store_count_all(struct store_counting *counting, const char *rule, struct store_rule_stats **ret_stats)
{
    uint32_t done = 0;
    TRY(store_sqlite_run(counting->store, store_sqlite_take(counting->store, STORE_SNAPSHOT)));
    TRY(store_stats_kinds(counting, rule));
    TRY(store_count_hits(counting));
    TRY(store_count_shadow(counting, rule));
    struct store_rule_stats *stats = arena_array(counting->arena, (size_t)counting->count + 1, sizeof *stats);
    if (!stats)
        return SQLITE_NOMEM;
    for (const struct store_stats_rule *item = counting->rules; item; item = item->hh.next) {
        for (const struct store_counted *counted = item->counted; counted; counted = counted->next)
            stats[done++] = counted->stats;
    }
    qsort(stats, done, sizeof *stats, store_stats_compare);
    *ret_stats = stats;
    return SQLITE_OK;
}

enum status store_sqlite_rule_stats(struct store *store, const char *rule, bool generations, struct arena *arena,
                                    struct error *error, struct store_rule_stats **ret_stats, uint32_t *ret_count)
{
    struct store_counting counting = {.store = store, .arena = arena, .by_generation = generations};
    struct store_rule_stats *stats = NULL;
    enum status status = STATUS_OK;
    int code = store_count_all(&counting, rule, &stats);
    HASH_CLEAR(hh, counting.rules);
    HASH_CLEAR(hh, counting.generations);
    if (code != SQLITE_OK)
        status = store_sqlite_failed(store, code, "cannot read what is known of the rules", error);
    store_sqlite_rollback(store); /* ends the snapshot */
    if (status == STATUS_OK) {
        *ret_stats = stats;
        *ret_count = counting.count;
    }
    return status;
}
