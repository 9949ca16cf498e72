#include "rules/traffic_profile.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

#define FIRST_LINE "weir traffic profile 1"
#define LEVEL_MAX 240u      /* 2^60 occurrences */
#define UNSEEN_WEIGHT 0.002 /* of what a sample did not hold, in the rates of single bytes */

/* A run of up to four symbols, the last one in the low byte. */
struct run {
    uint32_t key;      /* 0: a free place */
    float probability; /* of its last symbol after the ones before it */
    float backoff;     /* what the probability of a shorter run is multiplied with, where this one is the context */
};

struct traffic_profile {
    struct run *runs; /* open addressing */
    uint32_t capacity, count;
    uint64_t messages, bytes;
    double byte_rates[256];
};

/* A profile while it is read. */
struct reading {
    struct traffic_profile *profile;
    struct counted {
        uint32_t key;
        double count;
    } * counted; /* as they stand in the text */
    uint32_t count, capacity;
    struct error *error;
    const uint8_t *at, *end;
    unsigned line;
};

static struct traffic_profile *used; /* written by traffic_profile_use, before other threads start */

static const char built_in[] =
#include "rules/traffic_profile.inc"
    ;

static struct run *find_place(struct run *runs, uint32_t capacity, uint32_t key)
{
    uint32_t at = (key * 0x9E3779B1u) >> 7;
    for (;; at++) {
        struct run *run = &runs[at & (capacity - 1)];
        if (run->key == key || run->key == 0) {
            return run;
        }
    }
}

static const struct run *find(const struct traffic_profile *profile, uint32_t key)
{
    const struct run *run = find_place(profile->runs, profile->capacity, key);
    return run->key ? run : NULL;
}

static uint32_t last_symbols(uint32_t key, unsigned count)
{
    return count ? key & (UINT32_MAX >> (32 - 8 * count)) : 0;
}

static unsigned symbols_in(uint32_t key)
{
    return key >> 24 ? 4 : key >> 16 ? 3 : key >> 8 ? 2 : key ? 1 : 0;
}

/* Of a byte that no sample held. */
static double unseen_rate(uint8_t symbol)
{
    return symbol >= 0xC0 ? 0.3 / 51 : symbol >= 0x80 ? 0.2 / 64 : 0.5 / 64;
}

/* The probability of the last of `size` symbols after the ones before it. */
static double conditional(const struct traffic_profile *profile, uint32_t key, unsigned size)
{
    double backoff = 1;
    for (; size > 0; size--) {
        key = last_symbols(key, size);
        const struct run *run = find(profile, key);
        if (run) {
            return backoff * (double)run->probability;
        }
        const struct run *context = size > 1 ? find(profile, key >> 8) : NULL;
        backoff *= context ? (double)context->backoff : 1;
    }
    return backoff * UNSEEN_WEIGHT * unseen_rate((uint8_t)key);
}

/*
 * A profile of English says that a Cyrillic letter is rare, and then that the next one is as rare again: but where there
 * is one, there are more. Text in a script that a profile does not know counts as made of some fifty letters.
 */
static double strange_rate(const struct traffic_profile *profile, uint32_t key, unsigned size)
{
    uint8_t symbol = (uint8_t)key, before = (uint8_t)(key >> 8);
    uint32_t known = size == 1 ? symbol : last_symbols(key >> 8, size > 2 ? 2 : 1);
    if ((symbol < 0x80 && before < 0x80) || find(profile, known)) {
        return 0;
    }
    if (symbol >= 0xC0) {
        return size > 1 ? 0.2 : 1e-3;
    }
    return symbol >= 0x80 ? 0.02 : 0.05;
}

static const struct traffic_profile *profile_meant(const struct traffic_profile *profile)
{
    return profile ? profile : used ? used : traffic_profile_default();
}

static double rate_on(const struct traffic_profile *profile, struct span string, size_t rated, double rate)
{
    uint32_t key = 0;
    for (size_t i = rated < TRAFFIC_PROFILE_RUN_MAX ? 0 : rated - TRAFFIC_PROFILE_RUN_MAX; i < rated; i++) {
        key = key << 8 | traffic_profile_symbol(string.data[i]);
    }
    for (size_t i = rated; i < string.size; i++) {
        uint8_t symbol = traffic_profile_symbol(string.data[i]);
        unsigned size = i < TRAFFIC_PROFILE_RUN_MAX ? (unsigned)i + 1 : TRAFFIC_PROFILE_RUN_MAX;
        key = key << 8 | symbol;
        double probability = conditional(profile, key, size);
        if (symbol >= 0x80 || (size > 1 && (uint8_t)(key >> 8) >= 0x80)) {
            probability = fmax(probability, strange_rate(profile, key, size));
        }
        rate *= symbol == '0' ? probability / 10 : probability;
    }
    return rate;
}

double traffic_profile_rate_on(const struct traffic_profile *profile, struct span string, size_t rated, double rate)
{
    return rate_on(profile_meant(profile), string, rated, rate);
}

double traffic_profile_rate(const struct traffic_profile *profile, struct span string)
{
    return rate_on(profile_meant(profile), string, 0, 1);
}

const double *traffic_profile_byte_rates(const struct traffic_profile *profile)
{
    return profile_meant(profile)->byte_rates;
}

uint64_t traffic_profile_messages(const struct traffic_profile *profile)
{
    return profile->messages;
}

uint32_t traffic_profile_runs(const struct traffic_profile *profile)
{
    return profile->count;
}

void traffic_profile_free(struct traffic_profile **profile)
{
    if (*profile) {
        free((*profile)->runs);
        free(*profile);
        *profile = NULL;
    }
}

static enum status fault(struct reading *reading, const char *words)
{
    error_set(reading->error, "line %u: %s", reading->line, words);
    return STATUS_INVALID;
}

static bool skip(struct reading *reading, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(reading->end - reading->at) < size || memcmp(reading->at, word, size) != 0) {
        return false;
    }
    reading->at += size;
    return true;
}

static bool read_number(struct reading *reading, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    const uint8_t *start = reading->at;
    for (; reading->at < reading->end && *reading->at >= '0' && *reading->at <= '9'; reading->at++) {
        number = number * 10 + (uint64_t)(*reading->at - '0');
        if (number > max) {
            return false;
        }
    }
    *ret_number = number;
    return reading->at > start;
}

static int hexadecimal(uint8_t digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool read_symbol(struct reading *reading, uint32_t *ret_symbol)
{
    if (reading->at == reading->end) {
        return false;
    }
    uint8_t byte = *reading->at++;
    if (byte == '_') {
        byte = ' ';
    } else if (byte == '\\') {
        int high = reading->end - reading->at >= 2 ? hexadecimal(reading->at[0]) : -1;
        int low = high >= 0 ? hexadecimal(reading->at[1]) : -1;
        if (low < 0) {
            return false;
        }
        reading->at += 2;
        byte = (uint8_t)(high << 4 | low);
    } else if (byte <= ' ' || byte >= 0x7F) {
        return false;
    }
    *ret_symbol = byte;
    return byte != 0 && traffic_profile_symbol(byte) == byte;
}

static enum status add_counted(struct reading *reading, uint32_t key, uint64_t level)
{
    if (reading->count == TRAFFIC_PROFILE_RUNS_MAX) {
        error_set(reading->error, "line %u: more than %u runs", reading->line, TRAFFIC_PROFILE_RUNS_MAX);
        return STATUS_LIMIT;
    }
    if (reading->count == reading->capacity) {
        uint32_t capacity = reading->capacity ? reading->capacity * 2 : 4096;
        struct counted *grown = reallocarray(reading->counted, capacity, sizeof *grown);
        if (!grown) {
            return STATUS_NO_MEMORY;
        }
        reading->counted = grown;
        reading->capacity = capacity;
    }
    reading->counted[reading->count++] = (struct counted){.key = key, .count = exp2((double)level / 4)};
    return STATUS_OK;
}

/* A context, then pairs of a symbol that follows it and how often. */
static enum status read_line(struct reading *reading)
{
    uint32_t context = 0, symbol;
    uint64_t level;
    if (!skip(reading, "-")) {
        while (reading->at < reading->end && *reading->at != ' ') {
            if (symbols_in(context) == TRAFFIC_PROFILE_RUN_MAX - 1 || !read_symbol(reading, &symbol)) {
                return fault(reading, "this is no run of bytes");
            }
            context = context << 8 | symbol;
        }
    }
    do {
        if (!skip(reading, " ") || !read_symbol(reading, &symbol) || !skip(reading, " ") ||
            !read_number(reading, LEVEL_MAX, &level)) {
            return fault(reading, "expected pairs of a byte and a number");
        }
        enum status status = add_counted(reading, context << 8 | symbol, level);
        if (status != STATUS_OK) {
            return status;
        }
    } while (reading->at < reading->end);
    return STATUS_OK;
}

static enum status read_head(struct reading *reading)
{
    if (!skip(reading, "messages ") || !read_number(reading, UINT64_MAX / 16, &reading->profile->messages) ||
        !skip(reading, " bytes ") || !read_number(reading, UINT64_MAX / 16, &reading->profile->bytes) ||
        reading->at != reading->end) {
        return fault(reading, "expected 'messages N bytes N'");
    }
    return STATUS_OK;
}

static enum status read_lines(struct reading *reading, struct span text)
{
    const uint8_t *end = text.size ? text.data + text.size : NULL;
    enum status status = STATUS_OK;
    bool head = false;
    for (const uint8_t *line = text.data; status == STATUS_OK && line < end; reading->line++) {
        const uint8_t *next = memchr(line, '\n', (size_t)(end - line));
        reading->at = line;
        reading->end = next ? next : end;
        line = next ? next + 1 : end;
        if (reading->line == 1) {
            bool known = skip(reading, FIRST_LINE) && reading->at == reading->end;
            status = known ? STATUS_OK : fault(reading, "this is not a traffic profile, or one of another version");
        } else if (reading->at == reading->end || *reading->at == '#') {
            continue;
        } else if (!head) {
            status = read_head(reading);
            head = true;
        } else {
            status = read_line(reading);
        }
    }
    if (status == STATUS_OK && reading->count == 0) {
        return fault(reading, "it ends before it says anything");
    }
    return status;
}

static int compare_counted(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/*
 * The probabilities of all runs with the context [first, next), which stand together and after all shorter runs.
 * Interpolated as Witten and Bell do: what is not accounted for by runs that were seen goes to the shorter run.
 */
static enum status settle_context(struct traffic_profile *profile, const struct counted *first,
                                  const struct counted *next, double context_count)
{
    uint32_t context = first->key >> 8;
    double sum = 0;
    for (const struct counted *counted = first; counted < next; counted++) {
        sum += counted->count;
    }
    double total = fmax(sum, context_count) + (double)(next - first);
    double backoff = (total - sum) / total;
    for (const struct counted *counted = first; counted < next; counted++) {
        unsigned size = symbols_in(counted->key);
        double shorter = size > 1 ? conditional(profile, last_symbols(counted->key, size - 1), size - 1)
                                  : unseen_rate((uint8_t)counted->key) * UNSEEN_WEIGHT;
        struct run *run = find_place(profile->runs, profile->capacity, counted->key);
        if (run->key) {
            return STATUS_EXISTS;
        }
        *run = (struct run){
            .key = counted->key, .probability = (float)(counted->count / total + backoff * shorter), .backoff = 1};
    }
    if (context) {
        find_place(profile->runs, profile->capacity, context)->backoff = (float)backoff;
    }
    return STATUS_OK;
}

/* How often the context of `counted` was counted; below 0 if it was not. */
static double count_of_context(const struct reading *reading, uint32_t context)
{
    const struct counted wanted = {.key = context};
    const struct counted *found =
        bsearch(&wanted, reading->counted, reading->count, sizeof *reading->counted, compare_counted);
    return context == 0 ? (double)reading->profile->bytes : found ? found->count : -1;
}

static enum status settle(struct reading *reading)
{
    struct traffic_profile *profile = reading->profile;
    profile->capacity = 64;
    while (profile->capacity < reading->count * 2) {
        profile->capacity *= 2;
    }
    profile->count = reading->count;
    profile->runs = calloc(profile->capacity, sizeof *profile->runs);
    if (!profile->runs) {
        return STATUS_NO_MEMORY;
    }
    qsort(reading->counted, reading->count, sizeof *reading->counted, compare_counted);
    const struct counted *end = reading->counted + reading->count;
    for (const struct counted *first = reading->counted, *next; first < end; first = next) {
        double context_count = count_of_context(reading, first->key >> 8);
        for (next = first + 1; next < end && next->key >> 8 == first->key >> 8;) {
            next++;
        }
        if (context_count < 0) {
            error_set(reading->error, "a run is given whose beginning is not");
            return STATUS_INVALID;
        }
        if (settle_context(profile, first, next, context_count) != STATUS_OK) {
            error_set(reading->error, "a run is given twice");
            return STATUS_INVALID;
        }
    }
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        profile->byte_rates[i] = rate_on(profile, span_of(&byte, 1), 0, 1);
    }
    return STATUS_OK;
}

enum status traffic_profile_parse(struct span text, struct error *error, struct traffic_profile **ret_profile)
{
    struct reading reading = {.error = error, .line = 1};
    struct traffic_profile *profile = calloc(1, sizeof *profile);
    if (!profile) {
        return STATUS_NO_MEMORY;
    }
    reading.profile = profile;
    enum status status = read_lines(&reading, text);
    if (status == STATUS_OK) {
        status = settle(&reading);
    }
    free(reading.counted);
    if (status != STATUS_OK) {
        traffic_profile_free(&profile);
        return status;
    }
    *ret_profile = profile;
    return STATUS_OK;
}

enum status traffic_profile_read(const char *path, struct error *error, struct traffic_profile **ret_profile)
{
    struct arena *arena = NULL;
    struct span text;
    struct error words = {0};
    enum status status = arena_new(1u << 16, (size_t)TRAFFIC_PROFILE_SIZE_MAX * 2, &arena);
    if (status != STATUS_OK) {
        return status;
    }
    status = file_read(path, TRAFFIC_PROFILE_SIZE_MAX, arena, error, &text);
    if (status == STATUS_OK) {
        status = traffic_profile_parse(text, &words, ret_profile);
        if (status != STATUS_OK) {
            error_set(error, "%s: %s", path, words.text[0] ? words.text : status_text(status));
        }
    }
    arena_free(&arena);
    return status;
}

void traffic_profile_use(struct traffic_profile *profile)
{
    traffic_profile_free(&used);
    used = profile;
}

static struct traffic_profile *default_profile;
static pthread_once_t default_once = PTHREAD_ONCE_INIT;

static void make_default(void)
{
    if (traffic_profile_parse(span_of(built_in, sizeof built_in - 1), NULL, &default_profile) != STATUS_OK) {
        abort(); /* it was read when it was made; some hundred kilobytes at load time */
    }
}

const struct traffic_profile *traffic_profile_default(void)
{
    (void)pthread_once(&default_once, make_default);
    return default_profile;
}
