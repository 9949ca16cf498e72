/*
 * The one caller of Hyperscan's compiler: literals or expressions in, a serialized database out.
 *
 * Databases are block-mode and byte-wise, made for buffers that hold the views of many messages with a newline between
 * them. Item i reports the id i; matches are reported at their ends only. Any thread.
 *
 * Hyperscan's compiler can neither be stopped nor limited, and may abort: rules/compile_child.h runs this in a process
 * of its own.
 */
#ifndef RULES_COMPILE_ENGINE_H
#define RULES_COMPILE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

enum compile_kind {
    COMPILE_LITERALS,    /* any bytes but none empty; case counts */
    COMPILE_EXPRESSIONS, /* NUL-terminated */
};

#define COMPILE_ITEMS_MAX (1u << 22)             /* of one database */
#define COMPILE_BYTES_MAX ((size_t)1 << 30)      /* of the items of one database */
#define COMPILE_DATABASE_MAX ((size_t)512 << 20) /* bytes, serialized */

/*
 * Appends the serialized database to `ret_database`; nothing if every item was refused. Sets refused[i] of each
 * expression that Hyperscan cannot take, and leaves it out. STATUS_LIMIT: Hyperscan takes each, but not all of them
 * together. STATUS_NO_MEMORY; STATUS_SYSTEM: Hyperscan does not work here.
 */
enum status compile_engine_run(enum compile_kind kind, const struct span *items, uint32_t count, bool *refused,
                               struct buffer *ret_database) MUST_USE;

/* What a database depends on besides its items: Hyperscan's version, and the CPU that it is made for. One line. */
#define COMPILE_ENGINE_NAME_SIZE 160
void compile_engine_name(char ret_name[COMPILE_ENGINE_NAME_SIZE]);

#endif
