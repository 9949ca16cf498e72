/* The settings of `weir run`: one table (cli/settings.c), from which weir.yaml, --help, `weir config` and
 * docs/settings.md come. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/config.h"

struct settings_source {
    int kind; /* enum ingest_source_kind */
    const char *endpoint;
    int mode; /* 0: bind, 1: connect */
};

struct settings_queue {
    const char *name;
    struct config_texts severities;
    struct config_texts rules; /* prefixes */
    int64_t service_level_minutes;
    int64_t context_messages;
};

struct settings {
    struct config_texts rules; /* files or folders */
    const char *data;          /* folder of the store */
    int log_level;

    struct config_list sources; /* struct settings_source; empty: the default acked source */
    int64_t frame_bytes_max, batch_messages_max, text_bytes_max;
    int64_t batches_in_flight_max, bytes_in_flight_max, retry_after_ms, drain_ms;

    int64_t workers; /* 0: the cores */
    int64_t context_bytes_max, context_minutes;

    struct config_list queues; /* struct settings_queue */
    const char *default_queue, *unscanned_queue;
    int64_t default_service_level_minutes;
    int64_t alerts_queue_max, alerts_group_max, alerts_group_wait_ms;

    const char *api_listen;
    bool api_enabled;
};

extern const struct config_table settings_table;

/* Beyond what the table can say: queue names unique, context at most 10, severities known. Adds findings. */
void settings_check(const struct settings *settings, const char *name, struct findings *findings);

#endif
