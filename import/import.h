/*
 * Rules of other systems, written anew as a pack: SpamAssassin, lists of words, AutoModerator-like word filters,
 * Sigma-like YAML, lists of regexes. docs/rules/import.md says what becomes what.
 *
 * Files are read one after the other into one import, and only then is the pack made, since what belongs together may
 * stand in several files. Whatever is not moved, or not as it was, is a note with its place and the reason: nothing is
 * dropped without one. The pack is in the form of rules/format.h and loads without errors: each regex was compiled, each
 * phrase and each condition read, each test tried.
 *
 * Not thread-safe: one thread uses an import at a time. Needs view_start.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/findings.h"
#include "base/span.h"
#include "base/status.h"
#include "proto/severity.h"
#include "rules/model.h"
#include "text/view.h"

enum import_format { IMPORT_SPAMASSASSIN, IMPORT_WORDS, IMPORT_AUTOMOD, IMPORT_SIGMA, IMPORT_REGEXES };
extern const char *const import_format_names[6]; /* "spamassassin", ... , NULL */

struct import_options {
    const char *pack;        /* its name, and what ids of rules begin with: reader_node's idea of an id */
    const char *queue;       /* for `defaults`; NULL: none */
    enum severity severity;  /* of rules whose source says nothing about it */
    bool has_status;         /* all rules get this one, or what their source has if that is more careful */
    enum rule_status status; /* without has_status: live with tests, else shadow */
    enum view view;          /* of regexes: VIEW_RAW or VIEW_FOLDED; those that tell cases apart are always raw */
    const char *flags;       /* IMPORT_REGEXES: of regexes without flags of their own, letters of "imsx"; NULL: none */
    const char *column; /* IMPORT_WORDS: the file is a table, and the words stand in this column: a number from 1, or
                                its name in the first line; NULL: one word or phrase a line */
};

#define IMPORT_FILE_SIZE_MAX (64u << 20) /* bytes */
#define IMPORT_LINE_SIZE_MAX 65536u      /* bytes; a longer line is left out, with a note */

/*
 * FINDING_ERROR: a fault of the input, not moved. FINDING_WARNING: not moved, since Weir has nothing of the kind.
 * FINDING_HINT: moved and changed, or nothing that could be moved.
 */
struct import_note {
    enum finding_level level;
    const char *sort; /* a constant: "header", "refused-regex", ...; docs/rules/import.md lists them */
    const char *file;
    uint32_t line; /* 0: the file as a whole */
    const char *text;
    const char *remedy;           /* or NULL */
    uint32_t file_number, number; /* the order of files, and of notes */
};

struct import;

/* STATUS_NO_MEMORY. The texts of the options are borrowed until the import is freed. */
enum status import_new(const struct import_options *options, struct import **ret_import) MUST_USE;

/* Accepts NULL inside; clears the pointer. */
void import_free(struct import **import);

/*
 * Reads one file; what is wrong with it becomes notes, and the rest of it is read all the same. `name` and `text` are
 * borrowed until the import is freed. STATUS_NO_MEMORY.
 */
enum status import_read(struct import *import, const char *name, struct span text, enum import_format format) MUST_USE;

/*
 * The pack, in memory of the import. Call once, last. STATUS_NOT_FOUND: there is no rule to write. STATUS_NO_MEMORY.
 * STATUS_LIMIT: more rules than a rule set may have.
 */
enum status import_finish(struct import *import, struct span *ret_pack) MUST_USE;

/* After import_finish: in the order of files and lines. */
const struct import_note *import_notes(const struct import *import, uint32_t *ret_count);
uint32_t import_rule_count(const struct import *import);                            /* that were written */
uint32_t import_status_count(const struct import *import, enum rule_status status); /* of them */
uint32_t import_pattern_count(const struct import *import);                         /* in them */
uint32_t import_entry_count(const struct import *import);                           /* words and phrases in them */

/* What a file holds, by its name and its content, where that is beyond doubt. */
bool import_guess(const char *name, struct span text, enum import_format *ret_format);

/*
 * Something as a part of an id: what no id may hold becomes '-'. Cut off so that it stays within MODEL_ID_SIZE_MAX beside
 * a name of a pack. Empty if nothing is left.
 */
void import_id(struct span text, char ret_id[MODEL_ID_SIZE_MAX + 1]);

#endif
