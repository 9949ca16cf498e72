#include "import/import_yaml.h"

#include <string.h>

#include "import/import_draft.h"
#include "import/import_lines.h"
#include "text/utf8.h"

/* How many lines the text has. */
static uint32_t count_lines(struct span text)
{
    uint32_t count = 0;
    const uint8_t *end = text.data + text.size;
    for (const uint8_t *at = text.data; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        count++;
    }
    return count;
}

static bool is_separator(struct span line)
{
    return import_span_begins(line, "---") && (line.size == 3 || line.data[3] == ' ' || line.data[3] == '\r');
}

/* Cuts off what stands before the next line of ---, which is cut off too. */
static struct span cut_document(struct span *rest)
{
    const uint8_t *start = rest->data;
    struct span left = *rest;
    while (left.size > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        size_t size = end ? (size_t)(end - left.data) : left.size;
        struct span line = span_of(left.data, size);
        size += end != NULL;
        struct span behind = span_of(left.data + size, left.size - size);
        if (is_separator(line)) {
            *rest = behind;
            return span_of(start, (size_t)(left.data - start));
        }
        left = behind;
    }
    *rest = left;
    return span_of(start, (size_t)(left.data - start));
}

static void take_findings(struct import *import, struct findings *findings)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        import_note(import, FINDING_ERROR, "syntax", finding->line,
                    finding->remedy ? import_copy(import, span_text(finding->remedy)) : NULL, "%s", finding->text);
    }
    findings_clear(findings);
}

static void read_document(struct import *import, struct span document, uint32_t number,
                          void (*read)(struct import *import, const struct yaml *map, uint32_t number))
{
    struct findings findings = {0};
    struct yaml *root = NULL;
    enum status status = yaml_parse(document, import->file, import->arena, &findings, &root);
    take_findings(import, &findings);
    import->no_memory |= status == STATUS_NO_MEMORY;
    if (status != STATUS_OK || root->type == YAML_NULL) {
        return;
    }
    if (root->type == YAML_MAP) {
        read(import, root, number);
    } else {
        import_note(import, FINDING_ERROR, "syntax", root->line, NULL, "a rule must be a map, found %s",
                    yaml_type_text(root));
    }
}

void import_yaml_read(struct import *import, struct span text,
                      void (*read)(struct import *import, const struct yaml *map, uint32_t number))
{
    struct span rest = import_lines_of(text).rest;
    uint32_t number = 0, lines = 0;
    if (!utf8_valid(rest)) {
        import_note(import, FINDING_ERROR, "not-utf-8", 0, "save the file as UTF-8",
                    "this file holds bytes that are not UTF-8");
        return;
    }
    while (rest.size > 0 && !import->no_memory) {
        struct span document = cut_document(&rest);
        import->line_offset = lines;
        if (import_trim(document).size > 0) {
            read_document(import, document, ++number, read);
        }
        lines += count_lines(document) + 1;
    }
    import->line_offset = 0;
}

struct span import_yaml_text(const struct yaml *node)
{
    return node && node->type == YAML_SCALAR ? span_of(node->text, node->size) : span_of("", 0);
}

bool import_yaml_is(const struct yaml *node, const char *text)
{
    return import_span_is(import_yaml_text(node), text);
}

const struct yaml *import_yaml_first(const struct yaml *node)
{
    return node->type == YAML_LIST ? node->first : node;
}

const struct yaml *import_yaml_next(const struct yaml *node, const struct yaml *item)
{
    return node->type == YAML_LIST ? item->next : NULL;
}
