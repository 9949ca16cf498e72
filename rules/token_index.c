#include "rules/token_index.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "text/word.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64u              /* bytes that are cut into tokens at once */
#define FILTER_BITS_A_TOKEN 16 /* one token in so many that is not in the index is looked for in the table */
#define FILTER_BITS_MIN 4096u
#define SLOTS_A_TOKEN 2

/* A literal, filed under its token that begins `before` bytes into it. */
struct filed {
    const uint8_t *literal;
    uint32_t size, before, id;
};

/* A token with the literals that are filed under it. Empty: count 0. */
struct slot {
    uint32_t tag; /* the upper half of its hash: of a search for other tokens, it spares a look at the literals */
    uint32_t first, count;
};

struct token_index {
    enum token_kind kind;
    uint64_t *filter; /* a bit by hash */
    uint64_t filter_mask;
    struct slot *slots;
    uint64_t slot_mask;
    struct filed *filed;
    size_t bytes;
};

/*
 * The first and the last eight bytes of a token, multiplied: no branch depends on its length, which the processor could not
 * foresee. `from` has at least eight bytes to read, whatever the token's size.
 */
static inline uint64_t hash_readable(const uint8_t *from, size_t size)
{
    uint64_t first, last, mask = size >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
    memcpy(&first, from, 8);
    memcpy(&last, from + (size > 8 ? size - 8 : 0), 8);
    first = (le64toh(first) & mask) ^ UINT64_C(0x9E3779B97F4A7C15);
    last = (le64toh(last) & mask) ^ UINT64_C(0xD1B54A32D192ED03) ^ size;
    unsigned __int128 product = (unsigned __int128)first * last;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_token(const uint8_t *token, size_t size, size_t readable)
{
    uint8_t copy[8] = {0};
    if (readable < 8) {
        memcpy(copy, token, size);
        token = copy;
    }
    return hash_readable(token, size);
}

/* The next token of a literal at or after `*at`; false at its end. */
static bool next_token(struct span literal, uint32_t *at, uint32_t *ret_start)
{
    while (*at < literal.size && !word_is_letter_or_digit(literal.data[*at])) {
        ++*at;
    }
    *ret_start = *at;
    while (*at < literal.size && word_is_letter_or_digit(literal.data[*at])) {
        ++*at;
    }
    return *at > *ret_start;
}

/* Is the token that ends at `end` of this kind? */
static bool is_of_kind(struct span text, size_t end, enum token_kind kind)
{
    return kind == TOKEN_ANY ||
           (end + 1 < text.size && text.data[end] == '.' && word_is_letter_or_digit(text.data[end + 1]));
}

bool token_index_takes(struct span literal, enum token_kind kind)
{
    bool any = false;
    for (uint32_t at = 0, start; next_token(literal, &at, &start);) {
        if (at - start > TOKEN_SIZE_MAX) {
            return false;
        }
        any |= is_of_kind(literal, at, kind);
    }
    return any;
}

/* ---------------------------------------------------------------- making an index */

/* How often each token stands in the literals, by a hash: two tokens that share a counter only look more common. */
struct census {
    uint32_t *counts;
    uint64_t mask;
};

static uint64_t power_of_two(uint64_t least)
{
    uint64_t power = 1;
    while (power < least) {
        power *= 2;
    }
    return power;
}

static void take_census(struct census *census, const struct span *literals, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t at = 0, start; next_token(literals[i], &at, &start);) {
            census->counts[hash_token(literals[i].data + start, at - start, literals[i].size - start) & census->mask]++;
        }
    }
}

struct placing {
    uint64_t hash;
    struct filed filed;
};

static double cost_of(const struct census *census, uint64_t hash, struct span token,
                      const struct traffic_profile *traffic)
{
    return census->counts[hash & census->mask] * traffic_profile_rate(traffic, token);
}

/*
 * Where to file a literal: under the token that costs least, which is how often it occurs in traffic times how many literals
 * would be compared each time.
 */
static struct placing place(const struct census *census, struct span literal, uint32_t id, enum token_kind kind,
                            const struct traffic_profile *traffic)
{
    struct placing best = {.filed = {.literal = literal.data, .size = (uint32_t)literal.size, .id = id}};
    double least = 0; /* of the best one; 0: not known yet */
    uint32_t size = 0;
    for (uint32_t at = 0, start; next_token(literal, &at, &start);) {
        if (!is_of_kind(literal, at, kind)) {
            continue;
        }
        struct span token = span_of(literal.data + start, at - start);
        uint64_t hash = hash_token(token.data, token.size, literal.size - start);
        if (size > 0) { /* most have but one, and then what it costs does not matter */
            double cost = cost_of(census, hash, token, traffic);
            least = least > 0 ? least
                              : cost_of(census, best.hash, span_of(literal.data + best.filed.before, size), traffic);
            if (cost >= least) {
                continue;
            }
            least = cost;
        }
        size = (uint32_t)token.size;
        best.filed.before = start;
        best.hash = hash;
    }
    return best;
}

static int compare_placings(const void *a, const void *b)
{
    const struct placing *x = a, *y = b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return (x->filed.id > y->filed.id) - (x->filed.id < y->filed.id);
}

static void fill(struct token_index *index, const struct placing *placings, uint32_t count)
{
    for (uint32_t i = 0, end; i < count; i = end) {
        uint64_t hash = placings[i].hash, at = hash & index->slot_mask;
        for (end = i; end < count && placings[end].hash == hash; end++) {
            index->filed[end] = placings[end].filed;
        }
        while (index->slots[at].count > 0) {
            at = (at + 1) & index->slot_mask;
        }
        index->slots[at] = (struct slot){.tag = (uint32_t)(hash >> 32), .first = i, .count = end - i};
        uint64_t bit = hash >> 16 & index->filter_mask;
        index->filter[bit / 64] |= UINT64_C(1) << (bit & 63);
    }
}

enum status token_index_make(const struct span *literals, uint32_t count, enum token_kind kind,
                             const struct traffic_profile *traffic, struct arena *arena, struct token_index **ret_index)
{
    uint64_t slots = power_of_two((uint64_t)count * SLOTS_A_TOKEN + 1);
    uint64_t bits = power_of_two((uint64_t)count * FILTER_BITS_A_TOKEN);
    bits = bits < FILTER_BITS_MIN ? FILTER_BITS_MIN : bits;
    struct token_index *index = arena_array(arena, 1, sizeof *index);
    struct placing *placings = calloc((size_t)count + 1, sizeof *placings);
    struct census census = {.counts = calloc(slots, sizeof *census.counts), .mask = slots - 1};
    enum status status = STATUS_NO_MEMORY;
    if (index) {
        index->filter = arena_array(arena, bits / 64, sizeof *index->filter);
        index->kind = kind;
        index->filter_mask = bits - 1;
        index->slots = arena_array(arena, slots, sizeof *index->slots);
        index->slot_mask = slots - 1;
        index->filed = arena_array(arena, (size_t)count + 1, sizeof *index->filed);
        index->bytes = bits / 8 + slots * sizeof *index->slots + count * sizeof *index->filed;
    }
    if (index && placings && census.counts && index->filter && index->slots && index->filed) {
        take_census(&census, literals, count);
        for (uint32_t i = 0; i < count; i++) {
            placings[i] = place(&census, literals[i], i, kind, traffic);
        }
        qsort(placings, count, sizeof *placings, compare_placings);
        fill(index, placings, count);
        *ret_index = index;
        status = STATUS_OK;
    }
    free(placings);
    free(census.counts);
    return status;
}

size_t token_index_bytes(const struct token_index *index)
{
    return index->bytes;
}

/* ---------------------------------------------------------------- searching */

struct search {
    const struct token_index *index;
    struct span text;
    token_index_found *found;
    void *context;
};

/* Does a literal stand whole around its token, which begins at `start`, and without a letter or digit beside it? */
static bool stands(const struct filed *filed, struct span text, size_t start)
{
    if (start < filed->before) {
        return false;
    }
    size_t first = start - filed->before, end = first + filed->size;
    return end <= text.size && memcmp(text.data + first, filed->literal, filed->size) == 0 &&
           (first == 0 || !word_is_letter_or_digit(text.data[first]) ||
            !word_is_letter_or_digit(text.data[first - 1])) &&
           (end == text.size || !word_is_letter_or_digit(text.data[end - 1]) ||
            !word_is_letter_or_digit(text.data[end]));
}

static bool look_up(const struct search *search, size_t start, uint64_t hash)
{
    const struct token_index *index = search->index;
    for (uint64_t at = hash & index->slot_mask; index->slots[at].count > 0; at = (at + 1) & index->slot_mask) {
        const struct slot *slot = &index->slots[at];
        if (slot->tag != (uint32_t)(hash >> 32)) {
            continue;
        }
        for (uint32_t i = slot->first; i < slot->first + slot->count; i++) {
            const struct filed *filed = &index->filed[i];
            if (stands(filed, search->text, start) &&
                search->found(filed->id, 0, start - filed->before + filed->size, 0, search->context) != 0) {
                return false;
            }
        }
    }
    return true;
}

static inline bool on_token(const struct search *search, size_t start, size_t end)
{
    const struct token_index *index = search->index;
    if (end - start > TOKEN_SIZE_MAX) {
        return true;
    }
    uint64_t hash = hash_token(search->text.data + start, end - start, search->text.size - start);
    uint64_t bit = hash >> 16 & index->filter_mask;
    return !(index->filter[bit / 64] >> (bit & 63) & 1) || look_up(search, start, hash);
}

/* Which of a block's bytes are letters and digits, and which are dots: bit i for byte i. */
struct cut {
    uint64_t tokens, dots;
};

static inline struct cut cut_portable(const uint8_t *at, size_t size)
{
    struct cut cut = {0};
    for (size_t i = 0; i < size; i++) {
        cut.tokens |= (uint64_t)word_is_letter_or_digit(at[i]) << i;
        cut.dots |= (uint64_t)(at[i] == '.') << i;
    }
    return cut;
}

#ifdef __SSE2__
static inline struct cut cut_vector(const uint8_t *at)
{
    struct cut cut = {0};
    for (unsigned i = 0; i < BLOCK; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(at + i));
        __m128i small = _mm_or_si128(block, _mm_set1_epi8(0x20));
        /* Shifted so that the range lies at the lower end of what is signed. */
        __m128i letters =
            _mm_cmplt_epi8(_mm_add_epi8(small, _mm_set1_epi8((char)(0x80 - 'a'))), _mm_set1_epi8((char)(0x80 + 26)));
        __m128i digits =
            _mm_cmplt_epi8(_mm_add_epi8(block, _mm_set1_epi8((char)(0x80 - '0'))), _mm_set1_epi8((char)(0x80 + 10)));
        __m128i dots = _mm_cmpeq_epi8(block, _mm_set1_epi8('.'));
        cut.tokens |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(letters, digits)) << i;
        cut.dots |= (uint64_t)(uint32_t)_mm_movemask_epi8(dots) << i;
    }
    return cut;
}
#endif

static inline struct cut cut_block(struct span text, size_t at, bool vector)
{
    size_t left = text.size - at;
#ifdef __SSE2__
    if (vector && left >= BLOCK) {
        return cut_vector(text.data + at);
    }
#endif
    (void)vector;
    return cut_portable(text.data + at, left < BLOCK ? left : BLOCK);
}

/* Calls on_token for each token. */
static inline bool search_any(const struct search *search, bool vector)
{
    struct span text = search->text;
    uint64_t inside = 0; /* 1: within a token that began at `start` */
    size_t start = 0;
    for (size_t at = 0; at < text.size; at += BLOCK) {
        uint64_t tokens = cut_block(text, at, vector).tokens;
        uint64_t borders = tokens ^ (tokens << 1 | inside); /* where tokens begin and, one byte behind, end */
        for (; borders; borders &= borders - 1) {
            size_t border = at + (unsigned)__builtin_ctzll(borders);
            inside = !inside;
            if (inside) {
                start = border;
            } else if (!on_token(search, start, border)) {
                return false;
            }
        }
    }
    return !inside || on_token(search, start, text.size);
}

/* Calls on_token for the token before a dot, if there is one, and one behind the dot. */
static inline bool on_dot(const struct search *search, size_t dot)
{
    struct span text = search->text;
    size_t start = dot;
    while (start > 0 && dot - start <= TOKEN_SIZE_MAX && word_is_letter_or_digit(text.data[start - 1])) {
        start--;
    }
    return start == dot || !is_of_kind(text, dot, TOKEN_DOTTED) || on_token(search, start, dot);
}

static inline bool search_dotted(const struct search *search, bool vector)
{
    struct span text = search->text;
    for (size_t at = 0; at < text.size; at += BLOCK) {
        struct cut cut = cut_block(text, at, vector);
        /* Of the first and the last byte of a block the neighbours are not known. */
        uint64_t dots = cut.dots & (cut.tokens << 1 | 1) & (cut.tokens >> 1 | UINT64_C(1) << (BLOCK - 1));
        for (; dots; dots &= dots - 1) {
            if (!on_dot(search, at + (unsigned)__builtin_ctzll(dots))) {
                return false;
            }
        }
    }
    return true;
}

bool token_index_search(const struct token_index *index, struct span text, token_index_found *found, void *context)
{
    struct search search = {.index = index, .text = text, .found = found, .context = context};
    return index->kind == TOKEN_DOTTED ? search_dotted(&search, true) : search_any(&search, true);
}

bool token_index_search_portable(const struct token_index *index, struct span text, token_index_found *found,
                                 void *context)
{
    struct search search = {.index = index, .text = text, .found = found, .context = context};
    return index->kind == TOKEN_DOTTED ? search_dotted(&search, false) : search_any(&search, false);
}
