#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

#define FILE_READ_STEP 65536

static enum status file_failed(const char *path, const char *what, struct error *error)
{
    int number = errno;

    error_set(error, "%s: cannot %s: %s", path, what, strerror(number));
    return number == ENOENT || number == ENOTDIR ? STATUS_NOT_FOUND : STATUS_SYSTEM;
}

static enum status file_too_large(const char *path, size_t size_max, struct error *error)
{
    error_set(error, "%s: larger than the limit of %zu bytes", path, size_max);
    return STATUS_LIMIT;
}

static enum status file_no_memory(const char *path, struct error *error)
{
    error_set(error, "%s: %s", path, status_text(STATUS_NO_MEMORY));
    return STATUS_NO_MEMORY;
}

/* Up to `size` bytes; fewer only at the end of the file. -1 with errno. */
static ssize_t file_read_bytes(int fd, uint8_t *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = read(fd, data + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* Reads to the end without trusting a size that was asked for before: pipes have none, and files grow. */
static enum status file_read_fd(int fd, const char *path, size_t size_guess, size_t size_max, struct arena *arena,
                                struct error *error, struct span *ret_bytes)
{
    struct buffer buffer = BUFFER_INIT(size_max < SIZE_MAX ? size_max + 1 : SIZE_MAX);
    enum status status = STATUS_OK;
    size_t step = size_guess < FILE_READ_STEP ? FILE_READ_STEP : size_guess + 1;

    for (;;) {
        size_t room = buffer.size_max - buffer.size;
        if (step > room)
            step = room;
        if (buffer.size > size_max || step == 0) {
            status = file_too_large(path, size_max, error);
            goto done;
        }
        if (buffer_reserve(&buffer, step) != STATUS_OK) {
            status = file_no_memory(path, error);
            goto done;
        }
        ssize_t got = file_read_bytes(fd, buffer.data + buffer.size, step);
        if (got < 0) {
            status = file_failed(path, "read", error);
            goto done;
        }
        buffer.size += (size_t)got;
        if ((size_t)got < step)
            break;
        step = FILE_READ_STEP;
    }
    if (buffer.size > size_max) {
        status = file_too_large(path, size_max, error);
        goto done;
    }

    char *copy = arena_copy(arena, buffer_span(&buffer));
    if (!copy) {
        status = file_no_memory(path, error);
        goto done;
    }
    *ret_bytes = span_of(copy, buffer.size);

done:
    buffer_free(&buffer);
    return status;
}

enum status file_read(const char *path, size_t size_max, struct arena *arena, struct error *error,
                      struct span *ret_bytes)
{
    struct stat information;
    enum status status;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return file_failed(path, "open", error);
    if (fstat(fd, &information) != 0) {
        status = file_failed(path, "look at", error);
    } else if (S_ISDIR(information.st_mode)) {
        error_set(error, "%s: is a folder, not a file", path);
        status = STATUS_SYSTEM;
    } else if (S_ISREG(information.st_mode) && (uintmax_t)information.st_size > size_max) {
        status = file_too_large(path, size_max, error);
    } else {
        size_t guess = S_ISREG(information.st_mode) ? (size_t)information.st_size : 0;
        status = file_read_fd(fd, path, guess, size_max, arena, error, ret_bytes);
    }
    close(fd);
    return status;
}

enum status file_source_read(const struct file_source *source, const char *path, size_t size_max, struct arena *arena,
                             struct error *error, struct span *ret_bytes)
{
    return source ? source->read(source->context, path, size_max, arena, error, ret_bytes)
                  : file_read(path, size_max, arena, error, ret_bytes);
}

static int file_write_bytes(int fd, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t done = write(fd, bytes.data, bytes.size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        bytes.data += done;
        bytes.size -= (size_t)done;
    }
    return 0;
}

/* A rename is on stable storage only when its folder is. */
static int file_sync_folder(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -1;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return -1;
    int result = fsync(fd);
    int number = errno;
    close(fd);
    errno = number;
    return result;
}

enum status file_write_atomic(const char *path, struct span bytes, unsigned mode, struct error *error)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return file_no_memory(path, error);

    enum status status = STATUS_OK;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        status = file_failed(path, "create a file beside it", error);
        free(temporary);
        return status;
    }
    if (file_write_bytes(fd, bytes) != 0 || fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)
        status = file_failed(path, "write", error);
    if (close(fd) != 0 && status == STATUS_OK)
        status = file_failed(path, "write", error);
    if (status == STATUS_OK && rename(temporary, path) != 0)
        status = file_failed(path, "replace", error);
    if (status != STATUS_OK)
        unlink(temporary);
    else if (file_sync_folder(path) != 0)
        status = file_failed(path, "sync the folder of", error);
    free(temporary);
    return status;
}
