#include "rules/reader_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

#define WORDS_SIZE_MAX 400

void reader_node_error(struct reader_context *context, const struct yaml *node, const char *remedy, const char *format,
                       ...)
{
    char words[WORDS_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    findings_add(context->findings, FINDING_ERROR, context->name, node->line, node->column, remedy, "%s", words);
}

void reader_node_warning(struct reader_context *context, const struct yaml *node, const char *name, const char *remedy,
                         const char *format, ...)
{
    char words[WORDS_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    findings_add_named(context->findings, FINDING_WARNING, name, context->name, node->line, node->column, remedy, "%s",
                       words);
}

/* The bytes of the line break at the start of `text`, as YAML 1.1 sees them (LF, CR, CR LF, NEL, LS, PS); 0: none. */
static size_t break_size(struct span text)
{
    if (text.size == 0) {
        return 0;
    }
    if (text.data[0] == '\r') {
        return text.size > 1 && text.data[1] == '\n' ? 2 : 1;
    }
    if (text.data[0] == '\n') {
        return 1;
    }
    if (text.size > 1 && memcmp(text.data, "\xC2\x85", 2) == 0) {
        return 2;
    }
    if (text.size > 2 && (memcmp(text.data, "\xE2\x80\xA8", 3) == 0 || memcmp(text.data, "\xE2\x80\xA9", 3) == 0)) {
        return 3;
    }
    return 0;
}

static void skip(struct span *text, size_t size)
{
    text->data += size;
    text->size -= size;
}

static size_t character_size(struct span text)
{
    uint32_t code_point;
    return text.data[0] < 0x80 ? 1 : utf8_decode(text, &code_point);
}

/* The file from the node's first character on; empty if the file has no such place. */
static struct span source_at(struct span source, uint32_t line, uint32_t column)
{
    if (source.size >= 3 && memcmp(source.data, "\xEF\xBB\xBF", 3) == 0) {
        skip(&source, 3);
    }
    for (uint32_t at = 1; at < line && source.size > 0;) {
        size_t size = break_size(source);
        at += size > 0;
        /* No break begins with a continuation byte, so going byte by byte is safe. */
        skip(&source, size > 0 ? size : 1);
    }
    for (uint32_t at = 1; at < column && source.size > 0; at++) {
        if (break_size(source) > 0) {
            return span_of(source.data, 0);
        }
        skip(&source, character_size(source));
    }
    return source;
}

/*
 * How many characters of the file, from the start of the scalar, stand before byte `offset` of its value. Follows the
 * file and the value side by side for as long as they agree; false where they do not (escapes, folded lines, blocks).
 */
static bool characters_before(struct span source, struct span value, size_t offset, uint32_t *ret_characters)
{
    char quote = '\0';
    uint32_t characters = 0;
    if (source.size > 0 && (source.data[0] == '\'' || source.data[0] == '"')) {
        quote = (char)source.data[0];
        skip(&source, 1);
        characters++;
    }
    if (offset > value.size) {
        return false;
    }
    value.size = offset;
    while (value.size > 0) {
        if (source.size == 0 || break_size(source) > 0 || (quote == '"' && source.data[0] == '\\')) {
            return false;
        }
        if (quote == '\'' && source.size > 1 && memcmp(source.data, "''", 2) == 0) {
            skip(&source, 1);
            characters++;
        }
        size_t size = character_size(source);
        if (size > value.size || memcmp(source.data, value.data, size) != 0) {
            return false;
        }
        skip(&source, size);
        skip(&value, size);
        characters++;
    }
    *ret_characters = characters;
    return true;
}

void reader_node_error_inside(struct reader_context *context, const struct yaml *node, size_t offset,
                              const char *remedy, const char *text)
{
    uint32_t column = node->column;
    uint32_t characters;
    struct span source = source_at(context->source, node->line, node->column);
    if (characters_before(source, span_of(node->text, node->size), offset, &characters)) {
        column += characters;
    }
    findings_add(context->findings, FINDING_ERROR, context->name, node->line, column, remedy, "%s", text);
}

bool reader_node_column(struct span source, const struct model_place *place, struct span value, size_t offset,
                        uint32_t *ret_column)
{
    uint32_t characters;
    if (!characters_before(source_at(source, place->line, place->column), value, offset, &characters)) {
        return false;
    }
    *ret_column = place->column + characters;
    return true;
}

struct model_place reader_node_place(const struct reader_context *context, const struct yaml *node)
{
    return (struct model_place){.file = context->name, .line = node->line, .column = node->column};
}

bool reader_node_is_map(struct reader_context *context, const struct yaml *node, const char *what)
{
    if (node->type != YAML_MAP) {
        reader_node_error(context, node, NULL, "%s must be a map, found %s", what, yaml_type_text(node));
    }
    return node->type == YAML_MAP;
}

bool reader_node_is_list(struct reader_context *context, const struct yaml *node, const char *what)
{
    if (node->type != YAML_LIST) {
        reader_node_error(context, node, node->type == YAML_SCALAR ? "write it as a list: ['...']" : NULL,
                          "%s must be a list, found %s", what, yaml_type_text(node));
    }
    return node->type == YAML_LIST;
}

/* The nearest of `names`, also for a word that differs only in its capitals. */
static const char *nearest_name(struct reader_context *context, const struct yaml *node, const char *const *names)
{
    const char *nearest = findings_nearest(node->text, names);
    char *lower = nearest ? NULL : arena_copy(context->scratch, span_of(node->text, node->size));
    if (!lower) {
        return nearest;
    }
    for (char *c = lower; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], lower) == 0) {
            return names[i];
        }
    }
    return findings_nearest(lower, names);
}

/* "known here: id, title, ..." */
static const char *join_names(const char *intro, const char *const *names, char *words, size_t size)
{
    int used = snprintf(words, size, "%s", intro);
    for (size_t i = 0; names[i] && used >= 0 && (size_t)used < size; i++) {
        used += snprintf(words + used, size - (size_t)used, "%s%s", i ? ", " : "", names[i]);
    }
    return words;
}

void reader_node_check_keys(struct reader_context *context, const struct yaml *map, const char *const *known,
                            const char *what)
{
    for (const struct yaml *item = map->first; item; item = item->next) {
        const struct yaml *key = item->key;
        bool found = false;
        for (size_t i = 0; known[i] && !found; i++) {
            found = key->text && span_equal(span_of(key->text, key->size), span_text(known[i]));
        }
        if (found) {
            continue;
        }
        char quote[MODEL_QUOTE_SIZE];
        char remedy[200];
        struct span text = span_of(key->text, key->text ? key->size : 0);
        const char *nearest = key->text ? nearest_name(context, key, known) : NULL;
        if (nearest) {
            snprintf(remedy, sizeof remedy, "did you mean '%s'?", nearest);
        } else {
            join_names("known here: ", known, remedy, sizeof remedy);
        }
        reader_node_error(context, key, remedy, "%s has no key '%s'", what, model_quote(text, quote));
    }
}

bool reader_node_text(struct reader_context *context, const struct yaml *node, const char *what, struct span *ret_text)
{
    if (node->type != YAML_SCALAR) {
        reader_node_error(context, node,
                          node->type == YAML_NULL ? "write it in quotes, or leave the key out"
                          : node->type == YAML_MAP && node->first && !node->first->next
                              ? "if it is text with a ':' inside, write it in quotes"
                              : NULL,
                          "%s must be text, found %s", what, yaml_type_text(node));
        return false;
    }
    if (node->size == 0) {
        reader_node_error(context, node, NULL, "%s is empty", what);
        return false;
    }
    *ret_text = span_of(node->text, node->size);
    return true;
}

bool reader_node_line(struct reader_context *context, const struct yaml *node, const char *what, size_t size_max,
                      const char **ret_text)
{
    struct span text;
    if (!reader_node_text(context, node, what, &text)) {
        return false;
    }
    if (text.size > size_max) {
        reader_node_error(context, node, NULL, "%s is over %zu bytes", what, size_max);
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        bool second = i > 0 && text.data[i - 1] == 0xC2 && text.data[i] < 0xA0; /* U+0080 to U+009F */
        if (text.data[i] < 0x20 || text.data[i] == 0x7F || second) {
            reader_node_error(context, node, "write it on one line", "%s holds a control character", what);
            return false;
        }
    }
    char *copy = arena_copy(context->arena, text);
    context->no_memory |= !copy;
    *ret_text = copy;
    return copy != NULL;
}

/* The offset of the first byte that does not fit; the size if all is well. */
static size_t id_fault(struct span text)
{
    bool part = false; /* has the part at hand begun? */
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || (part && (c == '-' || c == '_'))) {
            part = true;
        } else if (c == '.' && part && i + 1 < text.size) {
            part = false;
        } else {
            return i;
        }
    }
    return text.size;
}

bool reader_node_id(struct reader_context *context, const struct yaml *node, const char *what, const char **ret_id)
{
    struct span text;
    if (!reader_node_text(context, node, what, &text)) {
        return false;
    }
    size_t fault = id_fault(text);
    if (fault < text.size) {
        char quote[MODEL_QUOTE_SIZE];
        char words[200];
        snprintf(words, sizeof words, "%s '%s' is not valid", what, model_quote(text, quote));
        reader_node_error_inside(context, node, fault,
                                 "use letters of English, digits, '-' and '_', in parts joined by single dots, "
                                 "each beginning with a letter or digit",
                                 words);
        return false;
    }
    return reader_node_line(context, node, what, MODEL_ID_SIZE_MAX, ret_id);
}

bool reader_node_choice(struct reader_context *context, const struct yaml *node, const char *what,
                        const char *const *names, int *ret_index)
{
    struct span text;
    if (!reader_node_text(context, node, what, &text)) {
        return false;
    }
    for (int i = 0; names[i]; i++) {
        if (span_equal(text, span_text(names[i]))) {
            *ret_index = i;
            return true;
        }
    }
    char quote[MODEL_QUOTE_SIZE];
    char remedy[160];
    char words[200];
    const char *nearest = nearest_name(context, node, names);
    join_names("", names, words, sizeof words);
    snprintf(remedy, sizeof remedy, "did you mean '%s'?", nearest ? nearest : "");
    reader_node_error(context, node, nearest ? remedy : NULL, "%s must be one of %s, found '%s'", what, words,
                      model_quote(text, quote));
    return false;
}
