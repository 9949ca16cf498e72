/* The rules of an import as the text of a pack. Only for rules/import*.c. */
#ifndef IMPORT_IMPORT_WRITE_H
#define IMPORT_IMPORT_WRITE_H

#include "base/span.h"
#include "base/status.h"

struct import;

/* In the form of rules/format.h, in memory of the import. STATUS_NO_MEMORY. */
enum status import_write(struct import *import, struct span *ret_pack) MUST_USE;

#endif
