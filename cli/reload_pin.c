#include "cli/reload_pin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

#define PIN_SIZE_MAX 64

char *reload_pin_path(const char *folder)
{
    char *path = NULL;
    return asprintf(&path, "%s/pin", folder) < 0 ? NULL : path;
}

static enum status no_memory(struct error *error)
{
    error_set(error, "%s", status_text(STATUS_NO_MEMORY));
    return STATUS_NO_MEMORY;
}

enum status reload_pin_read(const char *folder, char ret_id[GENERATIONS_ID_SIZE], struct error *error)
{
    struct arena *arena = NULL;
    struct span text = {0};
    char *path = reload_pin_path(folder);
    enum status status = path ? arena_new(256, 4096, &arena) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = file_read(path, PIN_SIZE_MAX, arena, error, &text);
    }
    size_t size = GENERATIONS_ID_SIZE - 1;
    if (status == STATUS_NOT_FOUND) {
        *error = (struct error){0};
        ret_id[0] = '\0';
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        if (text.size < size || strspn((const char *)text.data, "0123456789abcdef") != size ||
            (text.size > size && text.data[size] != '\n')) {
            error_set(error, "%s: this is not the name of a generation", path);
            status = STATUS_INVALID;
        } else {
            memcpy(ret_id, text.data, size);
            ret_id[size] = '\0';
        }
    } else if (status == STATUS_NO_MEMORY) {
        status = no_memory(error);
    }
    arena_free(&arena);
    free(path);
    return status;
}

enum status reload_pin_set(const char *folder, const char *id, struct error *error)
{
    char text[GENERATIONS_ID_SIZE + 1];
    char *path = reload_pin_path(folder);
    if (!path) {
        return no_memory(error);
    }
    int size = snprintf(text, sizeof text, "%s\n", id);
    enum status status = file_write_atomic(path, span_of(text, (size_t)size), 0600, error);
    struct stat facts;
    if (status == STATUS_OK && geteuid() == 0 && stat(folder, &facts) == 0 && facts.st_uid != 0 &&
        chown(path, facts.st_uid, facts.st_gid) != 0) { /* an administrator did it for the service's user */
        error_set(error, "%s: cannot give it to the owner of the folder: %s", path, strerror(errno));
        status = STATUS_SYSTEM;
    }
    free(path);
    return status;
}

enum status reload_pin_remove(const char *folder, struct error *error)
{
    char *path = reload_pin_path(folder);
    if (!path) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    if (unlink(path) != 0) {
        status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
        error_set(error, "%s: cannot remove: %s", path, strerror(errno));
    }
    free(path);
    return status;
}
