/*
 * What the reader of packs needs at every node of the YAML tree: typed values, and findings at the right place.
 * Only for rules/reader*.c.
 */
#ifndef RULES_READER_NODE_H
#define RULES_READER_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/span.h"
#include "base/yaml.h"
#include "rules/model.h"

struct file_source;
struct regex_scratch;
struct reader_list;

struct reader_context {
    const char *name;      /* of the file, in `arena` */
    struct span source;    /* the file's bytes */
    struct arena *arena;   /* the pack's */
    struct arena *scratch; /* of this reading */
    struct findings *findings;
    const struct file_source *files; /* where they come from; NULL: the disk */
    struct reader_list *lists;       /* the list files read so far */
    uint64_t lists_digest[2];        /* of all of them, in order */
    struct regex_scratch *probe;     /* made when it is first needed */
    uint32_t untested_count;         /* rules without tests */
    bool no_memory;                  /* set once memory ran out; the reading is then given up */
};

void reader_node_error(struct reader_context *context, const struct yaml *node, const char *remedy, const char *format,
                       ...) __attribute__((format(printf, 4, 5)));
/* `name` is that of the sort of finding: rules/lint.h. */
void reader_node_warning(struct reader_context *context, const struct yaml *node, const char *name, const char *remedy,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/* An error at byte `offset` of the scalar's value: at that character of the file where it can be told, else at its
 * start. */
void reader_node_error_inside(struct reader_context *context, const struct yaml *node, size_t offset,
                              const char *remedy, const char *text);

/*
 * The column of byte `offset` of a scalar's value, in a file whose bytes are `source`. False where it cannot be told:
 * escapes, blocks, and texts of several lines.
 */
bool reader_node_column(struct span source, const struct model_place *place, struct span value, size_t offset,
                        uint32_t *ret_column);

struct model_place reader_node_place(const struct reader_context *context, const struct yaml *node);

/* Is it a map? Else an error that names `what` ("a rule"). */
bool reader_node_is_map(struct reader_context *context, const struct yaml *node, const char *what);
bool reader_node_is_list(struct reader_context *context, const struct yaml *node, const char *what);

/* Errors for keys that are not among `known` (ends with NULL). `what` owns them: "a rule". */
void reader_node_check_keys(struct reader_context *context, const struct yaml *map, const char *const *known,
                            const char *what);

/* The text of a scalar; numbers and the like are text too. False with an error for anything else, and for empty text.
 */
bool reader_node_text(struct reader_context *context, const struct yaml *node, const char *what, struct span *ret_text);

/* The same, without NULs or control characters and at most `size_max` bytes, copied to the pack's arena. */
bool reader_node_line(struct reader_context *context, const struct yaml *node, const char *what, size_t size_max,
                      const char **ret_text);

/* An id: letters, digits, - and _ in one or more parts joined by dots. */
bool reader_node_id(struct reader_context *context, const struct yaml *node, const char *what, const char **ret_id);

/* The index of one of `names` (ends with NULL). */
bool reader_node_choice(struct reader_context *context, const struct yaml *node, const char *what,
                        const char *const *names, int *ret_index);

#endif
