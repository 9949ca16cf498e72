#include "cli/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <uthash.h>

#include "base/findings.h"
#include "rules/list.h"
#include "rules/model.h"
#include "rules/reader.h"

#define ARENA_CHUNK ((size_t)16 << 10)
#define ARENA_MAX ((size_t)256 << 20)
#define BYTES_ARENA_MAX ((size_t)MODEL_LIST_SIZE_MAX * 2)
/* A file that changed so shortly before it was read may change again without looking different: clocks have ticks. */
#define FRESH_NS 50000000

/* What a file looks like from outside; all zero if it is not there. */
struct looks {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct capture_file {
    UT_hash_handle hh;
    struct looks looks; /* before it was read */
    bool fresh;
    bool read;
    char object[GENERATIONS_OBJECT_SIZE];
    char path[];
};

struct capture {
    const char *const *paths;
    uint32_t path_count;
    struct generations *generations;
    struct arena *arena;
    const char **packs; /* the pack files, of all paths */
    uint32_t pack_count;
    struct capture_file *files;
    struct error fault;
    bool no_memory;
};

static struct looks look(const char *path)
{
    struct stat facts;
    struct looks looks;
    memset(&looks, 0, sizeof looks); /* padding too: they are compared as bytes */
    if (stat(path, &facts) == 0) {
        looks.device = facts.st_dev;
        looks.inode = facts.st_ino;
        looks.size = facts.st_size;
        looks.modified = facts.st_mtim;
        looks.changed = facts.st_ctim;
    }
    return looks;
}

static bool same_looks(const struct looks *a, const struct looks *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool is_fresh(const struct looks *looks)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ns = (int64_t)(now.tv_sec - looks->changed.tv_sec) * 1000000000 + now.tv_nsec - looks->changed.tv_nsec;
    return age_ns < FRESH_NS;
}

/* The pack files of all paths, in order; what cannot be found stands for itself. */
static enum status find_packs(const struct capture *capture, struct arena *arena, const char ***ret_packs,
                              uint32_t *ret_count)
{
    const char **packs = NULL;
    uint32_t count = 0, capacity = 0;
    for (uint32_t i = 0; i < capture->path_count; i++) {
        const char *const *found = (const char *const[]){capture->paths[i], NULL};
        struct findings ignored = {0};
        enum status status = reader_find_packs(capture->paths[i], arena, &ignored, &found);
        findings_clear(&ignored);
        if (status == STATUS_NO_MEMORY) {
            return status;
        }
        for (; *found; found++) {
            if (count == capacity) {
                capacity = capacity ? capacity * 2 : 64;
                const char **larger = arena_array(arena, capacity, sizeof *larger);
                if (!larger) {
                    return STATUS_NO_MEMORY;
                }
                if (count > 0) {
                    memcpy(larger, packs, count * sizeof *packs);
                }
                packs = larger;
            }
            packs[count++] = *found;
        }
    }
    *ret_packs = packs;
    *ret_count = count;
    return STATUS_OK;
}

enum status capture_new(const char *const *paths, uint32_t path_count, struct generations *generations,
                        struct capture **ret_capture)
{
    struct capture *capture = calloc(1, sizeof *capture);
    if (!capture) {
        return STATUS_NO_MEMORY;
    }
    capture->paths = paths;
    capture->path_count = path_count;
    capture->generations = generations;
    enum status status = arena_new(ARENA_CHUNK, ARENA_MAX, &capture->arena);
    if (status == STATUS_OK) {
        status = find_packs(capture, capture->arena, &capture->packs, &capture->pack_count);
    }
    if (status != STATUS_OK) {
        capture_free(&capture);
        return status;
    }
    *ret_capture = capture;
    return STATUS_OK;
}

void capture_free(struct capture **capture)
{
    if (!*capture) {
        return;
    }
    struct capture_file *file = (*capture)->files;
    HASH_CLEAR(hh, (*capture)->files); /* the table alone: the files still hang together */
    for (struct capture_file *next; file; file = next) {
        next = file->hh.next;
        free(file);
    }
    arena_free(&(*capture)->arena);
    free(*capture);
    *capture = NULL;
}

static struct capture_file *find_file(const struct capture *capture, const char *path)
{
    struct capture_file *file;
    HASH_FIND_STR(capture->files, path, file);
    return file;
}

static struct capture_file *add_file(struct capture *capture, const char *path)
{
    struct capture_file *file = find_file(capture, path);
    if (!file) {
        size_t size = strlen(path) + 1;
        file = calloc(1, sizeof *file + size);
        if (!file) {
            return NULL;
        }
        memcpy(file->path, path, size);
        HASH_ADD_STR(capture->files, path, file);
    }
    return file;
}

static enum status read_and_note(void *context, const char *path, size_t size_max, struct arena *arena,
                                 struct error *error, struct span *ret_bytes)
{
    struct capture *capture = context;
    struct capture_file *file = add_file(capture, path);
    if (!file) {
        error_set(error, "%s: %s", path, status_text(STATUS_NO_MEMORY));
        return STATUS_NO_MEMORY;
    }
    file->looks = look(path); /* before reading: what changes meanwhile looks different afterwards */
    file->fresh = is_fresh(&file->looks);
    file->read = false;
    enum status status = file_read(path, size_max, arena, error, ret_bytes);
    if (status != STATUS_OK) {
        return status;
    }
    file->read = true;
    struct error fault = {0};
    if (!capture->generations || generations_put(capture->generations, *ret_bytes, &fault, file->object) != STATUS_OK) {
        generations_name(*ret_bytes, file->object);
        if (capture->generations && capture->fault.text[0] == '\0') {
            capture->fault = fault;
        }
    }
    return STATUS_OK;
}

struct file_source capture_files(struct capture *capture)
{
    return (struct file_source){.read = read_and_note, .context = capture};
}

const char *capture_fault(const struct capture *capture)
{
    return capture->fault.text[0] != '\0' ? capture->fault.text : NULL;
}

const char *capture_object(const struct capture *capture, const char *path)
{
    const struct capture_file *file = find_file(capture, path);
    return file && file->read ? file->object : NULL;
}

bool capture_holds(const struct capture *capture, const char *path, const char *object)
{
    const struct capture_file *file = find_file(capture, path);
    return !file || (file->read && strcmp(file->object, object) == 0);
}

const char **capture_watched(const struct capture *capture)
{
    size_t count = 0;
    const char **watched = calloc((size_t)HASH_COUNT(capture->files) + capture->path_count + 1, sizeof *watched);
    if (!watched) {
        return NULL;
    }
    for (uint32_t i = 0; i < capture->path_count; i++) {
        watched[count++] = capture->paths[i];
    }
    for (const struct capture_file *file = capture->files; file; file = file->hh.next) {
        watched[count++] = file->path;
    }
    return watched;
}

const char *const *capture_packs(const struct capture *capture, uint32_t *ret_count)
{
    *ret_count = capture->pack_count;
    return capture->packs;
}

/* A file whose looks cannot be trusted: does it still hold the same bytes? */
static bool same_bytes(const struct capture_file *file)
{
    struct arena *arena = NULL;
    struct error ignored = {0};
    struct span bytes = {0};
    char object[GENERATIONS_OBJECT_SIZE];
    enum status status = arena_new(ARENA_CHUNK, BYTES_ARENA_MAX, &arena);
    if (status == STATUS_OK) {
        status = file_read(file->path, MODEL_LIST_SIZE_MAX, arena, &ignored, &bytes);
    }
    bool same = !file->read;
    if (status == STATUS_OK) {
        generations_name(bytes, object);
        same = file->read && strcmp(object, file->object) == 0;
    } else if (file->read) {
        same = false;
    }
    arena_free(&arena);
    return same;
}

static bool same_packs(const struct capture *capture)
{
    struct arena *arena = NULL;
    const char **packs = NULL;
    uint32_t count = 0;
    if (arena_new(ARENA_CHUNK, ARENA_MAX, &arena) != STATUS_OK) {
        return true; /* there is a next time */
    }
    bool same = find_packs(capture, arena, &packs, &count) != STATUS_OK || count == capture->pack_count;
    for (uint32_t i = 0; same && i < count; i++) {
        same = strcmp(packs[i], capture->packs[i]) == 0;
    }
    arena_free(&arena);
    return same;
}

bool capture_is_stale(struct capture *capture)
{
    if (!same_packs(capture)) {
        return true;
    }
    for (struct capture_file *file = capture->files; file; file = file->hh.next) {
        struct looks now = look(file->path);
        bool fresh = file->fresh && is_fresh(&now);
        if (!same_looks(&now, &file->looks) || (file->fresh && !same_bytes(file))) {
            return true;
        }
        file->fresh = fresh; /* from now on its looks tell */
    }
    return false;
}

/* The files of a pack that was read in this load: the pack, then its lists. */
static enum status describe_fresh(const struct capture *capture, const struct pack *pack, struct arena *arena,
                                  struct generations_pack *ret_pack)
{
    size_t lists = 0;
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        lists += pack->rules[r].pattern_count;
    }
    struct generations_file *files = arena_array(arena, lists + 1, sizeof *files);
    if (!files) {
        return STATUS_NO_MEMORY;
    }
    uint32_t count = 0;
    files[count++].path = pack->path;
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        for (uint32_t p = 0; p < pack->rules[r].pattern_count; p++) {
            const char *path = pack->rules[r].patterns[p].list_path;
            bool known = !path;
            for (uint32_t i = 0; i < count && !known; i++) {
                known = strcmp(files[i].path, path) == 0;
            }
            if (!known) {
                files[count++].path = path;
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *object = capture_object(capture, files[i].path);
        if (!object) {
            return STATUS_NOT_FOUND;
        }
        memcpy(files[i].object, object, GENERATIONS_OBJECT_SIZE);
        files[i].path = arena_copy(arena, span_text(files[i].path));
        if (!files[i].path) {
            return STATUS_NO_MEMORY;
        }
    }
    *ret_pack = (struct generations_pack){.files = files, .file_count = count};
    return STATUS_OK;
}

static bool has_pack(const struct ruleset *set, const struct pack *pack)
{
    uint32_t count = 0;
    const struct pack *const *packs = set ? ruleset_packs(set, &count) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (packs[i] == pack) {
            return true;
        }
    }
    return false;
}

/* A pack that stayed: as it was kept. */
static enum status describe_kept(const struct generations_item *kept, const char *path, struct arena *arena,
                                 struct generations_pack *ret_pack)
{
    uint32_t i = 0;
    while (kept && i < kept->pack_count && strcmp(kept->packs[i].files[0].path, path) != 0) {
        i++;
    }
    if (!kept || i == kept->pack_count) {
        return STATUS_NOT_FOUND;
    }
    const struct generations_pack *pack = &kept->packs[i];
    struct generations_file *files = arena_array(arena, pack->file_count, sizeof *files);
    for (uint32_t k = 0; files && k < pack->file_count; k++) {
        files[k] = pack->files[k];
        files[k].path = arena_copy(arena, span_text(pack->files[k].path));
        if (!files[k].path) {
            return STATUS_NO_MEMORY;
        }
    }
    *ret_pack = (struct generations_pack){.files = files, .file_count = pack->file_count};
    return files ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status capture_describe(const struct capture *capture, const struct ruleset *set, const struct ruleset *previous,
                             const struct generations_item *kept, struct arena *arena,
                             struct generations_item *ret_item)
{
    uint32_t count;
    const struct pack *const *packs = ruleset_packs(set, &count);
    struct generations_pack *described = arena_array(arena, (size_t)count + 1, sizeof *described);
    enum status status = described ? STATUS_OK : STATUS_NO_MEMORY;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = has_pack(previous, packs[i]) ? describe_kept(kept, packs[i]->path, arena, &described[i])
                                              : describe_fresh(capture, packs[i], arena, &described[i]);
    }
    if (status == STATUS_OK) {
        struct generations_item item = {.rules = ruleset_rule_count(set), .packs = described, .pack_count = count};
        (void)snprintf(item.id, sizeof item.id, "%s", ruleset_generation(set));
        *ret_item = item;
    }
    return status;
}
