/*
 * The store's dictionary: what hits say again and again (rule, title, ...; pattern and view) is stored once, and named
 * by number in the rows of messages. Private to alerts/store_sqlite*.c and their tests.
 *
 * What was looked up is remembered, because a hit must not cost a look-up. Rows of the dictionary are never changed or
 * removed, so what is remembered stays true, except after a transaction that was rolled back: then it must be
 * forgotten. One thread, that of the store.
 */
#ifndef ALERTS_STORE_SQLITE_WORDS_H
#define ALERTS_STORE_SQLITE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "proto/verdict.h"

struct store;

#define STORE_WORDS_SIZE_MAX ((size_t)64 << 20) /* over it, all is forgotten between two messages */

struct store_words;
struct store_word; /* a rule's id */

enum status store_words_new(struct store_words **ret_words) MUST_USE;

/* Accepts NULL inside; clears the pointer. */
void store_words_free(struct store_words **words);

void store_words_forget(struct store_words *words);

/*
 * A rule by its id. It is good until the words are forgotten. An SQLite result; SQLITE_CONSTRAINT: no id, or an empty
 * one. Does not touch the database.
 */
int store_words_rule(struct store *store, const char *id, struct store_word **ret_rule) MUST_USE;

/* Which rules one message has: begin a message, and then each rule is new once. */
void store_words_begin_message(struct store_words *words);
bool store_words_is_new(struct store_words *words, struct store_word *rule);

/* The number of what `hit`, whose rule it is, says beside its spans; stored if it was not yet. An SQLite result. */
int store_words_kind(struct store *store, struct store_word *rule, const struct verdict_hit *hit,
                     int64_t *ret_kind) MUST_USE;

/* The number of a span's pattern and view, where NULL is the empty text. An SQLite result. */
int store_words_place(struct store *store, const struct verdict_span *span, int64_t *ret_place) MUST_USE;

#endif
