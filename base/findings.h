/*
 * What is wrong with something that a person wrote: rule files and settings. All findings of a file are collected, not
 * only the first. Each has a place, what was expected, and where possible the remedy.
 *
 * Texts are copied. Not thread-safe.
 */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* In rising order. A hint is something to think about: right in some rules and not in others. */
enum finding_level { FINDING_HINT, FINDING_WARNING, FINDING_ERROR };
extern const char *const finding_level_names[4]; /* "hint", "warning", "error", NULL */

struct finding {
    enum finding_level level;
    const char *name; /* of this sort of finding, "unused-pattern"; a constant; NULL: it has none */
    char *file;
    uint32_t line;   /* from 1; 0: the file as a whole */
    uint32_t column; /* from 1, in characters; 0: the line as a whole */
    char *text;      /* what is wrong and what was expected, one line */
    char *remedy;    /* what to do, e.g. "did you mean 'severity'?"; NULL if there is nothing to say */
};

#define FINDINGS_MAX 1000 /* what comes after is counted, not kept */

struct findings {
    struct finding *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t errors; /* also counts what was not kept */
    uint32_t warnings;
    uint32_t hints;
};

/* A zeroed struct is an empty list. */
void findings_clear(struct findings *findings);

/* Adds one. `remedy` may be NULL. Without memory the finding is still counted, so an error is never lost. */
void findings_add(struct findings *findings, enum finding_level level, const char *file, uint32_t line, uint32_t column,
                  const char *remedy, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* The same with the name of its sort, which must be a constant: it is not copied. */
void findings_add_named(struct findings *findings, enum finding_level level, const char *name, const char *file,
                        uint32_t line, uint32_t column, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 8, 9)));

/* Gives a name, a constant, to every finding that has none yet. */
void findings_name(struct findings *findings, const char *name);

/* Takes finding `index` out, and out of the counts. */
void findings_remove(struct findings *findings, uint32_t index);

/* Moves everything of `from` to the end of `to`. */
void findings_move(struct findings *from, struct findings *to);

/* By file, line, column, in that order. */
void findings_sort(struct findings *findings);

/* `file:line:column: error: text [name]` and the remedy on a line of its own; colours if asked for. */
void findings_print(const struct findings *findings, FILE *out, bool colour);

/* A JSON array of {"level","name","file","line","column","text","remedy"}, on one line. */
void findings_print_json(const struct findings *findings, FILE *out);

/*
 * The word of `words` nearest to `word` (Damerau-Levenshtein distance, at most a third of its length and at most 3), or
 * NULL. For remedies. `words` ends with NULL.
 */
const char *findings_nearest(const char *word, const char *const *words);

#endif
