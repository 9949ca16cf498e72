/*
 * A bounded first-in first-out link between threads: any number of producers and consumers. Items are pointers that the
 * queue never looks at or frees. Full and empty are ordinary results.
 *
 * All functions but queue_new and queue_free may be called from any thread.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct queue;

/* STATUS_INVALID for a capacity of 0. */
enum status queue_new(size_t capacity, struct queue **ret_queue) MUST_USE;

/* No thread may be inside. Items still queued are not freed: drain first. */
void queue_free(struct queue **queue);

/* STATUS_FULL at capacity, STATUS_CLOSED after queue_close; never waits. */
enum status queue_try_push(struct queue *queue, void *item) MUST_USE;

/* Waits for room; STATUS_CLOSED after queue_close. */
enum status queue_push(struct queue *queue, void *item) MUST_USE;

/*
 * The oldest item. Waits up to `timeout_ms` (0: not at all; -1: for ever) and then returns STATUS_TIMEOUT. After
 * queue_close what is left is still handed out, and then STATUS_CLOSED.
 */
enum status queue_pop(struct queue *queue, int64_t timeout_ms, void **ret_item) MUST_USE;

/* Up to `max` items at once, waiting only for the first; same results; STATUS_INVALID for a max of 0. */
enum status queue_pop_many(struct queue *queue, int64_t timeout_ms, void **items, size_t max,
                           size_t *ret_count) MUST_USE;

/* Wakes everyone; from then on pushes fail. May be called twice. */
void queue_close(struct queue *queue);

size_t queue_size(struct queue *queue);

/* A file descriptor that polls readable while the queue is not empty or is closed, for event loops; owned by the queue.
 */
int queue_fd(struct queue *queue);

#endif
