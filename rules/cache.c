#include "rules/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define NAME_SIZE (2 * sizeof(struct cache_key) + 1)
#define TEMPORARY "tmp-"     /* how the names of unfinished entries begin */
#define ABANDONED_S 3600     /* an unfinished entry as old as this will not be finished any more */
#define TOUCH_S 60           /* how exact "last used" is */
#define ROOM_SHARE 10        /* when it is too large, a tenth more is removed, so that it need not be done each time */
#define FOLDERS_MAX 4096     /* bytes of a path */
#define ENTRIES_MAX 1000000u /* in a folder; what is more is not looked at in one go */

static const uint8_t magic[8] = {'W', 'e', 'i', 'r', 'C', 'a', 'c', '1'};

struct header {
    uint8_t magic[8];
    struct cache_key key;
    uint64_t size;
    uint64_t checksum[2]; /* of key, size and what follows */
};

struct cache {
    int folder;
    uint64_t size_max;
    pthread_mutex_t lock; /* guards what follows */
    struct cache_counts counts;
    char fault[256];
};

static void checksum(const struct header *header, struct span bytes, uint64_t ret[2])
{
    XXH128_hash_t head = XXH3_128bits(header, offsetof(struct header, checksum));
    XXH128_hash_t body = XXH3_128bits_withSeed(bytes.data, bytes.size, head.low64);
    ret[0] = body.low64;
    ret[1] = body.high64 ^ head.high64;
}

static void name_of(const struct cache_key *key, char name[NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof key->bytes; i++) {
        name[2 * i] = digits[key->bytes[i] >> 4];
        name[2 * i + 1] = digits[key->bytes[i] & 15];
    }
    name[NAME_SIZE - 1] = '\0';
}

/* Folders above the last one get the usual mode; the last one is for this user alone. */
static int make_folders(const char *folder)
{
    char path[FOLDERS_MAX];
    size_t size = strlen(folder);
    if (size == 0 || size >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(path, folder, size + 1);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return -1;
        }
        *slash = '/';
    }
    return mkdir(path, 0700) != 0 && errno != EEXIST ? -1 : 0;
}

static bool is_ours(const struct stat *facts)
{
    return facts->st_uid == geteuid() && (facts->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

enum status cache_open(const char *folder, uint64_t size_max, struct error *error, struct cache **ret_cache)
{
    struct stat facts;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && make_folders(folder) == 0) {
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0 || fstat(fd, &facts) != 0) {
        error_set(error, "the cache folder %s cannot be used: %s", folder, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return STATUS_SYSTEM;
    }
    if (!is_ours(&facts)) {
        (void)close(fd);
        error_set(error,
                  "the cache folder %s is not used: it must belong to this user, and nobody else may write to it",
                  folder);
        return STATUS_CONFLICT;
    }
    struct cache *cache = calloc(1, sizeof *cache);
    if (!cache || pthread_mutex_init(&cache->lock, NULL) != 0) {
        (void)close(fd);
        free(cache);
        return STATUS_NO_MEMORY;
    }
    cache->folder = fd;
    cache->size_max = size_max;
    *ret_cache = cache;
    return STATUS_OK;
}

static void count(struct cache *cache, uint32_t *counter)
{
    (void)pthread_mutex_lock(&cache->lock);
    ++*counter;
    (void)pthread_mutex_unlock(&cache->lock);
}

static bool read_all(int fd, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, (char *)data + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

/* STATUS_INVALID: the file is not to be used. */
static enum status read_entry(int fd, const struct cache_key *key, struct buffer *ret_bytes)
{
    struct stat facts;
    struct header header;
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode) || !is_ours(&facts) || facts.st_size < (off_t)sizeof header ||
        !read_all(fd, &header, sizeof header) || memcmp(header.magic, magic, sizeof magic) != 0 ||
        memcmp(&header.key, key, sizeof *key) != 0 || header.size > CACHE_ENTRY_MAX ||
        (uint64_t)facts.st_size != sizeof header + header.size) {
        return STATUS_INVALID;
    }
    enum status status = buffer_reserve(ret_bytes, header.size);
    if (status != STATUS_OK) {
        return status;
    }
    uint8_t *data = ret_bytes->data + ret_bytes->size;
    uint64_t sum[2];
    if (!read_all(fd, data, header.size)) {
        return STATUS_INVALID;
    }
    checksum(&header, span_of(data, header.size), sum);
    if (memcmp(sum, header.checksum, sizeof sum) != 0) {
        return STATUS_INVALID;
    }
    ret_bytes->size += header.size;
    if (time(NULL) - facts.st_mtime > TOUCH_S) {
        (void)futimens(fd, NULL); /* used now; may fail in a folder that is only read */
    }
    return STATUS_OK;
}

enum status cache_get(struct cache *cache, const struct cache_key *key, struct buffer *ret_bytes)
{
    char name[NAME_SIZE];
    name_of(key, name);
    int fd = openat(cache->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        count(cache, &cache->counts.missing);
        return STATUS_NOT_FOUND;
    }
    enum status status = read_entry(fd, key, ret_bytes);
    (void)close(fd);
    if (status == STATUS_INVALID) {
        count(cache, &cache->counts.damaged);
        return STATUS_NOT_FOUND;
    }
    if (status == STATUS_OK) {
        count(cache, &cache->counts.found);
    }
    return status;
}

static bool write_all(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = write(fd, (const char *)data + done, size - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

/* 0 or an errno. */
static int write_entry(struct cache *cache, const struct cache_key *key, struct span bytes)
{
    struct header header = {.key = *key, .size = bytes.size};
    char name[NAME_SIZE], temporary[32];
    uint64_t number;
    memcpy(header.magic, magic, sizeof magic);
    checksum(&header, bytes, header.checksum);
    name_of(key, name);
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        return EAGAIN;
    }
    (void)snprintf(temporary, sizeof temporary, TEMPORARY "%016llx", (unsigned long long)number);
    int fd = openat(cache->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    int fault = 0;
    errno = EIO;
    if (!write_all(fd, &header, sizeof header) || !write_all(fd, bytes.data, bytes.size) || fdatasync(fd) != 0) {
        fault = errno;
    }
    if (close(fd) != 0 && fault == 0) {
        fault = errno;
    }
    if (fault == 0 && renameat(cache->folder, temporary, cache->folder, name) != 0) {
        fault = errno;
    }
    if (fault != 0) {
        (void)unlinkat(cache->folder, temporary, 0);
    }
    return fault;
}

void cache_put(struct cache *cache, const struct cache_key *key, struct span bytes)
{
    int fault = bytes.size > CACHE_ENTRY_MAX ? EFBIG : write_entry(cache, key, bytes);
    (void)pthread_mutex_lock(&cache->lock);
    if (fault == 0) {
        cache->counts.written++;
    } else if (cache->counts.failed++ == 0) {
        (void)snprintf(cache->fault, sizeof cache->fault, "%s", strerror(fault));
    }
    (void)pthread_mutex_unlock(&cache->lock);
}

struct entry {
    char name[NAME_SIZE];
    struct timespec used;
    uint64_t size;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec) {
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    }
    return (x->used.tv_nsec > y->used.tv_nsec) - (x->used.tv_nsec < y->used.tv_nsec);
}

/* Every entry of the folder. Removes unfinished ones that nobody will finish. NULL without memory. */
static struct entry *list_entries(struct cache *cache, DIR *folder, uint32_t *ret_count, uint64_t *ret_size)
{
    uint32_t capacity = 256;
    struct entry *entries = calloc(capacity, sizeof *entries);
    for (const struct dirent *found; entries && (found = readdir(folder)) != NULL;) {
        struct stat facts;
        bool unfinished = strncmp(found->d_name, TEMPORARY, strlen(TEMPORARY)) == 0;
        if ((!unfinished && strlen(found->d_name) != NAME_SIZE - 1) || *ret_count == ENTRIES_MAX ||
            fstatat(cache->folder, found->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode)) {
            continue;
        }
        if (unfinished) {
            if (time(NULL) - facts.st_mtime > ABANDONED_S) {
                (void)unlinkat(cache->folder, found->d_name, 0);
            }
            continue;
        }
        if (*ret_count == capacity) {
            capacity *= 2;
            struct entry *more = reallocarray(entries, capacity, sizeof *entries);
            if (!more) {
                break;
            }
            entries = more;
        }
        struct entry *entry = &entries[(*ret_count)++];
        size_t length = strnlen(found->d_name, sizeof entry->name - 1);
        memcpy(entry->name, found->d_name, length);
        entry->name[length] = '\0';
        entry->used = facts.st_mtim;
        entry->size = (uint64_t)facts.st_size;
        *ret_size += entry->size;
    }
    return entries;
}

static void make_room(struct cache *cache)
{
    int fd = openat(cache->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    uint32_t number = 0;
    uint64_t size = 0;
    struct entry *entries = list_entries(cache, folder, &number, &size);
    if (entries && size > cache->size_max) {
        qsort(entries, number, sizeof *entries, compare_entries);
        for (uint32_t i = 0; i < number && size > cache->size_max - cache->size_max / ROOM_SHARE; i++) {
            if (unlinkat(cache->folder, entries[i].name, 0) == 0) {
                size -= entries[i].size;
            }
        }
    }
    free(entries);
    (void)closedir(folder);
}

void cache_close(struct cache **cache)
{
    struct cache *closed = *cache;
    if (!closed) {
        return;
    }
    if (closed->counts.written > 0) {
        make_room(closed);
    }
    (void)close(closed->folder);
    (void)pthread_mutex_destroy(&closed->lock);
    free(closed);
    *cache = NULL;
}

struct cache_counts cache_counts(struct cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
    struct cache_counts counts = cache->counts;
    (void)pthread_mutex_unlock(&cache->lock);
    return counts;
}

const char *cache_fault(struct cache *cache)
{
    return cache->counts.failed ? cache->fault : NULL;
}

char *cache_default_folder(void)
{
    const char *caches = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int size = -1;
    if (caches && caches[0] == '/') { /* the specification has relative paths ignored */
        size = asprintf(&path, "%s/weir", caches);
    } else if (home && home[0] == '/') {
        size = asprintf(&path, "%s/.cache/weir", home);
    }
    return size < 0 ? NULL : path;
}
