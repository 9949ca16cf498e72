/* A column of a table: values parted by commas (or semicolons, or tabs), in double quotes where they hold these. Only for
 * rules/import*.c. */
#ifndef IMPORT_IMPORT_TABLE_H
#define IMPORT_IMPORT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

struct import;

struct import_table {
    struct import *import;
    struct span rest;
    uint8_t separator;
    uint32_t column; /* from 0 */
    uint32_t line;
    struct buffer cell;
};

/*
 * The first line says what parts the values: a tab, else a semicolon, else a comma. `column` is a number from 1, or a
 * name that stands in the first line; with a number the first line holds values like all others. False: a note says why.
 */
bool import_table_open(struct import *import, struct span text, const char *column, struct import_table *ret_table);
void import_table_close(struct import_table *table);

/* The value of the next row, until the next call, and the line on which the row begins. Rows without it are noted. */
bool import_table_next(struct import_table *table, struct span *ret_cell, uint32_t *ret_line);

#endif
