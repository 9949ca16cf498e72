/* What a file holds, where its name and content leave no doubt. */
#include <string.h>

#include "import/import.h"
#include "import/import_lines.h"

#define LINES_MAX 2000u /* that are looked at */

static struct span next_line(struct span *rest)
{
    const uint8_t *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    struct span line = span_of(rest->data, end ? (size_t)(end - rest->data) : rest->size);
    size_t taken = line.size + (end != NULL);
    *rest = span_of(rest->data + taken, rest->size - taken);
    return line;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t size = strlen(name), length = strlen(ending);
    return size > length && strcmp(name + size - length, ending) == 0;
}

static bool has(struct span text, const char *part)
{
    return memmem(text.data, text.size, part, strlen(part)) != NULL;
}

static bool is_regex(struct span text)
{
    bool delimited = text.size > 2 && text.data[0] == 'm' && strchr("{!,(|[%~", text.data[1]);
    return import_span_begins(text, "/") || delimited || import_span_begins(text, "eval:");
}

/* body NAME /.../, header NAME Subject =~ ..., meta NAME (A && B) */
static bool is_spamassassin(struct span line)
{
    struct span rest = import_trim(line);
    struct span key = import_word(&rest);
    struct span name = import_word(&rest);
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if ((c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_') {
            return false;
        }
    }
    if (name.size == 0) {
        return false;
    }
    if (import_span_is(key, "header")) {
        return has(rest, "=~") || has(rest, "!~") || has(rest, "eval:") || has(rest, "exists:");
    }
    if (import_span_is(key, "meta")) {
        return has(rest, "&&") || has(rest, "||") || has(rest, "_");
    }
    return is_regex(rest) &&
           (import_span_is(key, "body") || import_span_is(key, "rawbody") || import_span_is(key, "uri"));
}

/* A key such as `body (includes-word):` or `~title+body (regex)#2:` at the beginning of a line. */
static bool is_automod(struct span line)
{
    static const char *const modifiers[] = {"(includes",  "(regex", "(starts-with", "(ends-with", "(full-exact",
                                            "(full-text", NULL};
    for (size_t i = 0; modifiers[i]; i++) {
        const uint8_t *at = memmem(line.data, line.size, modifiers[i], strlen(modifiers[i]));
        bool in_key = at && at > line.data && line.data[0] != ' ' && line.data[0] != '#' && line.data[0] != '-';
        if (in_key && memchr(at, ':', line.size - (size_t)(at - line.data)) &&
            !memchr(line.data, ':', (size_t)(at - line.data))) {
            return true;
        }
    }
    return false;
}

bool import_guess(const char *name, struct span text, enum import_format *ret_format)
{
    bool yaml = ends_with(name, ".yml") || ends_with(name, ".yaml");
    bool detection = false, condition = false;
    struct span rest = import_lines_of(text).rest;
    for (uint32_t i = 0; i < LINES_MAX && rest.size > 0; i++) {
        struct span line = next_line(&rest);
        if (!yaml && is_spamassassin(line)) {
            *ret_format = IMPORT_SPAMASSASSIN;
            return true;
        }
        if (is_automod(line)) {
            *ret_format = IMPORT_AUTOMOD;
            return true;
        }
        detection |= import_span_begins(line, "detection:");
        condition |= import_span_begins(import_trim(line), "condition:");
        if (detection && condition) {
            *ret_format = IMPORT_SIGMA;
            return true;
        }
        bool table = i == 0 && import_span_begins(line, "#") && memchr(line.data, '\t', line.size);
        if (table && (memmem(line.data, line.size, "\tpattern", 8) || memmem(line.data, line.size, "\tregex", 6))) {
            *ret_format = IMPORT_REGEXES;
            return true;
        }
    }
    return false;
}
