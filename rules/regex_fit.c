#include "rules/regex_fit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "text/caseless.h"
#include "text/utf8.h"

#define SMALL_MAX 24              /* characters of ASCII: a set that may be multiplied out to literals */
#define KNOWN_MAX 0x3000u         /* of characters below this the answer is kept */
#define FOLDED_LOOKED_AT_MAX 256u /* a larger set stays as it is: it is not worth asking about each character */

struct fitting {
    enum view view;
    struct arena *arena;
};

static void add_ascii(struct regex_set *set, uint32_t character)
{
    set->ascii[character >> 6] |= UINT64_C(1) << (character & 63);
}

static bool has_ascii(const struct regex_set *set, uint32_t character)
{
    return (set->ascii[character >> 6] >> (character & 63) & 1) != 0;
}

static void remove_ascii(struct regex_set *set, uint32_t character)
{
    set->ascii[character >> 6] &= ~(UINT64_C(1) << (character & 63));
}

static int count_ascii(const struct regex_set *set)
{
    return __builtin_popcountll(set->ascii[0]) + __builtin_popcountll(set->ascii[1]);
}

static int compare_characters(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Takes a list in any order, with repetitions. */
static void set_others(struct regex_set *set, uint32_t *others, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 1) {
        qsort(others, count, sizeof *others, compare_characters);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || others[kept - 1] != others[i]) {
            others[kept++] = others[i];
        }
    }
    set->others = others;
    set->other_count = kept;
}

/* Kelvin sign and long s: the only characters beyond ASCII that an ASCII letter stands for (the tests make sure). */
static void add_ascii_stand_ins(struct regex_set *set)
{
    add_ascii(set, caseless_character(0x212A));
    add_ascii(set, caseless_character(0x017F));
}

static enum status fit_raw(const struct fitting *fitting, struct regex_set *set)
{
    bool small = count_ascii(set) <= SMALL_MAX;
    for (uint32_t character = 'A'; character <= 'Z'; character++) {
        if (has_ascii(set, character)) {
            add_ascii(set, caseless_character(character));
            if (small) {
                remove_ascii(set, character); /* a large set keeps them: fewer ranges, and they never occur */
            }
        }
    }
    if (set->other_any) {
        if (set->other_stand_ins) {
            add_ascii_stand_ins(set);
        }
        return STATUS_OK;
    }
    uint32_t *others = arena_array(fitting->arena, set->other_count + 1u, sizeof *others);
    uint32_t count = 0;
    if (!others) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < set->other_count; i++) {
        uint32_t character = caseless_character(set->others[i]);
        if (character < 0x80) {
            add_ascii(set, character);
        } else {
            others[count++] = character;
        }
    }
    set_others(set, others, count);
    return STATUS_OK;
}

static bool fold_keeps(uint32_t character)
{
    uint8_t bytes[4];
    struct span text = span_of(bytes, utf8_encode(character, bytes));
    struct buffer folded = BUFFER_INIT(1024);
    enum status status = view_append(VIEW_FOLDED, text, &folded, NULL);
    bool same = status != STATUS_OK || span_equal(buffer_span(&folded), text);
    buffer_free(&folded);
    return same;
}

/*
 * Does the folded view show this character as it is? If not it never holds it: folding twice changes nothing. Asked for
 * the same few again and again (each k and s of a regex stands for one beyond ASCII, too), so what folding said is kept.
 */
static bool stays(uint32_t character)
{
    enum { UNKNOWN, STAYS, GOES };
    static atomic_uchar known[KNOWN_MAX]; /* any thread; whoever asks first gets the same answer as all others */
    if (character >= KNOWN_MAX) {
        return fold_keeps(character);
    }
    unsigned char answer = atomic_load_explicit(&known[character], memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = fold_keeps(character) ? STAYS : GOES;
        atomic_store_explicit(&known[character], answer, memory_order_relaxed);
    }
    return answer == STAYS;
}

static enum status fit_folded(const struct fitting *fitting, struct regex_set *set)
{
    struct regex_set fitted = *set;
    bool small = count_ascii(set) <= SMALL_MAX;
    for (uint32_t character = 'A'; character <= 'Z'; character++) {
        remove_ascii(&fitted, character);
    }
    for (uint32_t character = '\t'; character <= '\r'; character++) {
        remove_ascii(&fitted, character);
    }
    if (!small && count_ascii(&fitted) > 0) { /* with them it has fewer ranges, and they never occur */
        memcpy(fitted.ascii, set->ascii, sizeof fitted.ascii);
    }
    if (!set->other_any && set->other_count <= FOLDED_LOOKED_AT_MAX) {
        uint32_t *others = arena_array(fitting->arena, set->other_count + 1u, sizeof *others);
        uint32_t count = 0;
        if (!others) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t i = 0; i < set->other_count; i++) {
            if (stays(set->others[i])) {
                others[count++] = set->others[i];
            }
        }
        set_others(&fitted, others, count);
    }
    *set = fitted;
    return STATUS_OK;
}

static bool is_empty(const struct regex_set *set)
{
    return !set->ascii[0] && !set->ascii[1] && !set->other_any && set->other_count == 0;
}

/*
 * Can the node never match, since all characters of some set of it never occur? Branches of which that is true are taken
 * out, and what may also be left out becomes nothing.
 */
static bool drop_impossible(struct regex_node *node)
{
    bool never = false, any = false;
    switch (node->type) {
    case NODE_CHARACTERS:
        return is_empty(&node->set);
    case NODE_SEQUENCE:
        for (struct regex_node *child = node->first; child; child = child->next) {
            never |= drop_impossible(child);
        }
        return never;
    case NODE_CHOICE:
        for (struct regex_node **child = &node->first; *child;) {
            if (drop_impossible(*child)) {
                *child = (*child)->next;
            } else {
                any = true;
                child = &(*child)->next;
            }
        }
        return !any;
    case NODE_REPEAT:
        if (!drop_impossible(node->first)) {
            return false;
        }
        if (node->min == 0) {
            *node = (struct regex_node){
                .type = NODE_EMPTY, .next = node->next, .empty = true, .empty_freely = true, .loose = node->loose};
        }
        return node->type == NODE_REPEAT;
    default:
        return false;
    }
}

static enum status fit_node(const struct fitting *fitting, struct regex_node *node)
{
    enum status status = STATUS_OK;
    if (node->type == NODE_CHARACTERS) {
        return fitting->view == VIEW_RAW ? fit_raw(fitting, &node->set) : fit_folded(fitting, &node->set);
    }
    for (struct regex_node *child = node->first; child && status == STATUS_OK; child = child->next) {
        status = fit_node(fitting, child); /* not deeper than REGEX_TREE_DEPTH_MAX */
    }
    return status;
}

enum status regex_fit(struct regex_node *root, enum view view, struct arena *arena)
{
    struct fitting fitting = {.view = view, .arena = arena};
    enum status status = fit_node(&fitting, root);
    return status == STATUS_OK && drop_impossible(root) ? STATUS_NOT_FOUND : status;
}
