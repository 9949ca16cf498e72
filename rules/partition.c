#include "rules/partition.h"

#include <hs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define HELPERS_MAX 15u /* threads besides the caller's */

static enum status partition_make(hs_database_t *database, struct partition **ret_partition)
{
    struct partition *partition = calloc(1, sizeof *partition);
    if (!partition) {
        hs_free_database(database);
        return STATUS_NO_MEMORY;
    }
    partition->database = database;
    if (hs_database_size(database, &partition->size) != HS_SUCCESS) {
        partition->size = 0;
    }
    *ret_partition = partition;
    return STATUS_OK;
}

static enum status failed(hs_compile_error_t *fault, struct error *error)
{
    error_set(error, "Hyperscan could not compile: %s", fault ? fault->message : "no reason given");
    hs_free_compile_error(fault);
    return STATUS_SYSTEM;
}

enum status partition_compile_literals(const struct span *literals, uint32_t count, struct error *error,
                                       struct partition **ret_partition)
{
    const char **texts = calloc(count, sizeof *texts);
    size_t *sizes = calloc(count, sizeof *sizes);
    unsigned *flags = calloc(count, sizeof *flags);
    unsigned *ids = calloc(count, sizeof *ids);
    enum status status = STATUS_NO_MEMORY;
    if (!texts || !sizes || !flags || !ids) {
        goto out;
    }
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = (const char *)literals[i].data;
        sizes[i] = literals[i].size;
        flags[i] = 0;
        ids[i] = i;
    }
    hs_database_t *database = NULL;
    hs_compile_error_t *fault = NULL;
    if (hs_compile_lit_multi(texts, flags, ids, sizes, count, HS_MODE_BLOCK, NULL, &database, &fault) != HS_SUCCESS) {
        status = failed(fault, error);
        goto out;
    }
    status = partition_make(database, ret_partition);
out:
    free(texts);
    free(sizes);
    free(flags);
    free(ids);
    return status;
}

struct expressions {
    const char **texts;
    unsigned *flags;
    unsigned *ids;
    uint32_t count;
};

/* Leaves expression `at` out and remembers it. */
static void leave_out(struct expressions *list, uint32_t at, bool *refused)
{
    refused[list->ids[at]] = true;
    list->count--;
    list->texts[at] = list->texts[list->count];
    list->ids[at] = list->ids[list->count];
}

/* Tries each expression alone, which takes about as long as all of them together, and leaves out what is refused. */
static enum status leave_out_refused(struct expressions *list, bool *refused)
{
    for (uint32_t i = list->count; i-- > 0;) {
        hs_database_t *database = NULL;
        hs_compile_error_t *fault = NULL;
        hs_error_t result = hs_compile(list->texts[i], list->flags[i], HS_MODE_BLOCK, NULL, &database, &fault);
        hs_free_database(database);
        hs_free_compile_error(fault);
        if (result == HS_NOMEM) {
            return STATUS_NO_MEMORY;
        }
        if (result != HS_SUCCESS) {
            leave_out(list, i, refused);
        }
    }
    return STATUS_OK;
}

/*
 * Compiles all of the list at once. hs_compile_multi stops at the first expression it cannot take, after most of the
 * work: then all that it cannot take are looked for one by one. If it still blames the set as a whole (too large), the
 * later half is left out: the caller confirms those with PCRE2, which is slow but right.
 */
static enum status compile_list(struct expressions *list, bool *refused, hs_database_t **ret_database)
{
    bool checked = false;
    while (list->count > 0) {
        hs_compile_error_t *fault = NULL;
        hs_error_t result = hs_compile_multi(list->texts, list->flags, list->ids, list->count, HS_MODE_BLOCK, NULL,
                                             ret_database, &fault);
        hs_free_compile_error(fault);
        if (result == HS_SUCCESS) {
            return STATUS_OK;
        }
        if (result == HS_NOMEM) {
            return STATUS_NO_MEMORY;
        }
        if (!checked) {
            enum status status = leave_out_refused(list, refused);
            if (status != STATUS_OK) {
                return status;
            }
            checked = true;
            continue;
        }
        for (uint32_t keep = list->count / 2; list->count > keep;) {
            leave_out(list, list->count - 1, refused);
        }
    }
    *ret_database = NULL;
    return STATUS_OK;
}

static enum status compile_job(struct partition_job *job)
{
    struct expressions list = {
        .texts = calloc(job->count, sizeof *list.texts),
        .flags = calloc(job->count, sizeof *list.flags),
        .ids = calloc(job->count, sizeof *list.ids),
        .count = job->count,
    };
    enum status status = STATUS_NO_MEMORY;
    if (list.texts && list.flags && list.ids) {
        for (uint32_t i = 0; i < job->count; i++) {
            list.texts[i] = job->expressions[i];
            list.flags[i] = HS_FLAG_DOTALL | HS_FLAG_MULTILINE;
            list.ids[i] = i;
        }
        hs_database_t *database = NULL;
        status = compile_list(&list, job->refused, &database);
        if (status == STATUS_OK && database) {
            status = partition_make(database, &job->ret_partition);
        }
    }
    free(list.texts);
    free(list.flags);
    free(list.ids);
    return status;
}

/* Jobs that threads take one after the other. */
struct bench {
    struct partition_job *jobs;
    uint32_t count;
    atomic_uint next;
};

static void *work(void *context)
{
    struct bench *bench = context;
    for (uint32_t i; (i = atomic_fetch_add(&bench->next, 1)) < bench->count;) {
        bench->jobs[i].ret_status = compile_job(&bench->jobs[i]);
    }
    return NULL;
}

enum status partition_compile_expressions(struct partition_job *jobs, uint32_t count)
{
    struct bench bench = {.jobs = jobs, .count = count};
    pthread_t helpers[HELPERS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t started = 0;
    atomic_init(&bench.next, 0);
    while (started < HELPERS_MAX && started + 1 < count && started + 1 < cores &&
           pthread_create(&helpers[started], NULL, work, &bench) == 0) {
        started++;
    }
    (void)work(&bench); /* this thread works too, so that a thread that cannot be made only costs time */
    for (uint32_t i = 0; i < started; i++) {
        (void)pthread_join(helpers[i], NULL);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (jobs[i].ret_status != STATUS_OK) {
            return jobs[i].ret_status;
        }
    }
    return STATUS_OK;
}

void partition_free(struct partition **partition)
{
    if (*partition) {
        hs_free_database((*partition)->database);
        free(*partition);
        *partition = NULL;
    }
}

const char *partition_engine(void)
{
    return hs_version();
}
