#include "rules/regex_literals.h"

#include <math.h>
#include <string.h>

#include "rules/regex_set.h"
#include "text/utf8.h"

#define SET_CHARACTERS_MAX 12u /* a larger class is not worth multiplying out */
#define REPEAT_MAX 8u          /* how often an exact part is written out */
#define LITERAL_SIZE_MIN 3u    /* shorter ones are found everywhere */

/* Strings of which one is required, or all that a node can match. count 0: nothing is known. */
struct strings {
    struct span *items;
    uint32_t count;
};

struct knowledge {
    struct strings exact; /* exactly what the node can match */
    struct strings best;  /* the rarest required set found inside */
    double best_rate;
};

struct finder {
    struct arena *arena;
    enum view view;
    enum status status;
};

/*
 * How common a character is in chat, per thousand. Rough on purpose: it only has to tell rare strings from common ones.
 * Letters after Lewand, "Cryptological Mathematics" (2000), thinned by spaces.
 */
static const uint8_t letter_rates[26] = {65, 13, 22, 32, 100, 18, 17, 48, 57, 2,  8, 34, 21,
                                         56, 62, 15, 1,  46,  52, 75, 25, 8,  19, 2, 19, 1};

static double byte_rate(uint8_t byte)
{
    if (byte >= 'a' && byte <= 'z') {
        return letter_rates[byte - 'a'] / 1e3;
    }
    switch (byte) {
    case ' ':
        return 0.16;
    case '.':
    case ',':
        return 0.012;
    case '\'':
    case '!':
    case '?':
        return 0.006;
    default:
        return byte >= '0' && byte <= '9' ? 0.004 : byte >= 0x80 ? 0.05 : 0.002;
    }
}

/* Neighbouring characters depend on each other: common strings are commoner than the product says. Hence the root. */
double regex_literals_rate(struct span string)
{
    double rate = 1;
    for (size_t i = 0; i < string.size; i++) {
        rate *= byte_rate(string.data[i]);
    }
    return pow(rate, 0.75);
}

static bool contains(struct span text, struct span part)
{
    return part.size == 0 || (part.size <= text.size && memmem(text.data, text.size, part.data, part.size) != NULL);
}

/* Leaves out each string that holds another one of the set: finding the shorter finds both. */
static struct strings minimise(struct finder *finder, const struct strings *from)
{
    struct strings to = {.items = arena_array(finder->arena, from->count, sizeof *to.items)};
    if (!to.items) {
        finder->status = STATUS_NO_MEMORY;
        return (struct strings){0};
    }
    for (uint32_t i = 0; i < from->count; i++) {
        bool redundant = false;
        for (uint32_t j = 0; j < from->count && !redundant; j++) {
            bool same = span_equal(from->items[i], from->items[j]);
            redundant = j != i && contains(from->items[i], from->items[j]) && (!same || j < i);
        }
        if (!redundant) {
            to.items[to.count++] = from->items[i];
        }
    }
    return to;
}

static double set_rate(const struct strings *strings)
{
    double rate = 0;
    for (uint32_t i = 0; i < strings->count; i++) {
        if (strings->items[i].size < LITERAL_SIZE_MIN) {
            return 1;
        }
        rate += regex_literals_rate(strings->items[i]);
    }
    return rate;
}

/* Is this required set rarer than the best so far? Redundant strings count against it; they are left out at the end. */
static void offer(struct knowledge *know, const struct strings *strings)
{
    double rate = strings->count ? set_rate(strings) : 1;
    if (rate < 1 && (know->best.count == 0 || rate < know->best_rate)) {
        know->best = *strings;
        know->best_rate = rate;
    }
}

static void offer_best(struct knowledge *know, const struct knowledge *other)
{
    if (other->best.count > 0 && (know->best.count == 0 || other->best_rate < know->best_rate)) {
        know->best = other->best;
        know->best_rate = other->best_rate;
    }
}

static struct strings one_empty(struct finder *finder)
{
    struct strings strings = {.items = arena_array(finder->arena, 1, sizeof *strings.items)};
    if (!strings.items) {
        finder->status = STATUS_NO_MEMORY;
        return strings;
    }
    strings.count = 1;
    return strings;
}

static bool add_character(struct finder *finder, struct strings *strings, uint32_t character)
{
    uint8_t bytes[4];
    struct span string = span_of(bytes, utf8_encode(character, bytes));
    for (uint32_t i = 0; i < strings->count; i++) {
        if (span_equal(strings->items[i], string)) {
            return true;
        }
    }
    if (strings->count == SET_CHARACTERS_MAX) {
        return false;
    }
    string.data = (const uint8_t *)arena_copy(finder->arena, string);
    if (!string.data) {
        finder->status = STATUS_NO_MEMORY;
        return false;
    }
    strings->items[strings->count++] = string;
    return true;
}

/* The strings of a small class; unknown for a large one. */
static struct strings class_strings(struct finder *finder, const struct regex_set *set)
{
    struct strings strings = {.items = arena_array(finder->arena, SET_CHARACTERS_MAX, sizeof *strings.items)};
    struct strings unknown = {0};
    if (!strings.items) {
        finder->status = STATUS_NO_MEMORY;
        return unknown;
    }
    if (set->other_any || set->other_count > 4 * SET_CHARACTERS_MAX) {
        return unknown;
    }
    for (uint32_t character = 0; character < 128; character++) {
        if (regex_set_has_ascii(set->ascii, character) && !add_character(finder, &strings, character)) {
            return unknown;
        }
    }
    for (uint32_t i = 0; i < set->other_count; i++) {
        if (!add_character(finder, &strings, set->others[i])) {
            return unknown;
        }
    }
    return strings;
}

/* Every string of `a` followed by every string of `b`; nothing if that would be too many or too long. */
static struct strings multiply(struct finder *finder, const struct strings *a, const struct strings *b)
{
    struct strings product = {0};
    if (a->count == 0 || b->count == 0 || (uint64_t)a->count * b->count > REGEX_LITERALS_MAX) {
        return product;
    }
    struct span *items = arena_array(finder->arena, (size_t)a->count * b->count, sizeof *items);
    for (uint32_t i = 0; items && i < a->count; i++) {
        for (uint32_t j = 0; j < b->count; j++) {
            size_t size = a->items[i].size + b->items[j].size;
            uint8_t *bytes = size <= REGEX_LITERAL_SIZE_MAX ? arena_allocate(finder->arena, size + 1) : NULL;
            if (!bytes) {
                return product;
            }
            if (a->items[i].size) {
                memcpy(bytes, a->items[i].data, a->items[i].size);
            }
            if (b->items[j].size) {
                memcpy(bytes + a->items[i].size, b->items[j].data, b->items[j].size);
            }
            items[i * b->count + j] = span_of(bytes, size);
        }
    }
    product = (struct strings){.items = items, .count = items ? a->count * b->count : 0};
    return product;
}

static struct strings unite(struct finder *finder, const struct strings *a, const struct strings *b)
{
    struct strings both = {0};
    if ((uint64_t)a->count + b->count > REGEX_LITERALS_MAX) {
        return both;
    }
    both.items = arena_array(finder->arena, (size_t)a->count + b->count + 1, sizeof *both.items);
    if (!both.items) {
        finder->status = STATUS_NO_MEMORY;
        return both;
    }
    if (a->count) {
        memcpy(both.items, a->items, a->count * sizeof *both.items);
    }
    if (b->count) {
        memcpy(both.items + a->count, b->items, b->count * sizeof *both.items);
    }
    both.count = a->count + b->count;
    return both;
}

static struct knowledge learn(struct finder *finder, const struct regex_node *node);

/* A run of exact parts inside a sequence. */
struct run {
    struct strings strings;
    bool broken; /* something unknown stands before it: it is required, but not all of the sequence */
};

static void run_append(struct finder *finder, struct knowledge *know, struct run *run, const struct strings *exact)
{
    struct strings longer = multiply(finder, &run->strings, exact);
    if (longer.count == 0) {
        offer(know, &run->strings);
        run->broken = true;
        run->strings = *exact;
    } else {
        run->strings = longer;
    }
    offer(know, &run->strings);
}

static void run_break(struct finder *finder, struct run *run)
{
    run->broken = true;
    run->strings = one_empty(finder);
}

/* The folded view has no two spaces in a row: `\s+` over it is one space. */
static bool is_only_space(const struct finder *finder, const struct strings *strings)
{
    return finder->view == VIEW_FOLDED && strings->count == 1 && strings->items[0].size == 1 &&
           strings->items[0].data[0] == ' ';
}

static void learn_repeat(struct finder *finder, const struct regex_node *node, struct knowledge *know, struct run *run)
{
    struct knowledge child = learn(finder, node->first);
    bool exact = child.exact.count > 0;
    if (exact && is_only_space(finder, &child.exact) && node->max >= 1 && node->min <= 1) {
        struct strings empty = one_empty(finder);
        child.exact = node->min ? child.exact : unite(finder, &empty, &child.exact);
        run_append(finder, know, run, &child.exact);
        return;
    }
    if (node->min == 0) {
        struct strings empty = one_empty(finder);
        struct strings maybe = exact && node->max == 1 ? unite(finder, &empty, &child.exact) : (struct strings){0};
        if (maybe.count > 0) {
            run_append(finder, know, run, &maybe);
        } else {
            run_break(finder, run);
        }
        return;
    }
    offer_best(know, &child);
    if (!exact) {
        run_break(finder, run);
        return;
    }
    uint32_t times = node->min < REPEAT_MAX ? node->min : REPEAT_MAX;
    for (uint32_t i = 0; i < times; i++) {
        run_append(finder, know, run, &child.exact);
    }
    if (node->max != node->min || times != node->min) {
        run->broken = true; /* the last time round stands right before what follows */
        run->strings = child.exact;
    }
}

static struct knowledge learn_sequence(struct finder *finder, const struct regex_node *first, bool alone)
{
    struct knowledge know = {0};
    struct run run = {.strings = one_empty(finder)};
    for (const struct regex_node *node = first; node && finder->status == STATUS_OK; node = alone ? NULL : node->next) {
        if (node->type == NODE_REPEAT) {
            learn_repeat(finder, node, &know, &run);
            continue;
        }
        struct knowledge child = learn(finder, node);
        offer_best(&know, &child);
        if (child.exact.count > 0) {
            run_append(finder, &know, &run, &child.exact);
        } else {
            run_break(finder, &run);
        }
    }
    if (!run.broken) {
        know.exact = run.strings;
    }
    return know;
}

static struct knowledge learn_choice(struct finder *finder, const struct regex_node *node)
{
    struct knowledge know = {0};
    struct strings exact = {0}, best = {0};
    bool all_exact = true, all_best = true;
    for (const struct regex_node *child = node->first; child && finder->status == STATUS_OK; child = child->next) {
        struct knowledge branch = learn(finder, child);
        offer(&branch, &branch.exact);
        if (all_exact && branch.exact.count > 0) {
            exact = unite(finder, &exact, &branch.exact);
            all_exact = exact.count > 0;
        } else {
            all_exact = false;
        }
        if (all_best && branch.best.count > 0) {
            best = unite(finder, &best, &branch.best);
            all_best = best.count > 0;
        } else {
            all_best = false;
        }
    }
    if (all_exact) {
        know.exact = exact;
    }
    if (all_best) {
        offer(&know, &best);
    }
    return know;
}

static struct knowledge learn(struct finder *finder, const struct regex_node *node)
{
    struct knowledge know = {0};
    switch (node->type) {
    case NODE_EMPTY:
    case NODE_START:
    case NODE_END:
    case NODE_EDGE:
    case NODE_NOT_EDGE:
        know.exact = one_empty(finder);
        break;
    case NODE_CHARACTERS:
        know.exact = class_strings(finder, &node->set);
        break;
    case NODE_SEQUENCE:
        know = learn_sequence(finder, node->first, false);
        break;
    case NODE_CHOICE:
        know = learn_choice(finder, node);
        break;
    case NODE_REPEAT:
        know = learn_sequence(finder, node, true);
        break;
    case NODE_ANY:
        break;
    }
    return know;
}

enum status regex_literals_find(const struct regex_node *root, enum view view, struct arena *arena,
                                struct regex_literals *ret_literals)
{
    struct finder finder = {.arena = arena, .view = view};
    struct knowledge know = learn(&finder, root);
    offer(&know, &know.exact);
    if (finder.status != STATUS_OK) {
        return finder.status;
    }
    if (know.best.count == 0 || know.best_rate > REGEX_LITERALS_RATE_MAX) {
        return STATUS_NOT_FOUND;
    }
    struct strings least = minimise(&finder, &know.best);
    if (finder.status != STATUS_OK) {
        return finder.status;
    }
    *ret_literals = (struct regex_literals){.strings = least.items, .count = least.count, .rate = know.best_rate};
    return STATUS_OK;
}
