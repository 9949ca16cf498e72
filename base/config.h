/*
 * Settings from one table of rows. The table is the only place where a setting's name, type, default, limits and help
 * stand: the reader, `--help`, `weir config` and the manual all come from it.
 *
 * A setting is named by its path in the file (`ingest.frame_bytes_max`) and stored at an offset of a plain struct that
 * is validated whole and then passed down as const.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/findings.h"
#include "base/status.h"

enum config_type {
    CONFIG_TEXT,      /* const char *; NULL if there is no default and it was not set */
    CONFIG_INTEGER,   /* int64_t, within min and max */
    CONFIG_BOOLEAN,   /* bool */
    CONFIG_CHOICE,    /* int: the index in choices */
    CONFIG_TEXT_LIST, /* struct config_texts */
    CONFIG_LIST,      /* struct config_list: a list of maps, each read with the rows of `items` */
};

struct config_texts {
    const char **items;
    uint32_t count;
};

struct config_list {
    void *items; /* an array of structs of items_size bytes */
    uint32_t count;
};

struct config_table;

struct config_row {
    const char *name; /* dotted path */
    enum config_type type;
    size_t offset;
    const char *fallback;       /* the default as written in a file; NULL: none (text), empty (lists) */
    int64_t min, max;           /* CONFIG_INTEGER; for texts and lists: max length if not 0 */
    const char *const *choices; /* CONFIG_CHOICE; also checks the items of CONFIG_TEXT_LIST if not NULL; NULL-ended */
    const struct config_table *items; /* CONFIG_LIST */
    bool required;                    /* within a CONFIG_LIST item */
    const char *unit;                 /* "bytes", "ms", "minutes", ... or NULL */
    const char *help;                 /* one or two sentences for people */
};

struct config_table {
    const struct config_row *rows;
    size_t count;
    size_t items_size; /* sizeof the struct that rows fill */
};

/* Fills `settings` (of table->items_size bytes) with the defaults. */
enum status config_defaults(const struct config_table *table, struct arena *arena, void *settings) MUST_USE;

/*
 * Reads a file over what `settings` holds. Unknown keys, wrong types and values out of range are findings with the
 * nearest valid spelling; all are reported. On STATUS_INVALID or STATUS_SYSTEM `settings` is untouched.
 */
enum status config_read(const struct config_table *table, const char *path, struct arena *arena,
                        struct findings *findings, void *settings) MUST_USE;

/* The same from text, for tests. */
enum status config_parse(const struct config_table *table, struct span text, const char *name, struct arena *arena,
                         struct findings *findings, void *settings) MUST_USE;

/*
 * The effective settings as YAML with the help as comments: `weir config show`, and a starting point for a file. Read
 * over the defaults it gives the same settings. Texts that are not set come out as comments. `out` is untouched on
 * failure.
 */
enum status config_write_yaml(const struct config_table *table, const void *settings, struct buffer *out) MUST_USE;

/* The reference as a Markdown table, for the manual; the settings of a list's items are named `list[].name`. */
enum status config_write_markdown(const struct config_table *table, struct buffer *out) MUST_USE;

#endif
