/*
 * What goes between Weir and its helper weir-compile: both run on one machine and come from one build, so numbers are in
 * the machine's order. Private to rules/compile_child.c and rules/compiler/.
 *
 * The helper first says who it is (struct compile_greeting). Then it takes requests until the end of its input: a header,
 * `count` sizes of 32 bits, and the items, each followed by a NUL. It answers each with a header, a byte for each item
 * (1: refused) and the database.
 */
#ifndef RULES_COMPILE_WIRE_H
#define RULES_COMPILE_WIRE_H

#include <stdint.h>

#include "rules/compile_engine.h"

#define COMPILE_WIRE_MAGIC 0x31436557u /* changes with any of these shapes */

struct compile_greeting {
    uint32_t magic;
    uint32_t unused;
    char engine[COMPILE_ENGINE_NAME_SIZE];
};

struct compile_request {
    uint32_t magic;
    uint32_t kind; /* enum compile_kind */
    uint32_t count;
    uint32_t time_ms; /* of the processor; then SIGPROF ends the helper */
    uint64_t bytes;   /* of all items, with a NUL after each */
};

struct compile_answer {
    uint32_t magic;
    uint32_t status; /* enum status of compile_engine_run */
    uint64_t size;   /* of the database */
};

#endif
