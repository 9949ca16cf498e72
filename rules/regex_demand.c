#include "rules/regex_demand.h"

#include <math.h>

#include "rules/regex_literals.h"
#include "rules/regex_set.h"

#define MESSAGE_BYTES 80.0 /* of an ordinary message */
#define DEPTH_MAX 64
#define SYMBOLS 129u /* the characters of ASCII, and all others */

/* Sets of which each must occur, the rarest first. */
struct demands {
    uint32_t count;
    struct regex_bytes_seen sets[REGEX_DEMAND_SETS_MAX];
    double shares[REGEX_DEMAND_SETS_MAX];
};

struct regex_bytes_seen regex_demand_look(struct span text)
{
    struct regex_bytes_seen seen = {.size = text.size};
    uint8_t all = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        seen.ascii[byte >> 6 & 1] |= UINT64_C(1) << (byte & 63);
        all |= byte;
    }
    /* Bytes beyond ASCII have left marks among the ASCII ones: at worst a look too many. */
    seen.other = all >= 0x80;
    return seen;
}

/* How many of the bytes of ordinary messages are of the set. */
static double set_rate(const struct regex_bytes_seen *set, const struct traffic_profile *traffic)
{
    const double *rates = traffic_profile_byte_rates(traffic);
    double rate = set->other ? 0.02 : 0;
    for (uint32_t word = 0; word < 2; word++) {
        for (uint64_t rest = set->ascii[word]; rest; rest &= rest - 1) {
            uint32_t c = word * 64 + (uint32_t)__builtin_ctzll(rest);
            rate += c >= 'A' && c <= 'Z' ? 0 : rates[c]; /* capitals occur in no searched text */
        }
    }
    return rate < 1 ? rate : 1;
}

double regex_demand_set_share(const struct regex_bytes_seen *set, const struct traffic_profile *traffic)
{
    return 1 - pow(1 - set_rate(set, traffic), MESSAGE_BYTES);
}

static bool is_same(const struct regex_bytes_seen *a, const struct regex_bytes_seen *b)
{
    return a->ascii[0] == b->ascii[0] && a->ascii[1] == b->ascii[1] && a->other == b->other;
}

static void add_set(struct demands *to, struct regex_bytes_seen set, double share)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < to->count; i++) {
        if (is_same(&to->sets[i], &set)) {
            return;
        }
    }
    while (at < to->count && to->shares[at] <= share) {
        at++;
    }
    if (at == REGEX_DEMAND_SETS_MAX) {
        return;
    }
    to->count += to->count < REGEX_DEMAND_SETS_MAX;
    for (uint32_t i = to->count - 1; i > at; i--) {
        to->sets[i] = to->sets[i - 1];
        to->shares[i] = to->shares[i - 1];
    }
    to->sets[at] = set;
    to->shares[at] = share;
}

static struct demands find(const struct regex_node *node, const struct traffic_profile *traffic, int depth);

/* Of a choice: one set that has the rarest demand of each branch. */
static struct demands find_choice(const struct regex_node *node, const struct traffic_profile *traffic, int depth)
{
    struct demands found = {0};
    struct regex_bytes_seen all = {0};
    for (const struct regex_node *child = node->first; child; child = child->next) {
        struct demands branch = find(child, traffic, depth);
        if (branch.count == 0) {
            return found;
        }
        all.ascii[0] |= branch.sets[0].ascii[0];
        all.ascii[1] |= branch.sets[0].ascii[1];
        all.other |= branch.sets[0].other;
    }
    if (node->first) {
        add_set(&found, all, regex_demand_set_share(&all, traffic));
    }
    return found;
}

static struct demands find(const struct regex_node *node, const struct traffic_profile *traffic, int depth)
{
    struct demands found = {0};
    if (depth > DEPTH_MAX) {
        return found;
    }
    switch (node->type) {
    case NODE_CHARACTERS: {
        struct regex_bytes_seen set = {.ascii = {node->set.ascii[0], node->set.ascii[1]},
                                       .other = node->set.other_any || node->set.other_count > 0};
        add_set(&found, set, regex_demand_set_share(&set, traffic));
        return found;
    }
    case NODE_SEQUENCE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            struct demands part = find(child, traffic, depth + 1);
            for (uint32_t i = 0; i < part.count; i++) {
                add_set(&found, part.sets[i], part.shares[i]);
            }
        }
        return found;
    case NODE_CHOICE:
        return find_choice(node, traffic, depth + 1);
    case NODE_REPEAT:
        return node->min > 0 ? find(node->first, traffic, depth + 1) : found;
    default:
        return found;
    }
}

struct regex_demand regex_demand_find(const struct regex_node *root, const struct traffic_profile *traffic)
{
    struct regex_demand demand = {.size_min = regex_literals_extent(root).min};
    struct demands found = find(root, traffic, 0);
    for (uint32_t i = 0; i < found.count && found.shares[i] < 0.95; i++) {
        demand.sets[demand.set_count++] = found.sets[i];
    }
    return demand;
}

double regex_demand_share(const struct regex_demand *demand, const struct traffic_profile *traffic)
{
    double share = 1;
    for (uint32_t i = 0; i < demand->set_count; i++) {
        double one = regex_demand_set_share(&demand->sets[i], traffic);
        share = one < share ? one : share; /* they may go together: the rarest counts */
    }
    return share * exp(-(double)demand->size_min / MESSAGE_BYTES);
}

/* Adds the bytes with which the node may begin. True if what follows it counts too: it may be empty. */
static bool add_first(const struct regex_node *node, struct regex_bytes_seen *set, bool *anchored, int depth)
{
    bool passable = false;
    if (depth > DEPTH_MAX) {
        *set = (struct regex_bytes_seen){.ascii = {UINT64_MAX, UINT64_MAX}, .other = true};
        return false;
    }
    switch (node->type) {
    case NODE_CHARACTERS:
        set->ascii[0] |= node->set.ascii[0];
        set->ascii[1] |= node->set.ascii[1];
        set->other |= node->set.other_any || node->set.other_count > 0;
        return false;
    case NODE_SEQUENCE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            if (child->type == NODE_START) {
                *anchored = true;
                return false;
            }
            if (!add_first(child, set, anchored, depth + 1)) {
                return false;
            }
        }
        return true;
    case NODE_CHOICE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            passable |= add_first(child, set, anchored, depth + 1);
        }
        return passable;
    case NODE_REPEAT:
        return add_first(node->first, set, anchored, depth + 1) || node->min == 0;
    case NODE_ANY:
        *set = (struct regex_bytes_seen){.ascii = {UINT64_MAX, UINT64_MAX}, .other = true};
        return false;
    default:
        return true;
    }
}

double regex_demand_starts(const struct regex_node *root, const struct traffic_profile *traffic)
{
    struct regex_bytes_seen set = {0};
    bool anchored = false;
    return add_first(root, &set, &anchored, 0) ? 1 : set_rate(&set, traffic);
}

enum status regex_demand_index_make(const struct regex_demand *demands, uint32_t count, struct arena *arena,
                                    struct regex_demand_index *ret_index)
{
    uint32_t words = (count + 63) / 64, row = REGEX_DEMAND_SETS_MAX * words;
    uint32_t *sizes = arena_array(arena, (size_t)count + 1, sizeof *sizes);
    uint64_t *no_set = arena_array(arena, (size_t)row + 1, sizeof *no_set);
    uint64_t *with = arena_array(arena, (size_t)SYMBOLS * row + 1, sizeof *with);
    if (!sizes || !no_set || !with) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (i & 63);
        sizes[i] = demands[i].size_min;
        for (uint32_t set = 0; set < REGEX_DEMAND_SETS_MAX; set++) {
            uint32_t at = set * words + i / 64;
            no_set[at] |= set >= demands[i].set_count ? bit : 0;
            for (uint32_t symbol = 0; set < demands[i].set_count && symbol < SYMBOLS; symbol++) {
                const struct regex_bytes_seen *bytes = &demands[i].sets[set];
                bool in = symbol < 128 ? regex_set_has_ascii(bytes->ascii, symbol) : bytes->other;
                with[(size_t)symbol * row + at] |= in ? bit : 0;
            }
        }
    }
    *ret_index = (struct regex_demand_index){
        .count = count, .words = words, .sizes = sizes, .no_set = no_set, .with_symbol = with};
    return STATUS_OK;
}

void regex_demand_index_meet(const struct regex_demand_index *index, struct span text, uint64_t *ret_met)
{
    struct regex_bytes_seen seen = regex_demand_look(text);
    uint32_t words = index->words, row = REGEX_DEMAND_SETS_MAX * words, count = 0;
    uint8_t symbols[SYMBOLS];
    for (uint32_t half = 0; half < 2; half++) {
        for (uint64_t left = seen.ascii[half]; left; left &= left - 1) {
            symbols[count++] = (uint8_t)(half * 64 + (uint32_t)__builtin_ctzll(left));
        }
    }
    if (seen.other) {
        symbols[count++] = SYMBOLS - 1;
    }
    for (uint32_t word = 0; word < words; word++) {
        uint64_t sets[REGEX_DEMAND_SETS_MAX];
        for (uint32_t set = 0; set < REGEX_DEMAND_SETS_MAX; set++) {
            sets[set] = index->no_set[set * words + word];
        }
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t *with = index->with_symbol + (size_t)symbols[i] * row + word;
            for (uint32_t set = 0; set < REGEX_DEMAND_SETS_MAX; set++) {
                sets[set] |= with[(size_t)set * words];
            }
        }
        uint64_t met = UINT64_MAX;
        for (uint32_t set = 0; set < REGEX_DEMAND_SETS_MAX; set++) {
            met &= sets[set];
        }
        uint64_t ones = met;
        for (; ones; ones &= ones - 1) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(ones);
            met &= index->sizes[i] > text.size ? ~(ones & -ones) : UINT64_MAX;
        }
        ret_met[word] = met;
    }
}
