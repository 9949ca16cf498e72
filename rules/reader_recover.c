#include "rules/reader_recover.h"

#include <string.h>

/* The lines of a file, and where the list of rules has its dashes. */
struct layout {
    uint8_t *text; /* a copy in which rules are blanked */
    size_t size;
    size_t *lines; /* where each begins, and the end of the file */
    uint32_t line_count;
    uint32_t rules_line; /* index of the line `rules:` */
    size_t indent;       /* of the dashes */
};

static size_t indent_of(const struct layout *layout, uint32_t line)
{
    size_t at = layout->lines[line];
    while (at < layout->lines[line + 1] && layout->text[at] == ' ') {
        at++;
    }
    return at - layout->lines[line];
}

static char sign_of(const struct layout *layout, uint32_t line)
{
    size_t at = layout->lines[line] + indent_of(layout, line);
    return at < layout->size ? (char)layout->text[at] : '\n';
}

static bool is_dash(const struct layout *layout, uint32_t line)
{
    size_t at = layout->lines[line] + layout->indent;
    return indent_of(layout, line) == layout->indent && sign_of(layout, line) == '-' &&
           (at + 1 >= layout->size || layout->text[at + 1] == ' ' || layout->text[at + 1] == '\n');
}

/* The key of a pack after the rules ends them. */
static bool is_end(const struct layout *layout, uint32_t line)
{
    char sign = sign_of(layout, line);
    return indent_of(layout, line) == 0 && ((sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z'));
}

static enum status read_layout(struct reader_context *context, struct layout *layout)
{
    struct span source = context->source;
    uint32_t count = 1;
    layout->size = source.size;
    layout->text = (uint8_t *)arena_copy(context->scratch, source);
    for (size_t i = 0; i < source.size; i++) {
        count += source.data[i] == '\n';
    }
    layout->lines = arena_array(context->scratch, (size_t)count + 1, sizeof *layout->lines);
    if (!layout->text || !layout->lines) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < source.size; i++) {
        if (source.data[i] == '\n') {
            layout->lines[++layout->line_count] = i + 1;
        }
    }
    layout->lines[++layout->line_count] = source.size;
    uint32_t line = 0;
    while (line < layout->line_count &&
           (source.size - layout->lines[line] < 6 || memcmp(source.data + layout->lines[line], "rules:", 6) != 0)) {
        line++;
    }
    layout->rules_line = line;
    while (++line < layout->line_count && sign_of(layout, line) != '-') {
        if (is_end(layout, line)) {
            return STATUS_INVALID;
        }
    }
    if (line >= layout->line_count) {
        return STATUS_INVALID;
    }
    layout->indent = indent_of(layout, line);
    return STATUS_OK;
}

/* Blanks the rule in which the line stands; false if it stands in none, or in one that is blank already. */
static bool blank_rule(struct layout *layout, uint32_t line)
{
    uint32_t first = line, end = line + 1;
    bool any = false;
    if (line >= layout->line_count) {
        return false;
    }
    while (first > layout->rules_line && !is_dash(layout, first)) {
        if (is_end(layout, first)) {
            return false;
        }
        first--;
    }
    if (first <= layout->rules_line) {
        return false;
    }
    while (end < layout->line_count && !is_dash(layout, end) && !is_end(layout, end)) {
        end++;
    }
    for (size_t i = layout->lines[first]; i < layout->lines[end]; i++) {
        if (layout->text[i] != '\n' && layout->text[i] != '\r') {
            any |= layout->text[i] != ' ';
            layout->text[i] = ' ';
        }
    }
    return any;
}

enum status reader_recover(struct reader_context *context, uint32_t first, struct yaml **ret_root)
{
    struct layout layout = {0};
    enum status status = read_layout(context, &layout);
    struct yaml *root = NULL;
    for (uint32_t round = 0; status == STATUS_OK && round < READER_RECOVER_ROUNDS_MAX; round++) {
        bool blanked = false;
        uint32_t end = context->findings->count;
        for (uint32_t i = first; i < end; i++) {
            uint32_t line = context->findings->items[i].line;
            blanked |= line > 0 && blank_rule(&layout, line - 1);
        }
        if (!blanked) {
            return STATUS_INVALID;
        }
        first = end;
        status =
            yaml_parse(span_of(layout.text, layout.size), context->name, context->scratch, context->findings, &root);
        findings_name(context->findings, "syntax");
        if (status == STATUS_OK) {
            const struct yaml *rules = yaml_get(root, "rules");
            if (!rules || rules->type != YAML_LIST) {
                return STATUS_INVALID; /* no rule is left */
            }
            *ret_root = root;
            return STATUS_OK;
        }
        status = status == STATUS_INVALID ? STATUS_OK : status;
    }
    return status == STATUS_OK ? STATUS_INVALID : status;
}
