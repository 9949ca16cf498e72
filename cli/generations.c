#include "cli/generations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "cli/generations_manifest.h"

#define ARENA_CHUNK ((size_t)16 << 10)
#define ARENA_MAX ((size_t)1 << 30)
#define SYNC_APART_MAX 16 /* files that are synced one by one; more are cheaper with all of the file system */

struct generations {
    char *folder, *objects, *manifests, *lock;
    int lock_fd; /* of the writer */
    char unsynced[SYNC_APART_MAX][GENERATIONS_OBJECT_SIZE];
    uint32_t unsynced_count; /* may be more than the array holds */
    bool untidy;             /* there may be objects that no manifest needs */
};

static enum status failed(const char *path, const char *what, struct error *error)
{
    int number = errno;
    error_set(error, "%s: cannot %s: %s", path, what, strerror(number));
    return number == ENOENT || number == ENOTDIR ? STATUS_NOT_FOUND : STATUS_SYSTEM;
}

static enum status no_memory(struct error *error)
{
    error_set(error, "%s", status_text(STATUS_NO_MEMORY));
    return STATUS_NO_MEMORY;
}

static enum status make_folder(const char *path, struct error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        (void)failed(path, "make the folder", error);
        return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

/* Calls `visit` for each name in a folder that is not hidden. */
static enum status each_name(const char *path, struct error *error,
                             enum status (*visit)(void *context, const char *name), void *context)
{
    DIR *folder = opendir(path);
    if (!folder) {
        return failed(path, "open the folder", error);
    }
    enum status status = STATUS_OK;
    for (struct dirent *item = readdir(folder); item && status == STATUS_OK; item = readdir(folder)) {
        if (item->d_name[0] != '.') {
            status = visit(context, item->d_name);
        }
    }
    closedir(folder);
    return status;
}

void generations_name(struct span bytes, char ret_object[GENERATIONS_OBJECT_SIZE])
{
    XXH128_hash_t hash = XXH3_128bits(bytes.data, bytes.size);
    (void)snprintf(ret_object, GENERATIONS_OBJECT_SIZE, "%016llx%016llx", (unsigned long long)hash.high64,
                   (unsigned long long)hash.low64);
}

const char *generations_folder(const struct generations *generations)
{
    return generations->folder;
}

/* Manifests. */

/* "N-ID.json" with N of 20 digits. */
static bool parse_manifest_name(const char *name, uint64_t *ret_number, char ret_id[GENERATIONS_ID_SIZE])
{
    if (strlen(name) != 20 + 1 + 16 + 5 || strspn(name, "0123456789") != 20 || name[20] != '-' ||
        strspn(name + 21, "0123456789abcdef") != 16 || strcmp(name + 37, ".json") != 0) {
        return false;
    }
    *ret_number = strtoull(name, NULL, 10);
    memcpy(ret_id, name + 21, 16);
    ret_id[16] = '\0';
    return true;
}

static char *manifest_path(const struct generations *generations, uint64_t number, const char *id)
{
    char *path = NULL;
    return asprintf(&path, "%s/%020llu-%s.json", generations->manifests, (unsigned long long)number, id) < 0 ? NULL
                                                                                                             : path;
}

/* The manifests by their names. */
struct names {
    struct generations_item *items;
    uint32_t count, capacity;
};

static enum status add_name(void *context, const char *name)
{
    struct names *names = context;
    struct generations_item item = {0};
    if (!parse_manifest_name(name, &item.number, item.id)) {
        return STATUS_OK;
    }
    if (names->count == names->capacity) {
        uint32_t capacity = names->capacity ? names->capacity * 2 : 32;
        struct generations_item *items = reallocarray(names->items, capacity, sizeof *items);
        if (!items) {
            return STATUS_NO_MEMORY;
        }
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->count++] = item;
    return STATUS_OK;
}

static int newest_first(const void *left, const void *right)
{
    const struct generations_item *a = left, *b = right;
    return (a->number < b->number) - (a->number > b->number);
}

/* Newest first; names->items is freed by the caller, also on failure. */
static enum status read_names(const struct generations *generations, struct error *error, struct names *names)
{
    enum status status = each_name(generations->manifests, error, add_name, names);
    if (status == STATUS_OK && names->count > 0) {
        qsort(names->items, names->count, sizeof *names->items, newest_first);
    }
    return status == STATUS_NO_MEMORY ? no_memory(error) : status;
}

static enum status read_manifest(const struct generations *generations, uint64_t number, const char *id, bool packs,
                                 struct arena *arena, struct error *error, struct generations_item *ret_item)
{
    char *path = manifest_path(generations, number, id);
    if (!path) {
        return no_memory(error);
    }
    struct arena *scratch = NULL;
    struct span text = {0};
    struct generations_item item = {0};
    enum status status = arena_new(ARENA_CHUNK, GENERATIONS_MANIFEST_MAX * 2, &scratch);
    if (status == STATUS_OK) {
        status = file_read(path, GENERATIONS_MANIFEST_MAX, scratch, error, &text);
    }
    if (status == STATUS_OK) {
        status = generations_manifest_parse(text, packs, arena, &item);
        if (status == STATUS_OK && (item.number != number || strcmp(item.id, id) != 0)) {
            status = STATUS_INVALID;
        }
        if (status != STATUS_OK) {
            error_set(error, "%s: this is no manifest of a generation: %s", path, status_text(status));
        }
    }
    if (status == STATUS_OK) {
        *ret_item = item;
    }
    arena_free(&scratch);
    free(path);
    return status;
}

enum status generations_list(const struct generations *generations, struct arena *arena, struct error *error,
                             struct generations_item **ret_items, uint32_t *ret_count)
{
    struct names names = {0};
    struct generations_item *items = NULL;
    uint32_t count = 0;
    enum status status = read_names(generations, error, &names);
    if (status == STATUS_OK) {
        items = arena_array(arena, (size_t)names.count + 1, sizeof *items);
        status = items ? STATUS_OK : no_memory(error);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < names.count; i++) {
        struct error ignored = {0};
        bool known = false;
        for (uint32_t k = 0; k < count; k++) { /* killed between writing the newer and removing the older manifest */
            known |= strcmp(items[k].id, names.items[i].id) == 0;
        }
        if (!known && read_manifest(generations, names.items[i].number, names.items[i].id, false, arena, &ignored,
                                    &items[count]) == STATUS_OK) {
            count++;
        }
    }
    free(names.items);
    if (status == STATUS_OK) {
        *ret_items = items;
        *ret_count = count;
    }
    return status;
}

enum status generations_read(const struct generations *generations, const char *id, struct arena *arena,
                             struct error *error, struct generations_item *ret_item)
{
    struct names names = {0};
    enum status status = read_names(generations, error, &names);
    uint32_t i = 0;
    while (status == STATUS_OK && i < names.count && strcmp(names.items[i].id, id) != 0) {
        i++;
    }
    if (status == STATUS_OK && i == names.count) {
        error_set(error, "generation %s is not kept", id);
        status = STATUS_NOT_FOUND;
    } else if (status == STATUS_OK) {
        status = read_manifest(generations, names.items[i].number, id, true, arena, error, ret_item);
    }
    free(names.items);
    return status;
}

/* Objects. */

enum status generations_get(const struct generations *generations, const char *object, size_t size_max,
                            struct arena *arena, struct error *error, struct span *ret_bytes)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", generations->objects, object) < 0) {
        return no_memory(error);
    }
    struct span bytes = {0};
    enum status status = file_read(path, size_max, arena, error, &bytes);
    if (status == STATUS_OK) {
        char name[GENERATIONS_OBJECT_SIZE];
        generations_name(bytes, name);
        if (strcmp(name, object) == 0) {
            *ret_bytes = bytes;
        } else {
            error_set(error, "%s: is damaged", path);
            status = STATUS_INVALID;
        }
    }
    free(path);
    return status;
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t done = write(fd, bytes.data, bytes.size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return false;
        }
        bytes.data += done;
        bytes.size -= (size_t)done;
    }
    return true;
}

/* Into its place, but perhaps not on stable storage yet. */
static enum status write_object(const char *path, struct span bytes, struct error *error)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        status = failed(path, "create a file beside it", error);
    } else {
        if (!write_all(fd, bytes)) {
            status = failed(path, "write", error);
        }
        if (close(fd) != 0 && status == STATUS_OK) {
            status = failed(path, "write", error);
        }
        if (status == STATUS_OK && rename(temporary, path) != 0) {
            status = failed(path, "put it into its place", error);
        }
        if (status != STATUS_OK) {
            (void)unlink(temporary);
        }
    }
    free(temporary);
    return status == STATUS_NOT_FOUND ? STATUS_SYSTEM : status;
}

enum status generations_put(struct generations *generations, struct span bytes, struct error *error,
                            char ret_object[GENERATIONS_OBJECT_SIZE])
{
    char name[GENERATIONS_OBJECT_SIZE];
    char *path = NULL;
    struct stat facts;
    generations_name(bytes, name);
    if (asprintf(&path, "%s/%s", generations->objects, name) < 0) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode) || (uintmax_t)facts.st_size != bytes.size) {
        status = write_object(path, bytes, error);
        generations->untidy = true;
        if (status == STATUS_OK && generations->unsynced_count++ < SYNC_APART_MAX) {
            memcpy(generations->unsynced[generations->unsynced_count - 1], name, sizeof name);
        }
    }
    free(path);
    if (status == STATUS_OK) {
        memcpy(ret_object, name, sizeof name);
    }
    return status;
}

static enum status sync_path(const char *path, bool folder, bool everything, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | (folder ? O_DIRECTORY : 0));
    if (fd < 0) {
        return failed(path, "open", error);
    }
    enum status status = STATUS_OK;
    if ((everything ? syncfs(fd) : fsync(fd)) != 0) {
        status = failed(path, "sync", error);
    }
    close(fd);
    return status;
}

/* Brings the objects that were put to stable storage. */
static enum status sync_objects(struct generations *generations, struct error *error)
{
    enum status status = STATUS_OK;
    bool everything = generations->unsynced_count > SYNC_APART_MAX;
    for (uint32_t i = 0; status == STATUS_OK && !everything && i < generations->unsynced_count; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", generations->objects, generations->unsynced[i]) < 0) {
            return no_memory(error);
        }
        status = sync_path(path, false, false, error);
        free(path);
    }
    if (status == STATUS_OK && generations->unsynced_count > 0) {
        status = sync_path(generations->objects, true, everything, error);
    }
    if (status == STATUS_OK) {
        generations->unsynced_count = 0;
    }
    return status;
}

/* Removes what no manifest needs. */

struct sweep {
    const struct generations *generations;
    const char **objects; /* sorted: what is needed */
    size_t count, capacity;
};

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static enum status need(struct sweep *sweep, const struct generations_item *item)
{
    for (uint32_t i = 0; i < item->pack_count; i++) {
        for (uint32_t k = 0; k < item->packs[i].file_count; k++) {
            if (sweep->count == sweep->capacity) {
                size_t capacity = sweep->capacity ? sweep->capacity * 2 : 64;
                const char **objects = reallocarray(sweep->objects, capacity, sizeof *objects);
                if (!objects) {
                    return STATUS_NO_MEMORY;
                }
                sweep->objects = objects;
                sweep->capacity = capacity;
            }
            sweep->objects[sweep->count++] = item->packs[i].files[k].object;
        }
    }
    return STATUS_OK;
}

static enum status remove_unneeded(void *context, const char *name)
{
    const struct sweep *sweep = context;
    if (sweep->count > 0 && bsearch(&name, sweep->objects, sweep->count, sizeof *sweep->objects, compare_texts)) {
        return STATUS_OK;
    }
    char *path = NULL;
    if (asprintf(&path, "%s/%s", sweep->generations->objects, name) < 0) {
        return STATUS_NO_MEMORY;
    }
    (void)unlink(path);
    free(path);
    return STATUS_OK;
}

/* A manifest that cannot be read may be better tomorrow: then nothing is removed. A damaged one needs nothing. */
static enum status sweep_objects(const struct generations *generations, struct error *error)
{
    struct names names = {0};
    struct sweep sweep = {.generations = generations};
    struct arena *arena = NULL;
    enum status status = arena_new(ARENA_CHUNK, ARENA_MAX, &arena);
    if (status == STATUS_OK) {
        status = read_names(generations, error, &names);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < names.count; i++) {
        struct generations_item item;
        status = read_manifest(generations, names.items[i].number, names.items[i].id, true, arena, error, &item);
        if (status == STATUS_OK) {
            status = need(&sweep, &item);
        } else if (status == STATUS_INVALID) {
            status = STATUS_OK;
        }
    }
    if (status == STATUS_OK) {
        if (sweep.count > 0) {
            qsort(sweep.objects, sweep.count, sizeof *sweep.objects, compare_texts);
        }
        status = each_name(generations->objects, error, remove_unneeded, &sweep);
    }
    free(names.items);
    free(sweep.objects);
    arena_free(&arena);
    return status == STATUS_NO_MEMORY ? no_memory(error) : status;
}

/* Removes manifests beyond the limit, and older ones of a generation that went live again. */
static enum status prune(struct generations *generations, const char *spare, struct error *error)
{
    struct names names = {0};
    enum status status = read_names(generations, error, &names);
    uint32_t kept = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < names.count; i++) {
        bool again = false;
        for (uint32_t k = 0; k < i; k++) {
            again |= strcmp(names.items[k].id, names.items[i].id) == 0;
        }
        if (!again && (kept < GENERATIONS_KEPT || (spare && strcmp(spare, names.items[i].id) == 0))) {
            kept++;
            continue;
        }
        char *path = manifest_path(generations, names.items[i].number, names.items[i].id);
        if (!path) {
            status = no_memory(error);
        } else if (unlink(path) == 0) {
            generations->untidy = true;
        }
        free(path);
    }
    free(names.items);
    return status;
}

static enum status write_manifest(const struct generations *generations, const struct generations_item *item,
                                  struct error *error)
{
    char *text = generations_manifest_text(item);
    char *path = manifest_path(generations, item->number, item->id);
    enum status status = STATUS_NO_MEMORY;
    if (text && path) {
        status = file_write_atomic(path, span_text(text), 0600, error);
    } else {
        error_set(error, "the manifest of generation %s cannot be made: out of memory, or a path is not UTF-8",
                  item->id);
    }
    free(text);
    free(path);
    return status;
}

enum status generations_keep(struct generations *generations, const struct generations_item *item, const char *spare,
                             struct error *error)
{
    struct names names = {0};
    enum status status = read_names(generations, error, &names);
    bool newest = status == STATUS_OK && names.count > 0 && strcmp(names.items[0].id, item->id) == 0;
    struct generations_item numbered = *item;
    numbered.number = status == STATUS_OK && names.count > 0 ? names.items[0].number + 1 : 1;
    free(names.items);
    if (status != STATUS_OK || newest) {
        return status;
    }
    status = sync_objects(generations, error);
    if (status == STATUS_OK) {
        status = write_manifest(generations, &numbered, error);
    }
    if (status == STATUS_OK) {
        status = prune(generations, spare, error);
    }
    return status;
}

void generations_tidy(struct generations *generations)
{
    struct error ignored = {0};
    if (generations->untidy && sweep_objects(generations, &ignored) == STATUS_OK) {
        generations->untidy = false;
        generations->unsynced_count = 0; /* what a manifest names was synced before */
    }
}

/* Temporary files beside manifests. */
static enum status remove_leftover(void *context, const char *name)
{
    const char *folder = context;
    uint64_t number;
    char id[GENERATIONS_ID_SIZE];
    char *path = NULL;
    if (parse_manifest_name(name, &number, id)) {
        return STATUS_OK;
    }
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return STATUS_NO_MEMORY;
    }
    (void)unlink(path);
    free(path);
    return STATUS_OK;
}

static enum status prepare(const struct generations *generations, struct error *error)
{
    enum status status = make_folder(generations->folder, error);
    if (status == STATUS_OK) {
        status = make_folder(generations->objects, error);
    }
    if (status == STATUS_OK) {
        status = make_folder(generations->manifests, error);
    }
    if (status == STATUS_OK) {
        status = each_name(generations->manifests, error, remove_leftover, generations->manifests);
    }
    if (status == STATUS_OK) {
        struct error ignored = {0};
        (void)sweep_objects(generations, &ignored); /* a damaged manifest must not stop the start */
    }
    return status;
}

/* So that others can see that somebody writes; the data folder's own lock cannot be looked at without taking it. */
static void show_writing(struct generations *generations)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    generations->lock_fd = open(generations->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (generations->lock_fd >= 0) {
        (void)fcntl(generations->lock_fd, F_OFD_SETLK, &whole);
    }
}

bool generations_is_written(const struct generations *generations)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(generations->lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool written = fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

enum status generations_open(const char *data, bool write, struct error *error, struct generations **ret_generations)
{
    struct generations *generations = calloc(1, sizeof *generations);
    if (!generations) {
        return no_memory(error);
    }
    struct stat facts;
    enum status status = STATUS_OK;
    generations->lock_fd = -1;
    if (asprintf(&generations->folder, "%s/rules", data) < 0 ||
        asprintf(&generations->lock, "%s/rules/running", data) < 0 ||
        asprintf(&generations->objects, "%s/rules/objects", data) < 0 ||
        asprintf(&generations->manifests, "%s/rules/generations", data) < 0) {
        status = no_memory(error);
    } else if (write) {
        status = prepare(generations, error);
        if (status == STATUS_OK) {
            show_writing(generations);
        }
    } else if (stat(generations->manifests, &facts) != 0) {
        status = failed(generations->manifests, "look at", error);
    }
    if (status != STATUS_OK) {
        generations_free(&generations);
        return status;
    }
    *ret_generations = generations;
    return STATUS_OK;
}

void generations_free(struct generations **generations)
{
    if (*generations) {
        free((*generations)->folder);
        free((*generations)->objects);
        free((*generations)->manifests);
        free((*generations)->lock);
        if ((*generations)->lock_fd >= 0) {
            close((*generations)->lock_fd);
        }
        free(*generations);
        *generations = NULL;
    }
}

static enum status read_source(void *context, const char *path, size_t size_max, struct arena *arena,
                               struct error *error, struct span *ret_bytes)
{
    const struct generations_source *source = context;
    for (uint32_t i = 0; i < source->item->pack_count; i++) {
        const struct generations_pack *pack = &source->item->packs[i];
        for (uint32_t k = 0; k < pack->file_count; k++) {
            if (strcmp(pack->files[k].path, path) == 0) {
                return generations_get(source->generations, pack->files[k].object, size_max, arena, error, ret_bytes);
            }
        }
    }
    error_set(error, "%s: this file was not kept with generation %s", path, source->item->id);
    return STATUS_NOT_FOUND;
}

struct file_source generations_files(struct generations_source *source)
{
    return (struct file_source){.read = read_source, .context = source};
}
