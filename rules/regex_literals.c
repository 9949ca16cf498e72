#include "rules/regex_literals.h"

#include <string.h>

#include "rules/regex_set.h"
#include "text/utf8.h"

#define SET_CHARACTERS_MAX 12u /* a larger class is not worth multiplying out */
#define REPEAT_MAX 8u          /* how often an exact part is written out */
#define LITERAL_SIZE_MIN 2u    /* single bytes are looked for in another way */

/*
 * What confirming costs where a literal was found, roughly: PCRE2 is called, and tries each place where the match may
 * begin. Measured with JIT on chat.
 */
#define CALL_NS 220.0
#define PLACE_NS 12.0
#define PLACES_MAX 80u /* a message has no more on average */

/* Strings of which one is required, or all that a node can match. count 0: nothing is known. */
struct strings {
    struct regex_literal *items;
    uint32_t count;
};

struct knowledge {
    struct strings exact;     /* exactly what the node can match, from its start */
    struct strings best;      /* the cheapest required set found inside */
    double best_cost;         /* ns a byte */
    struct regex_extent size; /* bytes that the node takes */
};

/* A sequence, a choice or a repeat that was looked at before. */
struct regex_learned {
    enum view view;
    const struct traffic_profile *traffic;
    struct knowledge know;
};

struct finder {
    struct arena *arena;
    const struct traffic_profile *traffic;
    enum view view;
    enum status status;
};

static uint32_t add(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? REGEX_EXTENT_ANY : a + b;
}

static struct regex_extent extent_add(struct regex_extent a, struct regex_extent b)
{
    return (struct regex_extent){add(a.min, b.min), add(a.max, b.max)};
}

static struct regex_extent extent_unite(struct regex_extent a, struct regex_extent b)
{
    return (struct regex_extent){a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max};
}

static uint32_t times(uint32_t a, uint32_t b)
{
    uint64_t product = (uint64_t)a * b;
    bool any = (a == REGEX_EXTENT_ANY && b > 0) || (b == REGEX_EXTENT_ANY && a > 0);
    return any || product > UINT32_MAX ? REGEX_EXTENT_ANY : (uint32_t)product;
}

static struct regex_extent character_extent(const struct regex_set *set)
{
    struct regex_extent extent = {UINT32_MAX, 0};
    if (set->ascii[0] | set->ascii[1]) {
        extent = (struct regex_extent){1, 1};
    }
    if (set->other_any) {
        extent = extent_unite(extent, (struct regex_extent){2, 4});
    }
    for (uint32_t i = 0; !set->other_any && i < set->other_count; i++) {
        uint8_t bytes[4];
        uint32_t size = (uint32_t)utf8_encode(set->others[i], bytes);
        extent = extent_unite(extent, (struct regex_extent){size, size});
    }
    return extent.max == 0 ? (struct regex_extent){0, 4} : extent;
}

struct regex_extent regex_literals_extent(const struct regex_node *node)
{
    struct regex_extent extent = {0, 0};
    switch (node->type) {
    case NODE_CHARACTERS:
        return character_extent(&node->set);
    case NODE_ANY:
        return (struct regex_extent){0, REGEX_EXTENT_ANY};
    case NODE_SEQUENCE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            extent = extent_add(extent, regex_literals_extent(child));
        }
        return extent;
    case NODE_CHOICE:
        extent = node->first ? regex_literals_extent(node->first) : extent;
        for (const struct regex_node *child = node->first; child; child = child->next) {
            extent = extent_unite(extent, regex_literals_extent(child));
        }
        return extent;
    case NODE_REPEAT:
        extent = regex_literals_extent(node->first);
        return (struct regex_extent){times(extent.min, node->min), times(extent.max, node->max)};
    default:
        return extent;
    }
}

static const uint8_t *find(struct span text, struct span part)
{
    if (part.size >= text.size) {
        return span_equal(text, part) ? text.data : NULL;
    }
    return part.size == 0 ? text.data : memmem(text.data, text.size, part.data, part.size);
}

/* Of the bytes that occur in it: a string holds another one only if its mark has each bit of the other's. */
static uint64_t mark_of(struct span text)
{
    uint64_t mark = 0;
    for (size_t i = 0; i < text.size; i++) {
        mark |= UINT64_C(1) << (text.data[i] & 63);
    }
    return mark;
}

/*
 * Leaves out each string that holds another one of the set: finding the shorter finds both. The match may then begin as
 * far before the shorter as it may before the longer.
 */
static struct strings minimise(struct finder *finder, const struct strings *from)
{
    struct strings to = {.items = arena_array(finder->arena, from->count, sizeof *to.items)};
    uint64_t *marks = arena_array(finder->arena, from->count, sizeof *marks);
    uint64_t *kept_marks = arena_array(finder->arena, from->count, sizeof *kept_marks);
    if (!to.items || !marks || !kept_marks) {
        finder->status = STATUS_NO_MEMORY;
        return (struct strings){0};
    }
    for (uint32_t i = 0; i < from->count; i++) {
        marks[i] = mark_of(from->items[i].text);
    }
    for (uint32_t i = 0; i < from->count; i++) {
        struct regex_literal *own = &from->items[i];
        bool redundant = false;
        for (uint32_t j = 0; j < from->count && !redundant; j++) {
            bool maybe = j != i && (marks[j] & ~marks[i]) == 0;
            redundant =
                maybe && find(own->text, from->items[j].text) && (j < i || !span_equal(own->text, from->items[j].text));
        }
        if (!redundant) {
            kept_marks[to.count] = marks[i];
            to.items[to.count++] = *own;
        }
    }
    for (uint32_t i = 0; i < from->count; i++) {
        for (uint32_t j = 0; j < to.count; j++) {
            bool maybe = (kept_marks[j] & ~marks[i]) == 0;
            const uint8_t *at = maybe ? find(from->items[i].text, to.items[j].text) : NULL;
            if (at) {
                uint32_t offset = (uint32_t)(at - from->items[i].text.data);
                struct regex_extent before = extent_add(from->items[i].before, (struct regex_extent){offset, offset});
                to.items[j].before = extent_unite(to.items[j].before, before);
            }
        }
    }
    return to;
}

static double literal_cost(const struct finder *finder, struct regex_literal *literal, struct regex_extent before)
{
    if (literal->rated <
        literal->text.size) { /* not asked for yet: most strings are a step on the way to longer ones */
        double rate = literal->rated ? literal->rate : 1;
        literal->rate = traffic_profile_rate_on(finder->traffic, literal->text, literal->rated, rate);
        literal->rated = (uint32_t)literal->text.size;
    }
    uint32_t places = before.max - before.min;
    places = before.max == REGEX_EXTENT_ANY || places >= PLACES_MAX ? PLACES_MAX : places + 1;
    return literal->rate * (CALL_NS + PLACE_NS * places);
}

/* What confirming the set costs a byte if it stands `before` behind the start; 1e9 if it is no gate or costs `max`. */
static double set_cost(const struct finder *finder, const struct strings *strings, struct regex_extent before,
                       double max)
{
    double cost = strings->count ? 0 : 1e9;
    for (uint32_t i = 0; i < strings->count && cost < max; i++) {
        if (strings->items[i].text.size < LITERAL_SIZE_MIN) {
            return 1e9;
        }
        cost += literal_cost(finder, &strings->items[i], extent_add(strings->items[i].before, before));
    }
    return cost < max ? cost : 1e9;
}

/* The strings as they stand in what lies around them. */
static struct strings move(struct finder *finder, const struct strings *from, struct regex_extent before)
{
    struct strings to = {.items = arena_array(finder->arena, from->count, sizeof *to.items), .count = from->count};
    if (!to.items) {
        finder->status = STATUS_NO_MEMORY;
        return (struct strings){0};
    }
    for (uint32_t i = 0; i < from->count; i++) {
        to.items[i] = from->items[i];
        to.items[i].before = extent_add(to.items[i].before, before);
    }
    return to;
}

/*
 * Is this required set, `before` after the node's start, cheaper than the best so far? Redundant strings count against
 * it; they are left out at the end.
 */
static void offer(struct finder *finder, struct knowledge *know, const struct strings *strings,
                  struct regex_extent before)
{
    double cost = set_cost(finder, strings, before, know->best.count ? know->best_cost : 1e9);
    if (cost < 1e9) {
        know->best = move(finder, strings, before);
        know->best_cost = cost;
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

/* The strings of a small class; unknown for a large one. */
static struct strings class_strings(struct finder *finder, const struct regex_set *set)
{
    struct strings strings = {0}, unknown = {0};
    uint32_t ascii = (uint32_t)(__builtin_popcountll(set->ascii[0]) + __builtin_popcountll(set->ascii[1]));
    uint32_t count = ascii + set->other_count; /* no character is there twice: rules/regex_tree.h */
    if (set->other_any || count > SET_CHARACTERS_MAX) {
        return unknown;
    }
    strings.items = arena_array(finder->arena, count, sizeof *strings.items);
    uint8_t *bytes = arena_allocate(finder->arena, (size_t)count * 4);
    if (!strings.items || !bytes) {
        finder->status = STATUS_NO_MEMORY;
        return unknown;
    }
    for (uint32_t word = 0; word < 2; word++) {
        for (uint64_t rest = set->ascii[word]; rest; rest &= rest - 1, bytes++) {
            *bytes = (uint8_t)(word * 64 + (uint32_t)__builtin_ctzll(rest));
            strings.items[strings.count++].text = span_of(bytes, 1);
        }
    }
    for (uint32_t i = 0; i < set->other_count; i++, bytes += 4) {
        strings.items[strings.count++].text = span_of(bytes, utf8_encode(set->others[i], bytes));
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
    struct regex_literal *items = arena_array(finder->arena, (size_t)a->count * b->count, sizeof *items);
    for (uint32_t i = 0; items && i < a->count; i++) {
        for (uint32_t j = 0; j < b->count; j++) {
            struct span first = a->items[i].text, second = b->items[j].text;
            size_t size = first.size + second.size;
            uint8_t *bytes = size <= REGEX_LITERAL_SIZE_MAX ? arena_allocate(finder->arena, size + 1) : NULL;
            if (!bytes) {
                return product;
            }
            if (first.size) {
                memcpy(bytes, first.data, first.size);
            }
            if (second.size) {
                memcpy(bytes + first.size, second.data, second.size);
            }
            items[i * b->count + j] = (struct regex_literal){
                .text = span_of(bytes, size), .rate = a->items[i].rate, .rated = a->items[i].rated};
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

static struct knowledge learn(struct finder *finder, struct regex_node *node);

/* A run of exact parts inside a sequence, and how far the sequence has been read. */
struct run {
    struct strings strings;
    struct regex_extent start; /* of the run, from the start of the sequence */
    struct regex_extent end;   /* of all that was read */
    bool broken;               /* something unknown stands before it: it is required, but not all of the sequence */
};

static void run_append(struct finder *finder, struct knowledge *know, struct run *run, const struct strings *exact,
                       struct regex_extent size)
{
    struct strings longer = multiply(finder, &run->strings, exact);
    if (longer.count == 0) {
        offer(finder, know, &run->strings, run->start);
        run->broken = true;
        run->strings = *exact;
        run->start = run->end;
    } else {
        run->strings = longer;
    }
    run->end = extent_add(run->end, size);
    offer(finder, know, &run->strings, run->start);
}

static void run_break(struct finder *finder, struct run *run, struct regex_extent size)
{
    run->broken = true;
    run->strings = one_empty(finder);
    run->end = run->start = extent_add(run->end, size);
}

static void run_end(const struct run *run, struct knowledge *know)
{
    if (!run->broken) {
        know->exact = run->strings;
    }
    know->size = run->end;
}

/* The folded view has no two spaces in a row: `\s+` over it is one space. */
static bool is_only_space(const struct finder *finder, const struct strings *strings)
{
    return finder->view == VIEW_FOLDED && strings->count == 1 && strings->items[0].text.size == 1 &&
           strings->items[0].text.data[0] == ' ';
}

static void learn_repeat(struct finder *finder, const struct regex_node *node, struct knowledge *know, struct run *run)
{
    struct knowledge child = learn(finder, node->first);
    struct regex_extent all = {times(child.size.min, node->min), times(child.size.max, node->max)};
    bool exact = child.exact.count > 0;
    if (exact && is_only_space(finder, &child.exact) && node->max >= 1 && node->min <= 1) {
        struct strings empty = one_empty(finder);
        child.exact = node->min ? child.exact : unite(finder, &empty, &child.exact);
        run_append(finder, know, run, &child.exact, (struct regex_extent){node->min, 1});
        return;
    }
    if (node->min == 0) {
        struct strings empty = one_empty(finder);
        struct strings maybe = exact && node->max == 1 ? unite(finder, &empty, &child.exact) : (struct strings){0};
        if (maybe.count > 0) {
            run_append(finder, know, run, &maybe, all);
        } else {
            run_break(finder, run, all);
        }
        return;
    }
    offer(finder, know, &child.best, run->end); /* in the first round */
    if (!exact) {
        run_break(finder, run, all);
        return;
    }
    struct regex_extent begin = run->end;
    uint32_t rounds = node->min < REPEAT_MAX ? node->min : REPEAT_MAX;
    for (uint32_t i = 0; i < rounds; i++) {
        run_append(finder, know, run, &child.exact, child.size);
    }
    if (node->max != node->min || rounds != node->min) {
        run->broken = true; /* the last time round stands right before what follows */
        run->strings = child.exact;
        run->end = extent_add(begin, all);
        run->start = extent_add(begin, (struct regex_extent){times(child.size.min, node->min - 1),
                                                             node->max == REGEX_REPEAT_FOREVER
                                                                 ? REGEX_EXTENT_ANY
                                                                 : times(child.size.max, node->max - 1)});
    }
}

static struct knowledge learn_sequence(struct finder *finder, struct regex_node *first)
{
    struct knowledge know = {0};
    struct run run = {.strings = one_empty(finder)};
    for (struct regex_node *node = first; node && finder->status == STATUS_OK; node = node->next) {
        if (node->type == NODE_REPEAT) {
            learn_repeat(finder, node, &know, &run);
            continue;
        }
        struct knowledge child = learn(finder, node);
        offer(finder, &know, &child.best, run.end);
        if (child.exact.count > 0) {
            run_append(finder, &know, &run, &child.exact, child.size);
        } else {
            run_break(finder, &run, child.size);
        }
    }
    run_end(&run, &know);
    return know;
}

static struct knowledge learn_repeat_alone(struct finder *finder, const struct regex_node *node)
{
    struct knowledge know = {0};
    struct run run = {.strings = one_empty(finder)};
    if (finder->status == STATUS_OK) {
        learn_repeat(finder, node, &know, &run);
    }
    run_end(&run, &know);
    return know;
}

static struct knowledge learn_choice(struct finder *finder, const struct regex_node *node)
{
    struct knowledge know = {0};
    struct strings exact = {0}, best = {0};
    bool all_exact = true, all_best = true, first = true;
    for (struct regex_node *child = node->first; child && finder->status == STATUS_OK; child = child->next) {
        struct knowledge branch = learn(finder, child);
        know.size = first ? branch.size : extent_unite(know.size, branch.size);
        first = false;
        offer(finder, &branch, &branch.exact, (struct regex_extent){0, 0});
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
        offer(finder, &know, &best, (struct regex_extent){0, 0});
    }
    return know;
}

static struct knowledge learn_anew(struct finder *finder, const struct regex_node *node)
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
        know.size = character_extent(&node->set);
        break;
    case NODE_SEQUENCE:
        know = learn_sequence(finder, node->first);
        break;
    case NODE_CHOICE:
        know = learn_choice(finder, node);
        break;
    case NODE_REPEAT:
        know = learn_repeat_alone(finder, node);
        break;
    case NODE_ANY:
        know.size = (struct regex_extent){0, REGEX_EXTENT_ANY};
        break;
    }
    return know;
}

/* What was found out about it before, or NULL. */
static const struct knowledge *recall(const struct finder *finder, const struct regex_node *node)
{
    const struct regex_learned *learned = node->learned;
    bool same = learned && learned->view == finder->view && learned->traffic == finder->traffic;
    return same ? &learned->know : NULL;
}

static struct knowledge learn(struct finder *finder, struct regex_node *node)
{
    const struct knowledge *before = recall(finder, node);
    if (before) {
        return *before;
    }
    struct knowledge know = learn_anew(finder, node);
    bool inner = node->type == NODE_SEQUENCE || node->type == NODE_CHOICE || node->type == NODE_REPEAT;
    struct regex_learned *learned =
        inner && finder->status == STATUS_OK ? arena_allocate(finder->arena, sizeof *learned) : NULL;
    if (learned) { /* else it is found out again, should somebody ask */
        *learned = (struct regex_learned){.view = finder->view, .traffic = finder->traffic, .know = know};
        node->learned = learned;
    }
    return know;
}

enum status regex_literals_find(const struct regex_node *root, enum view view, const struct traffic_profile *traffic,
                                double cost_max, struct arena *arena, struct regex_literals *ret_literals)
{
    struct finder finder = {.arena = arena, .traffic = traffic, .view = view};
    const struct knowledge *before = recall(&finder, root);
    struct knowledge know = before ? *before : learn_anew(&finder, root);
    offer(&finder, &know, &know.exact, (struct regex_extent){0, 0});
    if (finder.status != STATUS_OK) {
        return finder.status;
    }
    if (know.best.count == 0 || know.best_cost > cost_max) {
        return STATUS_NOT_FOUND;
    }
    struct strings least = minimise(&finder, &know.best);
    if (finder.status != STATUS_OK) {
        return finder.status;
    }
    struct regex_literals found = {.items = least.items, .count = least.count};
    for (uint32_t i = 0; i < least.count; i++) {
        found.cost += literal_cost(&finder, &least.items[i], least.items[i].before);
        found.rate += least.items[i].rate;
    }
    *ret_literals = found;
    return STATUS_OK;
}
