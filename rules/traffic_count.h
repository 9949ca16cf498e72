/*
 * Counts short runs of bytes in a sample of traffic and writes a profile (rules/traffic_profile.h).
 *
 * What is written cannot give a message away: see there. The counts themselves live in memory only. One thread.
 */
#ifndef RULES_TRAFFIC_COUNT_H
#define RULES_TRAFFIC_COUNT_H

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

#define TRAFFIC_COUNT_MESSAGE_MAX 4096u /* bytes of a message that are counted, so that none weighs too much */

struct traffic_count;

/* Needs view_start. */
enum status traffic_count_new(struct traffic_count **ret_count) MUST_USE;
void traffic_count_free(struct traffic_count **count);

/* STATUS_NO_MEMORY: the message is counted in part. */
enum status traffic_count_add(struct traffic_count *count, struct span message) MUST_USE;

uint64_t traffic_count_messages(const struct traffic_count *count);

/*
 * Appends the profile's text. Runs of fewer than `messages_min` different texts are left out; it is raised as far as
 * needed to keep to TRAFFIC_PROFILE_RUNS_MAX. STATUS_NO_MEMORY, STATUS_LIMIT (of the buffer); STATUS_NOT_FOUND if
 * nothing is common enough to be written.
 */
enum status traffic_count_write(const struct traffic_count *count, uint32_t messages_min, struct buffer *out) MUST_USE;

#endif
