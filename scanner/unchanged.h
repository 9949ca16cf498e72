/*
 * Is a pack still what its files say? Then a reload need not read it again: its rules, and the results of its tests,
 * cannot be others. Only looks at bytes: reading a pack takes a hundred times as long.
 */
#ifndef SCANNER_UNCHANGED_H
#define SCANNER_UNCHANGED_H

#include <stdbool.h>

#include "rules/model.h"

struct file_source;

/* `files`: where the pack and its lists are read from (base/file.h); NULL: the disk. False also if one is unreadable. */
bool unchanged_pack(const struct pack *pack, const struct file_source *files);

#endif
