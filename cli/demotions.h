/*
 * Rules that were demoted to shadow for flooding, one small file each in DATA/rules/demoted: so they stay demoted over a
 * restart, and `weir rules restore` only has to remove the file. The name of the file is the rule's id.
 */
#ifndef CLI_DEMOTIONS_H
#define CLI_DEMOTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/status.h"

struct demotion {
    const char *rule;
    int64_t since_ms;
    uint32_t max_per_minute; /* the limit that it went over */
    char pack[33];           /* digest of its pack then, in hexadecimal: a changed pack restores its rules */
};

/* `folder` is DATA/rules. Makes the folder inside if it is missing. */
enum status demotions_prepare(const char *folder, struct error *error) MUST_USE;

/* Where they lie; freed with free(), NULL without memory. */
char *demotions_folder(const char *folder);

/* Only these ids can be names of files; ids of rules always are. */
bool demotions_is_id(const char *rule);

enum status demotions_add(const char *folder, const struct demotion *demotion, struct error *error) MUST_USE;

/* STATUS_NOT_FOUND: it was not demoted. */
enum status demotions_remove(const char *folder, const char *rule, struct error *error) MUST_USE;

/* All of them, by id. A file that says nothing useful still demotes its rule. No folder: none. */
enum status demotions_list(const char *folder, struct arena *arena, struct error *error,
                           struct demotion **ret_demotions, uint32_t *ret_count) MUST_USE;

#endif
