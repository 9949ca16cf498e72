#include "rules/reader_allow.h"

#include <stdio.h>
#include <string.h>

#include "rules/lint_names.h"

static bool read_name(struct reader_context *context, const struct yaml *key, const char **ret_name)
{
    char quote[MODEL_QUOTE_SIZE];
    char remedy[120];
    const struct lint_name *known = key->text && strlen(key->text) == key->size ? lint_name_find(key->text) : NULL;
    if (known && known->level != FINDING_ERROR) {
        *ret_name = known->name;
        return true;
    }
    if (known) {
        reader_node_error(context, key, "repair what it says", "'%s' cannot be allowed: it is an error", known->name);
        return false;
    }
    const char *nearest = key->text ? lint_name_nearest(key->text) : NULL;
    snprintf(remedy, sizeof remedy, "did you mean '%s'?", nearest ? nearest : "");
    reader_node_error(context, key, nearest ? remedy : "'weir rules check --names' lists all findings",
                      "there is no finding '%s'", model_quote(span_of(key->text, key->text ? key->size : 0), quote));
    return false;
}

void reader_allow_read(struct reader_context *context, const struct yaml *node, struct rule *rule)
{
    if (!node) {
        return;
    }
    if (node->type != YAML_MAP) {
        reader_node_error(context, node, "write allow: {no-tests: 'the reason'}",
                          "allow must be a map of findings and reasons, found %s", yaml_type_text(node));
        return;
    }
    struct rule_allow *allows = arena_array(context->arena, node->count, sizeof *allows);
    if (!allows) {
        context->no_memory = true;
        return;
    }
    uint32_t count = 0;
    for (const struct yaml *item = node->first; item; item = item->next) {
        struct rule_allow allow = {.place = reader_node_place(context, item->key)};
        bool known = read_name(context, item->key, &allow.name);
        if (reader_node_line(context, item, "the reason", MODEL_TITLE_SIZE_MAX, &allow.reason) && known) {
            allows[count++] = allow;
        }
    }
    rule->allows = allows;
    rule->allow_count = count;
}

bool reader_allow_has(struct rule *rule, const char *name)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): only to shed the const; the reader made it and still owns it. */
    struct rule_allow *allows = (struct rule_allow *)(uintptr_t)rule->allows;
    for (uint32_t i = 0; i < rule->allow_count; i++) {
        if (strcmp(allows[i].name, name) == 0) {
            allows[i].used = true;
            return true;
        }
    }
    return false;
}

void reader_allow_apply(struct reader_context *context, struct rule *rule, uint32_t first)
{
    struct findings *findings = context->findings;
    for (uint32_t i = rule->allow_count > 0 ? first : findings->count; i < findings->count;) {
        const struct finding *finding = &findings->items[i];
        if (finding->level != FINDING_ERROR && finding->name && reader_allow_has(rule, finding->name)) {
            findings_remove(findings, i);
        } else {
            i++;
        }
    }
}
