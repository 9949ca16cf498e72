/* What the cache keeps of a job. Private to rules/partition.c. */
#ifndef RULES_PARTITION_ENTRY_H
#define RULES_PARTITION_ENTRY_H

#include "base/buffer.h"
#include "rules/partition.h"

/* A serialized database made usable. STATUS_NOT_FOUND: it is not one for this machine. */
enum status partition_entry_load(struct span database, struct partition **ret_partition) MUST_USE;

/* Begin, then a part after the other, then the verdicts of the job. */
enum status partition_entry_begin(struct buffer *entry, uint32_t item_count) MUST_USE;
enum status partition_entry_add(struct buffer *entry, const uint32_t *items, uint32_t count,
                                struct span database) MUST_USE;
void partition_entry_end(struct buffer *entry, const struct partition_job *job);

/* Fills the job's results. STATUS_NOT_FOUND: the entry is no good, and the results are empty. */
enum status partition_entry_read(struct span entry, struct partition_job *job) MUST_USE;

#endif
