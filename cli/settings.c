#include "cli/settings.h"

#include <string.h>

#include "alerts/committer.h"
#include "ingest/ingest.h"
#include "proto/severity.h"

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const char *const source_kinds[] = {[INGEST_ACKED] = "acked", [INGEST_PULL] = "pull", NULL};
static const char *const source_modes[] = {"bind", "connect", NULL};
static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};

#define SOURCE(field) offsetof(struct settings_source, field)
static const struct config_row source_rows[] = {
    {.name = "kind",
     .type = CONFIG_CHOICE,
     .offset = SOURCE(kind),
     .fallback = "acked",
     .choices = source_kinds,
     .help = "acked: a ROUTER socket that answers each batch with a receipt. pull: a PULL socket, at most once."},
    {.name = "endpoint",
     .type = CONFIG_TEXT,
     .offset = SOURCE(endpoint),
     .required = true,
     .help = "A ZeroMQ endpoint: tcp://ADDRESS:PORT, ipc://PATH or inproc://NAME. The port * picks a free one."},
    {.name = "mode",
     .type = CONFIG_CHOICE,
     .offset = SOURCE(mode),
     .fallback = "bind",
     .choices = source_modes,
     .help = "bind: producers connect to Weir. connect: Weir joins a queue that somebody else runs."},
};
static const struct config_table source_table = {source_rows, sizeof source_rows / sizeof *source_rows,
                                                 sizeof(struct settings_source)};

#define QUEUE(field) offsetof(struct settings_queue, field)
static const struct config_row queue_rows[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     .offset = QUEUE(name),
     .required = true,
     .max = 64,
     .help = "What rules and analysts call the queue."},
    {.name = "severities",
     .type = CONFIG_TEXT_LIST,
     .offset = QUEUE(severities),
     .choices = severity_names,
     .help = "Takes hits of these severities, whatever queue their rule names."},
    {.name = "rules",
     .type = CONFIG_TEXT_LIST,
     .offset = QUEUE(rules),
     .help = "Takes hits of rules whose id begins with one of these. With severities, both must fit."},
    {.name = "service_level_minutes",
     .type = CONFIG_INTEGER,
     .offset = QUEUE(service_level_minutes),
     .fallback = "1440",
     .min = 1,
     .max = 525600,
     .unit = "minutes",
     .help = "A case is due this long after its first hit."},
    {.name = "context_messages",
     .type = CONFIG_INTEGER,
     .offset = QUEUE(context_messages),
     .fallback = "0",
     .min = 0,
     .max = 10,
     .help = "How many earlier messages of the conversation may be stored with a case."},
};
static const struct config_table queue_table = {queue_rows, sizeof queue_rows / sizeof *queue_rows,
                                                sizeof(struct settings_queue)};

#define AT(field) offsetof(struct settings, field)
static const struct config_row rows[] = {
    {.name = "rules",
     .type = CONFIG_TEXT_LIST,
     .offset = AT(rules),
     .help = "Packs: .yaml files, or folders of them. Without any, the starter packs that come with Weir."},
    {.name = "data",
     .type = CONFIG_TEXT,
     .offset = AT(data),
     .fallback = "weir-data",
     .help = "The folder of the case store. Only one weir run may use it at a time."},
    {.name = "log_level",
     .type = CONFIG_CHOICE,
     .offset = AT(log_level),
     .fallback = "info",
     .choices = log_levels,
     .help = "Events below this level are not logged."},
    {.name = "ingest.sources",
     .type = CONFIG_LIST,
     .offset = AT(sources),
     .items = &source_table,
     .help = "Where messages come from. Without any, one acked source at tcp://127.0.0.1:5750."},
    {.name = "ingest.frame_bytes_max",
     .type = CONFIG_INTEGER,
     .offset = AT(frame_bytes_max),
     .fallback = "1048576",
     .min = KIB,
     .max = 64 * MIB,
     .unit = "bytes",
     .help = "A larger batch is answered MALFORMED."},
    {.name = "ingest.batch_messages_max",
     .type = CONFIG_INTEGER,
     .offset = AT(batch_messages_max),
     .fallback = "4096",
     .min = 1,
     .max = 65536,
     .unit = "messages",
     .help = "A batch of more messages is answered MALFORMED."},
    {.name = "ingest.text_bytes_max",
     .type = CONFIG_INTEGER,
     .offset = AT(text_bytes_max),
     .fallback = "65536",
     .min = 1,
     .max = 64 * MIB,
     .unit = "bytes",
     .help = "A message with a longer text is rejected in the receipt; the rest of its batch is taken."},
    {.name = "ingest.batches_in_flight_max",
     .type = CONFIG_INTEGER,
     .offset = AT(batches_in_flight_max),
     .fallback = "256",
     .min = 1,
     .max = 65536,
     .unit = "batches",
     .help = "Over it, batches are answered RETRY_LATER."},
    {.name = "ingest.bytes_in_flight_max",
     .type = CONFIG_INTEGER,
     .offset = AT(bytes_in_flight_max),
     .fallback = "67108864",
     .min = MIB,
     .max = 64 * GIB,
     .unit = "bytes",
     .help = "The same for the bytes of all batches in flight."},
    {.name = "ingest.retry_after_ms",
     .type = CONFIG_INTEGER,
     .offset = AT(retry_after_ms),
     .fallback = "200",
     .min = 1,
     .max = 3600000,
     .unit = "ms",
     .help = "How long producers are asked to wait when they are answered RETRY_LATER."},
    {.name = "ingest.drain_ms",
     .type = CONFIG_INTEGER,
     .offset = AT(drain_ms),
     .fallback = "10000",
     .min = 0,
     .max = 600000,
     .unit = "ms",
     .help = "How long SIGTERM waits for the batches in flight."},
    {.name = "scanner.workers",
     .type = CONFIG_INTEGER,
     .offset = AT(workers),
     .fallback = "0",
     .min = 0,
     .max = 256,
     .unit = "threads",
     .help = "0: one for each core."},
    {.name = "scanner.context_bytes_max",
     .type = CONFIG_INTEGER,
     .offset = AT(context_bytes_max),
     .fallback = "67108864",
     .min = MIB,
     .max = 64 * GIB,
     .unit = "bytes",
     .help =
         "Memory for the last messages of conversations. Used only if a queue wants context; never written to disk."},
    {.name = "scanner.context_minutes",
     .type = CONFIG_INTEGER,
     .offset = AT(context_minutes),
     .fallback = "60",
     .min = 1,
     .max = 10080,
     .unit = "minutes",
     .help = "Earlier messages than this are not taken as context."},
    {.name = "alerts.queues",
     .type = CONFIG_LIST,
     .offset = AT(queues),
     .items = &queue_table,
     .help = "The review queues. Rules may name queues that are not listed; they get the defaults."},
    {.name = "alerts.default_queue",
     .type = CONFIG_TEXT,
     .offset = AT(default_queue),
     .fallback = "review",
     .max = 64,
     .help = "For hits of rules that name no queue."},
    {.name = "alerts.unscanned_queue",
     .type = CONFIG_TEXT,
     .offset = AT(unscanned_queue),
     .fallback = "unscanned",
     .max = 64,
     .help = "For messages that could not be scanned: a person must look."},
    {.name = "alerts.default_service_level_minutes",
     .type = CONFIG_INTEGER,
     .offset = AT(default_service_level_minutes),
     .fallback = "1440",
     .min = 1,
     .max = 525600,
     .unit = "minutes",
     .help = "For queues that are not listed."},
    {.name = "alerts.waiting_max",
     .type = CONFIG_INTEGER,
     .offset = AT(alerts_queue_max),
     .fallback = "4096",
     .min = 1,
     .max = 1000000,
     .unit = "verdicts",
     .help = "Verdicts waiting to be stored. When it is full, scanning waits."},
    {.name = "alerts.group_max",
     .type = CONFIG_INTEGER,
     .offset = AT(alerts_group_max),
     .fallback = "512",
     .min = 1,
     .max = COMMITTER_GROUP_MAX,
     .unit = "verdicts",
     .help = "At most so many are stored in one transaction."},
    {.name = "alerts.group_wait_ms",
     .type = CONFIG_INTEGER,
     .offset = AT(alerts_group_wait_ms),
     .fallback = "5",
     .min = 0,
     .max = 1000,
     .unit = "ms",
     .help = "How long a transaction waits for more to store with it."},
    {.name = "api.enabled",
     .type = CONFIG_BOOLEAN,
     .offset = AT(api_enabled),
     .fallback = "true",
     .help = "Serve /metrics, /healthz and /readyz."},
    {.name = "api.listen",
     .type = CONFIG_TEXT,
     .offset = AT(api_listen),
     .fallback = "http://127.0.0.1:8750",
     .help = "Where. Port 0 picks a free one."},
};

const struct config_table settings_table = {rows, sizeof rows / sizeof *rows, sizeof(struct settings)};

static const struct settings_queue *queue_at(const struct settings *settings, uint32_t i)
{
    return (const struct settings_queue *)settings->queues.items + i;
}

void settings_check(const struct settings *settings, const char *name, struct findings *findings)
{
    for (uint32_t i = 0; i < settings->queues.count; i++) {
        const struct settings_queue *queue = queue_at(settings, i);
        if (queue->name[0] == '\0') {
            findings_add(findings, FINDING_ERROR, name, 0, 0, NULL, "alerts.queues: queue %u has an empty name", i + 1);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(queue->name, queue_at(settings, j)->name) == 0) {
                findings_add(findings, FINDING_ERROR, name, 0, 0, "give each queue one entry",
                             "alerts.queues: '%s' is there twice", queue->name);
            }
        }
    }
    if (settings->text_bytes_max > settings->frame_bytes_max) {
        findings_add(
            findings, FINDING_ERROR, name, 0, 0, "raise ingest.frame_bytes_max or lower the other",
            "ingest.text_bytes_max (%lld) is larger than ingest.frame_bytes_max (%lld): such a text can never arrive",
            (long long)settings->text_bytes_max, (long long)settings->frame_bytes_max);
    }
    if (settings->frame_bytes_max > settings->bytes_in_flight_max) {
        findings_add(
            findings, FINDING_ERROR, name, 0, 0, "raise ingest.bytes_in_flight_max",
            "ingest.frame_bytes_max (%lld) is larger than ingest.bytes_in_flight_max (%lld): such a frame would be "
            "answered RETRY_LATER for ever",
            (long long)settings->frame_bytes_max, (long long)settings->bytes_in_flight_max);
    }
}
