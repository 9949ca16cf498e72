/*
 * Words and phrases on their way into a pattern. Only for rules/import*.c.
 *
 * What `words` can say becomes an entry of it; the rest (a star at the front, or at the end where stars stand for
 * themselves) becomes a part of a regex over the folded view.
 */
#ifndef IMPORT_IMPORT_ENTRIES_H
#define IMPORT_IMPORT_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

struct import;
struct import_rule;
struct import_expression;

struct import_entries {
    struct import *import;
    bool stars; /* a star at an end stands for any letters */
    const char **words;
    uint32_t count, capacity;
    struct import_entry *seen; /* of a hash */
    struct buffer *regexes;    /* alternatives, in parts that are no larger than a regex may be */
    uint32_t regex_count;
};

/* Free it with import_entries_end, also when nothing was done with it. */
struct import_entries import_entries_begin(struct import *import, bool stars);
void import_entries_end(struct import_entries *entries);

/* One entry; what is wrong with it is noted at its line. An entry that means the same as an earlier one is dropped. */
void import_entries_add(struct import_entries *entries, struct span text, uint32_t line);

uint32_t import_entries_count(const struct import_entries *entries);

/* Adds what was collected to the rule as patterns, and returns "one of them"; NULL: there is nothing. */
const struct import_expression *import_entries_put(struct import_entries *entries, struct import_rule *rule,
                                                   const char *name);

#endif
