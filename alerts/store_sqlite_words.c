#include "alerts/store_sqlite_words.h"

#include <stdlib.h>
#include <string.h>

/* Without memory an item is left out of its table, which its hh.tbl then shows. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "alerts/store_sqlite.h"
#include "base/arena.h"
#include "base/buffer.h"

#define STORE_WORDS_CHUNK (64u << 10)
#define STORE_WORDS_ARENA_MAX ((size_t)1 << 30) /* a message with a hit of every rule must fit, over SIZE_MAX or not */

struct store_kind {
    struct store_kind *next; /* of the same rule: nearly always the only one */
    int64_t id;
    const char *title, *reason; /* may be NULL */
    enum severity severity;
    enum outcome outcome;
};

struct store_word {
    UT_hash_handle hh;
    uint64_t message; /* the number of the last message that had it */
    struct store_kind *kinds;
    char id[];
};

struct store_place {
    UT_hash_handle hh;
    int64_t id;
    size_t size; /* of the key */
    char key[];  /* the pattern and the view, each with its NUL */
};

struct store_words {
    struct arena *arena;
    size_t used; /* bytes of the arena */
    struct store_word *rules;
    struct store_place *places;
    const struct store_place *last; /* that was looked up: spans of one pattern come together */
    struct buffer key;              /* of a place that is looked up */
    uint64_t message;               /* the number of the message that is written */
};

enum status store_words_new(struct store_words **ret_words)
{
    struct store_words *words = calloc(1, sizeof *words);
    if (!words || arena_new(STORE_WORDS_CHUNK, STORE_WORDS_ARENA_MAX, &words->arena) != STATUS_OK) {
        free(words);
        return STATUS_NO_MEMORY;
    }
    words->key = BUFFER_INIT(STORE_WORDS_ARENA_MAX);
    *ret_words = words;
    return STATUS_OK;
}

void store_words_forget(struct store_words *words)
{
    HASH_CLEAR(hh, words->rules);
    HASH_CLEAR(hh, words->places);
    words->last = NULL;
    words->used = 0;
    arena_reset(words->arena);
}

void store_words_free(struct store_words **words)
{
    if (!*words)
        return;
    store_words_forget(*words);
    arena_free(&(*words)->arena);
    buffer_free(&(*words)->key);
    free(*words);
    *words = NULL;
}

/* Zeroed. */
static void *store_words_take(struct store_words *words, size_t size)
{
    words->used += size;
    return arena_array(words->arena, 1, size);
}

static char *store_words_copy(struct store_words *words, const char *text)
{
    struct span bytes = span_text(text);
    words->used += bytes.size + 1;
    return arena_copy(words->arena, bytes);
}

int store_words_rule(struct store *store, const char *id, struct store_word **ret_rule)
{
    struct store_words *words = store->words;
    if (!id || !*id)
        return SQLITE_CONSTRAINT;
    size_t size = strlen(id);
    struct store_word *rule = NULL;
    HASH_FIND(hh, words->rules, id, size, rule);
    if (!rule) {
        rule = store_words_take(words, sizeof *rule + size + 1);
        if (!rule)
            return SQLITE_NOMEM;
        memcpy(rule->id, id, size + 1);
        HASH_ADD_KEYPTR(hh, words->rules, rule->id, size, rule);
        if (!rule->hh.tbl)
            return SQLITE_NOMEM;
    }
    *ret_rule = rule;
    return SQLITE_OK;
}

void store_words_begin_message(struct store_words *words)
{
    if (words->used > STORE_WORDS_SIZE_MAX)
        store_words_forget(words);
    words->message++;
}

bool store_words_is_new(struct store_words *words, struct store_word *rule)
{
    bool is_new = rule->message != words->message;
    rule->message = words->message;
    return is_new;
}

static bool store_words_same(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

/* The row that a look-up finds, or the one that `add` makes; both take the same bindings. */
static int store_words_row(struct store *store, enum store_statement find, enum store_statement add,
                           int (*bind)(sqlite3_stmt *statement, const void *what), const void *what, int64_t *ret_row)
{
    sqlite3_stmt *statement = store_sqlite_take(store, find);
    TRY(bind(statement, what));
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *ret_row = sqlite3_column_int64(statement, 0);
        return sqlite3_reset(statement);
    }
    int closed = sqlite3_reset(statement);
    if (code != SQLITE_DONE)
        return closed;
    statement = store_sqlite_take(store, add);
    TRY(bind(statement, what));
    TRY(store_sqlite_run(store, statement));
    *ret_row = sqlite3_last_insert_rowid(store->database);
    return SQLITE_OK;
}

static int store_kind_bind(sqlite3_stmt *statement, const void *what)
{
    const struct verdict_hit *hit = what;
    TRY(store_sqlite_bind_text(statement, 1, hit->rule));
    TRY(store_sqlite_bind_text(statement, 2, hit->title));
    TRY(store_sqlite_bind_text(statement, 3, hit->reason));
    TRY(sqlite3_bind_int64(statement, 4, hit->severity));
    return sqlite3_bind_int64(statement, 5, hit->outcome);
}

int store_words_kind(struct store *store, struct store_word *rule, const struct verdict_hit *hit, int64_t *ret_kind)
{
    struct store_words *words = store->words;
    for (const struct store_kind *kind = rule->kinds; kind; kind = kind->next) {
        if (kind->severity == hit->severity && kind->outcome == hit->outcome &&
            store_words_same(kind->title, hit->title) && store_words_same(kind->reason, hit->reason)) {
            *ret_kind = kind->id;
            return SQLITE_OK;
        }
    }
    int64_t row = 0;
    TRY(store_words_row(store, STORE_KIND_FIND, STORE_KIND_ADD, store_kind_bind, hit, &row));
    struct store_kind *kind = store_words_take(words, sizeof *kind);
    if (!kind)
        return SQLITE_NOMEM;
    kind->id = row;
    kind->severity = hit->severity;
    kind->outcome = hit->outcome;
    kind->title = hit->title ? store_words_copy(words, hit->title) : NULL;
    kind->reason = hit->reason ? store_words_copy(words, hit->reason) : NULL;
    if ((hit->title && !kind->title) || (hit->reason && !kind->reason))
        return SQLITE_NOMEM;
    kind->next = rule->kinds;
    rule->kinds = kind;
    *ret_kind = row;
    return SQLITE_OK;
}

static int store_place_bind(sqlite3_stmt *statement, const void *what)
{
    const struct verdict_span *span = what;
    TRY(store_sqlite_bind_text(statement, 1, span->pattern));
    return store_sqlite_bind_text(statement, 2, span->view);
}

int store_words_place(struct store *store, const struct verdict_span *span, int64_t *ret_place)
{
    struct store_words *words = store->words;
    struct verdict_span named = {.pattern = span->pattern ? span->pattern : "", .view = span->view ? span->view : ""};
    size_t pattern_size = strlen(named.pattern) + 1, size = pattern_size + strlen(named.view) + 1;
    const struct store_place *last = words->last;
    if (last && last->size == size && memcmp(last->key, named.pattern, pattern_size) == 0 &&
        strcmp(last->key + pattern_size, named.view) == 0) {
        *ret_place = last->id;
        return SQLITE_OK;
    }
    buffer_clear(&words->key);
    if (buffer_append(&words->key, named.pattern, pattern_size) != STATUS_OK ||
        buffer_append(&words->key, named.view, size - pattern_size) != STATUS_OK)
        return SQLITE_NOMEM;
    struct store_place *place = NULL;
    HASH_FIND(hh, words->places, words->key.data, size, place);
    if (!place) {
        int64_t row = 0;
        TRY(store_words_row(store, STORE_PLACE_FIND, STORE_PLACE_ADD, store_place_bind, &named, &row));
        place = store_words_take(words, sizeof *place + size);
        if (!place)
            return SQLITE_NOMEM;
        place->id = row;
        place->size = size;
        memcpy(place->key, words->key.data, size);
        HASH_ADD_KEYPTR(hh, words->places, place->key, size, place);
        if (!place->hh.tbl)
            return SQLITE_NOMEM;
    }
    words->last = place;
    *ret_place = place->id;
    return SQLITE_OK;
}
