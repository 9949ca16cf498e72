/* Regexes of others in Weir's dialect. Only for rules/import*.c. */
#ifndef IMPORT_IMPORT_REGEX_H
#define IMPORT_IMPORT_REGEX_H

#include <stdbool.h>

#include "base/span.h"
#include "import/import_draft.h"
#include "text/view.h"

/* What stands behind the last slash in /regex/imsx. Weir's own defaults are caseless and dot-all. */
struct import_flags {
    bool caseless, dotall, multiline, extended;
};

/* The letters i, s, m and x; others without meaning for whether a text matches (g, o, u) are fine. False: at *ret_bad. */
bool import_flags_read(struct span letters, struct import_flags *ret_flags, char *ret_bad);

/* The regex between two delimiters, /regex/imsx or m{regex}imsx. False: it is not written that way. */
bool import_regex_delimited(struct span text, struct span *ret_regex, struct span *ret_flags);

/*
 * The regex in Weir's dialect: flags inline, \uXXXX as \x{XXXX}. Empty without memory, which the import tells.
 */
struct span import_regex_write(struct import *import, struct span regex, struct import_flags flags);

/*
 * The same of a regex that was written for bytes: \xE2\x82\xAC, three bytes of one character, becomes \x{20AC}. What is
 * left of \x80 to \xFF stands for a character now: *ret_high tells. *ret_bytes: it asks for pieces of a character, which
 * Weir never sees, and cannot be moved.
 */
struct span import_regex_from_bytes(struct import *import, struct span regex, bool *ret_high, bool *ret_bytes);

/* How many bytes the class takes, such as [^a-z[:digit:]], that the text begins with. */
size_t import_regex_class(struct span text);

/* The view that it looks at: what the options say, but raw where cases are told apart. */
enum view import_regex_view(const struct import *import, struct span regex, struct import_flags flags);

#endif
