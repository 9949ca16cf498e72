/*
 * The hits of one message in one case, as they lie in one row: two JSON lists, of which the first names the kind of each
 * hit, and the second gives the spans of each as a list of three numbers a span (place, start, end). Kinds and places
 * are rows of the dictionary (alerts/store_sqlite_words.h). Private to alerts/store_sqlite*.c and their tests.
 */
#ifndef ALERTS_STORE_SQLITE_HITS_H
#define ALERTS_STORE_SQLITE_HITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"
#include "proto/verdict.h"

struct store;

/* Being written. */
struct store_hits_text {
    struct buffer kinds, spans;
    uint32_t count;
};

void store_hits_init(struct store_hits_text *text);
void store_hits_free(struct store_hits_text *text);

/*
 * Adds a hit whose kind has that number. SQLITE_CONSTRAINT: a span ends before it begins; SQLITE_TOOBIG; SQLITE_NOMEM;
 * other SQLite results. After a failure the text is good for nothing but store_hits_begin.
 */
void store_hits_begin(struct store_hits_text *text);
int store_hits_add(struct store *store, int64_t kind, const struct verdict_hit *hit,
                   struct store_hits_text *text) MUST_USE;
int store_hits_end(struct store_hits_text *text) MUST_USE;

/*
 * Reads either text again: into a list, its numbers one after the other, out of the list. False: something else comes
 * next, and the reader stays where it is.
 */
struct store_hits_reader {
    const char *at, *end;
};
bool store_hits_enter(struct store_hits_reader *reader) MUST_USE;
bool store_hits_number(struct store_hits_reader *reader, int64_t *ret_number) MUST_USE;
bool store_hits_leave(struct store_hits_reader *reader) MUST_USE;

#endif
