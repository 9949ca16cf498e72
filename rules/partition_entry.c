#include "rules/partition_entry.h"

#include <hs.h>
#include <stdlib.h>
#include <string.h>

/* An entry: the number of items, the number of parts, a verdict for each item; then each part: its number of items, which
 * ones, the size of its database, the database. Numbers are in the machine's order and not aligned. */

enum status partition_entry_load(struct span database, struct partition **ret_partition)
{
    struct partition *partition = calloc(1, sizeof *partition);
    if (!partition) {
        return STATUS_NO_MEMORY;
    }
    hs_error_t result = hs_deserialize_database((const char *)database.data, database.size, &partition->database);
    if (result != HS_SUCCESS) {
        free(partition);
        return result == HS_NOMEM ? STATUS_NO_MEMORY : STATUS_NOT_FOUND;
    }
    if (hs_database_size(partition->database, &partition->size) != HS_SUCCESS) {
        partition->size = 0;
    }
    *ret_partition = partition;
    return STATUS_OK;
}

enum status partition_entry_begin(struct buffer *entry, uint32_t item_count)
{
    uint32_t head[2] = {item_count, 0};
    enum status status = buffer_append(entry, head, sizeof head);
    if (status == STATUS_OK) {
        status = buffer_reserve(entry, item_count);
    }
    if (status == STATUS_OK) {
        memset(entry->data + entry->size, 0, item_count);
        entry->size += item_count;
    }
    return status;
}

enum status partition_entry_add(struct buffer *entry, const uint32_t *items, uint32_t count, struct span database)
{
    uint64_t size = database.size;
    uint32_t parts;
    enum status status = buffer_append(entry, &count, sizeof count);
    if (status == STATUS_OK) {
        status = buffer_append(entry, items, count * sizeof *items);
    }
    if (status == STATUS_OK) {
        status = buffer_append(entry, &size, sizeof size);
    }
    if (status == STATUS_OK) {
        status = buffer_append(entry, database.data, database.size);
    }
    if (status == STATUS_OK) {
        memcpy(&parts, entry->data + sizeof parts, sizeof parts);
        parts++;
        memcpy(entry->data + sizeof parts, &parts, sizeof parts);
    }
    return status;
}

void partition_entry_end(struct buffer *entry, const struct partition_job *job)
{
    memcpy(entry->data + 2 * sizeof(uint32_t), job->ret_verdicts, job->count);
}

static bool take(struct span *rest, void *ret, size_t size)
{
    if (rest->size < size) {
        return false;
    }
    memcpy(ret, rest->data, size);
    *rest = span_of(rest->data + size, rest->size - size);
    return true;
}

/* STATUS_NOT_FOUND: no good. */
static enum status read_part(struct span *rest, uint32_t item_count, struct partition_part *ret_part)
{
    struct partition_part part = {0};
    uint64_t size = 0;
    if (!take(rest, &part.count, sizeof part.count) || part.count == 0 || part.count > item_count) {
        return STATUS_NOT_FOUND;
    }
    part.items = calloc(part.count, sizeof *part.items);
    if (!part.items) {
        return STATUS_NO_MEMORY;
    }
    bool good =
        take(rest, part.items, part.count * sizeof *part.items) && take(rest, &size, sizeof size) && size <= rest->size;
    for (uint32_t i = 0; good && i < part.count; i++) {
        good = part.items[i] < item_count;
    }
    enum status status =
        good ? partition_entry_load(span_of(rest->data, (size_t)size), &part.partition) : STATUS_NOT_FOUND;
    if (status != STATUS_OK) {
        free(part.items);
        return status;
    }
    *rest = span_of(rest->data + size, rest->size - size);
    *ret_part = part;
    return STATUS_OK;
}

enum status partition_entry_read(struct span entry, struct partition_job *job)
{
    uint32_t item_count = 0, parts = 0;
    if (!take(&entry, &item_count, sizeof item_count) || !take(&entry, &parts, sizeof parts) ||
        item_count != job->count || parts > item_count || !take(&entry, job->ret_verdicts, item_count)) {
        return STATUS_NOT_FOUND;
    }
    job->ret_parts = calloc((size_t)parts + 1, sizeof *job->ret_parts);
    enum status status = job->ret_parts ? STATUS_OK : STATUS_NO_MEMORY;
    for (uint32_t i = 0; status == STATUS_OK && i < parts; i++) {
        status = read_part(&entry, item_count, &job->ret_parts[i]);
        job->ret_part_count += status == STATUS_OK;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < item_count; i++) {
        status = job->ret_verdicts[i] <= PARTITION_HEAVY ? STATUS_OK : STATUS_NOT_FOUND;
    }
    if (status != STATUS_OK) {
        uint8_t *verdicts = job->ret_verdicts;
        job->ret_verdicts = NULL;
        partition_job_clear(job);
        job->ret_verdicts = verdicts;
        memset(verdicts, 0, job->count);
    }
    return status;
}
