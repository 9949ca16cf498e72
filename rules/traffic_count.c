#include "rules/traffic_count.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "rules/traffic_profile.h"
#include "text/caseless.h"
#include "text/view.h"

#define TALLIES_FIRST (1u << 16)
#define TALLIES_MAX (1u << 22)
#define TEXTS_FIRST (1u << 12)
#define TEXTS_MAX (1u << 23) /* more different texts than this are not told from repeated ones */
#define VIEW_SIZE_MAX ((size_t)64 * TRAFFIC_COUNT_MESSAGE_MAX)

/* A run of up to four symbols, the last one in the low byte. No symbol is 0, so a short run begins with zeros. */
struct tally {
    uint32_t run; /* 0: a free place */
    uint32_t texts;
    uint64_t last_message; /* by number, from 1 */
    uint64_t count;
};

struct traffic_count {
    struct tally *tallies; /* open addressing */
    uint32_t used, capacity;
    uint32_t rare; /* runs of no more texts than this go when the table is full */
    uint64_t *texts;
    uint32_t texts_used, texts_capacity;
    uint64_t messages, bytes;
    struct buffer view;
};

enum status traffic_count_new(struct traffic_count **ret_count)
{
    struct traffic_count *count = calloc(1, sizeof *count);
    if (!count) {
        return STATUS_NO_MEMORY;
    }
    count->capacity = TALLIES_FIRST;
    count->texts_capacity = TEXTS_FIRST;
    count->rare = 1;
    count->tallies = calloc(count->capacity, sizeof *count->tallies);
    count->texts = calloc(count->texts_capacity, sizeof *count->texts);
    count->view = BUFFER_INIT(VIEW_SIZE_MAX);
    if (!count->tallies || !count->texts) {
        traffic_count_free(&count);
        return STATUS_NO_MEMORY;
    }
    *ret_count = count;
    return STATUS_OK;
}

void traffic_count_free(struct traffic_count **count)
{
    if (*count) {
        buffer_free(&(*count)->view);
        free((*count)->tallies);
        free((*count)->texts);
        free(*count);
        *count = NULL;
    }
}

/* The place of a run, or the free one where it would go. */
static struct tally *find(struct tally *tallies, uint32_t capacity, uint32_t run)
{
    uint32_t at = (run * 0x9E3779B1u) >> 7;
    for (;; at++) {
        struct tally *tally = &tallies[at & (capacity - 1)];
        if (tally->run == run || tally->run == 0) {
            return tally;
        }
    }
}

/* A table twice as large; at the limit, one without the rare runs. */
static enum status make_room(struct traffic_count *count)
{
    bool full = count->capacity >= TALLIES_MAX;
    uint32_t capacity = full ? count->capacity : count->capacity * 2;
    struct tally *tallies = calloc(capacity, sizeof *tallies);
    if (!tallies) {
        return STATUS_NO_MEMORY;
    }
    uint32_t used;
    do {
        used = 0;
        memset(tallies, 0, capacity * sizeof *tallies);
        for (uint32_t i = 0; i < count->capacity; i++) {
            const struct tally *tally = &count->tallies[i];
            if (tally->run && (!full || tally->texts > count->rare)) {
                *find(tallies, capacity, tally->run) = *tally;
                used++;
            }
        }
        count->rare *= full ? 2 : 1;
    } while (full && used > capacity / 2);
    free(count->tallies);
    count->tallies = tallies;
    count->capacity = capacity;
    count->used = used;
    return STATUS_OK;
}

/* Whether this text was never seen before; the same text again is no second witness. */
static enum status text_is_new(struct traffic_count *count, struct span text, bool *ret_new)
{
    if (count->texts_used > count->texts_capacity / 4 * 3) {
        if (count->texts_capacity >= TEXTS_MAX) {
            *ret_new = false;
            return STATUS_OK;
        }
        uint32_t capacity = count->texts_capacity * 2;
        uint64_t *texts = calloc(capacity, sizeof *texts);
        if (!texts) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t i = 0; i < count->texts_capacity; i++) {
            uint64_t hash = count->texts[i];
            uint64_t at = hash;
            while (hash && texts[at & (capacity - 1)]) {
                at++;
            }
            texts[at & (capacity - 1)] = hash ? hash : texts[at & (capacity - 1)];
        }
        free(count->texts);
        count->texts = texts;
        count->texts_capacity = capacity;
    }
    uint64_t hash = XXH3_64bits(text.data, text.size) | 1;
    uint64_t at = hash;
    for (; count->texts[at & (count->texts_capacity - 1)]; at++) {
        if (count->texts[at & (count->texts_capacity - 1)] == hash) {
            *ret_new = false;
            return STATUS_OK;
        }
    }
    count->texts[at & (count->texts_capacity - 1)] = hash;
    count->texts_used++;
    *ret_new = true;
    return STATUS_OK;
}

static enum status add_run(struct traffic_count *count, uint32_t run, bool new_text)
{
    struct tally *tally = find(count->tallies, count->capacity, run);
    if (tally->run == 0) {
        if (count->used > count->capacity / 4 * 3) {
            enum status status = make_room(count);
            if (status != STATUS_OK) {
                return status;
            }
            tally = find(count->tallies, count->capacity, run);
        }
        *tally = (struct tally){.run = run};
        count->used++;
    }
    tally->count++;
    if (tally->last_message != count->messages) {
        tally->last_message = count->messages;
        tally->texts += new_text;
    }
    return STATUS_OK;
}

/* Every run of one to four symbols that ends at each byte. */
static enum status add_runs(struct traffic_count *count, bool new_text)
{
    uint32_t run = 0;
    for (size_t i = 0; i < count->view.size; i++) {
        run = run << 8 | traffic_profile_symbol(count->view.data[i]);
        for (unsigned size = 1; size <= TRAFFIC_PROFILE_RUN_MAX && size <= i + 1; size++) {
            uint32_t mask = UINT32_MAX >> (32 - 8 * size);
            enum status status = add_run(count, run & mask, new_text);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    count->bytes += count->view.size;
    return STATUS_OK;
}

enum status traffic_count_add(struct traffic_count *count, struct span message)
{
    bool new_text = false;
    enum status status = text_is_new(count, message, &new_text);
    if (status != STATUS_OK) {
        return status;
    }
    if (message.size > TRAFFIC_COUNT_MESSAGE_MAX) {
        message.size = TRAFFIC_COUNT_MESSAGE_MAX;
    }
    count->messages++;
    buffer_clear(&count->view);
    status = view_append(VIEW_FOLDED, message, &count->view, NULL);
    if (status == STATUS_OK) {
        status = add_runs(count, new_text);
    }
    if (status == STATUS_OK) {
        buffer_clear(&count->view);
        status = caseless_append(message, &count->view);
    }
    return status == STATUS_OK ? add_runs(count, new_text) : status;
}

uint64_t traffic_count_messages(const struct traffic_count *count)
{
    return count->messages;
}

static int compare_runs(const void *a, const void *b)
{
    const struct tally *x = *(struct tally *const *)a, *y = *(struct tally *const *)b;
    return (x->run > y->run) - (x->run < y->run);
}

/* One symbol; those that a line means otherwise, and what cannot be read, as a backslash and two digits. */
static enum status write_symbol(uint8_t symbol, struct buffer *out)
{
    if (symbol == ' ') {
        return buffer_append_byte(out, '_');
    }
    if (symbol > ' ' && symbol < 0x7F && !strchr("_-\\#", symbol)) {
        return buffer_append_byte(out, symbol);
    }
    return buffer_print(out, "\\%02x", symbol);
}

static enum status write_context(uint32_t context, struct buffer *out)
{
    enum status status = buffer_append_byte(out, '\n');
    if (status == STATUS_OK && context == 0) {
        return buffer_append_byte(out, '-');
    }
    for (int shift = 24; status == STATUS_OK && shift >= 0; shift -= 8) {
        uint8_t symbol = (uint8_t)(context >> shift);
        status = symbol ? write_symbol(symbol, out) : STATUS_OK;
    }
    return status;
}

static enum status write_runs(struct tally *const *runs, uint32_t run_count, struct buffer *out)
{
    uint32_t context = UINT32_MAX;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < run_count; i++) {
        if (runs[i]->run >> 8 != context) {
            context = runs[i]->run >> 8;
            status = write_context(context, out);
        }
        if (status == STATUS_OK) {
            status = buffer_append_byte(out, ' ');
        }
        if (status == STATUS_OK) {
            status = write_symbol((uint8_t)runs[i]->run, out);
        }
        if (status == STATUS_OK) {
            status = buffer_print(out, " %ld", lround(4 * log2((double)runs[i]->count)));
        }
    }
    return status == STATUS_OK ? buffer_append_byte(out, '\n') : status;
}

static bool is_kept(const struct traffic_count *count, uint32_t run, uint32_t texts_min)
{
    return run == 0 || find(count->tallies, count->capacity, run)->texts >= texts_min;
}

/* The runs that are written: common ones whose beginning is common too (it is, unless it was thrown out and came again).
 */
static uint32_t choose_runs(const struct traffic_count *count, uint32_t texts_min, struct tally **runs)
{
    uint32_t run_count = 0;
    for (uint32_t i = 0; i < count->capacity; i++) {
        struct tally *tally = &count->tallies[i];
        bool kept = tally->run && tally->texts >= texts_min;
        for (uint32_t context = tally->run >> 8; kept && context; context >>= 8) {
            kept = is_kept(count, context, texts_min);
        }
        if (kept) {
            runs[run_count++] = tally;
        }
    }
    return run_count;
}

enum status traffic_count_write(const struct traffic_count *count, uint32_t messages_min, struct buffer *out)
{
    size_t before = out->size;
    uint32_t texts_min = messages_min > 1 ? messages_min : 1;
    struct tally **runs = calloc((size_t)count->used + 1, sizeof(struct tally *));
    if (!runs) {
        return STATUS_NO_MEMORY;
    }
    uint32_t run_count = choose_runs(count, texts_min, runs);
    while (run_count > TRAFFIC_PROFILE_RUNS_MAX) {
        texts_min += texts_min / 4 + 1;
        run_count = choose_runs(count, texts_min, runs);
    }
    enum status status = run_count ? STATUS_OK : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        qsort(runs, run_count, sizeof(struct tally *), compare_runs);
        status = buffer_print(out,
                              "weir traffic profile 1\n"
                              "# How often runs of up to four bytes occur: after the first ones, the last one, and\n"
                              "# four times the binary logarithm of the count. 0 stands for any digit, _ for space.\n"
                              "# Runs in fewer than %u different texts are left out.\n"
                              "messages %llu bytes %llu",
                              texts_min, (unsigned long long)count->messages, (unsigned long long)count->bytes);
    }
    if (status == STATUS_OK) {
        status = write_runs(runs, run_count, out);
    }
    free(runs);
    if (status != STATUS_OK) {
        out->size = before;
    }
    return status;
}
