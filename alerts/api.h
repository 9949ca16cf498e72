/*
 * The HTTP server: /metrics (Prometheus text), /healthz (the process works), /readyz (it takes traffic), and later the
 * analysts' API and console. The only file that includes microhttpd.h.
 *
 * Answers GET and HEAD only; listens on the address given, by default on loopback.
 */
#ifndef ALERTS_API_H
#define ALERTS_API_H

#include <stdbool.h>

#include "base/error.h"
#include "base/metrics.h"
#include "base/status.h"

struct api;

struct api_probes {
    /* Any thread, must not wait. True: fine. False: `ret_reason` (of `size` bytes) says why, in words. */
    bool (*healthy)(void *context, char *ret_reason, size_t size);
    bool (*ready)(void *context, char *ret_reason, size_t size);
    void *context;
};

/* `listen` is "http://127.0.0.1:8750"; port 0 picks one. STATUS_INVALID, STATUS_SYSTEM with words. */
enum status api_start(const char *listen, struct metrics *metrics, struct api_probes probes, struct error *error,
                      struct api **ret_api) MUST_USE;
const char *api_address(const struct api *api); /* with the real port */
void api_stop(struct api **api);

#endif
