#include "rules/format_lines.h"

#include <string.h>

#include "text/utf8.h"

uint32_t format_line_indent(const struct format_line *line)
{
    uint32_t indent = 0;
    while (indent < line->text.size && line->text.data[indent] == ' ') {
        indent++;
    }
    return indent;
}

bool format_line_is_blank(const struct format_line *line)
{
    for (size_t i = 0; i < line->text.size; i++) {
        if (line->text.data[i] != ' ' && line->text.data[i] != '\t') {
            return false;
        }
    }
    return true;
}

bool format_line_is_comment(const struct format_line *line)
{
    uint32_t indent = format_line_indent(line);
    return !line->inside && indent < line->text.size && line->text.data[indent] == '#';
}

uint32_t format_node_offset(const struct format_lines *lines, const struct yaml *node)
{
    if (node->line == 0 || node->line > lines->count) {
        return 0;
    }
    struct span text = lines->items[node->line - 1].text;
    uint32_t offset = 0;
    for (uint32_t column = 1; column < node->column && offset < text.size; column++) {
        uint32_t character;
        offset += utf8_decode(span_of(text.data + offset, text.size - offset), &character);
    }
    return offset;
}

char format_node_sign(const struct format_lines *lines, const struct yaml *node)
{
    if (node->line == 0 || node->line > lines->count) {
        return 0;
    }
    struct span text = lines->items[node->line - 1].text;
    uint32_t offset = format_node_offset(lines, node);
    return offset < text.size ? (char)text.data[offset] : 0;
}

/* Where something that begins at (line, offset) ends. */
struct walk {
    struct format_lines *lines;
    uint32_t line, offset;
};

static char look(const struct walk *walk)
{
    struct span text = walk->lines->items[walk->line].text;
    return walk->offset < text.size ? (char)text.data[walk->offset] : '\n';
}

/* One byte on; false at the end of the file. The next line is marked: it goes on with what began before it. */
static bool step(struct walk *walk, bool verbatim)
{
    if (look(walk) != '\n') {
        walk->offset++;
        return true;
    }
    walk->lines->items[walk->line].verbatim |= verbatim;
    if (walk->line + 1 >= walk->lines->count) {
        return false;
    }
    walk->line++;
    walk->offset = 0;
    walk->lines->items[walk->line].inside = true;
    return true;
}

/* Behind the closing quote. */
static bool pass_quotes(struct walk *walk)
{
    char quote = look(walk);
    while (step(walk, true)) {
        if (quote == '"' && look(walk) == '\\') {
            if (!step(walk, true)) {
                return false;
            }
        } else if (look(walk) == quote) {
            (void)step(walk, true);
            if (quote == '"' || look(walk) != '\'') {
                return true;
            }
        }
    }
    return false;
}

/* Behind the closing bracket. Quotes begin a text only where a value may begin. */
static void pass_brackets(struct walk *walk)
{
    uint32_t depth = 0;
    bool value = true;
    for (;;) {
        char c = look(walk);
        if ((c == '\'' || c == '"') && value) {
            value = false;
            if (!pass_quotes(walk)) {
                return;
            }
            continue;
        }
        if (c == '#' && (walk->offset == 0 || walk->lines->items[walk->line].text.data[walk->offset - 1] == ' ')) {
            walk->offset = (uint32_t)walk->lines->items[walk->line].text.size;
            continue;
        }
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
        value = c == '[' || c == '{' || c == ',' || c == ':' || (value && (c == ' ' || c == '\n'));
        if (depth == 0 || !step(walk, false)) {
            return;
        }
    }
}

/* A text block: all lines that are indented deeper than the line on which it begins, and blank ones between. */
static void pass_block(struct walk *walk)
{
    const struct format_line *first = &walk->lines->items[walk->line];
    uint32_t indent = format_line_indent(first), last = walk->line;
    if (indent < first->text.size && first->text.data[indent] == '-') {
        indent++; /* a key behind a dash stands further in */
    }
    for (uint32_t i = walk->line + 1; i < walk->lines->count; i++) {
        const struct format_line *line = &walk->lines->items[i];
        if (!format_line_is_blank(line) && format_line_indent(line) <= indent) {
            break;
        }
        last = format_line_is_blank(line) ? last : i;
    }
    for (uint32_t i = walk->line + 1; i <= last; i++) {
        walk->lines->items[i].inside = walk->lines->items[i].verbatim = true;
    }
}

/* Plain text over several lines: up to the line of whatever comes next. */
static void mark_node(struct format_lines *lines, const struct yaml *node)
{
    char sign = format_node_sign(lines, node);
    if (node->line == 0 || node->line > lines->count) {
        return;
    }
    struct walk walk = {.lines = lines, .line = node->line - 1, .offset = format_node_offset(lines, node)};
    if (node->type == YAML_SCALAR && node->quoted && (sign == '\'' || sign == '"')) {
        (void)pass_quotes(&walk);
    } else if (node->type == YAML_SCALAR && node->quoted) {
        pass_block(&walk);
    } else if (sign == '[' || sign == '{') {
        pass_brackets(&walk);
    } else if (node->type == YAML_SCALAR && memchr(node->text, ' ', node->size)) {
        /* A plain text goes on where the next line is deeper and begins no key; only rarely is there such a line. */
        struct span rest =
            span_of(lines->items[walk.line].text.data + walk.offset, lines->items[walk.line].text.size - walk.offset);
        if (rest.size < node->size) {
            pass_block(&walk);
        }
    }
}

static void mark_all(struct format_lines *lines, const struct yaml *node)
{
    mark_node(lines, node);
    char sign = format_node_sign(lines, node);
    if (sign == '[' || sign == '{') {
        return;
    }
    for (const struct yaml *item = node->first; item; item = item->next) {
        if (item->key) {
            mark_node(lines, item->key);
        }
        mark_all(lines, item); /* not deeper than YAML_DEPTH_MAX */
    }
}

enum status format_lines_cut(struct span text, const struct yaml *root, struct arena *arena,
                             struct format_lines *ret_lines)
{
    uint32_t count = 1;
    if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0) {
        text = span_of(text.data + 3, text.size - 3);
    }
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == '\n';
    }
    struct format_lines lines = {.items = arena_array(arena, count, sizeof *lines.items)};
    if (!lines.items) {
        return STATUS_NO_MEMORY;
    }
    for (size_t start = 0; start <= text.size && lines.count < count;) {
        const uint8_t *end = start < text.size ? memchr(text.data + start, '\n', text.size - start) : NULL;
        size_t size = end ? (size_t)(end - text.data) - start : text.size - start;
        size_t kept = size > 0 && text.data[start + size - 1] == '\r' ? size - 1 : size;
        lines.items[lines.count++].text = span_of(text.data + start, kept);
        start += size + 1;
    }
    if (root) {
        mark_all(&lines, root);
    }
    *ret_lines = lines;
    return STATUS_OK;
}
