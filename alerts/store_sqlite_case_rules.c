/*
 * Which rules have hits in a case. A case may have a great many hits, so they are gathered here and not in SQL, which
 * would make a row of each.
 */
#include <stdlib.h>
#include <string.h>

#include "alerts/store_sqlite.h"
#include "base/buffer.h"

#define STORE_KIND_NUMBER_MAX (1 << 28) /* no dictionary is as large: a larger number is damage */
#define STORE_RULES_TEXT_MAX ((size_t)64 << 20)

/* Kinds, each once: a bit each, by number. */
struct store_kind_set {
    struct buffer bits;
    uint32_t count;
};

static int store_kind_set_add(struct store_kind_set *set, int64_t kind)
{
    if (kind >= STORE_KIND_NUMBER_MAX)
        return SQLITE_CORRUPT;
    size_t byte = (size_t)kind / 8;
    if (byte >= set->bits.size) {
        size_t more = byte + 1 - set->bits.size;
        if (buffer_reserve(&set->bits, more) != STATUS_OK)
            return SQLITE_NOMEM;
        memset(set->bits.data + set->bits.size, 0, more);
        set->bits.size += more;
    }
    uint8_t bit = (uint8_t)(1u << (kind % 8));
    set->count += !(set->bits.data[byte] & bit);
    set->bits.data[byte] |= bit;
    return SQLITE_OK;
}

static int store_gather_kinds(struct store *store, int64_t case_id, struct store_kind_set *set)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_CASE_KINDS);
    TRY(sqlite3_bind_int64(statement, 1, case_id));
    int code = SQLITE_OK;
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *kinds = (const char *)sqlite3_column_text(statement, 0);
        code = kinds ? SQLITE_OK : SQLITE_NOMEM;
        struct store_hits_reader list = {kinds, kinds ? kinds + sqlite3_column_bytes(statement, 0) : NULL};
        int64_t kind = 0;
        if (kinds && !store_hits_enter(&list))
            code = SQLITE_CORRUPT;
        while (code == SQLITE_OK && store_hits_number(&list, &kind))
            code = store_kind_set_add(set, kind);
        if (code == SQLITE_OK && !store_hits_leave(&list))
            code = SQLITE_CORRUPT;
    }
    (void)sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

struct store_case_rule {
    const char *id;
    int severity;
};

/* The most severe of one rule comes first. */
static int store_compare_ids(const void *left, const void *right)
{
    const struct store_case_rule *a = left, *b = right;
    int order = strcmp(a->id, b->id);
    return order != 0 ? order : b->severity - a->severity;
}

static int store_compare_severities(const void *left, const void *right)
{
    const struct store_case_rule *a = left, *b = right;
    return a->severity != b->severity ? b->severity - a->severity : strcmp(a->id, b->id);
}

/* The rule of a kind, in the store's scratch memory. */
static int store_kind_rule(struct store *store, int64_t kind, struct store_case_rule *ret_rule)
{
    sqlite3_stmt *statement = store_sqlite_take(store, STORE_KIND_GET);
    TRY(sqlite3_bind_int64(statement, 1, kind));
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        ret_rule->severity = sqlite3_column_int(statement, 3);
        code = store_sqlite_copy(statement, 0, store->scratch, &ret_rule->id) == STATUS_OK ? SQLITE_OK : SQLITE_NOMEM;
    } else if (code == SQLITE_DONE) {
        code = SQLITE_CORRUPT;
    }
    (void)sqlite3_reset(statement);
    return code;
}

/* Writes the rules of the kinds; `rules` has room for all of them. */
static int store_join_rules(struct store *store, const struct store_kind_set *set, struct store_case_rule *rules,
                            struct buffer *out)
{
    uint32_t count = 0, kept = 0;
    for (size_t byte = 0; byte < set->bits.size; byte++) {
        for (unsigned bits = set->bits.data[byte]; bits != 0; bits &= bits - 1)
            TRY(store_kind_rule(store, (int64_t)byte * 8 + __builtin_ctz(bits), &rules[count++]));
    }
    qsort(rules, count, sizeof *rules, store_compare_ids);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(rules[kept - 1].id, rules[i].id) != 0)
            rules[kept++] = rules[i];
    }
    qsort(rules, kept, sizeof *rules, store_compare_severities);
    for (uint32_t i = 0; i < kept; i++) {
        if ((i > 0 && buffer_append_byte(out, ',') != STATUS_OK) || buffer_append_text(out, rules[i].id) != STATUS_OK)
            return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

int store_sqlite_case_rules(struct store *store, int64_t case_id, struct arena *arena, const char **ret_rules)
{
    struct store_kind_set set = {.bits = BUFFER_INIT(STORE_KIND_NUMBER_MAX / 8)};
    struct buffer text = BUFFER_INIT(STORE_RULES_TEXT_MAX);
    struct store_case_rule *rules = NULL;
    char *copy = NULL;
    arena_reset(store->scratch);
    int code = store_gather_kinds(store, case_id, &set);
    if (code == SQLITE_OK) {
        rules = calloc((size_t)set.count + 1, sizeof *rules);
        code = rules ? store_join_rules(store, &set, rules, &text) : SQLITE_NOMEM;
    }
    if (code == SQLITE_OK) {
        copy = arena_copy(arena, buffer_span(&text));
        code = copy ? SQLITE_OK : SQLITE_NOMEM;
    }
    buffer_free(&set.bits);
    buffer_free(&text);
    free(rules);
    if (code == SQLITE_OK)
        *ret_rules = copy;
    return code;
}
