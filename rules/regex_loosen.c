#include "rules/regex_loosen.h"

#include "rules/regex_bytes.h"
#include "rules/regex_set.h"

#define ARENA_CHUNK ((size_t)64 * 1024)
#define ARENA_MAX ((size_t)64 * 1024 * 1024)

/*
 * The weights that are tried one after the other for a single repeat: .{0,300} is up to 1200 bytes, and Hyperscan needs
 * 50 ms for it; where a pattern has many of these, their bounds are given up sooner.
 */
static const uint32_t repeat_limits[] = {1280, 200, 24};

/* The largest weight of one expression. Hyperscan's own limits lie somewhat above; 4000 take it about 60 ms. */
#define WEIGHT_MAX 6000u
/* Bytes of the expression: Hyperscan refuses more than 16000. */
#define EXPRESSION_SIZE_MAX 15000u
/* A search that finds something at every 16th byte points at nearly every message. */
#define LIKELIHOOD_MAX 0.06

/* Which characters may stand on one side of a place. Unknown: it is where the match begins or ends, or nobody knows. */
struct side {
    uint64_t ascii[2];
    bool other, unknown;
};

struct loosener {
    struct piece_maker maker;
    enum status status;
};

/* What has to be done with a node, besides writing it. */
enum {
    TRIM_START = 1,  /* nothing is written before it: leading parts that may be empty can go */
    TRIM_END = 2,    /* the same for its end */
    EDGE_BEFORE = 4, /* a \b stands before it that is not certain to be one of bytes */
    EDGE_AFTER = 8,
};

static const uint64_t word[2] = {UINT64_C(0x03FF000000000000), UINT64_C(0x07FFFFFE87FFFFFE)};

static struct side side_union(struct side a, struct side b)
{
    return (struct side){.ascii = {a.ascii[0] | b.ascii[0], a.ascii[1] | b.ascii[1]},
                         .other = a.other || b.other,
                         .unknown = a.unknown || b.unknown};
}

static const struct side side_nothing = {.unknown = false};
static const struct side side_unknown = {.ascii = {UINT64_MAX, UINT64_MAX}, .other = true, .unknown = true};

static bool side_is_ascii(struct side side)
{
    return !side.unknown && !side.other;
}

static bool side_is_word(struct side side)
{
    return side_is_ascii(side) && (side.ascii[0] & ~word[0]) == 0 && (side.ascii[1] & ~word[1]) == 0;
}

static bool side_is_no_word(struct side side)
{
    return side_is_ascii(side) && (side.ascii[0] & word[0]) == 0 && (side.ascii[1] & word[1]) == 0;
}

static bool is_zero_width(const struct regex_node *node)
{
    return node->type == NODE_START || node->type == NODE_END || node->type == NODE_EDGE ||
           node->type == NODE_NOT_EDGE || node->type == NODE_EMPTY;
}

/*
 * The characters that can come first (or last) in the text that a node takes; `beyond` are those of what lies behind
 * it, for the case that it takes none.
 */
static struct side outer_characters(const struct regex_node *node, bool last, struct side beyond)
{
    struct side side = side_nothing;
    switch (node->type) {
    case NODE_CHARACTERS:
        return (struct side){.ascii = {node->set.ascii[0], node->set.ascii[1]},
                             .other = node->set.other_any || node->set.other_count > 0};
    case NODE_ANY:
        return side_unknown;
    case NODE_REPEAT:
        side = outer_characters(node->first, last, beyond);
        return node->min == 0 || node->first->empty ? side_union(side, beyond) : side;
    case NODE_CHOICE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            side = side_union(side, outer_characters(child, last, beyond));
        }
        return side;
    case NODE_SEQUENCE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            bool passable = child->empty;
            if (last) {
                struct side own = outer_characters(child, true, side_nothing);
                side = passable ? side_union(side, own) : own;
            } else {
                side = side_union(side, outer_characters(child, false, side_nothing));
                if (!passable) {
                    return side;
                }
            }
        }
        return node->empty ? side_union(side, beyond) : side;
    default:
        return beyond;
    }
}

static struct piece *loosen(struct loosener *loosener, const struct regex_node *node, struct side left,
                            struct side right, unsigned flags);

static struct piece *keep(struct loosener *loosener, struct piece *piece)
{
    if (!piece && loosener->status == STATUS_OK) {
        loosener->status = STATUS_LIMIT; /* the arena's maximum */
    }
    return piece;
}

/*
 * A character with an uncertain \b at its side. For its ASCII word characters, \b is one of bytes as well; for the
 * others nothing is demanded: [ks] becomes (?:\b[KSks]|...).
 */
static struct piece *loosen_characters(struct loosener *loosener, const struct regex_set *set, unsigned flags)
{
    struct piece_maker *maker = &loosener->maker;
    struct regex_set inner = {.ascii = {set->ascii[0] & word[0], set->ascii[1] & word[1]}};
    bool split = (flags & (EDGE_BEFORE | EDGE_AFTER)) && (inner.ascii[0] | inner.ascii[1]) && !set->other_any;
    if (!split) {
        return keep(loosener, regex_bytes_characters(maker, set));
    }
    struct piece *edge = keep(loosener, regex_bytes_new(maker, PIECE_EDGE));
    struct piece *one = keep(loosener, regex_bytes_characters(maker, &inner));
    if (!edge || !one) {
        return NULL;
    }
    if ((flags & EDGE_BEFORE) && (flags & EDGE_AFTER)) {
        struct piece *after = keep(loosener, regex_bytes_new(maker, PIECE_EDGE));
        if (!after) {
            return NULL;
        }
        one->next = after;
    }
    struct piece *first = flags & EDGE_BEFORE ? edge : one, *second = flags & EDGE_BEFORE ? one : edge;
    first->next = second;
    struct piece *list = keep(loosener, regex_bytes_sequence(maker, first));
    struct regex_set outer = *set;
    outer.ascii[0] &= ~word[0];
    outer.ascii[1] &= ~word[1];
    if (!list || ((outer.ascii[0] | outer.ascii[1]) == 0 && outer.other_count == 0)) {
        return list;
    }
    list->next = keep(loosener, regex_bytes_characters(maker, &outer));
    return list->next ? keep(loosener, regex_bytes_choice(maker, list)) : NULL;
}

/* A set repeated, as bytes: each character may be several of them. */
static struct piece *repeat_characters(struct loosener *loosener, const struct regex_set *set, uint32_t min,
                                       uint32_t max)
{
    uint64_t bytes[4];
    uint32_t size_min, size_max;
    regex_bytes_of_set(set, bytes, &size_min, &size_max);
    uint64_t low = (uint64_t)min * size_min;
    uint64_t high = max == REGEX_REPEAT_FOREVER ? REGEX_REPEAT_FOREVER : (uint64_t)max * size_max;
    high = high > REGEX_REPEAT_FOREVER ? REGEX_REPEAT_FOREVER : high;
    low = low < REGEX_REPEAT_FOREVER ? low : REGEX_REPEAT_FOREVER - 1;
    struct piece *one = regex_bytes_set(&loosener->maker, bytes);
    return keep(loosener, regex_bytes_repeat(&loosener->maker, one, (uint32_t)low, (uint32_t)high));
}

static struct piece *repeat_plain(struct loosener *loosener, const struct regex_node *child, struct side left,
                                  struct side right, uint32_t min, uint32_t max)
{
    bool one = max == 1;
    if (max == 0) {
        return keep(loosener, regex_bytes_new(&loosener->maker, PIECE_EMPTY));
    }
    if (child->type == NODE_CHARACTERS && !one && (min != max || max > 4)) {
        return repeat_characters(loosener, &child->set, min, max);
    }
    /* Inside a repeat a child may stand beside another copy of itself. */
    struct side before = one ? left : side_union(left, outer_characters(child, true, left));
    struct side after = one ? right : side_union(right, outer_characters(child, false, right));
    struct piece *piece = loosen(loosener, child, before, after, 0);
    return piece ? keep(loosener, regex_bytes_repeat(&loosener->maker, piece, min, max)) : NULL;
}

static struct piece *loosen_repeat(struct loosener *loosener, const struct regex_node *node, struct side left,
                                   struct side right, unsigned flags)
{
    const struct regex_node *child = node->first;
    uint32_t min = node->min, max = node->max;
    if (max < min) {
        max = min;
    }
    if ((flags & (TRIM_START | TRIM_END)) && min > 0) {
        max = min; /* what is more lies at the end of the match and need not be searched */
    }
    if (min == 1 && max == 1) {
        /* Of several copies the one at the trimmed end is meant: its neighbours may be copies too. */
        bool alone = node->max == 1;
        struct side before = alone ? left : side_union(left, outer_characters(child, true, left));
        struct side after = alone ? right : side_union(right, outer_characters(child, false, right));
        return loosen(loosener, child, before, after, flags);
    }
    unsigned edges = flags & (EDGE_BEFORE | EDGE_AFTER);
    if (!edges || min == 0 || child->type != NODE_CHARACTERS || child->set.other_any) {
        return repeat_plain(loosener, child, left, right, min, max);
    }
    /* The character next to the \b is written apart. Both sides at once would need two; the left one is enough. */
    unsigned side = edges & EDGE_BEFORE ? EDGE_BEFORE : EDGE_AFTER;
    struct piece *outer = loosen_characters(loosener, &child->set, side);
    struct piece *rest =
        repeat_plain(loosener, child, left, right, min - 1, max == REGEX_REPEAT_FOREVER ? max : max - 1);
    if (!outer || !rest) {
        return NULL;
    }
    struct piece *first = side == EDGE_BEFORE ? outer : rest;
    first->next = side == EDGE_BEFORE ? rest : outer;
    return keep(loosener, regex_bytes_sequence(&loosener->maker, first));
}

/* An \b that cannot hold: Hyperscan would refuse it. */
static bool edge_never_holds(struct side left, struct side right)
{
    return (side_is_word(left) && side_is_word(right)) || (side_is_no_word(left) && side_is_no_word(right));
}

/* An \b between two known sides: can it be written as \b of bytes? */
static bool edge_is_safe(struct side left, struct side right)
{
    return !edge_never_holds(left, right) &&
           (side_is_word(left) || side_is_word(right) || (side_is_ascii(left) && side_is_ascii(right)));
}

struct range {
    uint32_t start, end; /* children of a sequence, end not included */
};

/* Cuts off leading and trailing children that may be empty, together with what only stands around them. */
static struct range trim(const struct regex_node *const *children, uint32_t count, unsigned flags)
{
    struct range range = {0, count};
    for (uint32_t i = 0; (flags & TRIM_START) && i < range.end; i++) {
        if (children[i]->empty_freely) {
            range.start = i + 1;
        } else if (!is_zero_width(children[i])) {
            break;
        }
    }
    for (uint32_t i = range.end; (flags & TRIM_END) && i-- > range.start;) {
        if (children[i]->empty_freely) {
            range.end = i;
        } else if (!is_zero_width(children[i])) {
            break;
        }
    }
    return range;
}

struct sequence {
    const struct regex_node **children;
    struct side *left, *right; /* of each child */
    uint32_t count;
};

static bool lay_out(struct loosener *loosener, const struct regex_node *node, struct side left, struct side right,
                    struct sequence *ret_sequence)
{
    struct sequence sequence = {.count = 0};
    for (const struct regex_node *child = node->first; child; child = child->next) {
        sequence.count++;
    }
    struct arena *arena = loosener->maker.arena;
    sequence.children = arena_array(arena, sequence.count, sizeof(struct regex_node *));
    sequence.left = arena_array(arena, sequence.count, sizeof(struct side));
    sequence.right = arena_array(arena, sequence.count, sizeof(struct side));
    if (!sequence.children || !sequence.left || !sequence.right) {
        loosener->status = STATUS_LIMIT;
        return false;
    }
    uint32_t i = 0;
    for (const struct regex_node *child = node->first; child; child = child->next, i++) {
        sequence.children[i] = child;
        sequence.left[i] = left;
        left = outer_characters(child, true, left);
    }
    while (i-- > 0) {
        sequence.right[i] = right;
        right = outer_characters(sequence.children[i], false, right);
    }
    *ret_sequence = sequence;
    return true;
}

/* Is child i an \b that cannot be kept as it is? Then its neighbours take it over. */
static bool is_uncertain_edge(const struct sequence *sequence, uint32_t i)
{
    return i < sequence->count && sequence->children[i]->type == NODE_EDGE &&
           !edge_never_holds(sequence->left[i], sequence->right[i]) &&
           !edge_is_safe(sequence->left[i], sequence->right[i]);
}

static struct piece *loosen_sequence(struct loosener *loosener, const struct regex_node *node, struct side left,
                                     struct side right, unsigned flags)
{
    struct sequence sequence;
    if (!lay_out(loosener, node, left, right, &sequence)) {
        return NULL;
    }
    struct range range = trim(sequence.children, sequence.count, flags);
    struct piece *list = NULL, **tail = &list;
    for (uint32_t i = range.start; i < range.end; i++) {
        unsigned own = 0;
        bool first = i == range.start, last = i + 1 == range.end;
        own |= first ? flags & TRIM_START : 0;
        own |= last ? flags & TRIM_END : 0;
        /* An outer \b is next to this child only if nothing was cut off between them. */
        own |= i == 0 ? flags & EDGE_BEFORE : is_uncertain_edge(&sequence, i - 1) ? EDGE_BEFORE : 0;
        own |= i + 1 == sequence.count ? flags & EDGE_AFTER : is_uncertain_edge(&sequence, i + 1) ? EDGE_AFTER : 0;
        struct piece *piece = loosen(loosener, sequence.children[i], sequence.left[i], sequence.right[i], own);
        if (!piece) {
            return NULL;
        }
        *tail = piece;
        tail = &piece->next;
    }
    return keep(loosener, regex_bytes_sequence(&loosener->maker, list));
}

static struct piece *loosen_choice(struct loosener *loosener, const struct regex_node *node, struct side left,
                                   struct side right, unsigned flags)
{
    struct piece *list = NULL, **tail = &list;
    for (const struct regex_node *child = node->first; child; child = child->next) {
        struct piece *piece = loosen(loosener, child, left, right, flags);
        if (!piece) {
            return NULL;
        }
        *tail = piece;
        tail = &piece->next;
    }
    return keep(loosener, regex_bytes_choice(&loosener->maker, list));
}

static struct piece *loosen(struct loosener *loosener, const struct regex_node *node, struct side left,
                            struct side right, unsigned flags)
{
    static const uint64_t all[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    struct piece_maker *maker = &loosener->maker;
    switch (node->type) {
    case NODE_CHARACTERS:
        return loosen_characters(loosener, &node->set, flags);
    case NODE_SEQUENCE:
        return loosen_sequence(loosener, node, left, right, flags);
    case NODE_CHOICE:
        return loosen_choice(loosener, node, left, right, flags);
    case NODE_REPEAT:
        return loosen_repeat(loosener, node, left, right, flags);
    case NODE_START:
        return keep(loosener, regex_bytes_new(maker, PIECE_LINE_START));
    case NODE_END:
        return keep(loosener, regex_bytes_new(maker, PIECE_LINE_END));
    case NODE_EDGE:
        return keep(loosener, regex_bytes_new(maker, edge_is_safe(left, right) ? PIECE_EDGE : PIECE_EMPTY));
    case NODE_ANY:
        return keep(loosener, regex_bytes_repeat(maker, regex_bytes_set(maker, all), 0, REGEX_REPEAT_FOREVER));
    default: /* NODE_EMPTY; \B, which may hold between characters beyond ASCII where no \B of bytes does */
        return keep(loosener, regex_bytes_new(maker, PIECE_EMPTY));
    }
}

static enum status loosen_within(const struct regex_node *root, uint32_t repeat_max, struct arena *arena,
                                 struct buffer *out, struct regex_loosened *ret_facts)
{
    struct loosener loosener = {.maker = {.arena = arena, .repeat_max = repeat_max}, .status = STATUS_OK};
    struct piece *piece = loosen(&loosener, root, side_unknown, side_unknown, TRIM_START | TRIM_END);
    if (!piece) {
        return loosener.status;
    }
    regex_bytes_drop_inner_anchors(piece);
    if (piece->weight > WEIGHT_MAX) {
        return STATUS_LIMIT;
    }
    struct regex_bytes_measure measure = regex_bytes_measure(piece);
    if (measure.length_min == 0 || measure.likelihood > LIKELIHOOD_MAX) {
        return STATUS_UNSUPPORTED;
    }
    size_t size = out->size;
    enum status status = regex_bytes_print(piece, out);
    if (status == STATUS_OK && out->size - size > EXPRESSION_SIZE_MAX) {
        status = STATUS_LIMIT;
    }
    if (status != STATUS_OK) {
        out->size = size;
        return status;
    }
    *ret_facts = (struct regex_loosened){
        .length_min = measure.length_min, .weight = piece->weight, .likelihood = measure.likelihood};
    return STATUS_OK;
}

enum status regex_loosen(const struct regex_node *root, struct buffer *out, struct regex_loosened *ret_facts)
{
    if (root->empty) {
        return STATUS_UNSUPPORTED;
    }
    struct arena *arena = NULL;
    enum status status = arena_new(ARENA_CHUNK, ARENA_MAX, &arena);
    if (status != STATUS_OK) {
        return status;
    }
    status = STATUS_LIMIT;
    for (size_t i = 0; status == STATUS_LIMIT && i < sizeof repeat_limits / sizeof *repeat_limits; i++) {
        arena_reset(arena);
        status = loosen_within(root, repeat_limits[i], arena, out, ret_facts);
    }
    arena_free(&arena);
    return status;
}
