#include "rules/reader_pattern.h"

#include <stdio.h>
#include <string.h>

#include "rules/list.h"
#include "rules/regex.h"
#include "rules/regex_known.h"

/* A list file is read once however many patterns name it. */
struct reader_list {
    const char *path;
    enum pattern_kind kind;
    enum status status;
    struct list list;
    struct reader_list *next;
};

static const char *const pattern_keys[] = {"regex", "words", "list", "kind", "view", NULL};
static const char *const list_kinds[] = {"words", "domains", NULL};

bool reader_pattern_read_view(struct reader_context *context, const struct yaml *node, enum view *ret_view)
{
    int index = 0;
    if (!reader_node_choice(context, node, "view", view_names, &index)) {
        return false;
    }
    *ret_view = (enum view)index;
    return true;
}

/* A regex that matches these, which have nothing in common, matches about everything. */
static bool matches_everything(struct reader_context *context, const struct regex *regex)
{
    static const char *const probes[] = {"", "x", "7", " . ", "oh, well: 20 z"};
    const unsigned probe_count = sizeof probes / sizeof probes[0];
    unsigned matches = 0;
    if (!regex_matches_empty(regex)) {
        return false;
    }
    if (!context->probe && regex_scratch_new(&context->probe) != STATUS_OK) {
        context->no_memory = true;
        return false;
    }
    for (unsigned i = 0; i < probe_count; i++) {
        uint32_t start;
        uint32_t end;
        matches += regex_match(regex, context->probe, span_text(probes[i]), 0, &start, &end) == STATUS_OK;
    }
    return matches + 2 >= probe_count;
}

static void read_regex(struct reader_context *context, const struct yaml *node, struct pattern *pattern)
{
    struct span text;
    if (!reader_node_text(context, node, "regex", &text)) {
        return;
    }
    if (text.size > MODEL_REGEX_SIZE_MAX) {
        reader_node_error(context, node, "split it, or use words or a list", "this regex is over %d bytes",
                          MODEL_REGEX_SIZE_MAX);
        return;
    }
    char *copy = arena_copy(context->arena, text);
    context->no_memory |= !copy;
    pattern->regex = span_of(copy, copy ? text.size : 0);
    if (regex_known(text)) {
        return;
    }
    struct regex_fault fault = {0};
    struct regex *regex = NULL;
    enum status status = regex_compile(text, &fault, &regex);
    if (status != STATUS_OK) {
        context->no_memory |= status == STATUS_NO_MEMORY;
        char words[240];
        snprintf(words, sizeof words, "regex: %s", fault.text[0] != '\0' ? fault.text : status_text(status));
        reader_node_error_inside(context, node, fault.offset, NULL, words);
        return;
    }
    if (matches_everything(context, regex)) {
        reader_node_warning(context, node, "matches-everything", "make sure that something in it must be there",
                            "this regex matches every message, or nearly: it can match without taking any text");
    }
    if (!regex_matches_empty(regex)) {
        regex_known_add(text);
    }
    regex_free(&regex);
}

static void read_words(struct reader_context *context, const struct yaml *node, struct pattern *pattern)
{
    if (!reader_node_is_list(context, node, "words")) {
        return;
    }
    if (node->count == 0) {
        reader_node_error(context, node, "add a phrase, or remove the pattern", "words is empty: it could never match");
        return;
    }
    struct list_builder *builder = NULL;
    struct list list = {0};
    enum status status = list_builder_new(PATTERN_WORDS, context->name, context->arena, context->findings, &builder);
    for (const struct yaml *item = node->first; item && status == STATUS_OK; item = item->next) {
        struct span text;
        if (reader_node_text(context, item, "an entry of words", &text)) {
            status = list_builder_add(builder, text, item->line, item->column);
        }
    }
    if (status == STATUS_OK) {
        status = list_builder_finish(builder, &list);
    }
    if (builder) {
        list_builder_free(&builder);
    }
    context->no_memory |= status == STATUS_NO_MEMORY;
    pattern->entries = list.entries;
    pattern->entry_count = list.entry_count;
}

/* Relative to the folder of the pack. */
static const char *resolve_path(struct reader_context *context, const char *path)
{
    const char *slash = strrchr(context->name, '/');
    const char *resolved = path[0] == '/' || !slash ? arena_print(context->arena, "%s", path)
                                                    : arena_print(context->arena, "%.*s/%s",
                                                                  (int)(slash - context->name), context->name, path);
    context->no_memory |= !resolved;
    return resolved;
}

static struct reader_list *find_list(const struct reader_context *context, const char *path, enum pattern_kind kind)
{
    struct reader_list *list = context->lists;
    while (list && (list->kind != kind || strcmp(list->path, path) != 0)) {
        list = list->next;
    }
    return list;
}

static void load_list(struct reader_context *context, const struct yaml *node, const char *path, enum pattern_kind kind,
                      struct pattern *pattern)
{
    struct reader_list *list = find_list(context, path, kind);
    if (!list) {
        list = arena_array(context->scratch, 1, sizeof *list);
        if (!list) {
            context->no_memory = true;
            return;
        }
        struct error error = {0};
        uint64_t digests[4] = {context->lists_digest[0], context->lists_digest[1], 0, 0};
        *list = (struct reader_list){.path = path, .kind = kind, .next = context->lists};
        list->status = list_read_from(context->files, path, kind, context->arena, context->findings, &error,
                                      &list->list, &digests[2]);
        context->lists = list;
        context->no_memory |= list->status == STATUS_NO_MEMORY;
        if (list->status == STATUS_OK) {
            model_digest(span_of(digests, sizeof digests), context->lists_digest);
        } else if (error.text[0] != '\0') {
            reader_node_error(context, node, "the path of a list is relative to the folder of its pack", "list: %s",
                              error.text);
        } else if (list->status != STATUS_INVALID) {
            reader_node_error(context, node, NULL, "list: %s: %s", path, status_text(list->status));
        }
    }
    if (list->status == STATUS_OK) {
        pattern->entries = list->list.entries;
        pattern->entry_count = list->list.entry_count;
        pattern->list_path = path;
    }
}

static void read_list(struct reader_context *context, const struct yaml *node, const struct yaml *kind_node,
                      struct pattern *pattern)
{
    const char *path = NULL;
    int kind = 0;
    bool path_valid = reader_node_line(context, node, "list", 4096, &path);
    if (!kind_node) {
        reader_node_error(context, node->key, "add 'kind: words' or 'kind: domains'", "list needs a key 'kind'");
        return;
    }
    if (!reader_node_choice(context, kind_node, "kind", list_kinds, &kind)) {
        return;
    }
    pattern->kind = kind == 0 ? PATTERN_WORDS : PATTERN_DOMAINS;
    const char *resolved = path_valid ? resolve_path(context, path) : NULL;
    if (resolved) {
        load_list(context, node, resolved, pattern->kind, pattern);
    }
}

static void read_pattern_view(struct reader_context *context, const struct yaml *map, enum view default_view,
                              struct pattern *pattern)
{
    const struct yaml *node = yaml_get(map, "view");
    bool entries = pattern->kind != PATTERN_REGEX;
    enum view view = entries ? VIEW_SKELETON : default_view;
    if (node) {
        (void)reader_pattern_read_view(context, node, &view);
    }
    pattern->views = 1u << view;
    if (entries && view == VIEW_SKELETON) {
        pattern->views |= 1u << VIEW_FOLDED; /* entries find in the skeleton what was in disguise, and only that */
    }
}

/* Exactly one of regex, words and list; NULL with an error otherwise. */
static const struct yaml *find_body(struct reader_context *context, const struct yaml *map)
{
    const struct yaml *body = NULL;
    for (size_t i = 0; i < 3; i++) {
        const struct yaml *node = yaml_get(map, pattern_keys[i]);
        if (node && body) {
            reader_node_error(context, node->key, "make two patterns of it",
                              "a pattern has one of regex, words and list: this one has %s already", body->key->text);
            return NULL;
        }
        body = node ? node : body;
    }
    if (!body) {
        reader_node_error(context, map->key ? map->key : map, NULL, "a pattern needs one of regex, words and list");
    }
    return body;
}

void reader_pattern_read(struct reader_context *context, const struct yaml *node, enum view default_view,
                         struct pattern *pattern)
{
    if (node->type == YAML_SCALAR) {
        reader_node_error(context, node, "write {regex: '...'} or {words: [...]}", "a pattern must be a map, found %s",
                          yaml_type_text(node));
        return;
    }
    if (node->type == YAML_LIST) {
        reader_node_error(context, node, "write {words: [...]}", "a pattern must be a map, found %s",
                          yaml_type_text(node));
        return;
    }
    if (!reader_node_is_map(context, node, "a pattern")) {
        return;
    }
    pattern->place = reader_node_place(context, node->key);
    reader_node_check_keys(context, node, pattern_keys, "a pattern");
    const struct yaml *body = find_body(context, node);
    if (!body) {
        return;
    }
    const struct yaml *kind = yaml_get(node, "kind");
    if (kind && !yaml_get(node, "list")) {
        reader_node_error(context, kind->key, "remove it", "'kind' belongs to a list");
    }
    pattern->body = reader_node_place(context, body);
    const char *key = body->key->text;
    if (strcmp(key, "regex") == 0) {
        pattern->kind = PATTERN_REGEX;
        read_regex(context, body, pattern);
    } else if (strcmp(key, "words") == 0) {
        pattern->kind = PATTERN_WORDS;
        read_words(context, body, pattern);
    } else {
        pattern->kind = PATTERN_WORDS;
        read_list(context, body, kind, pattern);
    }
    read_pattern_view(context, node, default_view, pattern);
}
