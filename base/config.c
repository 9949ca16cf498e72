#include "base/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

#define CONFIG_WORD_MAX 160
#define CONFIG_NAMES_MAX 128 /* names of one level that are compared for a suggestion */

/* One file that is being read. */
struct config_reader {
    const char *name;
    struct arena *arena;
    struct findings *findings;
};

static enum status config_fill(const struct config_table *table, struct arena *arena, unsigned char *settings);
static enum status config_read_map(const struct config_reader *reader, const struct config_table *table,
                                   const char *prefix, const struct yaml *map, unsigned char *settings);

/* `text` is NULL where there was no memory for the words; the finding is still one. */
static enum status config_wrong(const struct config_reader *reader, const struct yaml *node, const char *remedy,
                                const char *text)
{
    findings_add(reader->findings, FINDING_ERROR, reader->name, node->line, node->column, remedy, "%s",
                 text ? text : "not valid here");
    return STATUS_INVALID;
}

static enum status config_no_memory(const struct config_reader *reader)
{
    findings_add(reader->findings, FINDING_ERROR, reader->name, 0, 0, NULL, "takes more memory than there is for it");
    return STATUS_NO_MEMORY;
}

/* The words of a scalar as a finding quotes them: not all of a long one. */
static char *config_quote(const struct config_reader *reader, const struct yaml *node)
{
    if (node->type != YAML_SCALAR)
        return arena_print(reader->arena, "%s", yaml_type_text(node));
    return arena_print(reader->arena, strlen(node->text) > 40 ? "'%.40s...'" : "'%s'", node->text);
}

static enum status config_read_text(const struct config_reader *reader, const struct config_row *row,
                                    const struct yaml *node, const char **ret_text)
{
    struct arena *arena = reader->arena;

    if (node->type == YAML_NULL && !row->fallback) {
        *ret_text = NULL;
        return STATUS_OK;
    }
    if (node->type == YAML_NULL)
        return config_wrong(reader, node,
                            row->type == CONFIG_TEXT_LIST ? "write a value, or take the line out"
                                                          : "write a value, or take the line out to have the default",
                            arena_print(arena, "'%s' has no value", row->name));
    if (node->type != YAML_SCALAR)
        return config_wrong(reader, node, NULL,
                            arena_print(arena, "'%s' must be text, not %s", row->name, yaml_type_text(node)));
    if (strlen(node->text) != node->size)
        return config_wrong(reader, node, NULL, arena_print(arena, "'%s' holds a NUL character", row->name));
    if (row->max != 0 && node->size > (uint64_t)row->max)
        return config_wrong(reader, node, NULL,
                            arena_print(arena, "'%s' is %zu bytes long; at most %" PRId64 " are allowed", row->name,
                                        node->size, row->max));
    *ret_text = node->text;
    return STATUS_OK;
}

static enum status config_read_integer(const struct config_reader *reader, const struct config_row *row,
                                       const struct yaml *node, int64_t *ret_value)
{
    int64_t value;

    if (yaml_integer(node, &value) != STATUS_OK) {
        const char *quote = config_quote(reader, node);
        const char *remedy = node->type == YAML_SCALAR && node->quoted ? "take the quotes off" : NULL;
        return config_wrong(reader, node, remedy,
                            arena_print(reader->arena, "'%s' must be a whole number%s%s, not %s", row->name,
                                        row->unit ? " of " : "", row->unit ? row->unit : "", quote ? quote : "this"));
    }
    if ((row->min != 0 || row->max != 0) && (value < row->min || value > row->max)) {
        const char *limits = row->max == INT64_MAX ? arena_print(reader->arena, "at least %" PRId64, row->min)
                             : row->min == INT64_MIN
                                 ? arena_print(reader->arena, "at most %" PRId64, row->max)
                                 : arena_print(reader->arena, "from %" PRId64 " to %" PRId64, row->min, row->max);
        return config_wrong(reader, node, NULL,
                            arena_print(reader->arena, "'%s' must be %s%s%s, not %" PRId64, row->name,
                                        limits ? limits : "within its limits", row->unit ? " " : "",
                                        row->unit ? row->unit : "", value));
    }
    *ret_value = value;
    return STATUS_OK;
}

static enum status config_read_boolean(const struct config_reader *reader, const struct config_row *row,
                                       const struct yaml *node, bool *ret_value)
{
    if (yaml_boolean(node, ret_value) == STATUS_OK)
        return STATUS_OK;
    const char *quote = config_quote(reader, node);
    return config_wrong(
        reader, node, node->type == YAML_SCALAR && node->quoted ? "take the quotes off" : NULL,
        arena_print(reader->arena, "'%s' must be true or false, not %s", row->name, quote ? quote : "this"));
}

static char *config_join(struct arena *arena, const char *const *words)
{
    char *text = arena_print(arena, "%s", words[0] ? words[0] : "");

    for (size_t i = 1; text && words[i - 1] && words[i]; i++)
        text = arena_print(arena, "%s%s%s", text, words[i + 1] ? ", " : " or ", words[i]);
    return text;
}

static char *config_suggest(struct arena *arena, const char *word, const char *const *words)
{
    const char *nearest = findings_nearest(word, words);
    return nearest ? arena_print(arena, "did you mean '%s'?", nearest) : NULL;
}

static enum status config_read_choice(const struct config_reader *reader, const struct config_row *row,
                                      const struct yaml *node, int *ret_index)
{
    if (node->type == YAML_SCALAR) {
        for (int i = 0; row->choices[i]; i++) {
            if (strlen(row->choices[i]) == node->size && strcmp(row->choices[i], node->text) == 0) {
                *ret_index = i;
                return STATUS_OK;
            }
        }
    }
    const char *quote = config_quote(reader, node);
    const char *choices = config_join(reader->arena, row->choices);
    const char *remedy = node->type == YAML_SCALAR ? config_suggest(reader->arena, node->text, row->choices) : NULL;
    return config_wrong(reader, node, remedy,
                        arena_print(reader->arena, "'%s' must be %s, not %s", row->name,
                                    choices ? choices : "one of its choices", quote ? quote : "this"));
}

/* That the node is a list, and no longer than it may be; nothing is an empty list. */
static enum status config_check_list(const struct config_reader *reader, const struct config_row *row,
                                     const struct yaml *node)
{
    if (node->type != YAML_LIST && node->type != YAML_NULL)
        return config_wrong(reader, node,
                            node->type == YAML_SCALAR ? "begin each item with '- ', or write [one, two]"
                                                      : "begin each item with '- '",
                            arena_print(reader->arena, "'%s' must be a list, not %s", row->name, yaml_type_text(node)));
    if (row->max != 0 && node->count > (uint64_t)row->max)
        return config_wrong(reader, node, NULL,
                            arena_print(reader->arena, "'%s' has %u items; at most %" PRId64 " are allowed", row->name,
                                        node->count, row->max));
    return STATUS_OK;
}

static enum status config_read_texts(const struct config_reader *reader, const struct config_row *row,
                                     const struct yaml *node, struct config_texts *ret_texts)
{
    struct config_texts texts = {0};
    const struct config_row item_row = {
        .name = row->name, .type = CONFIG_TEXT_LIST, .fallback = "", .choices = row->choices};

    enum status status = config_check_list(reader, row, node);
    if (status != STATUS_OK)
        return status;
    if (node->count == 0) {
        *ret_texts = texts;
        return STATUS_OK;
    }
    texts.items = arena_array(reader->arena, node->count, sizeof *texts.items);
    if (!texts.items)
        return config_no_memory(reader);
    for (const struct yaml *item = node->first; item; item = item->next) {
        int index;
        enum status one = row->choices ? config_read_choice(reader, &item_row, item, &index) : STATUS_OK;
        if (one == STATUS_OK)
            one = config_read_text(reader, &item_row, item, &texts.items[texts.count]);
        if (one == STATUS_OK)
            texts.count++;
        else
            status = one;
    }
    if (status == STATUS_OK)
        *ret_texts = texts;
    return status;
}

static enum status config_read_list(const struct config_reader *reader, const struct config_row *row,
                                    const struct yaml *node, struct config_list *ret_list)
{
    const struct config_table *table = row->items;
    struct config_list list = {0};

    enum status status = config_check_list(reader, row, node);
    if (status != STATUS_OK)
        return status;
    if (node->count == 0) {
        *ret_list = list;
        return STATUS_OK;
    }
    list.items = arena_array(reader->arena, node->count, table->items_size);
    if (!list.items)
        return config_no_memory(reader);
    for (const struct yaml *item = node->first; item; item = item->next) {
        unsigned char *settings = (unsigned char *)list.items + (size_t)list.count * table->items_size;
        enum status one = config_fill(table, reader->arena, settings);
        if (one == STATUS_NO_MEMORY)
            return config_no_memory(reader);
        if (one == STATUS_OK && item->type != YAML_MAP)
            one = config_wrong(
                reader, item, NULL,
                arena_print(reader->arena, "an item of '%s' must be a map, not %s", row->name, yaml_type_text(item)));
        if (one == STATUS_OK)
            one = config_read_map(reader, table, "", item, settings);
        list.count++;
        if (one != STATUS_OK)
            status = one;
    }
    if (status == STATUS_OK)
        *ret_list = list;
    return status;
}

static enum status config_read_row(const struct config_reader *reader, const struct config_row *row,
                                   const struct yaml *node, unsigned char *settings)
{
    void *field = settings + row->offset;

    switch (row->type) {
    case CONFIG_TEXT:
        return config_read_text(reader, row, node, field);
    case CONFIG_INTEGER:
        return config_read_integer(reader, row, node, field);
    case CONFIG_BOOLEAN:
        return config_read_boolean(reader, row, node, field);
    case CONFIG_CHOICE:
        return config_read_choice(reader, row, node, field);
    case CONFIG_TEXT_LIST:
        return config_read_texts(reader, row, node, field);
    case CONFIG_LIST:
        return config_read_list(reader, row, node, field);
    }
    abort(); /* a row of a type that does not exist */
}

/* The row of exactly this name. */
static const struct config_row *config_find(const struct config_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    }
    return NULL;
}

static bool config_has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Whether any row stands in the section whose names begin with `prefix` (which ends with a dot). */
static bool config_is_section(const struct config_table *table, const char *prefix)
{
    for (size_t i = 0; i < table->count; i++) {
        if (config_has_prefix(table->rows[i].name, prefix))
            return true;
    }
    return false;
}

/* What might have been meant by an unknown key: a name of the same level, or the same name in another section. */
static char *config_remedy(const struct config_reader *reader, const struct config_table *table, const char *prefix,
                           const char *key)
{
    const char *names[CONFIG_NAMES_MAX + 1] = {NULL};
    size_t count = 0;

    if (reader->findings->count >= FINDINGS_MAX)
        return NULL; /* nobody will see it */

    for (size_t i = 0; i < table->count && count < CONFIG_NAMES_MAX; i++) {
        const char *name = table->rows[i].name;
        if (!config_has_prefix(name, prefix))
            continue;
        name += strlen(prefix);
        names[count] = arena_copy(reader->arena, span_of(name, strcspn(name, ".")));
        if (!names[count++])
            return NULL;
    }
    char *remedy = config_suggest(reader->arena, key, names);
    for (size_t i = 0; i < table->count && !remedy; i++) {
        const char *name = table->rows[i].name;
        const char *last = strrchr(name, '.');
        if (strcmp(last ? last + 1 : name, key) != 0 || (!last && *prefix == '\0'))
            continue;
        if (last)
            return arena_print(reader->arena, "it belongs under '%.*s:'", (int)(last - name), name);
        return arena_print(reader->arena, "it belongs outside of '%.*s:'", (int)strlen(prefix) - 1, prefix);
    }
    return remedy;
}

/* Rows that must be set, once all of a map was read. */
static enum status config_check_required(const struct config_reader *reader, const struct config_table *table,
                                         const char *prefix, const struct yaml *map)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        if (!row->required || !config_has_prefix(row->name, prefix))
            continue;
        const char *rest = row->name + strlen(prefix);
        const struct yaml *node = strchr(rest, '.') ? NULL : yaml_get(map, rest);
        if (strchr(rest, '.')) {
            /* It stands in a section below, which was looked at when it was read, if it is there at all. */
            char section[CONFIG_WORD_MAX];
            snprintf(section, sizeof section, "%.*s", (int)strcspn(rest, "."), rest);
            const struct yaml *below = yaml_get(map, section);
            if (below && below->type == YAML_MAP)
                continue;
        }
        if (!node || node->type == YAML_NULL)
            status = config_wrong(reader, map, NULL, arena_print(reader->arena, "'%s' is missing", row->name));
    }
    return status;
}

static enum status config_read_item(const struct config_reader *reader, const struct config_table *table,
                                    const char *prefix, const struct yaml *item, unsigned char *settings)
{
    const char *key = item->key->text;
    const char *name = arena_print(reader->arena, "%s%s", prefix, key);
    const char *section = arena_print(reader->arena, "%s%s.", prefix, key);
    if (!name || !section)
        return config_no_memory(reader);

    /* A key with a dot or a NUL in it would reach rows that it does not name. */
    bool is_word = strlen(key) == item->key->size && !strchr(key, '.') && *key != '\0';
    const struct config_row *row = is_word ? config_find(table, name) : NULL;
    if (row)
        return config_read_row(reader, row, item, settings);
    if (is_word && config_is_section(table, section)) {
        if (item->type == YAML_MAP)
            return config_read_map(reader, table, section, item, settings);
        if (item->type == YAML_NULL)
            return STATUS_OK; /* a section with every line commented out */
        return config_wrong(reader, item, "put its settings on indented lines below it",
                            arena_print(reader->arena, "'%s' is a section, not a setting; it cannot be %s", name,
                                        yaml_type_text(item)));
    }
    const char *remedy = is_word ? config_remedy(reader, table, prefix, key)
                         : strchr(key, '.') && config_find(table, name)
                             ? "write the part before the dot as a section, and the rest indented below it"
                             : NULL;
    return config_wrong(
        reader, item->key, remedy,
        arena_print(reader->arena, strlen(name) > 80 ? "unknown setting '%.80s...'" : "unknown setting '%s'", name));
}

static enum status config_read_map(const struct config_reader *reader, const struct config_table *table,
                                   const char *prefix, const struct yaml *map, unsigned char *settings)
{
    enum status status = STATUS_OK;

    for (const struct yaml *item = map->first; item; item = item->next) {
        enum status one = config_read_item(reader, table, prefix, item, settings);
        if (one == STATUS_NO_MEMORY)
            return one;
        if (one != STATUS_OK)
            status = one;
    }
    enum status required = config_check_required(reader, table, prefix, map);
    return status != STATUS_OK ? status : required;
}

/* A default of the table as the node that a file with it would hold. */
static enum status config_fallback_node(const struct config_row *row, struct arena *arena, struct findings *findings,
                                        struct yaml **ret_node)
{
    if (row->type == CONFIG_TEXT_LIST || row->type == CONFIG_LIST)
        return yaml_parse(span_text(row->fallback), row->name, arena, findings, ret_node);
    struct yaml *node = arena_array(arena, 1, sizeof *node);
    if (!node)
        return STATUS_NO_MEMORY;
    node->type = YAML_SCALAR;
    node->text = row->fallback;
    node->size = strlen(row->fallback);
    *ret_node = node;
    return STATUS_OK;
}

static enum status config_fill(const struct config_table *table, struct arena *arena, unsigned char *settings)
{
    struct findings findings = {0};
    enum status status = STATUS_OK;

    memset(settings, 0, table->items_size);
    for (size_t i = 0; i < table->count && status == STATUS_OK; i++) {
        const struct config_row *row = &table->rows[i];
        const struct config_reader reader = {.name = row->name, .arena = arena, .findings = &findings};
        struct yaml *node;

        if (!row->fallback)
            continue;
        status = config_fallback_node(row, arena, &findings, &node);
        if (status == STATUS_OK)
            status = config_read_row(&reader, row, node, settings);
    }
    findings_clear(&findings);
    return status;
}

enum status config_defaults(const struct config_table *table, struct arena *arena, void *settings)
{
    unsigned char *copy = arena_allocate(arena, table->items_size);
    if (!copy)
        return STATUS_NO_MEMORY;
    enum status status = config_fill(table, arena, copy);
    if (status == STATUS_OK)
        memcpy(settings, copy, table->items_size);
    return status;
}

static enum status config_take(const struct config_table *table, const struct yaml *root,
                               const struct config_reader *reader, void *settings)
{
    if (root->type != YAML_MAP && root->type != YAML_NULL)
        return config_wrong(reader, root, "write 'name: value' lines",
                            arena_print(reader->arena, "settings must be a map, not %s", yaml_type_text(root)));

    /* Read into a copy, so that a bad file changes nothing. */
    unsigned char *copy = arena_allocate(reader->arena, table->items_size);
    if (!copy)
        return config_no_memory(reader);
    memcpy(copy, settings, table->items_size);
    enum status status = config_read_map(reader, table, "", root, copy);
    if (status == STATUS_OK)
        memcpy(settings, copy, table->items_size);
    return status;
}

enum status config_parse(const struct config_table *table, struct span text, const char *name, struct arena *arena,
                         struct findings *findings, void *settings)
{
    const struct config_reader reader = {.name = name, .arena = arena, .findings = findings};
    struct yaml *root;

    enum status status = yaml_parse(text, name, arena, findings, &root);
    return status == STATUS_OK ? config_take(table, root, &reader, settings) : status;
}

enum status config_read(const struct config_table *table, const char *path, struct arena *arena,
                        struct findings *findings, void *settings)
{
    const struct config_reader reader = {.name = path, .arena = arena, .findings = findings};
    struct yaml *root;

    enum status status = yaml_read(path, arena, findings, &root);
    return status == STATUS_OK ? config_take(table, root, &reader, settings) : status;
}
