/* Files of several YAML documents, parted by lines of `---`. Only for rules/import*.c. */
#ifndef IMPORT_IMPORT_YAML_H
#define IMPORT_IMPORT_YAML_H

#include <stdint.h>

#include "base/span.h"
#include "base/yaml.h"

struct import;

/*
 * Calls `read` with each document that is a map, and its number from 1. The others, and what is no YAML, are noted. Lines of
 * nodes are those of the document: import_note and import_here make them those of the file.
 */
void import_yaml_read(struct import *import, struct span text,
                      void (*read)(struct import *import, const struct yaml *map, uint32_t number));

/* The text of a scalar; empty for all else. */
struct span import_yaml_text(const struct yaml *node);
bool import_yaml_is(const struct yaml *node, const char *text);

/* The items of a list, or the one value itself: for (item = import_yaml_first(node); item; item = import_yaml_next(node, item)) */
const struct yaml *import_yaml_first(const struct yaml *node);
const struct yaml *import_yaml_next(const struct yaml *node, const struct yaml *item);

#endif
