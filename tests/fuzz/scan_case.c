#include "tests/fuzz/scan_case.h"

#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

static void must(enum status status)
{
    if (status != STATUS_OK) {
        fputs("fuzz_scan: out of memory\n", stderr);
        exit(3);
    }
}

void *case_array(struct arena *arena, size_t count, size_t size)
{
    void *items = arena_array(arena, count ? count : 1, size);
    must(items ? STATUS_OK : STATUS_NO_MEMORY);
    return items;
}

struct span case_copy(struct arena *arena, struct span bytes)
{
    char *copy = arena_copy(arena, bytes);
    must(copy ? STATUS_OK : STATUS_NO_MEMORY);
    return span_of(copy, bytes.size);
}

static enum truth opposite(enum truth truth)
{
    return truth == TRUTH_TRUE ? TRUTH_FALSE : truth == TRUTH_FALSE ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

static enum truth evaluate(const struct case_node *node, const enum truth *values)
{
    enum truth left, right;
    uint32_t sure = 0, possible = 0;
    switch (node->type) {
    case CASE_NODE_PATTERN:
        return values[node->number];
    case CASE_NODE_NOT:
        return opposite(evaluate(node->left, values));
    case CASE_NODE_AND:
        left = evaluate(node->left, values);
        right = evaluate(node->right, values);
        return left < right ? left : right;
    case CASE_NODE_OR:
        left = evaluate(node->left, values);
        right = evaluate(node->right, values);
        return left > right ? left : right;
    case CASE_NODE_COUNT:
        break;
    }
    for (uint32_t i = 0; i < CASE_PATTERNS_MAX; i++) {
        if (node->set & 1u << i) {
            sure += values[i] == TRUTH_TRUE;
            possible += values[i] != TRUTH_FALSE;
        }
    }
    return sure >= node->number ? TRUTH_TRUE : possible >= node->number ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

enum truth case_evaluate(const struct case_rule *rule, const enum truth *values)
{
    struct case_node any = {.type = CASE_NODE_COUNT, .number = 1, .set = (1u << rule->count) - 1};
    return evaluate(rule->condition ? rule->condition : &any, values);
}

/* ---------------------------------------------------------------- the pack */

/* All patterns whose name begins with `letter`. */
static uint32_t set_of_letter(const struct case_rule *rule, char letter)
{
    uint32_t set = 0;
    for (uint32_t i = 0; i < rule->count; i++) {
        set |= rule->patterns[i].name[0] == letter ? 1u << i : 0;
    }
    return set;
}

static void print_set(const struct case_rule *rule, uint32_t set, struct buffer *out)
{
    bool first = true;
    if (set == (1u << rule->count) - 1) {
        must(buffer_append_text(out, "them"));
        return;
    }
    must(buffer_append_byte(out, '('));
    for (int letter = 'a'; letter <= 'c'; letter++) {
        uint32_t same = set_of_letter(rule, (char)letter);
        if (same && (set & same) == same) {
            must(buffer_print(out, "%s%c*", first ? "" : ", ", letter));
            set &= ~same;
            first = false;
        }
    }
    for (uint32_t i = 0; i < rule->count; i++) {
        if (set & 1u << i) {
            must(buffer_print(out, "%s%s", first ? "" : ",", rule->patterns[i].name));
            first = false;
        }
    }
    must(buffer_append_byte(out, ')'));
}

static void print_node(const struct case_rule *rule, const struct case_node *node, struct buffer *out)
{
    switch (node->type) {
    case CASE_NODE_PATTERN:
        must(buffer_append_text(out, rule->patterns[node->number].name));
        return;
    case CASE_NODE_NOT:
        must(buffer_append_text(out, "not "));
        print_node(rule, node->left, out);
        return;
    case CASE_NODE_AND:
    case CASE_NODE_OR:
        must(buffer_append_byte(out, '('));
        print_node(rule, node->left, out);
        must(buffer_append_text(out, node->type == CASE_NODE_AND ? " and " : " or "));
        print_node(rule, node->right, out);
        must(buffer_append_byte(out, ')'));
        return;
    case CASE_NODE_COUNT:
        break;
    }
    if (node->number == 1) {
        must(buffer_append_text(out, "any of "));
    } else if (node->number == (uint32_t)__builtin_popcount(node->set)) {
        must(buffer_append_text(out, "all of "));
    } else {
        must(buffer_print(out, "%u of ", node->number));
    }
    print_set(rule, node->set, out);
}

void case_print_condition(const struct case_rule *rule, struct buffer *out)
{
    print_node(rule, rule->condition, out);
}

/* A double-quoted scalar. The bytes are valid UTF-8. */
static void print_scalar(struct span text, struct buffer *out)
{
    must(buffer_append_byte(out, '"'));
    while (text.size > 0) {
        uint32_t c, size = utf8_decode(text, &c);
        if (c >= ' ' && c < 0x7F && c != '"' && c != '\\') {
            must(buffer_append_byte(out, (uint8_t)c));
        } else if (c < 0x100) {
            must(buffer_print(out, "\\x%02x", c));
        } else if (c < 0x10000) {
            must(buffer_print(out, "\\u%04x", c));
        } else {
            must(buffer_print(out, "\\U%08x", c));
        }
        text = span_of(text.data + size, text.size - size);
    }
    must(buffer_append_byte(out, '"'));
}

/* One entry a line; a comment sign at the start of one is escaped. */
static void print_entries(const struct case_pattern *pattern, struct buffer *out)
{
    for (uint32_t i = 0; i < pattern->count; i++) {
        struct span text = pattern->entries[i].text;
        if (text.size > 0 && (text.data[0] == '#' || text.data[0] == '\\')) {
            must(buffer_append_byte(out, '\\'));
        }
        must(buffer_append(out, text.data, text.size));
        must(buffer_append_byte(out, '\n'));
    }
}

static void write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "we");
    if (!file || fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file) != 0) {
        perror(path);
        exit(3);
    }
}

/* Domains, and some words, come from a list file. */
static void print_list(const struct case_pattern *pattern, const char *folder, const char *name, struct buffer *out)
{
    struct buffer path = BUFFER_INIT(4096);
    must(buffer_print(&path, "%s/%s", folder ? folder : "@", name));
    must(buffer_append_byte(&path, '\0'));
    if (folder) {
        struct buffer entries = BUFFER_INIT(64u << 20);
        print_entries(pattern, &entries);
        write_file((const char *)path.data, buffer_span(&entries));
        buffer_free(&entries);
    }
    must(buffer_append_text(out, "list: "));
    print_scalar(span_of(path.data, path.size - 1), out);
    must(buffer_print(out, ", kind: %s", pattern->kind == CASE_WORDS ? "words" : "domains"));
    buffer_free(&path);
}

static bool has_list(const struct case_pattern *pattern)
{
    return pattern->kind == CASE_DOMAINS || (pattern->kind == CASE_WORDS && pattern->as_list);
}

static void print_pattern(const struct case_pattern *pattern, const char *folder, const char *list_name,
                          struct buffer *out)
{
    must(buffer_print(out, "      %s: {", pattern->name));
    if (pattern->kind == CASE_REGEX) {
        must(buffer_append_text(out, "regex: "));
        print_scalar(pattern->entries[0].text, out);
    } else if (has_list(pattern)) {
        print_list(pattern, folder, list_name, out);
    } else {
        must(buffer_append_text(out, "words: ["));
        for (uint32_t i = 0; i < pattern->count; i++) {
            must(buffer_append_text(out, i ? ", " : ""));
            print_scalar(pattern->entries[i].text, out);
        }
        must(buffer_append_byte(out, ']'));
    }
    must(pattern->no_view ? buffer_append_text(out, "}\n")
                          : buffer_print(out, ", view: %s}\n", view_names[pattern->view]));
}

void case_print_pack(const struct scan_case *it, const char *folder, struct buffer *out, uint32_t *ret_lines)
{
    uint32_t line = 3;
    must(buffer_append_text(out, "pack: fuzz\nrules:\n"));
    for (uint32_t r = 0; r < it->rule_count; r++) {
        const struct case_rule *rule = it->rules[r];
        ret_lines[r] = line;
        must(buffer_print(out, "  - id: f.%u\n    status: %s\n    patterns:\n", r, rule->status));
        for (uint32_t p = 0; p < rule->count; p++) {
            char list_name[40];
            (void)snprintf(list_name, sizeof list_name, "%u.%u.txt", r, p);
            print_pattern(&rule->patterns[p], folder, list_name, out);
        }
        line += 3 + rule->count;
        if (rule->condition) {
            must(buffer_append_text(out, "    condition: "));
            print_node(rule, rule->condition, out);
            must(buffer_append_byte(out, '\n'));
            line++;
        }
    }
}

/* ---------------------------------------------------------------- for people, and for the table of found cases */

void case_print_bytes(struct span bytes, FILE *out)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (c >= ' ' && c < 0x7F && c != '\\') {
            (void)fputc(c, out);
        } else {
            (void)fprintf(out, "\\x%02x", c);
        }
    }
}

/* A C string literal, or several: a hexadecimal escape would swallow a digit behind it. */
static void print_c(struct span bytes, FILE *out)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (c == '\n') {
            (void)fputs("\\n", out);
        } else if (c >= ' ' && c < 0x7F) {
            (void)fprintf(out, "%s%c", c == '"' || c == '\\' || c == '?' ? "\\" : "", c);
        } else {
            (void)fprintf(out, "\\%03o", c);
        }
    }
    (void)fputc('"', out);
}

static void print_lines(struct span text, const char *indent, FILE *out)
{
    while (text.size > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) + 1 : text.size;
        (void)fputs(indent, out);
        print_c(span_of(text.data, size), out);
        text = span_of(text.data + size, text.size - size);
    }
}

static void print_list_rows(const struct scan_case *it, FILE *out)
{
    struct buffer entries = BUFFER_INIT(64u << 20);
    const char *before = ",\n        .lists = {";
    for (uint32_t r = 0; r < it->rule_count; r++) {
        for (uint32_t p = 0; p < it->rules[r]->count; p++) {
            if (has_list(&it->rules[r]->patterns[p])) {
                buffer_clear(&entries);
                print_entries(&it->rules[r]->patterns[p], &entries);
                (void)fprintf(out, "%s{\"%u.%u.txt\", ", before, r, p);
                print_c(buffer_span(&entries), out);
                (void)fputc('}', out);
                before = ", ";
            }
        }
    }
    (void)fputs(before[1] == ' ' ? "}" : "", out);
    buffer_free(&entries);
}

void case_print_test(const struct scan_case *it, const char *expected, FILE *out)
{
    struct buffer pack = BUFFER_INIT(64u << 20);
    uint32_t *lines = calloc((size_t)it->rule_count + 1, sizeof *lines);
    must(lines ? STATUS_OK : STATUS_NO_MEMORY);
    case_print_pack(it, NULL, &pack, lines);
    (void)fputs("    {\n        .name = \"...\",\n        .pack =", out);
    print_lines(buffer_span(&pack), "\n            ", out);
    print_list_rows(it, out);
    (void)fputs(",\n        .texts = {", out);
    for (uint32_t i = 0; i < it->text_count; i++) {
        (void)fputs(i ? ", TEXT(" : "TEXT(", out);
        print_c(it->texts[i], out);
        (void)fputc(')', out);
    }
    (void)fprintf(out, "},\n        .text_count = %u,\n        .batch = %u,\n        .expected =", it->text_count,
                  it->batch);
    print_lines(span_text(expected), "\n            ", out);
    (void)fprintf(out, "%s,\n    },\n", expected[0] ? "" : " \"\"");
    free(lines);
    buffer_free(&pack);
}
