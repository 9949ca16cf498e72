/* Sigma-like YAML: `detection` with selections of texts, and a condition over them. */
#include "import/import_sigma.h"

#include <string.h>
#include <strings.h>

#include "import/import_expression.h"
#include "import/import_lines.h"
#include "import/import_regex.h"
#include "import/import_values.h"
#include "import/import_yaml.h"

#define ITEMS_MAX 250u

/* message|contains|all */
struct field {
    struct span name;
    bool regex, all, cased;
    struct import_flags flags; /* of a regex */
    bool has_mode;
    enum import_values_mode mode;
    const char *unknown;
};

void import_sigma_give_up(struct import_sigma *sigma, const char *sort, const char *why)
{
    if (!sigma->why) {
        sigma->sort = sort;
        sigma->why = why;
    }
}

/* Is there room for one more? A rule with so many would have too many patterns anyway. */
static bool has_room(struct import_sigma *sigma, uint32_t count)
{
    if (count < ITEMS_MAX) {
        return true;
    }
    import_sigma_give_up(sigma, "large-rule", "a selection of it has too many items");
    return false;
}

static struct span cut(struct span *text)
{
    const uint8_t *at = text->size ? memchr(text->data, '|', text->size) : NULL;
    struct span part = span_of(text->data, at ? (size_t)(at - text->data) : text->size);
    size_t taken = part.size + (at != NULL);
    *text = span_of(text->data + taken, text->size - taken);
    return import_trim(part);
}

static struct field read_key(struct import *import, struct span key)
{
    struct field field = {.name = cut(&key)};
    while (key.size > 0) {
        struct span modifier = cut(&key);
        bool letter = field.regex && modifier.size == 1;
        if (import_span_is(modifier, "contains") || import_span_is(modifier, "startswith") ||
            import_span_is(modifier, "endswith")) {
            field.mode = modifier.data[0] == 'c' ? VALUES_CONTAIN : modifier.data[0] == 's' ? VALUES_START : VALUES_END;
            field.has_mode = true;
        } else if (import_span_is(modifier, "re")) {
            field.regex = true;
        } else if (import_span_is(modifier, "all")) {
            field.all = true;
        } else if (import_span_is(modifier, "cased")) {
            field.cased = true;
        } else if (letter && strchr("ims", modifier.data[0])) {
            field.flags.caseless |= modifier.data[0] == 'i';
            field.flags.multiline |= modifier.data[0] == 'm';
            field.flags.dotall |= modifier.data[0] == 's';
        } else {
            field.unknown = import_quote(import, modifier);
        }
    }
    return field;
}

static bool is_text_field(struct span name)
{
    static const char *const names[] = {"message", "msg", "text", "body", "content", "comment", "keywords", NULL};
    for (size_t i = 0; names[i]; i++) {
        if (name.size == strlen(names[i]) && strncasecmp((const char *)name.data, names[i], name.size) == 0) {
            return true;
        }
    }
    return name.size == 0;
}

static const struct import_expression *put_regexes(struct import_sigma *sigma, const struct field *field,
                                                   const struct yaml *node, const char *name)
{
    struct import *import = sigma->import;
    const struct import_expression *items[ITEMS_MAX];
    uint32_t count = 0;
    for (const struct yaml *item = import_yaml_first(node); item; item = import_yaml_next(node, item)) {
        struct span text = import_yaml_text(item);
        if (!has_room(sigma, count)) {
            return NULL;
        }
        const char *pattern = import_draft_regex(import, sigma->rule, import_here(import, item->line), name,
                                                 import_regex_write(import, text, field->flags),
                                                 import_regex_view(import, text, field->flags), sigma->what);
        if (!pattern) {
            import_sigma_give_up(sigma, NULL, "PCRE2 does not take a regex of it"); /* it was told */
            return NULL;
        }
        items[count++] = import_expression_name(import->arena, pattern);
    }
    return count ? import_expression_join(import->arena, field->all ? IMPORT_AND : IMPORT_OR, items, count) : NULL;
}

static void keep_sample(struct import_sigma *sigma, const char *sample)
{
    if (sample && sigma->negations == 0) {
        sigma->sample = sigma->sample ? import_print(sigma->import, "%s %s", sigma->sample, sample) : sample;
    }
}

/* `field|modifiers: values`, or a list of keywords, for which `key` is empty. */
static const struct import_expression *put_values(struct import_sigma *sigma, struct span key, const struct yaml *node,
                                                  const char *name)
{
    struct import *import = sigma->import;
    struct field field = read_key(import, key);
    const char *sample = NULL;
    uint32_t notes = import->note_count;
    if (!is_text_field(field.name)) {
        import_sigma_give_up(sigma, "field",
                             import_print(import, "it looks at the field '%s', and a rule sees only the text",
                                          import_quote(import, field.name)));
        return NULL;
    }
    if (field.unknown) {
        import_sigma_give_up(sigma, "field",
                             import_print(import, "Weir has nothing like the modifier '%s'", field.unknown));
        return NULL;
    }
    if (node->type == YAML_MAP || node->type == YAML_NULL || (node->type == YAML_LIST && node->count == 0)) {
        import_sigma_give_up(sigma, "field",
                             import_print(import, "there is %s where texts are expected", yaml_type_text(node)));
        return NULL;
    }
    if (field.regex) {
        return put_regexes(sigma, &field, node, name);
    }
    const struct import_values values = {.mode = field.has_mode         ? field.mode
                                                 : field.name.size == 0 ? VALUES_CONTAIN
                                                                        : VALUES_EQUAL,
                                         .cased = field.cased,
                                         .wild = true,
                                         .all = field.all,
                                         .name = name,
                                         .what = sigma->what};
    const struct import_expression *expression = import_values_put(import, sigma->rule, &values, node, &sample);
    keep_sample(sigma, sample);
    if (sigma->negations > 0 && import->note_count > notes) {
        sigma->rule->status_min = RULE_SHADOW; /* what is missing of an exception is flagged */
    }
    if (!expression) {
        import_sigma_give_up(sigma, "field", "nothing to look for is left of a selection");
    }
    return expression;
}

/* Every field of a map, or "all of these keywords" under an empty name. */
static const struct import_expression *put_map(struct import_sigma *sigma, const struct yaml *map, const char *name)
{
    const struct import_expression *items[ITEMS_MAX];
    uint32_t count = 0;
    for (const struct yaml *item = map->first; item; item = item->next) {
        if (!has_room(sigma, count)) {
            return NULL;
        }
        items[count] = put_values(sigma, import_yaml_text(item->key), item, name);
        if (!items[count++]) {
            return NULL;
        }
    }
    return count ? import_expression_join(sigma->import->arena, IMPORT_AND, items, count) : NULL;
}

const struct import_expression *import_sigma_selection(struct import_sigma *sigma, const struct yaml *selection)
{
    const char *name = import_copy(sigma->import, import_yaml_text(selection->key));
    const struct import_expression *items[ITEMS_MAX];
    uint32_t count = 0;
    if (selection->type == YAML_MAP) {
        return put_map(sigma, selection, name);
    }
    bool maps = selection->type == YAML_LIST && selection->first && selection->first->type == YAML_MAP;
    if (!maps) {
        return put_values(sigma, span_of("", 0), selection, name);
    }
    for (const struct yaml *item = selection->first; item; item = item->next) {
        if (!has_room(sigma, count)) {
            return NULL;
        }
        items[count] = item->type == YAML_MAP ? put_map(sigma, item, name) : NULL;
        if (!items[count++]) {
            import_sigma_give_up(sigma, "field", "a selection mixes keywords and fields");
            return NULL;
        }
    }
    return import_expression_join(sigma->import->arena, IMPORT_OR, items, count);
}

/* One condition, or a list of them of which each is enough. */
static const struct import_expression *read_conditions(struct import_sigma *sigma)
{
    const struct yaml *node = yaml_get(sigma->detection, "condition");
    const struct import_expression *any = NULL;
    if (!node || node->type == YAML_MAP || node->type == YAML_NULL) {
        import_sigma_give_up(sigma, "condition", "it has no condition");
        return NULL;
    }
    if (yaml_get(sigma->detection, "timeframe")) {
        import_sigma_give_up(sigma, "condition", "it counts messages (a timeframe)");
        return NULL;
    }
    for (const struct yaml *item = import_yaml_first(node); item; item = import_yaml_next(node, item)) {
        const struct import_expression *both[2] = {any, import_sigma_condition(sigma, import_yaml_text(item))};
        if (!both[1]) {
            return NULL;
        }
        any = any ? import_expression_join(sigma->import->arena, IMPORT_OR, both, 2) : both[1];
    }
    return any;
}

static void read_about(struct import_sigma *sigma, const struct yaml *map)
{
    static const struct {
        const char *level;
        enum severity severity;
    } levels[] = {{"informational", SEVERITY_LOW},
                  {"low", SEVERITY_LOW},
                  {"medium", SEVERITY_MEDIUM},
                  {"high", SEVERITY_HIGH},
                  {"critical", SEVERITY_CRITICAL}};
    const struct yaml *status = yaml_get(map, "status");
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (import_yaml_is(yaml_get(map, "level"), levels[i].level)) {
            sigma->rule->severity = levels[i].severity;
        }
    }
    if (import_yaml_is(status, "experimental") || import_yaml_is(status, "test")) {
        sigma->rule->status_min = RULE_SHADOW;
    } else if (import_yaml_is(status, "deprecated") || import_yaml_is(status, "unsupported")) {
        sigma->rule->status_min = RULE_OFF;
    }
    import_draft_title(sigma->import, sigma->rule, import_trim(import_yaml_text(yaml_get(map, "title"))));
}

/* Where it comes from, its id there, and what it says about itself. */
static const char *comment_of(struct import_sigma *sigma, const struct yaml *map)
{
    struct import *import = sigma->import;
    struct span id = import_yaml_text(yaml_get(map, "id"));
    struct span text = import_trim(import_yaml_text(yaml_get(map, "description")));
    const char *where = import_print(import, "%s:%u", import_base(import->file), map->line + import->line_offset);
    if (id.size > 0) {
        where = import_print(import, "%s, %s", where, import_copy(import, id));
    }
    return text.size > 0 ? import_print(import, "%s\n%s", where, import_copy(import, text)) : where;
}

static void read_rule(struct import *import, const struct yaml *map, uint32_t number)
{
    struct import_sigma sigma = {.import = import,
                                 .rule = import_draft_new(import, import_here(import, map->line)),
                                 .what = import_print(import, "rule %u of the file", number),
                                 .detection = yaml_get(map, "detection")};
    if (!sigma.rule) {
        return;
    }
    read_about(&sigma, map);
    if (sigma.rule->title) {
        sigma.what = import_print(import, "'%s'", import_quote(import, span_text(sigma.rule->title)));
    }
    if (!sigma.detection || sigma.detection->type != YAML_MAP) {
        import_sigma_give_up(&sigma, "no-check", "it has no detection");
    }
    const struct import_expression *condition = sigma.why ? NULL : read_conditions(&sigma);
    if (sigma.why || !condition) {
        if (sigma.sort) {
            import_note(import, FINDING_WARNING, sigma.sort, map->line, NULL, "%s is left out: %s", sigma.what,
                        sigma.why);
        }
        return;
    }
    sigma.rule->comment = comment_of(&sigma, map);
    if (import_draft_settle(import, sigma.rule, condition, sigma.what)) {
        const char *slug = sigma.rule->title ? import_slug(import, span_text(sigma.rule->title)) : "";
        if (sigma.sample) {
            import_draft_try(import, sigma.rule, sigma.sample);
        }
        import_draft_add(import, sigma.rule,
                         slug[0] != '\0' ? slug : import_print(import, "%s-%u", import->stem, number));
    }
}

void import_read_sigma(struct import *import, struct span text)
{
    import_yaml_read(import, text, read_rule);
}
