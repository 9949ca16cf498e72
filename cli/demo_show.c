#include "cli/demo_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts/present.h"
#include "base/buffer.h"

#define INDENT 10
#define TEXT_COLUMNS 70u /* 80 less the indent */
#define CONTEXT_BYTES 24 /* of the text before the first mark */
#define MARKS_MAX 16

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

static const char *severity_colour(enum severity severity)
{
    static const char *const colours[SEVERITY_COUNT] = {"\033[36m", "\033[33m", "\033[31m", "\033[1;37;41m"};
    return colours[severity < SEVERITY_COUNT ? severity : SEVERITY_LOW];
}

/* How many columns a terminal takes for a character; only roughly, to cut lines. */
static uint32_t columns_of(uint32_t point)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                       {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
    if (point >= 0x300 && point <= 0x36F) {
        return 0;
    }
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (point >= wide[i][0] && point <= wide[i][1]) {
            return 2;
        }
    }
    return 1;
}

/* Of text that present_text made: valid UTF-8, and escapes only where it set marks. */
static uint32_t width_of(struct span text)
{
    uint32_t width = 0;
    for (size_t i = 0; i < text.size;) {
        uint8_t byte = text.data[i];
        if (byte == 0x1B) { /* ESC [ digits m */
            while (i < text.size && text.data[i] != 'm') {
                i++;
            }
            i++;
            continue;
        }
        size_t size = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
        uint32_t point = size == 1 ? byte : byte & (0x7Fu >> size);
        for (size_t k = 1; k < size && i + k < text.size; k++) {
            point = point << 6 | (text.data[i + k] & 0x3F);
        }
        width += columns_of(point);
        i += size;
    }
    return width;
}

static bool continues(struct span text, size_t at)
{
    return at < text.size && (text.data[at] & 0xC0) == 0x80;
}

static enum status present_range(struct span text, size_t from, size_t to, const struct store_case_hit *hit,
                                 bool colour, struct buffer *out)
{
    struct present_mark marks[MARKS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < hit->span_count && count < MARKS_MAX; i++) {
        size_t start = hit->spans[i].start, end = hit->spans[i].end;
        start = start < from ? from : start;
        end = end > to ? to : end;
        if (start < end) {
            marks[count++] = (struct present_mark){.start = (uint32_t)(start - from), .end = (uint32_t)(end - from)};
        }
    }
    buffer_clear(out);
    return present_text(span_of(text.data + from, to - from), marks, count, colour ? PRESENT_REVERSE : PRESENT_QUOTES,
                        PRESENT_ONE_LINE, out);
}

/* One line around the first thing that was found, cut to what fits. */
static void print_excerpt(const struct store_case_message *message, const struct store_case_hit *hit, bool colour)
{
    struct span text = message->text;
    struct buffer out = BUFFER_INIT(1 << 16);
    size_t first = text.size, from = 0;
    for (uint32_t i = 0; i < hit->span_count; i++) {
        first = hit->spans[i].start < first ? hit->spans[i].start : first;
    }
    if (first < text.size && first > CONTEXT_BYTES && text.size > TEXT_COLUMNS) {
        for (from = first - CONTEXT_BYTES; from > 0 && continues(text, from); from--) {
        }
    }
    size_t to = text.size - from > 4 * (size_t)TEXT_COLUMNS ? from + 4 * (size_t)TEXT_COLUMNS : text.size;
    while (continues(text, to)) {
        to++;
    }
    uint32_t room = TEXT_COLUMNS - (from > 0 ? 1 : 0);
    enum status status;
    for (;;) {
        status = present_range(text, from, to, hit, colour, &out);
        uint32_t limit = room - (to < text.size ? 1 : 0);
        if (status != STATUS_OK || to <= from || width_of(buffer_span(&out)) <= limit) {
            break;
        }
        for (to--; to > from && continues(text, to); to--) {
        }
    }
    if (status == STATUS_OK) {
        (void)printf("%*s%s%.*s%s\n", INDENT, "", from > 0 ? "…" : "", (int)out.size, (const char *)out.data,
                     to < text.size ? "…" : "");
    }
    buffer_free(&out);
}

static void print_cell(const char *text, uint32_t width)
{
    struct buffer out = BUFFER_INIT(1 << 16);
    if (present_cell(span_text(text), width, &out) == STATUS_OK && out.size > 0) {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    buffer_free(&out);
}

void demo_show_case(const struct demo_sight *sight, bool colour)
{
    char clock[16] = "";
    time_t when = (time_t)(sight->item->opened_at_ms / 1000);
    struct tm parts;
    if (localtime_r(&when, &parts)) {
        (void)strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    }
    enum severity severity = sight->item->severity;
    (void)printf("%s%s%s  %s%-8s%s  -> %s", colour ? DIM : "", clock, colour ? PLAIN : "",
                 colour ? severity_colour(severity) : "", severity_text(severity), colour ? PLAIN : "",
                 colour ? BOLD : "");
    print_cell(sight->item->queue, 16);
    (void)printf("%s   %scase %" PRId64 ", ", colour ? PLAIN : "", colour ? DIM : "", sight->item->id);
    print_cell(sight->item->conversation_id, 20);
    (void)printf("%s%s\n%*s", sight->evasive ? ", disguised" : "", colour ? PLAIN : "", INDENT, "");
    const char *title = sight->hit->title && *sight->hit->title ? sight->hit->title : sight->hit->rule;
    print_cell(sight->hit->outcome == OUTCOME_UNSCANNED ? "Could not be scanned: a person has to look" : title,
               TEXT_COLUMNS);
    (void)putchar('\n');
    print_excerpt(sight->message, sight->hit, colour);
}

void demo_tally_case(struct demo_tally *tally, const struct store_case *item)
{
    tally->cases++;
    tally->hits += item->hit_count;
    tally->unscanned += item->unscanned;
    tally->severities[item->severity < SEVERITY_COUNT ? item->severity : 0]++;
    uint32_t i = 0;
    while (i < tally->queue_count && strcmp(tally->queues[i].name, item->queue) != 0) {
        i++;
    }
    if (i == DEMO_QUEUES_MAX) {
        tally->queues_left_out++;
        return;
    }
    if (i == tally->queue_count) {
        tally->queues[tally->queue_count++].name = item->queue;
        tally->queues[i].cases = 0;
    }
    tally->queues[i].cases++;
}

/* 1234567 as 1,234,567. */
static const char *grouped(uint64_t number, char text[32])
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, number), at = 0;
    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

static int by_cases(const void *left, const void *right)
{
    const uint64_t *a = (const uint64_t *)left, *b = (const uint64_t *)right;
    return *a < *b ? 1 : *a > *b ? -1 : 0;
}

static void show_queues(const struct demo_tally *tally)
{
    /* Sorted by how much is in them; ties keep the order of appearance through the low bits. */
    uint64_t order[DEMO_QUEUES_MAX] = {0};
    for (uint32_t i = 0; i < tally->queue_count; i++) {
        order[i] = tally->queues[i].cases << 8 | (0xFF - i);
    }
    qsort(order, tally->queue_count, sizeof *order, by_cases);
    for (uint32_t i = 0; i < tally->queue_count; i++) {
        uint32_t queue = 0xFF - (uint32_t)(order[i] & 0xFF);
        (void)fputs("    ", stdout);
        print_cell(tally->queues[queue].name, 24);
        size_t width = strlen(tally->queues[queue].name);
        (void)printf("%*s%8" PRIu64 "\n", width < 24 ? (int)(24 - width) : 1, "", tally->queues[queue].cases);
    }
    if (tally->queues_left_out > 0) {
        (void)printf("    %-24s%8" PRIu64 "\n", "(others)", tally->queues_left_out);
    }
}

static void show_planted(const struct demo_tally *tally)
{
    (void)printf("\n  The generator planted harm in %" PRIu64 " conversations; %" PRIu64 " of them were flagged.\n",
                 tally->planted, tally->planted_found);
    (void)printf("  %" PRIu64 " of these were disguised (full-width or look-alike letters, zero-width\n"
                 "  characters, odd spacing); %" PRIu64 " of them were flagged.\n",
                 tally->evasive, tally->evasive_found);
    (void)printf("  Flagged without being planted: %" PRIu64 ".\n", tally->other_found);
}

void demo_show_summary(const struct demo_tally *tally, const char *program, const char *data, const char *log,
                       bool colour)
{
    char messages[32], acked[32], rate[32];
    const char *bold = colour ? BOLD : "", *plain = colour ? PLAIN : "";
    double per_second = tally->seconds > 0 ? (double)tally->messages / tally->seconds : 0;
    (void)printf("\n%sSummary%s%s\n", bold, plain, tally->interrupted ? " (interrupted)" : "");
    (void)printf("  %s messages in %.1f s, %s a second\n", grouped(tally->messages, messages), tally->seconds,
                 grouped((uint64_t)per_second, rate));
    (void)printf("  %s acknowledged: scanned, and what was found is on stable storage\n", grouped(tally->acked, acked));
    if (tally->rejected > 0 || tally->faulty_lines > 0) {
        (void)printf("  %" PRIu64 " rejected, %" PRIu64 " lines were no messages\n", tally->rejected,
                     tally->faulty_lines);
    }
    (void)printf("  %" PRIu64 " cases with %" PRIu64 " hits; %" PRIu64 " cases could not be scanned in full\n",
                 tally->cases, tally->hits, tally->unscanned);
    (void)printf("\n  Cases by queue\n");
    show_queues(tally);
    (void)printf("\n  Cases by severity\n");
    for (int i = SEVERITY_COUNT - 1; i >= 0; i--) {
        (void)printf("    %-24s%8" PRIu64 "\n", severity_text((enum severity)i), tally->severities[i]);
    }
    if (tally->generated) {
        show_planted(tally);
    }
    (void)printf("\n%sLook further%s\n", bold, plain);
    (void)printf("  %s alerts list --data %s\n", program, data);
    (void)printf("  %s alerts show 1 --data %s\n", program, data);
    (void)printf("  %s alerts claim 1 --data %s\n", program, data);
    (void)printf("  %s alerts decide 1 --token T --decision violation \\\n      --data %s\n", program, data);
    (void)printf("  %s scan FILE       your own messages, no sockets\n", program);
    (void)printf("  %s rules list      what the starter packs look for\n", program);
    (void)printf("  less %s       what the pipeline logged: no message text\n", log);
    (void)printf("  rm -r %s       when you are done\n", data);
}
