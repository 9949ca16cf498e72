/* The manifest of a kept generation as JSON. Only for cli/generations*.c. */
#ifndef CLI_GENERATIONS_MANIFEST_H
#define CLI_GENERATIONS_MANIFEST_H

#include "cli/generations.h"

#define GENERATIONS_MANIFEST_MAX ((size_t)256 << 20) /* bytes */

/* The JSON text, freed with free(); NULL without memory or if a path is not UTF-8. */
char *generations_manifest_text(const struct generations_item *item);

/* STATUS_INVALID: it is no manifest; STATUS_NO_MEMORY. `packs` false: only the facts. */
enum status generations_manifest_parse(struct span text, bool packs, struct arena *arena,
                                       struct generations_item *ret_item) MUST_USE;

#endif
