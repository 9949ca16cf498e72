/* SpamAssassin's files: one setting a line. What they say is collected; import/import_spamassassin_rules.c makes rules of it. */
#include "import/import_spamassassin.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "import/import_lines.h"

#define LOGICAL_LINE_SIZE_MAX (1u << 20) /* with the lines that go on with it */

/* Settings that define a rule, and why not all of them can be moved. */
static const struct definition {
    const char *key;
    enum import_spamassassin_kind kind;
    const char *sort, *why;
} definitions[] = {
    {"body", SPAMASSASSIN_BODY, NULL, NULL},
    {"rawbody", SPAMASSASSIN_BODY, NULL, NULL},
    {"uri", SPAMASSASSIN_URI, NULL, NULL},
    {"meta", SPAMASSASSIN_META, NULL, NULL},
    {"header", SPAMASSASSIN_OTHER, "header", "it reads mail headers, and a message has none"},
    {"mimeheader", SPAMASSASSIN_OTHER, "header", "it reads headers of attachments, and a message has none"},
    {"full", SPAMASSASSIN_OTHER, "header", "it reads the whole mail with its headers, and a message has none"},
    {"uri_detail", SPAMASSASSIN_OTHER, "code", "it calls code of SpamAssassin"},
    {"uri_block_cc", SPAMASSASSIN_OTHER, "code", "it calls code of SpamAssassin"},
    {"urirhsbl", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"urirhssub", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"uridnsbl", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"uridnssub", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"urinsrhsbl", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"urinsrhssub", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"urifullnsrhsbl", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"urifullnsrhssub", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"askdns", SPAMASSASSIN_OTHER, "network", "it asks a server"},
    {"pdftext", SPAMASSASSIN_OTHER, "code", "it reads attachments"},
};

struct import_spamassassin_rule *import_spamassassin_find(struct import *import, struct span name, bool make)
{
    struct import_spamassassin *state = import->spamassassin;
    struct import_spamassassin_rule *rule = NULL;
    HASH_FIND(hh, state->by_name, name.data, name.size, rule);
    if (rule || !make) {
        return rule;
    }
    rule = arena_array(import->arena, 1, sizeof *rule);
    if (!rule) {
        import->no_memory = true;
        return NULL;
    }
    rule->name = import_copy(import, name);
    HASH_ADD_KEYPTR(hh, state->by_name, rule->name, name.size, rule);
    import->no_memory |= rule->lost;
    *(state->last ? &state->last->next : &state->first) = rule;
    state->last = rule;
    return rule;
}

static bool is_name(struct span name)
{
    bool sound = name.size > 0 && name.size <= MODEL_ID_SIZE_MAX;
    for (size_t i = 0; i < name.size && sound; i++) {
        uint8_t c = name.data[i] | 0x20u;
        sound = (c >= 'a' && c <= 'z') || name.data[i] == '_' || (i > 0 && name.data[i] >= '0' && name.data[i] <= '9');
    }
    return sound;
}

/* The name at the start of `rest`; NULL with a note. */
static struct import_spamassassin_rule *read_name(struct import *import, struct span *rest, uint32_t line,
                                                  struct span key)
{
    struct span name = import_word(rest);
    if (!is_name(name)) {
        import_note(import, FINDING_ERROR, "syntax", line, NULL, "'%s' stands after %s, where a rule is named",
                    import_quote(import, name), import_quote(import, key));
        return NULL;
    }
    return import_spamassassin_find(import, name, true);
}

/* Between its delimiters and with its flags, or a reason. */
static void read_regex(struct import *import, struct import_spamassassin_rule *rule, struct span text)
{
    struct span letters;
    char bad;
    if (import_span_begins(text, "eval:")) {
        rule->kind = SPAMASSASSIN_OTHER;
        rule->sort = "code";
        rule->why = "it calls code of SpamAssassin";
    } else if (!import_regex_delimited(text, &rule->text, &letters) ||
               !import_flags_read(letters, &rule->flags, &bad)) {
        import_note_at(import, FINDING_ERROR, "syntax", rule->place, "write /regex/ with flags such as i",
                       "%s is left out: '%s' is no regex between slashes", rule->name, import_quote(import, text));
        rule->kind = SPAMASSASSIN_OTHER;
        rule->sort = NULL; /* it was told */
        rule->why = "its regex cannot be read";
    }
}

static void define(struct import *import, const struct definition *definition, struct span rest, uint32_t line)
{
    struct import_spamassassin_rule *rule = read_name(import, &rest, line, span_text(definition->key));
    if (!rule) {
        return;
    }
    if (rule->kind != SPAMASSASSIN_UNKNOWN) {
        import_note(import, FINDING_HINT, "duplicate-name", line, NULL,
                    "%s replaces the rule of that name in %s on line %u", rule->name, rule->place.file,
                    rule->place.line);
    }
    rule->kind = definition->kind;
    rule->sort = definition->sort;
    rule->why = definition->why;
    rule->place = import_here(import, line);
    rule->text = span_text(import_copy(import, rest));
    if (rule->kind == SPAMASSASSIN_BODY || rule->kind == SPAMASSASSIN_URI) {
        read_regex(import, rule, rule->text);
    } else if (rule->kind == SPAMASSASSIN_META && rest.size == 0) {
        import_note(import, FINDING_ERROR, "syntax", line, NULL, "%s has no condition", rule->name);
        rule->kind = SPAMASSASSIN_OTHER;
        rule->why = "it has no condition";
    }
}

static void set_place(struct import *import, struct import_spamassassin_rule *rule, uint32_t line)
{
    if (rule->kind == SPAMASSASSIN_UNKNOWN) {
        rule->place = import_here(import, line);
    }
}

/* One number, or four of which the largest counts: they are for the sets of tests that run. In parentheses: added. */
static void read_score(struct import *import, struct import_spamassassin_rule *rule, struct span rest, uint32_t line)
{
    double score = 0;
    bool first = true;
    set_place(import, rule, line);
    while (rest.size > 0) {
        struct span word = import_word(&rest);
        bool added = word.size > 2 && word.data[0] == '(' && word.data[word.size - 1] == ')';
        const char *text = import_copy(import, added ? span_of(word.data + 1, word.size - 2) : word);
        char *end = NULL;
        double value = strtod(text, &end);
        if (end == text || *end != '\0') {
            import_note(import, FINDING_ERROR, "syntax", line, NULL, "'%s' is no score of %s",
                        import_quote(import, word), rule->name);
            return;
        }
        value += added ? rule->score : 0;
        score = first || value > score ? value : score;
        first = false;
    }
    rule->has_score |= !first;
    rule->score = first ? rule->score : score;
}

static void read_flags(struct import *import, struct import_spamassassin_rule *rule, struct span rest, uint32_t line)
{
    set_place(import, rule, line);
    while (rest.size > 0) {
        struct span word = import_word(&rest);
        rule->nice |= import_span_is(word, "nice");
        rule->multiple |= import_span_is(word, "multiple");
    }
}

/* What says something about a rule. False: the key is none of these. */
static bool read_about(struct import *import, struct span key, struct span rest, uint32_t line)
{
    bool describes = import_span_is(key, "describe"), scores = import_span_is(key, "score");
    bool replaces = import_span_is(key, "replace_rules");
    if (replaces) {
        while (rest.size > 0) {
            struct span name = import_word(&rest);
            struct import_spamassassin_rule *rule = is_name(name) ? import_spamassassin_find(import, name, true) : NULL;
            if (rule) {
                set_place(import, rule, line);
                rule->has_tags = true;
            }
        }
        return true;
    }
    if (!describes && !scores && !import_span_is(key, "tflags")) {
        return false;
    }
    struct import_spamassassin_rule *rule = read_name(import, &rest, line, key);
    if (rule && describes) {
        set_place(import, rule, line);
        rule->title = import_copy(import, rest);
    } else if (rule && scores) {
        read_score(import, rule, rest, line);
    } else if (rule) {
        read_flags(import, rule, rest, line);
    }
    return true;
}

static void read_setting(struct import *import, struct span text, uint32_t line)
{
    struct span rest = text;
    struct span key = import_word(&rest);
    if (import_spamassassin_block(import, key, rest, line) || import_spamassassin_skips(import->spamassassin)) {
        return;
    }
    if (import_span_is(key, "lang")) {
        import_note(import, FINDING_HINT, "setting", line, NULL, "a translation is left out: '%s'",
                    import_quote(import, rest));
        return;
    }
    for (size_t i = 0; i < sizeof definitions / sizeof *definitions; i++) {
        if (import_span_is(key, definitions[i].key)) {
            define(import, &definitions[i], rest, line);
            return;
        }
    }
    if (!read_about(import, key, rest, line) && !import_spamassassin_tag(import, key, rest)) {
        import_note(import, FINDING_HINT, "setting", line, NULL, "no rule, but a setting: '%s'",
                    import_quote(import, text));
    }
}

/* Without its comment, which begins with a # that has no backslash; \# is a #. */
static void cut_comment(struct buffer *line)
{
    size_t out = 0;
    for (size_t at = 0; at < line->size; at++) {
        uint8_t byte = line->data[at];
        if (byte == '#' && (at == 0 || line->data[at - 1] != '\\')) {
            break;
        }
        if (byte == '\\' && at + 1 < line->size && line->data[at + 1] == '#') {
            continue;
        }
        line->data[out++] = byte;
    }
    line->size = out;
}

/* Adds the lines that go on with this one, which end with a backslash but for the last. */
static void join_lines(struct import *import, struct import_lines *lines, struct buffer *joined)
{
    struct span line;
    while (joined->size > 0 && joined->data[joined->size - 1] == '\\') {
        joined->size--;
        if (!import_lines_next(import, lines, &line)) {
            return;
        }
        enum status status = buffer_append(joined, line.data, line.size);
        if (status == STATUS_LIMIT) {
            import_note(import, FINDING_ERROR, "long-line", lines->number, NULL, "this setting is over %u bytes",
                        LOGICAL_LINE_SIZE_MAX);
            buffer_clear(joined);
        }
        import->no_memory |= status == STATUS_NO_MEMORY;
    }
}

void import_read_spamassassin(struct import *import, struct span text)
{
    if (!import->spamassassin) {
        import->spamassassin = calloc(1, sizeof *import->spamassassin);
        if (!import->spamassassin) {
            import->no_memory = true;
            return;
        }
        import->spamassassin->tag_start = span_text("<");
        import->spamassassin->tag_end = span_text(">");
    }
    struct import_lines lines = import_lines_of(text);
    struct buffer joined = BUFFER_INIT(LOGICAL_LINE_SIZE_MAX);
    struct span line;
    bool any = false;
    while (!import->no_memory && import_lines_next(import, &lines, &line)) {
        uint32_t number = lines.number;
        if (import_trim(line).size == 0 || import_trim(line).data[0] == '#') {
            continue;
        }
        buffer_clear(&joined);
        if (buffer_append(&joined, line.data, line.size) != STATUS_OK) {
            import->no_memory = true;
            break;
        }
        join_lines(import, &lines, &joined);
        cut_comment(&joined);
        struct span setting = import_trim(buffer_span(&joined));
        any = true;
        if (setting.size > 0) {
            read_setting(import, setting, number);
        }
    }
    if (!any && !import->no_memory) {
        import_note(import, FINDING_ERROR, "empty-file", 0, NULL, "there is nothing to import in this file");
    }
    import_spamassassin_end_blocks(import);
    buffer_free(&joined);
}

void import_free_spamassassin(struct import *import)
{
    if (import->spamassassin) {
        HASH_CLEAR(hh, import->spamassassin->by_name);
        free(import->spamassassin);
        import->spamassassin = NULL;
    }
}
