#include "import/import_values.h"

#include <string.h>

#include "base/buffer.h"
#include "import/import_draft.h"
#include "import/import_expression.h"
#include "import/import_literal.h"
#include "import/import_yaml.h"

#define REGEX_SIZE_MAX 32768u /* of one pattern of alternatives */
#define LITERAL_SIZE_MAX 30000u
#define PATTERNS_MAX 300u

/* What is being made of one list. */
struct work {
    struct import *import;
    struct import_rule *rule;
    const struct import_values *values;
    struct buffer alternatives;
    const struct import_expression *items[PATTERNS_MAX];
    uint32_t count;
    bool several; /* alternatives since the last pattern */
    uint32_t line;
    const char *sample;
};

static const struct {
    const char *before, *after;
} edges[] = {
    [VALUES_CONTAIN] = {"", ""},
    [VALUES_START] = {"\\A", ""},
    [VALUES_END] = {"", "\\z"},
    [VALUES_EQUAL] = {"\\A", "\\z"},
    [VALUES_PADDED] = {"\\A\\W*", "\\W*\\z"},
    [VALUES_WORD] = {"(?<!\\w)", "(?!\\w)"},
    [VALUES_DOMAIN] = {"(?<![\\w-])", "(?![\\w-]|\\.\\w)"},
};

static enum view view_of(const struct import_values *values)
{
    return values->cased ? VIEW_RAW : VIEW_FOLDED;
}

/* Makes a pattern of the alternatives so far. */
static void flush(struct work *work)
{
    struct import *import = work->import;
    const struct import_values *values = work->values;
    if (work->alternatives.size == 0 || work->count == PATTERNS_MAX) {
        return;
    }
    bool bracket = work->several && values->mode != VALUES_CONTAIN;
    const char *regex =
        import_print(import, "%s%s%s%.*s%s%s", values->cased ? "(?-i)" : "", edges[values->mode].before,
                     bracket ? "(?:" : "", (int)work->alternatives.size, (const char *)work->alternatives.data,
                     bracket ? ")" : "", edges[values->mode].after);
    const char *name = import_draft_regex(import, work->rule, import_here(import, work->line), values->name,
                                          span_text(regex), view_of(values), values->what);
    if (name) {
        work->items[work->count++] = import_expression_name(import->arena, name);
    }
    buffer_clear(&work->alternatives);
    work->several = false;
}

static void add_sample(struct work *work, struct span text)
{
    bool wild = work->values->wild && (memchr(text.data, '*', text.size) || memchr(text.data, '?', text.size) ||
                                       memchr(text.data, '\\', text.size));
    if (wild || (work->sample && !work->values->all)) {
        return;
    }
    const char *copy = import_copy(work->import, text);
    work->sample = work->sample ? import_print(work->import, "%s %s", work->sample, copy) : copy;
}

static void add(struct work *work, const struct yaml *item)
{
    struct import *import = work->import;
    const struct import_values *values = work->values;
    struct span text = import_yaml_text(item);
    enum view view = view_of(values);
    if (item->type != YAML_SCALAR || text.size == 0 || import_literal_is_empty(text, view) ||
        memchr(text.data, 0, text.size)) {
        import_note(import, FINDING_ERROR, "no-phrase", item->line, NULL, "%s: a value is left out: %s", values->what,
                    item->type == YAML_SCALAR ? "nothing to look for is left of it" : "it is no text");
        return;
    }
    size_t before = work->alternatives.size;
    enum status status = before > 0 ? buffer_append_byte(&work->alternatives, '|') : STATUS_OK;
    if (status == STATUS_OK) {
        status = values->wild ? import_literal_append_wild(&work->alternatives, text, view)
                              : import_literal_append(&work->alternatives, text, view);
    }
    if (status != STATUS_OK) {
        work->alternatives.size = before;
        import->no_memory |= status == STATUS_NO_MEMORY;
        import_note(import, FINDING_ERROR, "no-phrase", item->line, NULL, "%s: a value is left out: it is too long",
                    values->what);
        return;
    }
    work->line = item->line;
    work->several |= before > 0;
    add_sample(work, text);
    if (values->all || work->alternatives.size > REGEX_SIZE_MAX) {
        flush(work);
    }
}

const struct import_expression *import_values_put(struct import *import, struct import_rule *rule,
                                                  const struct import_values *values, const struct yaml *node,
                                                  const char **ret_sample)
{
    struct work work = {.import = import,
                        .rule = rule,
                        .values = values,
                        .alternatives = BUFFER_INIT(REGEX_SIZE_MAX + LITERAL_SIZE_MAX)};
    for (const struct yaml *item = import_yaml_first(node); item && !import->no_memory;
         item = import_yaml_next(node, item)) {
        if (values->all && work.count >= MODEL_RULE_PATTERNS_MAX) {
            import_note(import, FINDING_WARNING, "large-rule", item->line, NULL, "%s: more than %d values of `all`",
                        values->what, MODEL_RULE_PATTERNS_MAX);
            work.count = 0;
            break;
        }
        add(&work, item);
    }
    flush(&work);
    buffer_free(&work.alternatives);
    if (work.count == 0 || import->no_memory) {
        return NULL;
    }
    *ret_sample = work.sample;
    const struct import_expression *joined =
        import_expression_join(import->arena, values->all ? IMPORT_AND : IMPORT_OR, work.items, work.count);
    import->no_memory |= !joined;
    return joined;
}
