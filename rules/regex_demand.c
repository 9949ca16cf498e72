#include "rules/regex_demand.h"

#include <math.h>

#include "rules/regex_literals.h"
#include "rules/regex_set.h"

#define MESSAGE_BYTES 80.0 /* of an ordinary message */
#define DEPTH_MAX 64

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
    double rate = set->other ? 0.02 : 0;
    for (uint32_t c = 0; c < 128; c++) {
        uint8_t byte = (uint8_t)c;
        if (regex_set_has_ascii(set->ascii, c) && !(c >= 'A' && c <= 'Z')) { /* capitals occur in no searched text */
            rate += traffic_profile_rate(traffic, span_of(&byte, 1));
        }
    }
    return rate < 1 ? rate : 1;
}

/* How many of ordinary messages have one of the bytes. */
static double set_share(const struct regex_bytes_seen *set, const struct traffic_profile *traffic)
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
        add_set(&found, all, set_share(&all, traffic));
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
        add_set(&found, set, set_share(&set, traffic));
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
        double one = set_share(&demand->sets[i], traffic);
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
