#include "rules/compile_engine.h"

#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 4u /* refused expressions that are left out as Hyperscan names them, one after the other */

/* What is left of the items; the same place in each array. */
struct remaining {
    const char **texts;
    size_t *sizes;
    unsigned *flags;
    unsigned *ids;
    uint32_t count;
};

static void remaining_free(struct remaining *list)
{
    free(list->texts);
    free(list->sizes);
    free(list->flags);
    free(list->ids);
}

static enum status remaining_make(enum compile_kind kind, const struct span *items, uint32_t count,
                                  struct remaining *list)
{
    *list = (struct remaining){
        .texts = calloc(count, sizeof *list->texts),
        .sizes = calloc(count, sizeof *list->sizes),
        .flags = calloc(count, sizeof *list->flags),
        .ids = calloc(count, sizeof *list->ids),
        .count = count,
    };
    if (!list->texts || !list->sizes || !list->flags || !list->ids) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        list->texts[i] = (const char *)items[i].data;
        list->sizes[i] = items[i].size;
        list->flags[i] = kind == COMPILE_EXPRESSIONS ? HS_FLAG_DOTALL | HS_FLAG_MULTILINE : 0;
        list->ids[i] = i;
    }
    return STATUS_OK;
}

static void leave_out(struct remaining *list, uint32_t at, bool *refused)
{
    refused[list->ids[at]] = true;
    list->count--;
    list->texts[at] = list->texts[list->count];
    list->ids[at] = list->ids[list->count];
}

/* STATUS_INVALID: refused. Hyperscan tells that it has no memory by a text alone. */
static enum status outcome(hs_error_t result, hs_compile_error_t *fault)
{
    bool memory = result == HS_NOMEM || (fault && strstr(fault->message, "allocate memory") != NULL);
    hs_free_compile_error(fault);
    switch (result) {
    case HS_SUCCESS:
        return STATUS_OK;
    case HS_ARCH_ERROR:
        return STATUS_SYSTEM;
    default:
        return memory ? STATUS_NO_MEMORY : STATUS_INVALID;
    }
}

/* STATUS_INVALID: `ret_refused` is the place in the list of the first that is refused, if there is one to blame, or -1. */
static enum status compile_together(enum compile_kind kind, const struct remaining *list, hs_database_t **ret_database,
                                    int *ret_refused)
{
    hs_compile_error_t *fault = NULL;
    hs_error_t result = kind == COMPILE_LITERALS
                            ? hs_compile_lit_multi(list->texts, list->flags, list->ids, list->sizes, list->count,
                                                   HS_MODE_BLOCK, NULL, ret_database, &fault)
                            : hs_compile_multi(list->texts, list->flags, list->ids, list->count, HS_MODE_BLOCK, NULL,
                                               ret_database, &fault);
    *ret_refused = fault ? fault->expression : -1;
    return outcome(result, fault);
}

/* Tries each expression alone, which takes about as long as all of them together, and leaves out what is refused. */
static enum status leave_out_refused(struct remaining *list, bool *refused)
{
    for (uint32_t i = list->count; i-- > 0;) {
        hs_database_t *database = NULL;
        hs_compile_error_t *fault = NULL;
        hs_error_t result = hs_compile(list->texts[i], list->flags[i], HS_MODE_BLOCK, NULL, &database, &fault);
        enum status status = outcome(result, fault);
        hs_free_database(database);
        if (status == STATUS_INVALID) {
            leave_out(list, i, refused);
        } else if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status serialize(hs_database_t *database, struct buffer *ret_database)
{
    char *bytes = NULL;
    size_t size = 0;
    hs_error_t result = hs_serialize_database(database, &bytes, &size);
    enum status status = result == HS_SUCCESS ? buffer_append(ret_database, bytes, size)
                         : result == HS_NOMEM ? STATUS_NO_MEMORY
                                              : STATUS_SYSTEM;
    free(bytes);
    return status;
}

enum status compile_engine_run(enum compile_kind kind, const struct span *items, uint32_t count, bool *refused,
                               struct buffer *ret_database)
{
    struct remaining list;
    hs_database_t *database = NULL;
    int at = -1;
    enum status status = remaining_make(kind, items, count, &list);
    if (status == STATUS_OK) {
        status = compile_together(kind, &list, &database, &at);
    }
    /* hs_compile_multi stops at the first expression that it cannot take: mostly there is but one. */
    for (uint32_t named = 0; status == STATUS_INVALID && kind == COMPILE_EXPRESSIONS && named < NAMED_MAX; named++) {
        if (at < 0 || (uint32_t)at >= list.count) {
            break;
        }
        leave_out(&list, (uint32_t)at, refused);
        status = list.count > 0 ? compile_together(kind, &list, &database, &at) : STATUS_OK;
    }
    if (status == STATUS_INVALID && kind == COMPILE_EXPRESSIONS) {
        status = leave_out_refused(&list, refused);
        if (status == STATUS_OK && list.count > 0) {
            status = compile_together(kind, &list, &database, &at);
        }
    }
    if (status == STATUS_OK && database) {
        status = serialize(database, ret_database);
    }
    hs_free_database(database);
    remaining_free(&list);
    return status == STATUS_INVALID ? STATUS_LIMIT : status;
}

void compile_engine_name(char ret_name[COMPILE_ENGINE_NAME_SIZE])
{
    hs_platform_info_t platform = {0};
    if (hs_populate_platform(&platform) != HS_SUCCESS) {
        platform = (hs_platform_info_t){0};
    }
    (void)snprintf(ret_name, COMPILE_ENGINE_NAME_SIZE, "%.100s tune %u features %llx", hs_version(), platform.tune,
                   platform.cpu_features);
}
