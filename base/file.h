/* Whole files. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "base/status.h"

/*
 * The bytes of a file, in the arena and followed by a NUL. STATUS_LIMIT over size_max, STATUS_NOT_FOUND, STATUS_SYSTEM;
 * the words say the path and the reason.
 */
enum status file_read(const char *path, size_t size_max, struct arena *arena, struct error *error,
                      struct span *ret_bytes) MUST_USE;

/*
 * Where the bytes of files come from, if not simply from the disk: a rule set can be read from files that were kept, and
 * what was read can be noted. `read` behaves like file_read.
 */
struct file_source {
    enum status (*read)(void *context, const char *path, size_t size_max, struct arena *arena, struct error *error,
                        struct span *ret_bytes);
    void *context;
};

/* The same as file_read, from `source`; NULL: from the disk. */
enum status file_source_read(const struct file_source *source, const char *path, size_t size_max, struct arena *arena,
                             struct error *error, struct span *ret_bytes) MUST_USE;

/* Writes to a temporary file beside `path`, syncs it, renames it, syncs the folder. */
enum status file_write_atomic(const char *path, struct span bytes, unsigned mode, struct error *error) MUST_USE;

#endif
