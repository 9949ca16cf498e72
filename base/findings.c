#include "base/findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"

#define FINDINGS_WORD_MAX 64 /* longer words are not compared */
#define FINDINGS_DISTANCE_MAX 3

const char *const finding_level_names[4] = {"hint", "warning", "error", NULL};

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

static uint32_t *findings_counter(struct findings *findings, enum finding_level level)
{
    return level == FINDING_ERROR     ? &findings->errors
           : level == FINDING_WARNING ? &findings->warnings
                                      : &findings->hints;
}

static void findings_count(struct findings *findings, enum finding_level level, uint32_t count)
{
    uint32_t *counter = findings_counter(findings, level);
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

static void findings_put_in(struct findings *findings, struct finding finding, const char *file, const char *remedy,
                            const char *format, va_list arguments)
{
    findings_count(findings, finding.level, 1);
    if (!findings_grow(findings))
        return;
    if (vasprintf(&finding.text, format, arguments) < 0)
        finding.text = NULL;
    finding.file = strdup(file ? file : "");
    finding.remedy = remedy ? strdup(remedy) : NULL;
    if (!finding.text || !finding.file) {
        finding_free(&finding);
        return;
    }
    findings->items[findings->count++] = finding;
}

void findings_add(struct findings *findings, enum finding_level level, const char *file, uint32_t line, uint32_t column,
                  const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    findings_put_in(findings, (struct finding){.level = level, .line = line, .column = column}, file, remedy, format,
                    arguments);
    va_end(arguments);
}

void findings_add_named(struct findings *findings, enum finding_level level, const char *name, const char *file,
                        uint32_t line, uint32_t column, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    findings_put_in(findings, (struct finding){.level = level, .name = name, .line = line, .column = column}, file,
                    remedy, format, arguments);
    va_end(arguments);
}

void findings_name(struct findings *findings, const char *name)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (!findings->items[i].name)
            findings->items[i].name = name;
    }
}

void findings_remove(struct findings *findings, uint32_t index)
{
    struct finding *finding = &findings->items[index];
    --*findings_counter(findings, finding->level);
    finding_free(finding);
    findings->count--;
    memmove(finding, finding + 1, (findings->count - index) * sizeof *finding);
}

void findings_move(struct findings *from, struct findings *to)
{
    findings_count(to, FINDING_ERROR, from->errors);
    findings_count(to, FINDING_WARNING, from->warnings);
    findings_count(to, FINDING_HINT, from->hints);
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
    /* What stands at the same place: the gravest first, and always in the same order. */
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
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

static void findings_print_one(const struct finding *finding, FILE *out, bool colour)
{
    static const char *const colours[] = {"\033[36m", "\033[33m", "\033[31m"};

    if (colour)
        fputs("\033[1m", out);
    findings_put(finding->file, out);
    if (finding->line > 0)
        fprintf(out, ":%u", finding->line);
    if (finding->line > 0 && finding->column > 0)
        fprintf(out, ":%u", finding->column);
    fputs(": ", out);
    fprintf(out, "%s%s: %s", colour ? colours[finding->level] : "", finding_level_names[finding->level],
            colour ? "\033[0m" : "");
    findings_put(finding->text, out);
    if (finding->name)
        fprintf(out, colour ? " \033[2m[%s]\033[0m" : " [%s]", finding->name);
    fputc('\n', out);
    if (finding->remedy) {
        fputs("    ", out);
        findings_put(finding->remedy, out);
        fputc('\n', out);
    }
}

void findings_print(const struct findings *findings, FILE *out, bool colour)
{
    uint64_t total = (uint64_t)findings->errors + findings->warnings + findings->hints;

    for (uint32_t i = 0; i < findings->count; i++)
        findings_print_one(&findings->items[i], out, colour);
    if (total > findings->count)
        fprintf(out, "and %llu more that are not shown\n", (unsigned long long)(total - findings->count));
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

        fprintf(out, "%s{\"level\":\"%s\",\"name\":", i > 0 ? "," : "", finding_level_names[finding->level]);
        findings_put_json(finding->name, out);
        fputs(",\"file\":", out);
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
