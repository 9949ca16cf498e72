/* Lists of plain texts that are looked for as they stand, as patterns. Only for rules/import*.c. */
#ifndef IMPORT_IMPORT_VALUES_H
#define IMPORT_IMPORT_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/yaml.h"

struct import;
struct import_rule;
struct import_expression;

enum import_values_mode {
    VALUES_CONTAIN, /* anywhere */
    VALUES_START,   /* at the beginning of the message */
    VALUES_END,
    VALUES_EQUAL,  /* the whole message */
    VALUES_PADDED, /* the whole message, but for signs around it */
    VALUES_WORD,   /* anywhere, as a word */
    VALUES_DOMAIN, /* the name of a site, and of those below it */
};

struct import_values {
    enum import_values_mode mode;
    bool cased;       /* capitals and small letters differ */
    bool wild;        /* `*` and `?` */
    bool all;         /* every one of them, not one of them */
    const char *name; /* of the patterns */
    const char *what; /* the rule, for notes */
};

/*
 * `node` is a list of texts or one text. Adds patterns to the rule. NULL: there is nothing to look for, or it was noted.
 * *ret_sample: a text that the first of them, or all of them, are found in; NULL: none is known.
 */
const struct import_expression *import_values_put(struct import *import, struct import_rule *rule,
                                                  const struct import_values *values, const struct yaml *node,
                                                  const char **ret_sample);

#endif
