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
    bool shadow_text;
};

struct settings {
    struct config_texts rules; /* files or folders */
    const char *data;          /* folder of the store */
    int log_level;

    bool reload_watch;
    int64_t reload_settle_ms;

    bool compile_cache;
    const char *traffic_profile;      /* a file of `weir rules profile --write`; empty: the one that is built in */
    const char *compile_cache_folder; /* empty: a folder in `data` */
    int64_t compile_cache_bytes_max, compile_time_ms_max, compile_memory_mib_max;

    struct config_list sources; /* struct settings_source; empty: the default acked source */
    int64_t frame_bytes_max, batch_messages_max, text_bytes_max;
    int64_t batches_in_flight_max, bytes_in_flight_max, retry_after_ms, drain_ms;

    int64_t workers; /* 0: the cores */
    int64_t context_bytes_max, context_minutes;
    int64_t across_bytes_max;
    int64_t rule_max_per_minute; /* 0: no limit */

    struct config_list queues; /* struct settings_queue */
    const char *default_queue, *unscanned_queue;
    int64_t default_service_level_minutes;
    int64_t alerts_queue_max, alerts_group_max, alerts_group_wait_ms;
    int64_t shadow_samples_max;

    const char *api_listen;
    bool api_enabled;
};

extern const struct config_table settings_table;

/* Beyond what the table can say: queue names unique, context at most 10, severities known. Adds findings. */
void settings_check(const struct settings *settings, const char *name, struct findings *findings);

#endif
