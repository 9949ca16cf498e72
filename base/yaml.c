#include "base/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/file.h"

/* A list or map that is being read. */
struct yaml_level {
    struct yaml *node;
    struct yaml *last; /* its last item */
    struct yaml *key;  /* map: the key whose value comes next */
};

struct yaml_reader {
    yaml_parser_t parser;
    struct span text;
    const char *name;
    struct arena *arena;
    struct findings *findings;
    struct yaml_level levels[YAML_DEPTH_MAX];
    unsigned depth;
    struct yaml *root;
    bool failed; /* something was found; reading may still go on */
};

/* libyaml's words for what people get wrong most, in words that say what to do. */
static const struct yaml_words {
    const char *problem, *text, *remedy;
    const char *whole; /* what it is a part of, if its beginning helps to find the fault */
} yaml_words[] = {
    {"mapping values are not allowed in this context", "a ':' that belongs to no key of this map",
     "put text that holds ': ' in single quotes, or check the indentation", NULL},
    {"found character that cannot start any token", "a character that no plain text may begin with",
     "put the text in single quotes; indent with spaces, not tabs", NULL},
    {"found a tab character that violates indentation", "a tab used for indentation", "indent with spaces", NULL},
    {"found a tab character where an indentation space is expected", "a tab used for indentation", "indent with spaces",
     NULL},
    {"did not find expected key", "this is neither a key of the map above nor the end of it",
     "keys of one map begin in the same column; put text that holds quotes, ': ' or ' #' in single quotes", "map"},
    {"did not find expected '-' indicator", "this is neither an item of the list above nor the end of it",
     "items of one list begin with '- ' in the same column", "list"},
    {"did not find expected ',' or ']'", "expected ',' or ']' in this list",
     "close it, or put items that hold any of ,[]{} in single quotes", "list"},
    {"did not find expected ',' or '}'", "expected ',' or '}' in this map",
     "close it, or put values that hold any of ,[]{} in single quotes", "map"},
    {"could not find expected ':'", "a key without ':'", "write 'key: value', with a space after the colon", NULL},
    {"found unknown escape character", "a backslash that starts no escape",
     "use single quotes, which keep backslashes as they are, or double the backslash", NULL},
    {"did not find expected <document start>", "text after the end of the document",
     "check the indentation of this line", NULL},
    {"found unexpected end of stream", "quotes that never end", "close the quotes; in single quotes, write ' twice",
     NULL},
    {"block sequence entries are not allowed in this context", "a list item where none can stand",
     "begin the list on a line of its own below its key", NULL},
    {"did not find expected alphabetic or numeric character", "a '*' or '&' that no plain text may begin with",
     "put the text in single quotes", NULL},
    {"did not find expected hexdecimal number", "a backslash escape that is not complete",
     "use single quotes, which keep backslashes as they are, or double the backslash", NULL},
    {"did not find expected node content", "a key or value is missing here", NULL, NULL},
    {"found unknown directive name", "a line that begins with %", "put text that begins with % in single quotes", NULL},
    {"control characters are not allowed", "a control character",
     "take it out, or write it as an escape in double quotes", NULL},
};

static uint32_t yaml_place(size_t from_zero)
{
    return from_zero >= UINT32_MAX ? UINT32_MAX : (uint32_t)from_zero + 1;
}

static void yaml_found_at(struct yaml_reader *reader, yaml_mark_t mark, const char *text, const char *remedy)
{
    reader->failed = true;
    findings_add(reader->findings, FINDING_ERROR, reader->name, yaml_place(mark.line), yaml_place(mark.column), remedy,
                 "%s", text);
}

static enum status yaml_no_memory(struct yaml_reader *reader)
{
    findings_add(reader->findings, FINDING_ERROR, reader->name, 0, 0, "split the file",
                 "takes more memory than there is for it");
    return STATUS_NO_MEMORY;
}

/* What the decoder of characters finds has a byte offset, not a mark. */
static yaml_mark_t yaml_mark_of_offset(struct span text, size_t offset)
{
    yaml_mark_t mark = {0};

    for (size_t i = 0; i < offset && i < text.size; i++) {
        if (text.data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if ((text.data[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

/* Where a fault stands for a person. */
static yaml_mark_t yaml_fault_mark(const struct yaml_reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *context = parser->context ? parser->context : "";
    const char *problem = parser->problem ? parser->problem : "";

    if (parser->error == YAML_READER_ERROR)
        return yaml_mark_of_offset(reader->text, parser->problem_offset);
    /* Quotes that never end and keys without a colon are wrong where they begin, not where libyaml gives up. */
    if (strcmp(context, "while scanning a simple key") == 0 ||
        (strcmp(context, "while scanning a quoted scalar") == 0 &&
         strcmp(problem, "found unexpected end of stream") == 0))
        return parser->context_mark;
    return parser->problem_mark;
}

static enum status yaml_syntax(struct yaml_reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "not readable as YAML";

    if (parser->error == YAML_MEMORY_ERROR)
        return yaml_no_memory(reader);
    yaml_mark_t mark = yaml_fault_mark(reader);
    if (parser->error == YAML_READER_ERROR && (strstr(problem, "UTF-8") || strstr(problem, "Unicode"))) {
        yaml_found_at(reader, mark, "bytes that are not UTF-8", "save the file as UTF-8");
        return STATUS_INVALID;
    }
    const struct yaml_words *words = NULL;
    for (size_t i = 0; i < sizeof yaml_words / sizeof *yaml_words && !words; i++) {
        if (strcmp(problem, yaml_words[i].problem) == 0)
            words = &yaml_words[i];
    }
    if (!words || !words->whole || parser->context_mark.line >= mark.line) {
        yaml_found_at(reader, mark, words ? words->text : problem, words ? words->remedy : NULL);
        return STATUS_INVALID;
    }
    findings_add(reader->findings, FINDING_ERROR, reader->name, yaml_place(mark.line), yaml_place(mark.column),
                 words->remedy, "%s (the %s begins on line %u)", words->text, words->whole,
                 yaml_place(parser->context_mark.line));
    return STATUS_INVALID;
}

static struct yaml *yaml_node(struct yaml_reader *reader, enum yaml_type type, yaml_mark_t mark)
{
    struct yaml *node = arena_array(reader->arena, 1, sizeof *node);
    if (!node)
        return NULL;
    node->type = type;
    node->line = yaml_place(mark.line);
    node->column = yaml_place(mark.column);
    return node;
}

/* A key of a map waits for its value; everything else becomes an item of the list or map around it. */
static enum status yaml_attach(struct yaml_reader *reader, struct yaml *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return STATUS_OK;
    }
    struct yaml_level *level = &reader->levels[reader->depth - 1];
    if (level->node->type == YAML_MAP && !level->key) {
        if (node->type == YAML_LIST || node->type == YAML_MAP || (node->type == YAML_NULL && node->size == 0)) {
            reader->failed = true;
            findings_add(reader->findings, FINDING_ERROR, reader->name, node->line, node->column,
                         node->type == YAML_NULL ? NULL : "put text that holds [ or { in single quotes",
                         "a key must be text, not %s", yaml_type_text(node));
        }
        level->key = node;
        return STATUS_OK;
    }
    if (level->node->count == UINT32_MAX)
        return yaml_no_memory(reader);
    node->key = level->key;
    level->key = NULL;
    if (level->last)
        level->last->next = node;
    else
        level->node->first = node;
    level->last = node;
    level->node->count++;
    return STATUS_OK;
}

static void yaml_refuse_marks(struct yaml_reader *reader, yaml_mark_t mark, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor)
        yaml_found_at(reader, mark, "an anchor, which is not supported",
                      "put text that begins with & in single quotes");
    if (tag)
        yaml_found_at(reader, mark, "a tag, which is not supported", "put text that begins with ! in single quotes");
}

static bool yaml_is_null(const char *text, size_t size)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0)
            return true;
    }
    return false;
}

static enum status yaml_take_scalar(struct yaml_reader *reader, const yaml_event_t *event)
{
    struct span value = span_of(event->data.scalar.value, event->data.scalar.length);
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;

    yaml_refuse_marks(reader, event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
    struct yaml *node = yaml_node(reader, YAML_SCALAR, event->start_mark);
    char *text = arena_copy(reader->arena, value);
    if (!node || !text)
        return yaml_no_memory(reader);
    node->text = text;
    node->size = value.size;
    node->quoted = quoted;
    if (!quoted && yaml_is_null(text, value.size))
        node->type = YAML_NULL;
    return yaml_attach(reader, node);
}

static enum status yaml_take_start(struct yaml_reader *reader, const yaml_event_t *event)
{
    bool is_map = event->type == YAML_MAPPING_START_EVENT;

    yaml_refuse_marks(reader, event->start_mark,
                      is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                      is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    if (reader->depth == YAML_DEPTH_MAX) {
        reader->failed = true;
        findings_add(reader->findings, FINDING_ERROR, reader->name, yaml_place(event->start_mark.line),
                     yaml_place(event->start_mark.column), NULL, "nested more than %d levels deep", YAML_DEPTH_MAX);
        return STATUS_INVALID;
    }
    struct yaml *node = yaml_node(reader, is_map ? YAML_MAP : YAML_LIST, event->start_mark);
    if (!node)
        return yaml_no_memory(reader);
    enum status status = yaml_attach(reader, node);
    if (status == STATUS_OK)
        reader->levels[reader->depth++] = (struct yaml_level){.node = node};
    return status;
}

static int yaml_compare_keys(const void *left, const void *right)
{
    const struct yaml *a = *(const struct yaml *const *)left;
    const struct yaml *b = *(const struct yaml *const *)right;
    size_t common = a->size < b->size ? a->size : b->size;

    int order = memcmp(a->text, b->text, common);
    if (order != 0)
        return order;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

/* Sorted, so that a hostile file of a million keys takes no longer than an honest one. */
static enum status yaml_check_keys(struct yaml_reader *reader, const struct yaml *map)
{
    if (map->count < 2)
        return STATUS_OK;
    const struct yaml **keys = calloc(map->count, sizeof *keys);
    if (!keys)
        return yaml_no_memory(reader);
    uint32_t count = 0;
    for (const struct yaml *item = map->first; item; item = item->next) {
        if (item->key->text)
            keys[count++] = item->key;
    }
    qsort(keys, count, sizeof *keys, yaml_compare_keys);
    for (uint32_t i = 1, first = 0; i < count; i++) {
        if (keys[i]->size != keys[first]->size || memcmp(keys[i]->text, keys[first]->text, keys[i]->size) != 0) {
            first = i;
            continue;
        }
        reader->failed = true;
        findings_add(reader->findings, FINDING_ERROR, reader->name, keys[i]->line, keys[i]->column,
                     "remove or rename one of them", "the key '%s' stands here a second time; it was first on line %u",
                     keys[i]->text, keys[first]->line);
    }
    free(keys);
    return STATUS_OK;
}

static enum status yaml_take_end(struct yaml_reader *reader)
{
    const struct yaml *node = reader->levels[--reader->depth].node;
    return node->type == YAML_MAP ? yaml_check_keys(reader, node) : STATUS_OK;
}

static enum status yaml_take(struct yaml_reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (!reader->root)
            return STATUS_OK;
        yaml_found_at(reader, event->start_mark, "a second document, which is not supported",
                      "remove the line '---', or use a file for each");
        return STATUS_INVALID;
    case YAML_ALIAS_EVENT: {
        yaml_found_at(reader, event->start_mark, "an alias, which is not supported",
                      "write the value out, or put text that begins with * in single quotes");
        struct yaml *node = yaml_node(reader, YAML_SCALAR, event->start_mark);
        if (!node)
            return yaml_no_memory(reader);
        node->text = "";
        return yaml_attach(reader, node);
    }
    case YAML_SCALAR_EVENT:
        return yaml_take_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return yaml_take_start(reader, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return yaml_take_end(reader);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return STATUS_OK;
}

static enum status yaml_take_all(struct yaml_reader *reader)
{
    for (;;) {
        yaml_event_t event;

        if (!yaml_parser_parse(&reader->parser, &event))
            return yaml_syntax(reader);
        bool end = event.type == YAML_STREAM_END_EVENT;
        enum status status = yaml_take(reader, &event);
        yaml_event_delete(&event);
        if (status != STATUS_OK)
            return status;
        if (end)
            return reader->failed ? STATUS_INVALID : STATUS_OK;
    }
}

enum status yaml_parse(struct span text, const char *name, struct arena *arena, struct findings *findings,
                       struct yaml **ret_root)
{
    struct yaml_reader reader = {.name = name, .arena = arena, .findings = findings};

    /* libyaml would count the mark as a character of the first line. */
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = span_of(text.data + 3, text.size - 3);
    if (text.size > YAML_SIZE_MAX) {
        findings_add(findings, FINDING_ERROR, name, 0, 0, "split the file", "larger than the limit of %u bytes",
                     YAML_SIZE_MAX);
        return STATUS_INVALID;
    }
    reader.text = text;
    if (!yaml_parser_initialize(&reader.parser))
        return yaml_no_memory(&reader);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, text.size > 0 ? text.data : (const uint8_t *)"", text.size);
    enum status status = yaml_take_all(&reader);
    yaml_parser_delete(&reader.parser);
    if (status != STATUS_OK)
        return status;

    if (!reader.root)
        reader.root = yaml_node(&reader, YAML_NULL, (yaml_mark_t){0});
    if (!reader.root)
        return yaml_no_memory(&reader);
    *ret_root = reader.root;
    return STATUS_OK;
}

enum status yaml_read(const char *path, struct arena *arena, struct findings *findings, struct yaml **ret_root)
{
    struct error error = {""};
    struct span text;

    enum status status = file_read(path, YAML_SIZE_MAX, arena, &error, &text);
    if (status == STATUS_OK)
        return yaml_parse(text, path, arena, findings, ret_root);

    /* A finding already begins with the path. */
    size_t length = strlen(path);
    const char *words = error.text;
    if (strncmp(words, path, length) == 0 && strncmp(words + length, ": ", 2) == 0)
        words += length + 2;
    findings_add(findings, FINDING_ERROR, path, 0, 0, NULL, "%s", words);
    if (status == STATUS_LIMIT)
        return STATUS_INVALID;
    return status == STATUS_NO_MEMORY ? status : STATUS_SYSTEM;
}

struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    size_t size = strlen(key);

    if (!map || map->type != YAML_MAP)
        return NULL;
    for (struct yaml *item = map->first; item; item = item->next) {
        if (item->key->size == size && memcmp(item->key->text, key, size) == 0)
            return item;
    }
    return NULL;
}

static bool yaml_is_plain(const struct yaml *node)
{
    return node && node->type == YAML_SCALAR && !node->quoted && strlen(node->text) == node->size;
}

enum status yaml_integer(const struct yaml *node, int64_t *ret_value)
{
    if (!yaml_is_plain(node))
        return STATUS_INVALID;
    const char *digits = node->text + (*node->text == '-' || *node->text == '+');
    size_t count = strspn(digits, "0123456789");
    /* Numbers with leading zeros are octal to some and decimal to others. */
    if (count == 0 || digits[count] != '\0' || (count > 1 && digits[0] == '0'))
        return STATUS_INVALID;
    errno = 0;
    long long value = strtoll(node->text, NULL, 10);
    if (errno != 0)
        return STATUS_INVALID;
    *ret_value = value;
    return STATUS_OK;
}

enum status yaml_boolean(const struct yaml *node, bool *ret_value)
{
    if (!yaml_is_plain(node))
        return STATUS_INVALID;
    if (strcasecmp(node->text, "true") == 0 || strcasecmp(node->text, "yes") == 0)
        *ret_value = true;
    else if (strcasecmp(node->text, "false") == 0 || strcasecmp(node->text, "no") == 0)
        *ret_value = false;
    else
        return STATUS_INVALID;
    return STATUS_OK;
}

const char *yaml_type_text(const struct yaml *node)
{
    switch (node ? node->type : YAML_NULL) {
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    case YAML_SCALAR:
        return "text";
    case YAML_NULL:
        break;
    }
    return "nothing";
}
