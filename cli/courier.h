/*
 * The sending half of `weir send`: a DEALER with a window of batches in flight. Every batch is kept until its receipt
 * says that it is safe; it is sent again when its receipt does not come in time, when the connection was lost, or when
 * the server asks for later. One thread; time comes in as an argument (ticks in ms).
 */
#ifndef CLI_COURIER_H
#define CLI_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "cli/feeder.h"

struct courier_options {
    const char *endpoint;
    uint32_t window;
    int64_t timeout_ms;
};

struct courier_counts {
    uint64_t batches;                 /* settled */
    uint64_t acked, rejected, resent; /* messages */
    uint64_t retry_later, malformed;  /* receipts */
};

struct courier;

/* Starts to connect; nothing fails because nobody is there yet. STATUS_INVALID with words for a bad endpoint. */
enum status courier_new(const struct courier_options *options, struct feeder *feeder, int64_t now_ms,
                        struct error *error, struct courier **ret_courier) MUST_USE;
void courier_free(struct courier **courier);

/* Whether the window has room for a parcel, and taking it over. */
bool courier_has_room(const struct courier *courier);
void courier_take(struct courier *courier, struct parcel *parcel, int64_t now_ms);

/* Reads receipts and the state of the connection, sends what is due. STATUS_SYSTEM with words. */
enum status courier_work(struct courier *courier, int64_t now_ms, struct error *error) MUST_USE;

/* Waits for something to do: a receipt, a change of the connection, `fd` readable (-1: none), or `timeout_ms`. */
void courier_wait(struct courier *courier, int fd, int64_t now_ms, int64_t timeout_ms);

bool courier_idle(const struct courier *courier); /* nothing is waiting for a receipt or to be sent */
bool courier_connected(const struct courier *courier);
int64_t
courier_settled_ms(const struct courier *courier); /* when a batch was last settled, or work began after idling */
const struct courier_counts *courier_counts(const struct courier *courier);

#endif
