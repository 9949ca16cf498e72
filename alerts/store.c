#include "alerts/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerts/store_folder.h"

const char *const decision_names[DECISION_COUNT + 1] = {"none", "violation", "no_violation", "unsure", NULL};

enum status store_folder_make(const char *path, struct error *error)
{
    if (mkdir(path, 0700) == 0) {
        if (chmod(path, 0700) == 0) /* whatever the umask took away */
            return STATUS_OK;
        error_set(error, "cannot set the mode of folder '%s': %s", path, strerror(errno));
        return STATUS_SYSTEM;
    }
    if (errno != EEXIST) {
        error_set(error, "cannot make folder '%s': %s", path, strerror(errno));
        return STATUS_SYSTEM;
    }
    struct stat facts;
    if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        error_set(error, "'%s' is not a folder", path);
        return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

/* The process that wrote its number there; 0: not known. */
static long store_lock_holder(int fd)
{
    char text[32] = "";
    return pread(fd, text, sizeof text - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

enum status store_lock(const char *path, struct error *error, int *ret_fd)
{
    enum status status = store_folder_make(path, error);
    if (status != STATUS_OK)
        return status;
    char file[4096];
    if ((size_t)snprintf(file, sizeof file, "%s/weir.lock", path) >= sizeof file) {
        error_set(error, "the name of the data folder is too long");
        return STATUS_SYSTEM;
    }
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        error_set(error, "cannot open '%s': %s", file, strerror(errno));
        return STATUS_SYSTEM;
    }
    (void)fchmod(fd, 0600); /* so that the next one can open it under any umask; it may be somebody else's */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int reason = errno;
        long pid = store_lock_holder(fd);
        close(fd);
        if (reason != EWOULDBLOCK) {
            error_set(error, "cannot lock '%s': %s", file, strerror(reason));
            return STATUS_SYSTEM;
        }
        error_set(error,
                  "another weir writes alerts into '%s' (process %ld): stop it, or use another data folder (--data)",
                  path, pid);
        return STATUS_CONFLICT;
    }
    /* The number is only for the words above: without it they name process 0. */
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        errno = 0;
    *ret_fd = fd;
    return STATUS_OK;
}

void store_unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
