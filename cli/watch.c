#include "cli/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#define LINKS_MAX 40 /* followed on one path */
#define PATIENCE 10  /* times settle_ms: the longest wait for silence */
#define WRITING_MAX 64
#define NAMES_MAX 4096u /* of one folder; with more, every name counts */
#define EVENTS_SIZE 16384

#define PASSAGE_EVENTS                                                                                                 \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define PLACE_EVENTS (PASSAGE_EVENTS | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)

struct name {
    UT_hash_handle hh;
    char text[];
};

/* A folder in which something was looked up. */
struct folder {
    UT_hash_handle hh;    /* by path */
    UT_hash_handle by_wd; /* the same once more, by watch descriptor */
    int wd;
    bool wanted;        /* of the paths of now */
    bool place;         /* what lies in it matters, not only what leads on */
    bool all;           /* every name counts */
    struct name *names; /* otherwise only these */
    char path[];
};

/* A file that was written to and is not closed yet. */
struct writing {
    int wd;
    uint64_t name; /* hash */
};

struct watch {
    int fd;
    uint32_t settle_ms;
    struct folder *folders;   /* by path */
    struct folder *described; /* by watch descriptor */
    bool happened, stale;
    int64_t first_ms, last_ms; /* of what happened */
    struct writing writing[WRITING_MAX];
    uint32_t writing_count;
};

enum status watch_new(uint32_t settle_ms, struct watch **ret_watch)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        return STATUS_NO_MEMORY;
    }
    watch->settle_ms = settle_ms;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    *ret_watch = watch;
    return STATUS_OK;
}

static void forget_names(struct folder *folder)
{
    struct name *name = folder->names;
    HASH_CLEAR(hh, folder->names); /* the table alone: the names still hang together */
    for (struct name *next; name; name = next) {
        next = name->hh.next;
        free(name);
    }
}

static struct folder *find_wd(const struct watch *watch, int wd)
{
    struct folder *folder;
    HASH_FIND(by_wd, watch->described, &wd, sizeof wd, folder);
    return folder;
}

static void remove_folder(struct watch *watch, struct folder *folder)
{
    if (folder->wd >= 0 && find_wd(watch, folder->wd) == folder) {
        HASH_DELETE(by_wd, watch->described, folder);
        (void)inotify_rm_watch(watch->fd, folder->wd);
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): of what was freed nothing is in the table any more. */
    HASH_DEL(watch->folders, folder);
    forget_names(folder);
    free(folder);
}

void watch_free(struct watch **watch)
{
    if (!*watch) {
        return;
    }
    for (struct folder *folder = (*watch)->folders, *next; folder; folder = next) {
        next = folder->hh.next;
        remove_folder(*watch, folder);
    }
    if ((*watch)->fd >= 0) {
        close((*watch)->fd);
    }
    free(*watch);
    *watch = NULL;
}

int watch_fd(const struct watch *watch)
{
    return watch->fd;
}

/* Which folders are to be watched. */

static enum status want(struct watch *watch, const char *path, bool place, struct folder **ret_folder)
{
    struct folder *folder;
    HASH_FIND_STR(watch->folders, path, folder);
    if (!folder) {
        if (HASH_COUNT(watch->folders) >= WATCH_FOLDERS_MAX) {
            return STATUS_LIMIT;
        }
        size_t size = strlen(path) + 1;
        folder = calloc(1, sizeof *folder + size);
        if (!folder) {
            return STATUS_NO_MEMORY;
        }
        folder->wd = -1;
        memcpy(folder->path, path, size);
        HASH_ADD_STR(watch->folders, path, folder);
    }
    folder->wanted = true;
    folder->place |= place;
    *ret_folder = folder;
    return STATUS_OK;
}

static enum status want_name(struct watch *watch, const char *path, const char *name, bool place)
{
    struct folder *folder;
    enum status status = want(watch, path, place, &folder);
    if (status != STATUS_OK || folder->all) {
        return status;
    }
    struct name *known;
    HASH_FIND_STR(folder->names, name, known);
    if (known) {
        return STATUS_OK;
    }
    if (HASH_COUNT(folder->names) >= NAMES_MAX) {
        folder->all = true;
        forget_names(folder);
        return STATUS_OK;
    }
    size_t size = strlen(name) + 1;
    known = malloc(sizeof *known + size);
    if (!known) {
        return STATUS_NO_MEMORY;
    }
    memcpy(known->text, name, size);
    HASH_ADD_STR(folder->names, text, known);
    return STATUS_OK;
}

/* A path that is being followed, link by link. */
struct walk {
    char done[PATH_MAX]; /* the folder reached; "" is the root */
    char left[PATH_MAX * 2];
    int links;
};

/* The next part of walk->left, taken off it; false at the end. */
static bool next_part(struct walk *walk, char part[NAME_MAX + 1])
{
    for (;;) {
        const char *begin = walk->left + strspn(walk->left, "/");
        size_t size = strcspn(begin, "/");
        if (size == 0 || size > NAME_MAX) {
            return false;
        }
        memcpy(part, begin, size);
        part[size] = '\0';
        memmove(walk->left, begin + size, strlen(begin + size) + 1);
        if (strcmp(part, ".") == 0) {
            continue;
        }
        if (strcmp(part, "..") == 0) {
            char *slash = strrchr(walk->done, '/');
            if (slash) {
                *slash = '\0';
            }
            continue;
        }
        return true;
    }
}

/* Goes on with what a link points to. False: too many links, or too long. */
static bool follow_link(struct walk *walk, const char *link)
{
    char target[PATH_MAX];
    ssize_t size = readlink(link, target, sizeof target - 1);
    if (size <= 0 || ++walk->links > LINKS_MAX || (size_t)size + 1 + strlen(walk->left) >= sizeof walk->left) {
        return false;
    }
    memmove(walk->left + size + 1, walk->left, strlen(walk->left) + 1);
    memcpy(walk->left, target, (size_t)size);
    walk->left[size] = '/';
    if (target[0] == '/') {
        walk->done[0] = '\0';
    }
    return true;
}

/* Wants every folder in which a part of the path is looked up, and the path itself if it is a folder. */
static enum status want_path(struct watch *watch, const char *path)
{
    struct walk walk = {.done = ""};
    char part[NAME_MAX + 1], here[PATH_MAX * 2];
    if (path[0] != '/' && !getcwd(walk.done, sizeof walk.done)) {
        return STATUS_SYSTEM;
    }
    if (strcmp(walk.done, "/") == 0) {
        walk.done[0] = '\0';
    }
    if (strlen(path) >= sizeof walk.left) {
        return STATUS_LIMIT;
    }
    memcpy(walk.left, path, strlen(path) + 1);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && next_part(&walk, part)) {
        struct stat facts;
        (void)snprintf(here, sizeof here, "%s/%s", walk.done, part);
        bool there = lstat(here, &facts) == 0;
        bool last = walk.left[strspn(walk.left, "/")] == '\0';
        status = want_name(watch, walk.done[0] ? walk.done : "/", part, last);
        if (status != STATUS_OK || !there) {
            return status;
        }
        if (S_ISLNK(facts.st_mode)) {
            if (!follow_link(&walk, here)) {
                return STATUS_OK; /* nothing can be read there either */
            }
        } else if (S_ISDIR(facts.st_mode) && strlen(here) < sizeof walk.done) {
            memcpy(walk.done, here, strlen(here) + 1);
            if (last) {
                struct folder *folder;
                status = want(watch, walk.done, true, &folder);
                if (status == STATUS_OK) {
                    folder->all = true;
                    forget_names(folder);
                }
            }
        } else {
            return status;
        }
    }
    return status;
}

/* Watches a folder, in place of another one that may have been there before. */
static enum status add_watch(struct watch *watch, struct folder *folder)
{
    int wd = inotify_add_watch(watch->fd, folder->path, folder->place ? PLACE_EVENTS : PASSAGE_EVENTS);
    if (wd == folder->wd && wd >= 0) {
        return STATUS_OK;
    }
    if (folder->wd >= 0 && find_wd(watch, folder->wd) == folder) {
        HASH_DELETE(by_wd, watch->described, folder);
        (void)inotify_rm_watch(watch->fd, folder->wd);
    }
    folder->wd = -1;
    if (wd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? STATUS_OK : errno == ENOSPC ? STATUS_LIMIT : STATUS_SYSTEM;
    }
    struct folder *other = find_wd(watch, wd);
    if (other) { /* the same folder by another path (a bind mount), or moved: its newest name counts, and all in it */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it was just found there, so there is a table. */
        HASH_DELETE(by_wd, watch->described, other);
        other->wd = -1;
        folder->all = true;
        forget_names(folder);
        (void)inotify_add_watch(watch->fd, folder->path, PLACE_EVENTS);
    }
    folder->wd = wd;
    HASH_ADD(by_wd, watch->described, wd, sizeof folder->wd, folder);
    return STATUS_OK;
}

enum status watch_set(struct watch *watch, const char *const *paths)
{
    if (watch->fd < 0) {
        return STATUS_SYSTEM;
    }
    for (struct folder *folder = watch->folders; folder; folder = folder->hh.next) {
        folder->wanted = folder->place = folder->all = false;
        forget_names(folder);
    }
    watch->stale = false;
    enum status result = STATUS_OK;
    for (; *paths; paths++) {
        enum status status = want_path(watch, *paths);
        result = result == STATUS_OK ? status : result;
    }
    for (struct folder *folder = watch->folders, *next; folder; folder = next) {
        next = folder->hh.next;
        if (!folder->wanted) {
            remove_folder(watch, folder);
        }
    }
    for (struct folder *folder = watch->folders; folder; folder = folder->hh.next) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): remove_folder took what it freed out of the list. */
        enum status status = add_watch(watch, folder);
        result = result == STATUS_OK ? status : result;
    }
    return result;
}

/* What happens. */

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a: only tells files apart that are written at the same moment */
    for (; *name; name++) {
        hash = (hash ^ (uint8_t)*name) * 1099511628211u;
    }
    return hash;
}

static void note_writing(struct watch *watch, const struct inotify_event *event)
{
    uint64_t name = hash_name(event->len ? event->name : "");
    uint32_t i = 0;
    while (i < watch->writing_count && (watch->writing[i].wd != event->wd || watch->writing[i].name != name)) {
        i++;
    }
    if (event->mask & IN_MODIFY) {
        if (i == watch->writing_count && i < WRITING_MAX) {
            watch->writing[watch->writing_count++] = (struct writing){event->wd, name};
        }
    } else if (i < watch->writing_count) { /* closed, or gone */
        watch->writing[i] = watch->writing[--watch->writing_count];
    }
}

static bool matters(const struct folder *folder, const struct inotify_event *event)
{
    if (folder->all || event->len == 0) {
        return true;
    }
    struct name *name;
    HASH_FIND_STR(folder->names, event->name, name);
    return name != NULL;
}

static void take_event(struct watch *watch, const struct inotify_event *event, int64_t now_ms)
{
    bool lost = (event->mask & IN_Q_OVERFLOW) != 0;
    const struct folder *folder = lost ? NULL : find_wd(watch, event->wd);
    if (!lost && (!folder || (event->mask & IN_IGNORED) || !matters(folder, event))) {
        return;
    }
    if (event->mask & (IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM)) {
        note_writing(watch, event);
    }
    /* Anything but a file's contents may lead elsewhere from now on. */
    watch->stale |= (event->mask & ~(uint32_t)(IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB)) != 0;
    if (!watch->happened) {
        watch->happened = true;
        watch->first_ms = now_ms;
    }
    watch->last_ms = now_ms;
}

void watch_read(struct watch *watch, int64_t now_ms)
{
    _Alignas(struct inotify_event) char bytes[EVENTS_SIZE];
    for (;;) {
        ssize_t size = watch->fd < 0 ? -1 : read(watch->fd, bytes, sizeof bytes);
        if (size <= 0) {
            return; /* nothing more, or interrupted: then it still polls readable */
        }
        for (ssize_t at = 0; at < size;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)(bytes + at);
            take_event(watch, event, now_ms);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

bool watch_is_stale(const struct watch *watch)
{
    return watch->stale;
}

int64_t watch_due_in(const struct watch *watch, int64_t now_ms)
{
    if (!watch->happened) {
        return -1;
    }
    int64_t patience_ms = (int64_t)watch->settle_ms * PATIENCE;
    int64_t due_ms = watch->last_ms + watch->settle_ms;
    if (watch->writing_count > 0) {
        patience_ms = patience_ms > WATCH_WRITING_MAX_MS ? patience_ms : WATCH_WRITING_MAX_MS;
        due_ms = watch->first_ms + patience_ms;
    }
    if (due_ms > watch->first_ms + patience_ms) {
        due_ms = watch->first_ms + patience_ms;
    }
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

void watch_take(struct watch *watch)
{
    watch->happened = false;
    watch->writing_count = 0;
}
