#include "base/findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"

#define FINDINGS_WORD_MAX 64 /* longer words are not compared */
#define FINDINGS_DISTANCE_MAX 3

static void finding_free(struct finding *finding)
{
    free(finding->file);
    free(finding->text);
    free(finding->remedy);
}

void findings_clear(struct findings *findings)
{
    if (!findings)
        return;
    for (uint32_t i = 0; i < findings->count; i++)
        finding_free(&findings->items[i]);
    free(findings->items);
    *findings = (struct findings){0};
}

static void findings_count(struct findings *findings, enum finding_level level, uint32_t count)
{
    uint32_t *counter = level == FINDING_ERROR ? &findings->errors : &findings->warnings;
    *counter = count > UINT32_MAX - *counter ? UINT32_MAX : *counter + count;
}

static bool findings_grow(struct findings *findings)
{
    if (findings->count >= FINDINGS_MAX)
        return false;
    if (findings->count < findings->capacity)
        return true;
    uint32_t capacity = findings->capacity == 0 ? 16 : findings->capacity * 2;
    struct finding *items = realloc(findings->items, capacity * sizeof *items);
    if (!items)
        return false;
    findings->items = items;
    findings->capacity = capacity;
    return true;
}

void findings_add(struct findings *findings, enum finding_level level, const char *file, uint32_t line, uint32_t column,
                  const char *remedy, const char *format, ...)
{
    struct finding finding = {.level = level, .line = line, .column = column};
    va_list arguments;

    findings_count(findings, level, 1);
    if (!findings_grow(findings))
        return;
    va_start(arguments, format);
    if (vasprintf(&finding.text, format, arguments) < 0)
        finding.text = NULL;
    va_end(arguments);
    finding.file = strdup(file ? file : "");
    finding.remedy = remedy ? strdup(remedy) : NULL;
    if (!finding.text || !finding.file) {
        finding_free(&finding);
        return;
    }
    findings->items[findings->count++] = finding;
}

void findings_move(struct findings *from, struct findings *to)
{
    findings_count(to, FINDING_ERROR, from->errors);
    findings_count(to, FINDING_WARNING, from->warnings);
    for (uint32_t i = 0; i < from->count; i++) {
        if (findings_grow(to))
            to->items[to->count++] = from->items[i];
        else
            finding_free(&from->items[i]);
    }
    free(from->items);
    *from = (struct findings){0};
}

static int findings_compare(const void *left, const void *right)
{
    const struct finding *a = left;
    const struct finding *b = right;

    int order = strcmp(a->file, b->file);
    if (order != 0)
        return order;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    /* What stands at the same place: errors first, and always in the same order. */
    if (a->level != b->level)
        return a->level == FINDING_ERROR ? -1 : 1;
    return strcmp(a->text, b->text);
}

void findings_sort(struct findings *findings)
{
    if (findings->count > 1)
        qsort(findings->items, findings->count, sizeof *findings->items, findings_compare);
}

/* Findings quote what people wrote: nothing in them may steer a terminal or break the line. */
static void findings_put(const char *text, FILE *out)
{
    size_t size = strlen(text);

    for (size_t position = 0; position < size;) {
        uint32_t code_point;
        const uint8_t *data = (const uint8_t *)text + position;
        size_t length = json_text_character(data, size - position, &code_point);

        if (length == 0)
            fprintf(out, "\\x%02x", data[0]);
        else if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0))
            fprintf(out, "\\x%02x", (unsigned)code_point);
        else if ((code_point >= 0x2028 && code_point <= 0x202e) || (code_point >= 0x2066 && code_point <= 0x2069))
            fprintf(out, "\\u%04x", (unsigned)code_point); /* line separators and changes of direction */
        else
            fwrite(data, 1, length, out);
        position += length > 0 ? length : 1;
    }
}

void findings_print(const struct findings *findings, FILE *out, bool colour)
{
    uint32_t total =
        findings->errors > UINT32_MAX - findings->warnings ? UINT32_MAX : findings->errors + findings->warnings;

    for (uint32_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        bool is_error = finding->level == FINDING_ERROR;

        if (colour)
            fputs("\033[1m", out);
        findings_put(finding->file, out);
        if (finding->line > 0)
            fprintf(out, ":%u", finding->line);
        if (finding->line > 0 && finding->column > 0)
            fprintf(out, ":%u", finding->column);
        fputs(": ", out);
        if (colour)
            fputs(is_error ? "\033[31m" : "\033[33m", out);
        fputs(is_error ? "error: " : "warning: ", out);
        if (colour)
            fputs("\033[0m", out);
        findings_put(finding->text, out);
        fputc('\n', out);
        if (finding->remedy) {
            fputs("    ", out);
            findings_put(finding->remedy, out);
            fputc('\n', out);
        }
    }
    if (total > findings->count)
        fprintf(out, "and %u more that are not shown\n", total - findings->count);
}

static void findings_put_json(const char *text, FILE *out)
{
    if (!text) {
        fputs("null", out);
        return;
    }
    size_t size = strlen(text);
    fputc('"', out);
    for (size_t position = 0; position < size;) {
        char unit[JSON_TEXT_UNIT_MAX];
        size_t length = json_text_escape(text, size, &position, unit);
        fwrite(unit, 1, length, out);
    }
    fputc('"', out);
}

void findings_print_json(const struct findings *findings, FILE *out)
{
    fputc('[', out);
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];

        fprintf(out, "%s{\"level\":\"%s\",\"file\":", i > 0 ? "," : "",
                finding->level == FINDING_ERROR ? "error" : "warning");
        findings_put_json(finding->file, out);
        fprintf(out, ",\"line\":%u,\"column\":%u,\"text\":", finding->line, finding->column);
        findings_put_json(finding->text, out);
        fputs(",\"remedy\":", out);
        findings_put_json(finding->remedy, out);
        fputc('}', out);
    }
    fputs("]\n", out);
}

static size_t findings_minimum(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours; both texts at most FINDINGS_WORD_MAX long. */
static size_t findings_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][FINDINGS_WORD_MAX + 1]; /* the row before the last, the last, this one; used in turn */

    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = findings_minimum(findings_minimum(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = findings_minimum(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

const char *findings_nearest(const char *word, const char *const *words)
{
    size_t size = strlen(word);
    size_t best_distance = findings_minimum(size / 3, FINDINGS_DISTANCE_MAX) + 1;
    const char *best = NULL;

    if (size > FINDINGS_WORD_MAX)
        return NULL;
    for (; *words; words++) {
        size_t other = strlen(*words);
        if (other > FINDINGS_WORD_MAX)
            continue;
        size_t distance = findings_distance(word, size, *words, other);
        if (distance < best_distance) {
            best_distance = distance;
            best = *words;
        }
    }
    return best;
}
