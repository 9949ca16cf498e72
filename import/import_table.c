#include "import/import_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import/import_draft.h"
#include "import/import_lines.h"
#include "text/utf8.h"

#define COLUMNS_MAX 10000

enum end { END_VALUE, END_ROW, END_BROKEN };

static void step(struct import_table *table, size_t size)
{
    table->rest = span_of(table->rest.data + size, table->rest.size - size);
}

static void keep(struct import_table *table, uint8_t byte)
{
    enum status status = buffer_append_byte(&table->cell, byte);
    table->import->no_memory |= status == STATUS_NO_MEMORY; /* over the limit it is told by its size */
}

/* Reads one value into `cell`, and what ends it. */
static enum end read_value(struct import_table *table)
{
    bool quoted = table->rest.size > 0 && table->rest.data[0] == '"';
    uint32_t start = table->line;
    buffer_clear(&table->cell);
    step(table, quoted);
    while (table->rest.size > 0) {
        uint8_t byte = table->rest.data[0];
        bool twice = table->rest.size > 1 && table->rest.data[1] == '"';
        step(table, 1);
        table->line += byte == '\n';
        if (quoted && byte == '"' && !twice) {
            quoted = false;
        } else if (quoted) {
            keep(table, byte);
            step(table, byte == '"');
        } else if (byte == table->separator) {
            return END_VALUE;
        } else if (byte == '\n') {
            return END_ROW;
        } else {
            keep(table, byte);
        }
    }
    if (quoted) {
        import_note(table->import, FINDING_ERROR, "table", start, "close the quotes", "quotes that never end");
        return END_BROKEN;
    }
    return END_ROW;
}

static uint8_t separator_of(struct span text)
{
    const uint8_t *end = memchr(text.data, '\n', text.size);
    size_t size = end ? (size_t)(end - text.data) : text.size;
    return memchr(text.data, '\t', size) ? '\t' : memchr(text.data, ';', size) ? ';' : ',';
}

/* The place of a name in the first line. */
static bool find_name(struct import_table *table, const char *name)
{
    enum end end = END_VALUE;
    bool found = false;
    for (uint32_t column = 0; end == END_VALUE; column++) {
        end = read_value(table);
        struct span cell = import_trim(buffer_span(&table->cell));
        if (!found && cell.size == strlen(name) && strncasecmp((const char *)cell.data, name, cell.size) == 0) {
            table->column = column;
            found = true;
        }
    }
    if (!found) {
        import_note(table->import, FINDING_ERROR, "table", 1, "say the number of the column, from 1",
                    "there is no column '%s' in the first line", import_quote(table->import, span_text(name)));
    }
    return found;
}

bool import_table_open(struct import *import, struct span text, const char *column, struct import_table *ret_table)
{
    char *end = NULL;
    long number = strtol(column, &end, 10);
    struct import_table table = {
        .import = import, .rest = import_lines_of(text).rest, .line = 1, .cell = BUFFER_INIT(IMPORT_LINE_SIZE_MAX)};
    if (table.rest.size == 0) {
        return false;
    }
    table.separator = separator_of(table.rest);
    if (*end == '\0' && number >= 1 && number <= COLUMNS_MAX) {
        table.column = (uint32_t)number - 1;
    } else if (!find_name(&table, column)) {
        buffer_free(&table.cell);
        return false;
    }
    *ret_table = table;
    return true;
}

void import_table_close(struct import_table *table)
{
    buffer_free(&table->cell);
}

/* Reads a row to its end. False: it has no such value, or none that is text. */
static bool read_row(struct import_table *table, struct buffer *value)
{
    enum end end = END_VALUE;
    bool found = false;
    uint32_t start = table->line;
    uint32_t column = 0;
    for (; end == END_VALUE; column++) {
        end = read_value(table);
        if (end != END_BROKEN && column == table->column) {
            buffer_clear(value);
            found = buffer_append(value, table->cell.data, table->cell.size) == STATUS_OK;
            table->import->no_memory |= !found;
        }
    }
    if (!found && end != END_BROKEN && (column > 1 || import_trim(buffer_span(&table->cell)).size > 0)) {
        import_note(table->import, FINDING_ERROR, "table", start, NULL, "this row has no column %u", table->column + 1);
    } else if (found && value->size >= IMPORT_LINE_SIZE_MAX) {
        import_note(table->import, FINDING_ERROR, "long-line", start, NULL, "this value is over %u bytes",
                    IMPORT_LINE_SIZE_MAX);
        found = false;
    } else if (found && !utf8_valid(buffer_span(value))) {
        import_note(table->import, FINDING_ERROR, "not-utf-8", start, "save the file as UTF-8",
                    "this value holds bytes that are not UTF-8");
        found = false;
    }
    return found;
}

bool import_table_next(struct import_table *table, struct span *ret_cell, uint32_t *ret_line)
{
    struct buffer value = BUFFER_INIT(IMPORT_LINE_SIZE_MAX);
    bool found = false;
    while (!found && table->rest.size > 0 && !table->import->no_memory) {
        *ret_line = table->line;
        found = read_row(table, &value);
    }
    buffer_free(&table->cell);
    table->cell = value;
    *ret_cell = buffer_span(&table->cell);
    return found;
}
