#include "cli/demotions.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "rules/model.h"

#define DEMOTION_SIZE_MAX 4096
#define DEMOTIONS_MAX 65536u

static enum status failed(const char *path, const char *what, struct error *error)
{
    int number = errno;
    error_set(error, "%s: cannot %s: %s", path, what, strerror(number));
    return number == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
}

static char *path_of(const char *folder, const char *rule)
{
    char *path = NULL;
    return asprintf(&path, "%s/demoted%s%s", folder, rule ? "/" : "", rule ? rule : "") < 0 ? NULL : path;
}

static enum status no_memory(struct error *error)
{
    error_set(error, "%s", status_text(STATUS_NO_MEMORY));
    return STATUS_NO_MEMORY;
}

char *demotions_folder(const char *folder)
{
    return path_of(folder, NULL);
}

enum status demotions_prepare(const char *folder, struct error *error)
{
    char *path = path_of(folder, NULL);
    if (!path) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        status = failed(path, "make the folder", error);
    }
    free(path);
    return status;
}

bool demotions_is_id(const char *rule)
{
    size_t size = strlen(rule);
    return size > 0 && size <= MODEL_ID_SIZE_MAX && rule[0] != '.' &&
           strspn(rule, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == size;
}

enum status demotions_add(const char *folder, const struct demotion *demotion, struct error *error)
{
    if (!demotions_is_id(demotion->rule)) {
        error_set(error, "this id of a rule cannot name a file");
        return STATUS_INVALID;
    }
    char *path = path_of(folder, demotion->rule);
    char *text = NULL;
    json_t *root = json_pack("{s:I, s:I, s:s}", "since_ms", (json_int_t)demotion->since_ms, "max_per_minute",
                             (json_int_t)demotion->max_per_minute, "pack", demotion->pack);
    if (root) {
        text = json_dumps(root, 0);
    }
    enum status status = path && text ? file_write_atomic(path, span_text(text), 0600, error) : no_memory(error);
    json_decref(root);
    free(text);
    free(path);
    return status;
}

enum status demotions_remove(const char *folder, const char *rule, struct error *error)
{
    if (!demotions_is_id(rule)) {
        error_set(error, "'%s' is not the id of a rule", rule);
        return STATUS_NOT_FOUND;
    }
    char *path = path_of(folder, rule);
    if (!path) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    if (unlink(path) != 0) {
        status = failed(path, "remove", error);
    }
    free(path);
    return status;
}

static void read_facts(const char *path, struct arena *arena, struct demotion *demotion)
{
    struct error ignored = {0};
    struct span text;
    if (file_read(path, DEMOTION_SIZE_MAX, arena, &ignored, &text) != STATUS_OK) {
        return;
    }
    json_int_t since_ms = 0, limit = 0;
    const char *pack = "";
    json_t *root = json_loadb((const char *)text.data, text.size, 0, NULL);
    if (root &&
        json_unpack(root, "{s:I, s:I, s:s}", "since_ms", &since_ms, "max_per_minute", &limit, "pack", &pack) == 0) {
        demotion->since_ms = since_ms;
        demotion->max_per_minute = limit > 0 && limit <= UINT32_MAX ? (uint32_t)limit : 0;
        (void)snprintf(demotion->pack, sizeof demotion->pack, "%s", pack);
    }
    json_decref(root);
}

static int by_rule(const void *left, const void *right)
{
    return strcmp(((const struct demotion *)left)->rule, ((const struct demotion *)right)->rule);
}

static enum status read_folder(DIR *open_folder, const char *folder, struct arena *arena,
                               struct demotion **ret_demotions, uint32_t *ret_count)
{
    struct demotion *demotions = NULL;
    uint32_t count = 0, capacity = 0;
    for (struct dirent *item = readdir(open_folder); item; item = readdir(open_folder)) {
        /* What a killed process left over looks like a rule that is not there any more, and goes the same way. */
        if (!demotions_is_id(item->d_name) || count >= DEMOTIONS_MAX) {
            continue;
        }
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            struct demotion *larger = arena_array(arena, capacity, sizeof *larger);
            if (!larger) {
                return STATUS_NO_MEMORY;
            }
            if (count > 0) {
                memcpy(larger, demotions, count * sizeof *larger);
            }
            demotions = larger;
        }
        char *path = path_of(folder, item->d_name);
        demotions[count] = (struct demotion){.rule = arena_copy(arena, span_text(item->d_name))};
        if (!path || !demotions[count].rule) {
            free(path);
            return STATUS_NO_MEMORY;
        }
        read_facts(path, arena, &demotions[count++]);
        free(path);
    }
    if (count > 0) {
        qsort(demotions, count, sizeof *demotions, by_rule);
    }
    *ret_demotions = demotions;
    *ret_count = count;
    return STATUS_OK;
}

enum status demotions_list(const char *folder, struct arena *arena, struct error *error,
                           struct demotion **ret_demotions, uint32_t *ret_count)
{
    char *path = path_of(folder, NULL);
    if (!path) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    DIR *open_folder = opendir(path);
    if (open_folder) {
        status = read_folder(open_folder, folder, arena, ret_demotions, ret_count);
        closedir(open_folder);
    } else if (errno == ENOENT) {
        *ret_demotions = NULL;
        *ret_count = 0;
    } else {
        status = failed(path, "open the folder", error);
    }
    free(path);
    return status == STATUS_NO_MEMORY ? no_memory(error) : status;
}
