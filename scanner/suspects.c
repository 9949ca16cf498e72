#include "scanner/suspects.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define MAGIC "WEIRSUS1"
#define BITS 65536u /* of the filter that answers for nearly every message */

/* The file: the head, then one of these for each worker. */
struct suspect {
    uint64_t hash;
    uint32_t alone; /* how often the program died while it was scanned alone */
    uint32_t known; /* 0: an empty place */
};

struct head {
    char magic[8];
    uint32_t workers;
    uint32_t next; /* the place that is filled next: the oldest, once all are full */
    struct suspect table[SUSPECTS_MAX];
};

struct current {
    atomic_uint count; /* of messages that are being scanned; 0: none */
    uint32_t unused;
    uint64_t hashes[SUSPECTS_MESSAGES_MAX];
};

struct suspects {
    struct head *head; /* mapped */
    struct current *currents;
    size_t size;
    uint32_t workers;
    uint32_t unfinished;
    atomic_uint known;             /* entries of the table */
    pthread_mutex_t lock;          /* guards the table; the filter changes under it too */
    atomic_uchar filter[BITS / 8]; /* by the low bits of the hash; a bit stays set when its suspect is cleared */
};

static size_t file_size(uint32_t workers)
{
    return sizeof(struct head) + workers * sizeof(struct current);
}

static struct current *currents_of(void *file)
{
    return (struct current *)(void *)((uint8_t *)file + sizeof(struct head));
}

static bool may_be_known(const struct suspects *suspects, uint64_t hash)
{
    return atomic_load_explicit(&suspects->known, memory_order_relaxed) > 0 &&
           (atomic_load_explicit(&suspects->filter[hash % BITS / 8], memory_order_relaxed) & 1u << hash % 8) != 0;
}

static struct suspect *find(const struct suspects *suspects, uint64_t hash)
{
    for (uint32_t i = 0; may_be_known(suspects, hash) && i < SUSPECTS_MAX; i++) {
        struct suspect *suspect = &suspects->head->table[i];
        if (suspect->known && suspect->hash == hash) {
            return suspect;
        }
    }
    return NULL;
}

static void add(struct suspects *suspects, uint64_t hash, uint32_t alone)
{
    struct head *head = suspects->head;
    struct suspect *suspect = &head->table[head->next];
    head->next = (head->next + 1) % SUSPECTS_MAX;
    atomic_fetch_add(&suspects->known, suspect->known ? 0 : 1);
    *suspect = (struct suspect){.hash = hash, .alone = alone, .known = 1};
    atomic_fetch_or(&suspects->filter[hash % BITS / 8], (uint8_t)(1u << hash % 8));
}

/* What one worker of the last run was at. */
static void take_current(struct suspects *suspects, const struct current *current)
{
    uint32_t count = atomic_load(&current->count);
    if (count > SUSPECTS_MESSAGES_MAX) {
        return; /* nothing that this program wrote */
    }
    suspects->unfinished += count;
    for (uint32_t i = 0; i < count; i++) {
        struct suspect *known = find(suspects, current->hashes[i]);
        if (!known) {
            add(suspects, current->hashes[i], 0);
        } else if (count == 1 && known->alone < SUSPECTS_CRASHES_MAX) {
            known->alone++;
        }
    }
}

static void take_file(struct suspects *suspects, void *file, size_t size)
{
    const struct head *head = file;
    if (size < sizeof *head || memcmp(head->magic, MAGIC, sizeof head->magic) != 0 ||
        head->workers > (size - sizeof *head) / sizeof(struct current)) {
        return;
    }
    for (uint32_t i = 0; i < SUSPECTS_MAX; i++) { /* from the oldest on */
        const struct suspect *suspect = &head->table[(head->next % SUSPECTS_MAX + i) % SUSPECTS_MAX];
        if (suspect->known) {
            add(suspects, suspect->hash, suspect->alone);
        }
    }
    for (uint32_t i = 0; i < head->workers; i++) {
        take_current(suspects, &currents_of(file)[i]);
    }
}

static enum status take_over(struct suspects *suspects, const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        return STATUS_OK;
    }
    struct stat info;
    void *file = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 0) {
        file = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    }
    enum status status = STATUS_OK;
    if (file != MAP_FAILED) {
        take_file(suspects, file, (size_t)info.st_size);
        (void)munmap(file, (size_t)info.st_size);
    } else if (fd < 0 || info.st_size > 0) {
        error_set(error, "cannot read %s: %s", path, strerror(errno));
        status = STATUS_SYSTEM;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

/* The new file, all of it on the disk already: a store to it must not fail when the disk is full. */
static enum status map_new(struct suspects *suspects, const char *path, uint32_t workers, struct error *error)
{
    suspects->size = file_size(workers);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int failure = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)suspects->size);
    void *file = MAP_FAILED;
    if (failure == 0) {
        file = mmap(NULL, suspects->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        failure = file == MAP_FAILED ? errno : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (failure != 0) {
        error_set(error, "cannot make %s: %s", path, strerror(failure));
        return STATUS_SYSTEM;
    }
    suspects->head = file;
    suspects->currents = currents_of(file);
    memcpy(suspects->head->magic, MAGIC, sizeof suspects->head->magic);
    suspects->head->workers = suspects->workers = workers;
    return STATUS_OK;
}

enum status suspects_open(const char *path, uint32_t workers, struct error *error, struct suspects **ret_suspects)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        error_set(error, "the path is too long: %s", path);
        return STATUS_SYSTEM;
    }
    struct suspects *suspects = calloc(1, sizeof *suspects);
    if (!suspects || pthread_mutex_init(&suspects->lock, NULL) != 0) {
        free(suspects);
        return STATUS_NO_MEMORY;
    }
    enum status status = map_new(suspects, temporary, workers, error);
    if (status == STATUS_OK) {
        status = take_over(suspects, path, error);
    }
    if (status == STATUS_OK && rename(temporary, path) != 0) {
        error_set(error, "cannot replace %s: %s", path, strerror(errno));
        status = STATUS_SYSTEM;
    }
    if (status != STATUS_OK) {
        (void)unlink(temporary);
        suspects_close(&suspects);
        return status;
    }
    *ret_suspects = suspects;
    return STATUS_OK;
}

void suspects_close(struct suspects **suspects)
{
    if (suspects && *suspects) {
        if ((*suspects)->head) {
            (void)munmap((*suspects)->head, (*suspects)->size);
        }
        (void)pthread_mutex_destroy(&(*suspects)->lock);
        free(*suspects);
        *suspects = NULL;
    }
}

uint32_t suspects_unfinished(const struct suspects *suspects)
{
    return suspects->unfinished;
}

uint32_t suspects_poisonous(const struct suspects *suspects)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SUSPECTS_MAX; i++) {
        const struct suspect *suspect = &suspects->head->table[i];
        count += suspect->known && suspect->alone >= SUSPECTS_CRASHES_MAX;
    }
    return count;
}

uint64_t suspects_hash(struct span message_id)
{
    return XXH3_64bits(message_id.data, message_id.size);
}

enum suspicion suspects_look(struct suspects *suspects, uint64_t hash)
{
    if (!may_be_known(suspects, hash)) {
        return SUSPICION_NONE;
    }
    (void)pthread_mutex_lock(&suspects->lock);
    const struct suspect *suspect = find(suspects, hash);
    enum suspicion suspicion = !suspect                                ? SUSPICION_NONE
                               : suspect->alone < SUSPECTS_CRASHES_MAX ? SUSPICION_ALONE
                                                                       : SUSPICION_POISONOUS;
    (void)pthread_mutex_unlock(&suspects->lock);
    return suspicion;
}

void suspects_begin(struct suspects *suspects, uint32_t worker, const uint64_t *hashes, uint32_t count)
{
    if (worker >= suspects->workers || count > SUSPECTS_MESSAGES_MAX) {
        abort(); /* it would write into another's place */
    }
    struct current *current = &suspects->currents[worker];
    memcpy(current->hashes, hashes, count * sizeof *hashes);
    atomic_store_explicit(&current->count, count, memory_order_release);
}

void suspects_end(struct suspects *suspects, uint32_t worker)
{
    atomic_store_explicit(&suspects->currents[worker].count, 0, memory_order_release);
}

void suspects_clear(struct suspects *suspects, uint64_t hash)
{
    (void)pthread_mutex_lock(&suspects->lock);
    struct suspect *suspect = find(suspects, hash);
    if (suspect) {
        *suspect = (struct suspect){0};
        atomic_fetch_sub(&suspects->known, 1);
    }
    (void)pthread_mutex_unlock(&suspects->lock);
}
