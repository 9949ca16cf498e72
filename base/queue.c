#include "base/queue.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct queue {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    void **items; /* a ring */
    size_t capacity;
    size_t head; /* the oldest item */
    size_t size;
    bool closed;
    int fd;
    bool watched;  /* somebody asked for fd; until then it is left alone, which saves the system calls */
    bool readable; /* fd polls readable */
};

/* A lock that cannot be taken means that the queue was freed under somebody's hands. */
static void queue_lock(struct queue *queue)
{
    if (pthread_mutex_lock(&queue->lock) != 0)
        abort();
}

static void queue_unlock(struct queue *queue)
{
    if (pthread_mutex_unlock(&queue->lock) != 0)
        abort();
}

static int queue_init_threading(struct queue *queue)
{
    pthread_condattr_t attributes;

    if (pthread_mutex_init(&queue->lock, NULL) != 0)
        return -1;
    if (pthread_condattr_init(&attributes) != 0)
        goto fail_lock;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int result = pthread_cond_init(&queue->not_empty, &attributes);
    pthread_condattr_destroy(&attributes);
    if (result != 0)
        goto fail_lock;
    if (pthread_cond_init(&queue->not_full, NULL) != 0)
        goto fail_not_empty;
    return 0;

fail_not_empty:
    pthread_cond_destroy(&queue->not_empty);
fail_lock:
    pthread_mutex_destroy(&queue->lock);
    return -1;
}

enum status queue_new(size_t capacity, struct queue **ret_queue)
{
    if (capacity == 0)
        return STATUS_INVALID;
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return STATUS_NO_MEMORY;
    queue->capacity = capacity;
    queue->items = calloc(capacity, sizeof *queue->items);
    if (!queue->items) {
        free(queue);
        return STATUS_NO_MEMORY;
    }
    queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->fd < 0 || queue_init_threading(queue) != 0) {
        if (queue->fd >= 0)
            close(queue->fd);
        free(queue->items);
        free(queue);
        return STATUS_SYSTEM;
    }
    *ret_queue = queue;
    return STATUS_OK;
}

void queue_free(struct queue **queue)
{
    if (!queue || !*queue)
        return;
    struct queue *old = *queue;
    pthread_cond_destroy(&old->not_full);
    pthread_cond_destroy(&old->not_empty);
    pthread_mutex_destroy(&old->lock);
    close(old->fd);
    free(old->items);
    free(old);
    *queue = NULL;
}

/* Makes fd say what the queue is now. Under the lock, so that it can never be wrong for longer than one call. */
static void queue_update_fd(struct queue *queue)
{
    bool readable = queue->size > 0 || queue->closed;
    uint64_t value = 1;
    ssize_t done;

    if (!queue->watched || readable == queue->readable)
        return;
    do {
        done = readable ? write(queue->fd, &value, sizeof value) : read(queue->fd, &value, sizeof value);
    } while (done < 0 && errno == EINTR);
    if (done != (ssize_t)sizeof value)
        abort(); /* somebody else read, wrote or closed our descriptor */
    queue->readable = readable;
}

static void queue_put(struct queue *queue, void *item)
{
    size_t room = queue->capacity - queue->head;
    queue->items[queue->size < room ? queue->head + queue->size : queue->size - room] = item;
    queue->size++;
    queue_update_fd(queue);
    pthread_cond_signal(&queue->not_empty);
}

enum status queue_try_push(struct queue *queue, void *item)
{
    enum status status = STATUS_OK;

    queue_lock(queue);
    if (queue->closed)
        status = STATUS_CLOSED;
    else if (queue->size == queue->capacity)
        status = STATUS_FULL;
    else
        queue_put(queue, item);
    queue_unlock(queue);
    return status;
}

enum status queue_push(struct queue *queue, void *item)
{
    enum status status = STATUS_OK;

    queue_lock(queue);
    while (!queue->closed && queue->size == queue->capacity)
        pthread_cond_wait(&queue->not_full, &queue->lock);
    if (queue->closed)
        status = STATUS_CLOSED;
    else
        queue_put(queue, item);
    queue_unlock(queue);
    return status;
}

static struct timespec queue_deadline(int64_t timeout_ms)
{
    const int64_t year_ms = INT64_C(366) * 24 * 3600 * 1000; /* as good as for ever, and cannot overflow */
    struct timespec deadline;

    if (timeout_ms > year_ms)
        timeout_ms = year_ms;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(timeout_ms / 1000);
    deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

/* Waits, under the lock, until there is an item. */
static enum status queue_wait(struct queue *queue, int64_t timeout_ms)
{
    if (queue->size > 0)
        return STATUS_OK;
    if (queue->closed)
        return STATUS_CLOSED;
    if (timeout_ms == 0)
        return STATUS_TIMEOUT;

    struct timespec deadline = {0};
    if (timeout_ms > 0)
        deadline = queue_deadline(timeout_ms);
    while (queue->size == 0 && !queue->closed) {
        int result = timeout_ms < 0 ? pthread_cond_wait(&queue->not_empty, &queue->lock)
                                    : pthread_cond_timedwait(&queue->not_empty, &queue->lock, &deadline);
        if (result == ETIMEDOUT && queue->size == 0 && !queue->closed)
            return STATUS_TIMEOUT;
    }
    return queue->size > 0 ? STATUS_OK : STATUS_CLOSED;
}

enum status queue_pop_many(struct queue *queue, int64_t timeout_ms, void **items, size_t max, size_t *ret_count)
{
    if (max == 0)
        return STATUS_INVALID;

    queue_lock(queue);
    enum status status = queue_wait(queue, timeout_ms);
    if (status == STATUS_OK) {
        size_t count = queue->size < max ? queue->size : max;
        for (size_t i = 0; i < count; i++) {
            items[i] = queue->items[queue->head];
            queue->head = queue->head + 1 == queue->capacity ? 0 : queue->head + 1;
        }
        queue->size -= count;
        queue_update_fd(queue);
        if (count > 1)
            pthread_cond_broadcast(&queue->not_full);
        else
            pthread_cond_signal(&queue->not_full);
        *ret_count = count;
    }
    queue_unlock(queue);
    return status;
}

enum status queue_pop(struct queue *queue, int64_t timeout_ms, void **ret_item)
{
    void *item = NULL;
    size_t count;

    enum status status = queue_pop_many(queue, timeout_ms, &item, 1, &count);
    if (status == STATUS_OK)
        *ret_item = item;
    return status;
}

void queue_close(struct queue *queue)
{
    queue_lock(queue);
    queue->closed = true;
    queue_update_fd(queue);
    pthread_cond_broadcast(&queue->not_empty);
    pthread_cond_broadcast(&queue->not_full);
    queue_unlock(queue);
}

size_t queue_size(struct queue *queue)
{
    queue_lock(queue);
    size_t size = queue->size;
    queue_unlock(queue);
    return size;
}

int queue_fd(struct queue *queue)
{
    queue_lock(queue);
    queue->watched = true;
    queue_update_fd(queue);
    queue_unlock(queue);
    return queue->fd;
}
