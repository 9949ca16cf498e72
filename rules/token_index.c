#include "rules/token_index.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rules/token_cut.h"
#include "text/word.h"

#define FILTER_BITS_A_KEY 16 /* one token in a hundred that is not in the index is looked for in the table */
#define FILTER_BITS_MIN 4096u
#define FILTER_SHIFT 12 /* the bits of the hash that say which bits of a word are behind which word it is */
#define SLOTS_A_KEY 2
#define NEAR_MAX 16u
#define BLOCKS 8u /* that are cut into tokens before these are looked up */
#define TOKENS_MAX (BLOCKS * TOKEN_CUT_BLOCK / 2 + 2)
#define UNINITIALISED __attribute__((uninitialized)) /* else the compiler may be told to clear it */

/* A literal, filed under its key that begins `before` bytes into it. */
struct filed {
    union {
        uint8_t near[NEAR_MAX]; /* if it is no longer: there is no need to go where it lies */
        const uint8_t *far;
    } literal;
    uint32_t size, before, id;
    uint8_t edges;
};

/* A key with the literals that are filed under it. Empty: count 0. */
struct slot {
    uint32_t tag; /* of its hash: of a search for other keys, it spares a look at the literals */
    uint32_t first, count;
};

struct table {
    uint64_t *filter; /* two bits of one word by hash; NULL: no literal is of this kind */
    uint64_t filter_mask;
    struct slot *slots;
    uint64_t slot_mask;
    uint64_t *beginnings; /* of grams: a bit for each that two bytes can be */
    unsigned sizes;       /* of grams: a bit for each size that there is */
};

struct token_index {
    struct table tables[TOKEN_KINDS];
    struct filed *filed;
    size_t bytes;
};

/* The first and the last eight bytes of a key, or all of a shorter one twice, mixed. */
static inline uint64_t mix(uint64_t first, uint64_t last, size_t size)
{
    uint64_t mixed = (first ^ (last << 23 | last >> 41) ^ size) * UINT64_C(0x9E3779B97F4A7C15);
    return mixed ^ mixed >> 32;
}

static inline uint64_t load(const uint8_t *from)
{
    uint64_t eight;
    memcpy(&eight, from, 8);
    return le64toh(eight);
}

/*
 * Of a key that ends at `end` of the text. It is read from its end, where others may stand before it, and they are shifted out: no
 * branch depends on its size, which the processor could not foresee.
 */
static inline __attribute__((always_inline)) uint64_t hash_key(const uint8_t *text, size_t end, size_t size)
{
    size_t read = size < 8 ? 8 : size, strange = 8 * (read - size);
    if (__builtin_expect(end < 8, 0)) {
        uint64_t key = 0;
        for (size_t i = 0; i < size; i++) {
            key |= (uint64_t)text[end - size + i] << 8 * i;
        }
        return mix(key, key, size);
    }
    return mix(load(text + end - read) >> strange, load(text + end - 8) >> strange, size);
}

/* Two bits of a word of the filter stand for a key. */
static inline uint64_t filter_bits(uint64_t hash)
{
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63);
}

static inline unsigned has_filter_bits(uint64_t word, uint64_t hash)
{
    return (unsigned)(word >> (hash & 63)) & (unsigned)(word >> (hash >> 6 & 63)) & 1;
}

static inline uint64_t filter_at(const struct table *table, uint64_t hash)
{
    return hash >> FILTER_SHIFT & table->filter_mask;
}

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)hash;
}

static inline uint64_t slot_at(const struct table *table, uint64_t hash)
{
    return hash >> 32 & table->slot_mask;
}

static inline unsigned two_bytes(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

/* How many of the first bytes of a piece are its gram; 0: it has too few. */
static uint32_t gram_size(size_t size)
{
    return size >= 6 ? 6 : size >= 4 ? 4 : size >= 2 ? (uint32_t)size : 0;
}

/* ---------------------------------------------------------------- keys of a literal */

struct key {
    uint32_t start, size;
};

static bool is_beyond(uint8_t byte)
{
    return byte >= 0xC0; /* the first byte of a character */
}

/* The next token of a literal at or after `*at`; false at its end. */
static bool next_token(struct span literal, uint32_t *at, struct key *ret_token)
{
    while (*at < literal.size && !word_is_letter_or_digit(literal.data[*at])) {
        ++*at;
    }
    uint32_t start = *at;
    while (*at < literal.size && word_is_letter_or_digit(literal.data[*at])) {
        ++*at;
    }
    *ret_token = (struct key){.start = start, .size = *at - start};
    return *at > start;
}

/* Where the token that `at` is in ends. */
static inline size_t token_end(struct span text, size_t at)
{
    while (at < text.size && word_is_letter_or_digit(text.data[at])) {
        at++;
    }
    return at;
}

/* Is the token a key of a literal of this kind? A beginning becomes a gram, one with a dot behind it two tokens. */
static bool is_token_key(const struct token_literal *literal, struct key *token)
{
    struct span text = literal->text;
    size_t end = token->start + (size_t)token->size;
    bool begins = token->start > 0 || (literal->edges & EDGE_BEFORE_LITERAL);
    bool ends = end < text.size || (literal->edges & EDGE_AFTER_LITERAL);
    switch (literal->kind) {
    case TOKEN_ANY:
        return begins && ends;
    case TOKEN_DOTTED:
        if (!begins || end >= text.size || text.data[end] != '.') {
            return false;
        }
        token->size = (uint32_t)(token_end(text, end + 1) - token->start);
        return token->start + (size_t)token->size > end + 1 &&
               (token->start + (size_t)token->size < text.size || (literal->edges & EDGE_AFTER_LITERAL));
    case TOKEN_BEGINNING:
        token->size = gram_size(token->size);
        return begins && !ends && token->size > 0;
    default:
        return false;
    }
}

/* The next key at or after `*at`; false if there is none. */
static bool next_key(const struct token_literal *literal, uint32_t *at, struct key *ret_key)
{
    struct span text = literal->text;
    if (literal->kind != TOKEN_BEYOND) {
        while (next_token(text, at, ret_key)) {
            if (is_token_key(literal, ret_key)) {
                return true;
            }
        }
        return false;
    }
    for (; *at + 1 < text.size; ++*at) {
        if (is_beyond(text.data[*at])) {
            *ret_key = (struct key){.start = *at, .size = gram_size(text.size - *at)};
            ++*at;
            return true;
        }
    }
    return false;
}

bool token_index_takes(const struct token_literal *literal)
{
    struct key key;
    for (uint32_t at = 0; next_token(literal->text, &at, &key);) {
        if (key.size > TOKEN_SIZE_MAX) {
            return false;
        }
    }
    uint32_t at = 0;
    return next_key(literal, &at, &key);
}

/* ---------------------------------------------------------------- making an index */

/* How often each key stands in the literals, by a hash: two keys that share a counter only look more common. */
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

static uint64_t hash_of(const struct token_literal *literal, struct key key)
{
    return hash_key(literal->text.data, key.start + (size_t)key.size, key.size);
}

static void take_census(struct census *census, const struct token_literal *literals, uint32_t count)
{
    struct key key;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t at = 0; next_key(&literals[i], &at, &key);) {
            census->counts[hash_of(&literals[i], key) & census->mask]++;
        }
    }
}

struct placing {
    uint64_t hash;
    uint32_t id;
    struct key key;
};

static double cost_of(const struct census *census, const struct placing *placing, const struct token_literal *literal,
                      const struct traffic_profile *traffic)
{
    struct span key = span_of(literal->text.data + placing->key.start, placing->key.size);
    return census->counts[placing->hash & census->mask] * traffic_profile_rate(traffic, key);
}

/*
 * Where to file a literal: under the key that costs least, which is how often it occurs in traffic times how many literals
 * would be compared each time.
 */
static struct placing place(const struct census *census, const struct token_literal *literal, uint32_t id,
                            const struct traffic_profile *traffic)
{
    struct placing best = {.id = id}, next = {.id = id};
    double least = 0; /* of the best one; 0: not known yet */
    for (uint32_t at = 0; next_key(literal, &at, &next.key);) {
        next.hash = hash_of(literal, next.key);
        if (best.key.size > 0) { /* most have but one, and then what it costs does not matter */
            double cost = cost_of(census, &next, literal, traffic);
            least = least > 0 ? least : cost_of(census, &best, literal, traffic);
            if (cost >= least) {
                continue;
            }
            least = cost;
        }
        best = next;
    }
    return best;
}

static int compare_placings(const void *a, const void *b)
{
    const struct placing *x = a, *y = b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

static struct filed file(const struct token_literal *literal, const struct placing *placing)
{
    struct filed filed = {
        .size = (uint32_t)literal->text.size, .before = placing->key.start, .id = placing->id, .edges = literal->edges};
    if (filed.size <= NEAR_MAX) {
        memcpy(filed.literal.near, literal->text.data, filed.size);
    } else {
        filed.literal.far = literal->text.data;
    }
    return filed;
}

/* Enters the literals of one kind: `filed` of them are there already. */
static void fill(struct token_index *index, struct table *table, const struct token_literal *literals,
                 const struct placing *placings, uint32_t count, uint32_t filed)
{
    for (uint32_t i = 0, end; i < count; i = end) {
        uint64_t hash = placings[i].hash, at = slot_at(table, hash);
        for (end = i; end < count && placings[end].hash == hash; end++) {
            const struct placing *placing = &placings[end];
            const uint8_t *key = literals[placing->id].text.data + placing->key.start;
            index->filed[filed + end] = file(&literals[placing->id], placing);
            if (table->beginnings) {
                table->beginnings[two_bytes(key) / 64] |= UINT64_C(1) << two_bytes(key) % 64;
                table->sizes |= 1u << placing->key.size;
            }
        }
        while (table->slots[at].count > 0) {
            at = (at + 1) & table->slot_mask;
        }
        table->slots[at] = (struct slot){.tag = tag_of(hash), .first = filed + i, .count = end - i};
        table->filter[filter_at(table, hash)] |= filter_bits(hash);
    }
}

static enum status make_table(struct token_index *index, enum token_kind kind, uint32_t count, struct arena *arena)
{
    struct table *table = &index->tables[kind];
    uint64_t slots = power_of_two((uint64_t)count * SLOTS_A_KEY + 1);
    uint64_t bits = power_of_two((uint64_t)count * FILTER_BITS_A_KEY);
    bits = bits < FILTER_BITS_MIN ? FILTER_BITS_MIN : bits;
    bool grams = kind == TOKEN_BEGINNING || kind == TOKEN_BEYOND;
    table->filter = arena_array(arena, bits / 64, sizeof *table->filter);
    table->filter_mask = bits / 64 - 1;
    table->slots = arena_array(arena, slots, sizeof *table->slots);
    table->slot_mask = slots - 1;
    table->beginnings = grams ? arena_array(arena, 65536 / 64, sizeof *table->beginnings) : NULL;
    index->bytes += bits / 8 + slots * sizeof *table->slots + (grams ? 65536 / 8 : 0);
    return table->filter && table->slots && (table->beginnings || !grams) ? STATUS_OK : STATUS_NO_MEMORY;
}

/* All literals, kind by kind; the placings have room for as many. */
static enum status fill_tables(struct token_index *index, const struct token_literal *literals, uint32_t count,
                               const struct traffic_profile *traffic, const struct census *census,
                               struct placing *placings, struct arena *arena)
{
    uint32_t filed = 0;
    for (int kind = 0; kind < TOKEN_KINDS; kind++) {
        uint32_t found = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (literals[i].kind == (enum token_kind)kind) {
                placings[found++] = place(census, &literals[i], i, traffic);
            }
        }
        if (found == 0) {
            continue;
        }
        if (make_table(index, (enum token_kind)kind, found, arena) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
        qsort(placings, found, sizeof *placings, compare_placings);
        fill(index, &index->tables[kind], literals, placings, found, filed);
        filed += found;
    }
    return STATUS_OK;
}

enum status token_index_make(const struct token_literal *literals, uint32_t count,
                             const struct traffic_profile *traffic, struct arena *arena, struct token_index **ret_index)
{
    uint64_t counters = power_of_two((uint64_t)count * SLOTS_A_KEY + 1);
    struct token_index *index = arena_array(arena, 1, sizeof *index);
    struct placing *placings = calloc((size_t)count + 1, sizeof *placings);
    struct census census = {.counts = calloc(counters, sizeof *census.counts), .mask = counters - 1};
    enum status status = STATUS_NO_MEMORY;
    if (index && placings && census.counts) {
        index->filed = arena_array(arena, (size_t)count + 1, sizeof *index->filed);
        index->bytes = count * sizeof *index->filed;
        if (index->filed) {
            take_census(&census, literals, count);
            status = fill_tables(index, literals, count, traffic, &census, placings, arena);
        }
    }
    if (status == STATUS_OK) {
        *ret_index = index;
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
    uint64_t inside; /* 1: a token began at `start` in a block before, and has not ended */
    size_t start;
    uint32_t count; /* of tokens that may be in the table */
    size_t starts[TOKENS_MAX];
    uint64_t hashes[TOKENS_MAX];
};

/* Does a literal stand whole around its key, which begins at `start`, with its edges? */
static bool stands(const struct filed *filed, struct span text, size_t start)
{
    if (start < filed->before) {
        return false;
    }
    size_t first = start - filed->before, end = first + filed->size;
    const uint8_t *literal = filed->size <= NEAR_MAX ? filed->literal.near : filed->literal.far;
    return end <= text.size && memcmp(text.data + first, literal, filed->size) == 0 &&
           !((filed->edges & EDGE_BEFORE_LITERAL) && first > 0 && word_is_letter_or_digit(text.data[first - 1])) &&
           !((filed->edges & EDGE_AFTER_LITERAL) && end < text.size && word_is_letter_or_digit(text.data[end]));
}

static bool look_up(const struct search *search, const struct table *table, size_t start, uint64_t hash)
{
    for (uint64_t at = slot_at(table, hash); table->slots[at].count > 0; at = (at + 1) & table->slot_mask) {
        const struct slot *slot = &table->slots[at];
        if (slot->tag != tag_of(hash)) {
            continue;
        }
        for (uint32_t i = slot->first; i < slot->first + slot->count; i++) {
            const struct filed *filed = &search->index->filed[i];
            if (stands(filed, search->text, start)) {
                size_t first = start - filed->before;
                if (!search->found(search->context, filed->id, first, first + filed->size)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static inline bool passes(const struct table *table, uint64_t hash)
{
    return has_filter_bits(table->filter[filter_at(table, hash)], hash);
}

static inline bool may_begin(const struct table *table, const uint8_t *at)
{
    return table->beginnings[two_bytes(at) / 64] >> two_bytes(at) % 64 & 1;
}

/* Looks up the grams that begin at `start` and end at `end` or before. */
static bool look_up_grams(const struct search *search, const struct table *table, size_t start, size_t end)
{
    const uint8_t *at = search->text.data + start;
    if (end - start < 2 || !may_begin(table, at)) {
        return true;
    }
    for (unsigned sizes = table->sizes; sizes; sizes &= sizes - 1) {
        size_t size = (unsigned)__builtin_ctz(sizes);
        if (size > end - start) {
            break;
        }
        uint64_t hash = hash_key(search->text.data, start + size, size);
        if (passes(table, hash) && !look_up(search, table, start, hash)) {
            return false;
        }
    }
    return true;
}

/* The token before the dot, where there is one, and that behind it. */
static bool look_up_dotted(const struct search *search, size_t dot)
{
    const struct table *table = &search->index->tables[TOKEN_DOTTED];
    struct span text = search->text;
    size_t start = dot;
    while (start > 0 && dot - start <= TOKEN_SIZE_MAX && word_is_letter_or_digit(text.data[start - 1])) {
        start--;
    }
    size_t end = token_end(text, dot + 1);
    if (end == dot + 1) {
        return true;
    }
    uint64_t hash = hash_key(text.data, end, end - start);
    return !passes(table, hash) || look_up(search, table, start, hash);
}

static bool look_up_dots(const struct search *search, const struct token_cut *cut, uint64_t inside, size_t at)
{
    /* What follows the last byte of a block is not known. */
    uint64_t dots = cut->dots & (cut->tokens << 1 | inside) & (cut->tokens >> 1 | UINT64_C(1) << 63);
    for (; dots; dots &= dots - 1) {
        if (!look_up_dotted(search, at + (unsigned)__builtin_ctzll(dots))) {
            return false;
        }
    }
    return true;
}

static bool look_up_beyond(const struct search *search, const struct token_cut *cut, size_t at)
{
    const struct table *table = &search->index->tables[TOKEN_BEYOND];
    for (uint64_t beyond = cut->beyond; beyond; beyond &= beyond - 1) {
        size_t start = at + (unsigned)__builtin_ctzll(beyond);
        if (!look_up_grams(search, table, start, search->text.size)) {
            return false;
        }
    }
    return true;
}

/* The first letters of the tokens that begin in a block: two tell nearly always that there is nothing to find. */
static bool look_up_beginnings(const struct search *search, const struct token_cut *cut, uint64_t inside, size_t at)
{
    const struct table *table = &search->index->tables[TOKEN_BEGINNING];
    for (uint64_t starts = cut->tokens & ~(cut->tokens << 1 | inside); starts; starts &= starts - 1) {
        size_t start = at + (unsigned)__builtin_ctzll(starts);
        if (start + 2 <= search->text.size && may_begin(table, search->text.data + start) &&
            !look_up_grams(search, table, start, token_end(search->text, start))) {
            return false;
        }
    }
    return true;
}

/* The keys of a block but for whole tokens. */
static bool look_up_others(const struct search *search, const struct token_cut *cut, uint64_t inside, size_t at)
{
    const struct table *tables = search->index->tables;
    return (!tables[TOKEN_DOTTED].filter || !cut->dots || look_up_dots(search, cut, inside, at)) &&
           (!tables[TOKEN_BEYOND].filter || !cut->beyond || look_up_beyond(search, cut, at)) &&
           (!tables[TOKEN_BEGINNING].filter || look_up_beginnings(search, cut, inside, at));
}

/* What is looked at for each token, in registers. */
struct probing {
    const uint8_t *text;
    const uint64_t *filter;
    uint64_t filter_mask;
    size_t *starts;
    uint64_t *hashes;
    size_t count;
};

static inline __attribute__((always_inline)) void probe(struct probing *probing, size_t start, size_t end)
{
    uint64_t hash = hash_key(probing->text, end, end - start);
    probing->starts[probing->count] = start;
    probing->hashes[probing->count] = hash;
    probing->count += has_filter_bits(probing->filter[hash >> FILTER_SHIFT & probing->filter_mask], hash);
}

static inline struct probing start_probing(struct search *search)
{
    const struct table *table = &search->index->tables[TOKEN_ANY];
    return (struct probing){.text = search->text.data,
                            .filter = table->filter,
                            .filter_mask = table->filter_mask,
                            .starts = search->starts,
                            .hashes = search->hashes,
                            .count = search->count};
}

/*
 * Hashes the tokens of some blocks, and keeps those that may be in the table. There is no branch for each that cannot be
 * foreseen: the look at the filter may take long, and so many are under way at the same time.
 */
static inline __attribute__((always_inline)) void probe_blocks(struct search *search, const struct token_cut *cuts,
                                                               unsigned blocks, size_t at)
{
    struct probing probing = start_probing(search);
    uint64_t inside = search->inside;
    size_t start = search->start;
    for (unsigned block = 0; block < blocks; block++, at += TOKEN_CUT_BLOCK) {
        uint64_t tokens = cuts[block].tokens, before = tokens << 1 | inside;
        uint64_t starts = tokens & ~before, ends = ~tokens & before;
        if (inside) {
            if (!ends) {
                continue; /* it fills the block */
            }
            probe(&probing, start, at + (unsigned)__builtin_ctzll(ends));
            ends &= ends - 1;
        }
        for (; ends; ends &= ends - 1, starts &= starts - 1) {
            probe(&probing, at + (unsigned)__builtin_ctzll(starts), at + (unsigned)__builtin_ctzll(ends));
        }
        inside = starts != 0;
        start = starts ? at + (unsigned)__builtin_ctzll(starts) : 0;
    }
    search->inside = inside;
    search->start = start;
    search->count = (uint32_t)probing.count;
}

typedef void prober(struct search *search, const struct token_cut *cuts, unsigned blocks, size_t at);

static void probe_any(struct search *search, const struct token_cut *cuts, unsigned blocks, size_t at)
{
    probe_blocks(search, cuts, blocks, at);
}

#ifdef __x86_64__
/* Bits and shifts take more registers and instructions without these. */
__attribute__((target("bmi,bmi2"))) static void probe_bmi(struct search *search, const struct token_cut *cuts,
                                                          unsigned blocks, size_t at)
{
    probe_blocks(search, cuts, blocks, at);
}
#endif

static prober *choose_prober(enum token_way way)
{
#ifdef __x86_64__
    if (way == TOKEN_QUICKEST && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
        return probe_bmi;
    }
#endif
    (void)way;
    return probe_any;
}

static bool look_up_maybe(struct search *search)
{
    for (uint32_t i = 0; i < search->count; i++) {
        if (!look_up(search, &search->index->tables[TOKEN_ANY], search->starts[i], search->hashes[i])) {
            return false;
        }
    }
    search->count = 0;
    return true;
}

bool token_index_search_by(enum token_way way, const struct token_index *index, struct span text,
                           token_index_found *found, void *context)
{
    UNINITIALISED struct search search; /* to clear it would take longer than the search of a short text */
    UNINITIALISED struct token_cut cuts[BLOCKS];
    token_cutter *cutter = token_cut_choose(way);
    prober *probe_tokens = choose_prober(way);
    bool tokens = index->tables[TOKEN_ANY].filter != NULL;
    uint64_t inside = 0; /* 1: the byte before is a letter or digit */
    search.index = index;
    search.text = text;
    search.found = found;
    search.context = context;
    search.inside = 0;
    search.start = 0;
    search.count = 0;
    for (size_t at = 0; at < text.size; at += (size_t)BLOCKS * TOKEN_CUT_BLOCK) {
        unsigned blocks = token_cut(cutter, text, at, BLOCKS, cuts);
        for (unsigned block = 0; block < blocks; block++) {
            if (!look_up_others(&search, &cuts[block], inside, at + (size_t)block * TOKEN_CUT_BLOCK)) {
                return false;
            }
            inside = cuts[block].tokens >> 63;
        }
        if (tokens) {
            probe_tokens(&search, cuts, blocks, at);
            if (!look_up_maybe(&search)) {
                return false;
            }
        }
    }
    if (tokens && search.inside) { /* the last token ends with the text, which ends with a block */
        struct probing probing = start_probing(&search);
        probe(&probing, search.start, text.size);
        search.count = (uint32_t)probing.count;
    }
    return look_up_maybe(&search);
}

bool token_index_search(const struct token_index *index, struct span text, token_index_found *found, void *context)
{
    return token_index_search_by(TOKEN_QUICKEST, index, text, found, context);
}
