/*
 * The last generations of the rules, kept in the data folder so that `weir rules rollback` can bring any of them back:
 * the packs and lists of each, byte for byte as they were when they went live.
 *
 *   DATA/rules/objects/HASH           the bytes of one file, named by their XXH3-128
 *   DATA/rules/generations/N-ID.json  which files made generation ID; the largest N went live last
 *
 * Private to the owner (modes 0700 and 0600). Files are written beside their place, synced and renamed, and a manifest
 * is written when all that it names is on stable storage: the program may be killed at any moment. What a kill leaves
 * over is removed at the next start.
 *
 * One process writes (the one that has the data folder's lock), any number may read. One thread a handle.
 */
#ifndef CLI_GENERATIONS_H
#define CLI_GENERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/span.h"
#include "base/status.h"

#define GENERATIONS_KEPT 20
#define GENERATIONS_ID_SIZE 17     /* 16 hexadecimal digits and a NUL */
#define GENERATIONS_OBJECT_SIZE 33 /* 32 and a NUL */

struct generations;

struct generations_file {
    const char *path; /* as it was opened */
    char object[GENERATIONS_OBJECT_SIZE];
};

struct generations_pack {
    const struct generations_file *files; /* the pack itself, then its lists; none twice */
    uint32_t file_count;                  /* at least 1 */
};

/* One generation. What it points to lives in the arena that was given, or is the caller's. */
struct generations_item {
    char id[GENERATIONS_ID_SIZE];
    uint64_t number; /* rises with each that went live */
    int64_t live_at_ms;
    uint32_t rules;
    const struct generations_pack *packs; /* in their order; NULL in a list */
    uint32_t pack_count;
};

/*
 * `write`: makes the folders that are missing and removes what a killed process left over. Otherwise nothing is changed,
 * and STATUS_NOT_FOUND says that no rules were ever kept there. STATUS_SYSTEM, STATUS_NO_MEMORY. Words on failure.
 */
enum status generations_open(const char *data, bool write, struct error *error,
                             struct generations **ret_generations) MUST_USE;
void generations_free(struct generations **generations);

/* Does a process have it open for writing, which is to say: is there a `weir run` on this data folder? */
bool generations_is_written(const struct generations *generations);

/* DATA/rules, where others may keep what belongs to the live rules. */
const char *generations_folder(const struct generations *generations);

/* Keeps the bytes of a file, unless they are kept already. Synced by the next generations_keep. */
enum status generations_put(struct generations *generations, struct span bytes, struct error *error,
                            char ret_object[GENERATIONS_OBJECT_SIZE]) MUST_USE;

/* The name that bytes have as an object. */
void generations_name(struct span bytes, char ret_object[GENERATIONS_OBJECT_SIZE]);

/*
 * This generation went live: it is the newest now, whether it was kept before or not. All its objects were put or kept
 * before. Then those beyond the last GENERATIONS_KEPT are forgotten, but never the one named `spare` (may be NULL).
 * `item->number` is chosen here.
 */
enum status generations_keep(struct generations *generations, const struct generations_item *item, const char *spare,
                             struct error *error) MUST_USE;

/* Removes the objects that no kept generation needs, if there can be any: those of forgotten ones, and of files that
 * were put and did not go live. */
void generations_tidy(struct generations *generations);

/* All that are kept, newest first, without their packs. Damaged manifests are left out. */
enum status generations_list(const struct generations *generations, struct arena *arena, struct error *error,
                             struct generations_item **ret_items, uint32_t *ret_count) MUST_USE;

/* One of them, with its packs. STATUS_NOT_FOUND; STATUS_INVALID: its manifest is damaged. */
enum status generations_read(const struct generations *generations, const char *id, struct arena *arena,
                             struct error *error, struct generations_item *ret_item) MUST_USE;

/* The bytes of an object; STATUS_INVALID if they are not what its name says. */
enum status generations_get(const struct generations *generations, const char *object, size_t size_max,
                            struct arena *arena, struct error *error, struct span *ret_bytes) MUST_USE;

/* Files as they were in a generation, by path; both must outlive the source. STATUS_NOT_FOUND for other paths. */
struct generations_source {
    const struct generations *generations;
    const struct generations_item *item;
};
struct file_source generations_files(struct generations_source *source);

#endif
