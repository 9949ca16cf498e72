/*
 * YAML files as a tree that remembers where everything stands, for readers that report line and column.
 *
 * Aliases are refused (rules and settings have no use for them, and they can make a small file huge), and so are
 * duplicate keys, more than YAML_DEPTH_MAX levels, and files over YAML_SIZE_MAX. Everything lives in the arena given.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/status.h"

#define YAML_DEPTH_MAX 16
#define YAML_SIZE_MAX (64u << 20)

enum yaml_type { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_type type;
    bool quoted;           /* a scalar in quotes or a block: never a number, a boolean or null */
    uint32_t line, column; /* of its first character, from 1 */
    const char *text;      /* scalar, NUL-terminated; may hold NULs inside, see size */
    size_t size;
    struct yaml *key;   /* in a map: the key of this item */
    struct yaml *next;  /* the next item of the list or map that this one is in */
    struct yaml *first; /* list, map: the first item */
    uint32_t count;     /* list, map: how many */
};

/*
 * Parses one document. An empty document is YAML_NULL. On faults of the file: STATUS_INVALID with findings (the file's
 * name is `name`). STATUS_SYSTEM if it cannot be read, also with a finding.
 */
enum status yaml_parse(struct span text, const char *name, struct arena *arena, struct findings *findings,
                       struct yaml **ret_root) MUST_USE;
enum status yaml_read(const char *path, struct arena *arena, struct findings *findings,
                      struct yaml **ret_root) MUST_USE;

/* The item of a map by key, or NULL. */
struct yaml *yaml_get(const struct yaml *map, const char *key);

/* Plain scalars as numbers and booleans (true, false, yes, no); STATUS_INVALID if it is none. */
enum status yaml_integer(const struct yaml *node, int64_t *ret_value) MUST_USE;
enum status yaml_boolean(const struct yaml *node, bool *ret_value) MUST_USE;

/* "a list", "a map", "text", "nothing": for messages. */
const char *yaml_type_text(const struct yaml *node);

#endif
