#include "rules/format.h"

#include <stdlib.h>
#include <string.h>

#include "rules/format_lines.h"
#include "rules/model.h"

#define TEXT_SIZE_MAX ((size_t)4 * YAML_SIZE_MAX)
#define RULE_INDENT 2u
#define KEY_INDENT 4u

/* A step: `lines` and `root` are of the text as it is; the new text is appended to `out`. */
typedef enum status (*format_step)(const struct format_lines *lines, const struct yaml *root, struct arena *arena,
                                   struct buffer *out);

static enum status put(struct buffer *out, uint32_t indent, struct span text)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < indent && status == STATUS_OK; i++) {
        status = buffer_append_byte(out, ' ');
    }
    status = status == STATUS_OK ? buffer_append(out, text.data, text.size) : status;
    return status == STATUS_OK ? buffer_append_byte(out, '\n') : status;
}

/* ---- White space ---- */

static enum status step_white_space(const struct format_lines *lines, const struct yaml *root, struct arena *arena,
                                    struct buffer *out)
{
    enum status status = STATUS_OK;
    bool blank = true; /* also before the first line */
    uint32_t count = lines->count;
    (void)root;
    (void)arena;
    while (count > 0 && !lines->items[count - 1].verbatim && format_line_is_blank(&lines->items[count - 1])) {
        count--;
    }
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct format_line *line = &lines->items[i];
        struct span text = line->text;
        if (line->verbatim) {
            status = put(out, 0, text);
            blank = false;
            continue;
        }
        while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
            text.size--;
        }
        if (text.size > 0 || !blank) {
            status = put(out, 0, text);
        }
        blank = text.size == 0;
    }
    return status;
}

/* ---- Indentation ---- */

struct indenter {
    const struct format_lines *lines;
    int32_t *targets; /* by line: its new indentation; -1: none of its own */
    int32_t *moves;   /* by line: how far what begins on it moves */
    bool failed;      /* something stands where no step knows it */
};

static void indent_map(struct indenter *indenter, const struct yaml *map, uint32_t indent);

static bool is_block(const struct indenter *indenter, const struct yaml *node)
{
    char sign = format_node_sign(indenter->lines, node);
    return (node->type == YAML_MAP || node->type == YAML_LIST) && sign != '[' && sign != '{';
}

static void indent_list(struct indenter *indenter, const struct yaml *list, uint32_t indent)
{
    for (const struct yaml *item = list->first; item && !indenter->failed; item = item->next) {
        uint32_t index = item->line - 1;
        const struct format_line *line = &indenter->lines->items[index];
        uint32_t dash = format_line_indent(line);
        if (item->type == YAML_NULL || dash >= line->text.size || line->text.data[dash] != '-' ||
            indenter->targets[index] >= 0) {
            indenter->failed = true; /* a dash alone on its line, or a list in a list */
            return;
        }
        indenter->targets[index] = (int32_t)indent;
        indenter->moves[index] = (int32_t)indent + 2 - (int32_t)format_node_offset(indenter->lines, item);
        if (is_block(indenter, item)) {
            indenter->failed |= item->type == YAML_LIST;
            indent_map(indenter, item, indent + 2);
        }
    }
}

static void indent_map(struct indenter *indenter, const struct yaml *map, uint32_t indent)
{
    for (const struct yaml *item = map->first; item && !indenter->failed; item = item->next) {
        uint32_t index = item->key->line - 1;
        const struct format_line *line = &indenter->lines->items[index];
        if (format_node_offset(indenter->lines, item->key) == format_line_indent(line)) {
            indenter->targets[index] = (int32_t)indent;
            indenter->moves[index] = (int32_t)indent - (int32_t)format_line_indent(line);
        } else if (indenter->targets[index] < 0) {
            indenter->failed = true;
            return;
        }
        if (!is_block(indenter, item)) {
            continue;
        }
        if (item->type == YAML_MAP) {
            indent_map(indenter, item, indent + 2);
        } else {
            indent_list(indenter, item, indent + 2);
        }
    }
}

/* A comment belongs to what follows it, unless it stands as deep as what precedes it and the next stands less deep. */
static uint32_t comment_indent(const struct indenter *indenter, uint32_t index)
{
    const struct format_lines *lines = indenter->lines;
    uint32_t indent = format_line_indent(&lines->items[index]), next = index + 1, previous = index;
    while (next < lines->count && indenter->targets[next] < 0) {
        next++;
    }
    while (previous > 0 && indenter->targets[previous] < 0) {
        previous--;
    }
    bool has_previous = indenter->targets[previous] >= 0, has_next = next < lines->count;
    if (!has_next && (!has_previous || indent == 0)) {
        return indent; /* the last words of the file */
    }
    uint32_t next_indent = has_next ? format_line_indent(&lines->items[next]) : 0;
    bool of_previous =
        has_previous && next_indent < format_line_indent(&lines->items[previous]) && indent > next_indent;
    return (uint32_t)indenter->targets[of_previous || !has_next ? previous : next];
}

static enum status put_line(const struct indenter *indenter, uint32_t index, int32_t move, struct buffer *out)
{
    const struct format_line *line = &indenter->lines->items[index];
    uint32_t old = format_line_indent(line);
    struct span text = span_of(line->text.data + old, line->text.size - old);
    if (indenter->targets[index] >= 0) {
        uint32_t target = (uint32_t)indenter->targets[index];
        size_t gap = 1;
        if (text.data[0] == '-' && text.size > 1 && text.data[1] == ' ') {
            while (gap < text.size && text.data[gap] == ' ') {
                gap++;
            }
            enum status status = STATUS_OK;
            for (uint32_t i = 0; i < target && status == STATUS_OK; i++) {
                status = buffer_append_byte(out, ' ');
            }
            status = status == STATUS_OK ? buffer_append_text(out, "- ") : status;
            return status == STATUS_OK ? put(out, 0, span_of(text.data + gap, text.size - gap)) : status;
        }
        return put(out, target, text);
    }
    if (line->inside) {
        int64_t moved = (int64_t)old + move;
        return text.size == 0 ? put(out, 0, line->text) : put(out, moved > 0 ? (uint32_t)moved : 0, text);
    }
    return format_line_is_comment(line) ? put(out, comment_indent(indenter, index), text) : put(out, 0, line->text);
}

static enum status step_indentation(const struct format_lines *lines, const struct yaml *root, struct arena *arena,
                                    struct buffer *out)
{
    struct indenter indenter = {.lines = lines};
    indenter.targets = arena_array(arena, lines->count, sizeof *indenter.targets);
    indenter.moves = arena_array(arena, lines->count, sizeof *indenter.moves);
    if (!indenter.targets || !indenter.moves) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < lines->count; i++) {
        indenter.targets[i] = -1;
    }
    if (root->type != YAML_MAP || !is_block(&indenter, root)) {
        return STATUS_UNSUPPORTED;
    }
    indent_map(&indenter, root, 0);
    if (indenter.failed) {
        return STATUS_UNSUPPORTED;
    }
    enum status status = STATUS_OK;
    int32_t move = 0;
    for (uint32_t i = 0; i < lines->count && status == STATUS_OK; i++) {
        move = indenter.targets[i] >= 0 ? indenter.moves[i] : move;
        if (i + 1 < lines->count || lines->items[i].text.size > 0) { /* the last line break ends the last line */
            status = put_line(&indenter, i, move, out);
        }
    }
    return status;
}

/* ---- Rules: blank lines between them, and their keys in order ---- */

/* The line of each rule's dash, with the keys of all rules one deeper; NULL where the file is laid out otherwise. */
static const struct yaml *find_rules(const struct format_lines *lines, const struct yaml *root)
{
    const struct yaml *rules = yaml_get(root, "rules");
    if (!rules || rules->type != YAML_LIST || format_node_sign(lines, rules) == '[') {
        return NULL;
    }
    for (const struct yaml *rule = rules->first; rule; rule = rule->next) {
        const struct format_line *line = &lines->items[rule->line - 1];
        if (rule->type != YAML_MAP || format_node_sign(lines, rule) == '{' || format_line_indent(line) != RULE_INDENT ||
            line->text.data[RULE_INDENT] != '-' || format_node_offset(lines, rule) != KEY_INDENT) {
            return NULL;
        }
    }
    return rules;
}

/* The first line of what belongs to the thing on line `index`: comments right above it, at most back to `from`. */
static uint32_t comments_above(const struct format_lines *lines, uint32_t index, uint32_t from)
{
    while (index > from && format_line_is_comment(&lines->items[index - 1])) {
        index--;
    }
    return index;
}

static enum status step_blank_lines(const struct format_lines *lines, const struct yaml *root, struct arena *arena,
                                    struct buffer *out)
{
    const struct yaml *rules = find_rules(lines, root);
    bool *before = arena_array(arena, lines->count, sizeof *before);
    enum status status = STATUS_OK;
    if (!before || !rules) {
        return before ? STATUS_UNSUPPORTED : STATUS_NO_MEMORY;
    }
    for (const struct yaml *rule = rules->first; rule; rule = rule->next) {
        uint32_t start = comments_above(lines, rule->line - 1, 0);
        before[start] = rule != rules->first && start > 0 && !format_line_is_blank(&lines->items[start - 1]);
    }
    for (uint32_t i = 0; i < lines->count && status == STATUS_OK; i++) {
        if (before[i]) {
            status = put(out, 0, (struct span){0});
        }
        if (status == STATUS_OK && (i + 1 < lines->count || lines->items[i].text.size > 0)) {
            status = put(out, 0, lines->items[i].text);
        }
    }
    return status;
}

static const char *const key_order[] = {"id",     "title",    "status",    "severity", "queue", "max_per_minute",
                                        "across", "patterns", "condition", "tests",    "allow", NULL};

/* A key of a rule with its lines and the comments above it. */
struct chunk {
    uint32_t start, key, end; /* lines; `key` is the one with the key, `end` is behind the last */
    uint32_t rank, order;
};

static int compare_chunks(const void *left, const void *right)
{
    const struct chunk *a = left, *b = right;
    return a->rank != b->rank ? (a->rank < b->rank ? -1 : 1) : (a->order > b->order) - (a->order < b->order);
}

static uint32_t rank_of(const struct yaml *key)
{
    uint32_t rank = 0;
    while (key_order[rank] && !span_equal(span_of(key->text, key->size), span_text(key_order[rank]))) {
        rank++;
    }
    return rank;
}

static enum status put_chunk(const struct format_lines *lines, const struct chunk *chunk, bool first,
                             struct buffer *out)
{
    enum status status = STATUS_OK;
    for (uint32_t i = chunk->start; i < chunk->end && status == STATUS_OK; i++) {
        struct span text = lines->items[i].text;
        if (i != chunk->key) {
            status = put(out, 0, text);
            continue;
        }
        status = buffer_append_text(out, first ? "  - " : "    ");
        status = status == STATUS_OK ? put(out, 0, span_of(text.data + KEY_INDENT, text.size - KEY_INDENT)) : status;
    }
    return status;
}

/* The lines of a rule up to `end`, its keys in order. Blank lines and comments at its end stay there. */
static enum status put_rule(const struct format_lines *lines, const struct yaml *rule, uint32_t end,
                            struct arena *arena, struct buffer *out)
{
    struct chunk *chunks = arena_array(arena, (size_t)rule->count + 1, sizeof *chunks);
    uint32_t count = 0, at = rule->line - 1, last = end;
    if (!chunks) {
        return STATUS_NO_MEMORY;
    }
    while (last > at + 1 && !lines->items[last - 1].inside &&
           (format_line_is_blank(&lines->items[last - 1]) || format_line_is_comment(&lines->items[last - 1]))) {
        last--;
    }
    for (const struct yaml *item = rule->first; item; item = item->next) {
        uint32_t key = item->key->line - 1;
        if (format_node_offset(lines, item->key) != KEY_INDENT || (count > 0 && key <= chunks[count - 1].key)) {
            return STATUS_UNSUPPORTED;
        }
        chunks[count] = (struct chunk){
            .start = count ? comments_above(lines, key, chunks[count - 1].key + 1) : key, .key = key, .order = count};
        chunks[count].rank = rank_of(item->key);
        if (count > 0) {
            chunks[count - 1].end = chunks[count].start;
        }
        count++;
    }
    chunks[count - 1].end = last;
    qsort(chunks, count, sizeof *chunks, compare_chunks);
    if (chunks[0].start != chunks[0].key) {
        return STATUS_UNSUPPORTED; /* its comment would stand between the rules */
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        status = put_chunk(lines, &chunks[i], i == 0, out);
    }
    for (uint32_t i = last; i < end && status == STATUS_OK; i++) {
        if (i + 1 < lines->count || lines->items[i].text.size > 0) {
            status = put(out, 0, lines->items[i].text);
        }
    }
    return status;
}

static enum status step_key_order(const struct format_lines *lines, const struct yaml *root, struct arena *arena,
                                  struct buffer *out)
{
    const struct yaml *rules = find_rules(lines, root);
    enum status status = STATUS_OK;
    uint32_t at = 0;
    if (!rules) {
        return STATUS_UNSUPPORTED;
    }
    for (const struct yaml *rule = rules->first; rule && status == STATUS_OK; rule = rule->next) {
        for (; at < rule->line - 1 && status == STATUS_OK; at++) {
            status = put(out, 0, lines->items[at].text);
        }
        uint32_t end = rule->next ? rule->next->line - 1 : lines->count;
        /* A key of the pack may follow the rules; it begins in the first column. */
        for (uint32_t i = at + 1; i < end; i++) {
            const struct format_line *line = &lines->items[i];
            if (!line->inside && !format_line_is_blank(line) && !format_line_is_comment(line) &&
                format_line_indent(line) == 0) {
                end = i;
            }
        }
        status = status == STATUS_OK ? put_rule(lines, rule, end, arena, out) : status;
        at = end;
    }
    for (; at < lines->count && status == STATUS_OK; at++) {
        if (at + 1 < lines->count || lines->items[at].text.size > 0) {
            status = put(out, 0, lines->items[at].text);
        }
    }
    return status;
}

/* ---- Quotes ---- */

/* "text" in one line that holds neither a backslash nor a single quote: the same as 'text'. */
static void change_quotes(const struct format_lines *lines, const struct yaml *node)
{
    if (node->type != YAML_SCALAR || !node->quoted || format_node_sign(lines, node) != '"') {
        return;
    }
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): only to shed the const that spans have; a copy of the step's own. */
    uint8_t *data = (uint8_t *)(uintptr_t)lines->items[node->line - 1].text.data;
    uint32_t start = format_node_offset(lines, node);
    size_t size = lines->items[node->line - 1].text.size;
    uint32_t end = start + 1;
    while (end < size && data[end] != '"') {
        if (data[end] == '\\' || data[end] == '\'') {
            return;
        }
        end++;
    }
    if (end < size) {
        data[start] = data[end] = '\'';
    }
}

static void change_all_quotes(const struct format_lines *lines, const struct yaml *node)
{
    change_quotes(lines, node);
    for (const struct yaml *item = node->first; item; item = item->next) {
        if (item->key) {
            change_quotes(lines, item->key);
        }
        change_all_quotes(lines, item);
    }
}

static enum status step_quotes(const struct format_lines *lines, const struct yaml *root, struct arena *arena,
                               struct buffer *out)
{
    struct format_lines copies = {.items = arena_array(arena, lines->count, sizeof *copies.items),
                                  .count = lines->count};
    enum status status = STATUS_OK;
    if (!copies.items) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < lines->count; i++) {
        copies.items[i] = lines->items[i];
        char *copy = arena_copy(arena, lines->items[i].text);
        if (!copy) {
            return STATUS_NO_MEMORY;
        }
        copies.items[i].text = span_of(copy, lines->items[i].text.size);
    }
    change_all_quotes(&copies, root);
    for (uint32_t i = 0; i < copies.count && status == STATUS_OK; i++) {
        if (i + 1 < copies.count || copies.items[i].text.size > 0) {
            status = put(out, 0, copies.items[i].text);
        }
    }
    return status;
}

/* ---- Proof ---- */

static bool same_tree(const struct yaml *a, const struct yaml *b)
{
    if (a->type != b->type || a->quoted != b->quoted || a->size != b->size || a->count != b->count ||
        (a->size > 0 && memcmp(a->text, b->text, a->size) != 0)) {
        return false;
    }
    const struct yaml *other = b->first;
    for (const struct yaml *item = a->first; item; item = item->next) {
        if (a->type == YAML_MAP) {
            other = b->first; /* the same key, wherever it stands */
            while (other && !span_equal(span_of(other->key->text, other->key->size),
                                        span_of(item->key->text, item->key->size))) {
                other = other->next;
            }
        }
        if (!other || !same_tree(item, other)) {
            return false;
        }
        other = other->next;
    }
    return true;
}

/* The order of patterns and of everything but the keys of rules must stay: places and conditions go by it. */
static bool same_order(const struct yaml *a, const struct yaml *b)
{
    const struct yaml *x = yaml_get(a, "rules"), *y = yaml_get(b, "rules");
    x = x ? x->first : NULL;
    y = y ? y->first : NULL;
    for (; x && y; x = x->next, y = y->next) {
        const struct yaml *p = yaml_get(x, "patterns"), *q = yaml_get(y, "patterns");
        p = p ? p->first : NULL;
        q = q ? q->first : NULL;
        for (; p && q; p = p->next, q = q->next) {
            if (p->key && q->key &&
                !span_equal(span_of(p->key->text, p->key->size), span_of(q->key->text, q->key->size))) {
                return false;
            }
        }
    }
    return true;
}

/* A sum over all comments, in whatever order: lines that hold nothing else, and what follows " #" in others. */
static uint64_t sum_comments(struct span text)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '#' &&
            (i == 0 || text.data[i - 1] == ' ' || text.data[i - 1] == '\n' || text.data[i - 1] == '\t')) {
            size_t end = i;
            while (end < text.size && text.data[end] != '\n') {
                end++;
            }
            size_t next = end;
            while (end > i && strchr(" \t\r", text.data[end - 1])) {
                end--;
            }
            uint64_t digest[2];
            model_digest(span_of(text.data + i, end - i), digest);
            sum += digest[0];
            i = next;
        }
    }
    return sum;
}

struct formatter {
    const char *name;
    struct arena *arena; /* the caller's */
    struct arena *trees;
    struct span text;
    struct yaml *root;
};

static enum status parse(struct formatter *formatter, struct span text, struct findings *findings,
                         struct yaml **ret_root)
{
    return yaml_parse(text, formatter->name, formatter->trees, findings, ret_root);
}

/* Keeps what the step made if it means the same. */
static enum status run_step(struct formatter *formatter, format_step step)
{
    struct format_lines lines;
    struct findings ignored = {0};
    struct buffer out = BUFFER_INIT(TEXT_SIZE_MAX);
    struct yaml *root = NULL;
    enum status status = format_lines_cut(formatter->text, formatter->root, formatter->trees, &lines);
    if (status == STATUS_OK) {
        status = step(&lines, formatter->root, formatter->trees, &out);
    }
    struct span made = buffer_span(&out);
    if (status == STATUS_OK && !span_equal(made, formatter->text)) {
        status = parse(formatter, made, &ignored, &root);
        if (status == STATUS_OK && same_tree(formatter->root, root) && same_order(formatter->root, root) &&
            sum_comments(formatter->text) == sum_comments(made)) {
            char *copy = arena_copy(formatter->arena, made);
            status = copy ? STATUS_OK : STATUS_NO_MEMORY;
            formatter->text = copy ? span_of(copy, made.size) : formatter->text;
            formatter->root = root;
        }
    }
    findings_clear(&ignored);
    buffer_free(&out);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

enum status format_pack(struct span text, const char *name, struct arena *arena, struct findings *findings,
                        struct span *ret_text)
{
    static const format_step steps[] = {step_white_space, step_indentation, step_key_order,
                                        step_blank_lines, step_quotes,      step_white_space};
    struct formatter formatter = {.name = name, .arena = arena, .text = text};
    enum status status = arena_new(256u << 10, (size_t)8 << 30, &formatter.trees);
    if (status == STATUS_OK) {
        status = parse(&formatter, text, findings, &formatter.root);
        findings_name(findings, "syntax");
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == STATUS_OK; i++) {
        if (text.size > 0) {
            status = run_step(&formatter, steps[i]);
        }
    }
    arena_free(&formatter.trees);
    if (status == STATUS_OK) {
        *ret_text = formatter.text;
    }
    return status;
}
