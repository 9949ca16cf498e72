/*
 * What one load of the rules read from the disk: which files, what was in them, and what they looked like, so that the
 * generation can be kept as it was read, and later changes be noticed whatever they are called.
 *
 * One thread.
 */
#ifndef CLI_CAPTURE_H
#define CLI_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/generations.h"
#include "scanner/ruleset.h"

struct capture;

/*
 * Begins with looking for the packs that `paths` (which must outlive it) stand for. Files read through capture_files are
 * put into `generations`; NULL, or a failure there (told by capture_fault): they are only looked at.
 */
enum status capture_new(const char *const *paths, uint32_t path_count, struct generations *generations,
                        struct capture **ret_capture) MUST_USE;
void capture_free(struct capture **capture);

struct file_source capture_files(struct capture *capture);

/* Why a file could not be put into the generations; NULL: all were. */
const char *capture_fault(const struct capture *capture);

/* The name of the bytes that were read from there; NULL: it was not read, or could not be. */
const char *capture_object(const struct capture *capture, const char *path);

/* Were these the bytes that were read from there, if anything was read from there at all? */
bool capture_holds(const struct capture *capture, const char *path, const char *object);

/* Everything that was looked at, read or not: what a watcher has to watch. Ends with NULL; freed with free(). */
const char **capture_watched(const struct capture *capture);

/* The pack files that were found. */
const char *const *capture_packs(const struct capture *capture, uint32_t *ret_count);

/* Is anything on the disk different from what was read? Looks at every file; reads those that changed just then. */
bool capture_is_stale(struct capture *capture);

/*
 * The packs of `set` with the files that they were made of: as captured, or for a pack that `previous` had already, as
 * `kept` tells (both may be NULL). STATUS_NOT_FOUND: the files of a pack are not known.
 */
enum status capture_describe(const struct capture *capture, const struct ruleset *set, const struct ruleset *previous,
                             const struct generations_item *kept, struct arena *arena,
                             struct generations_item *ret_item) MUST_USE;

#endif
