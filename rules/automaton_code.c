#include "rules/automaton_code.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "text/utf8.h"

#define OTHERS_EXACT_MAX 24u /* characters beyond ASCII that are spelled out; more are any bytes beyond ASCII */

#define SET_SLOTS 2048u /* a power of two, and twice AUTOMATON_SETS_MAX */

struct coder {
    struct arena *arena;
    struct automaton_code *code;
    uint16_t *slots; /* sets by their hash: number + 1 */
    bool exact;      /* of the member that is being coded */
    uint32_t repeat_max;
    enum status status;
};

static const uint64_t beyond_ascii[4] = {0, 0, UINT64_MAX, UINT64_MAX};
static const uint64_t all_bytes[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

/* A new instruction; after a failure some instruction, so that nobody has to ask before the end. */
static uint16_t add(struct coder *coder, struct instruction instruction)
{
    struct automaton_code *code = coder->code;
    if (coder->status != STATUS_OK || code->count == AUTOMATON_INSTRUCTIONS_MAX) {
        coder->status = coder->status == STATUS_OK ? STATUS_LIMIT : coder->status;
        return 0;
    }
    code->instructions[code->count] = instruction;
    return (uint16_t)code->count++;
}

static uint16_t add_fork(struct coder *coder, uint16_t next, uint16_t other)
{
    return add(coder, (struct instruction){.type = INSTRUCTION_FORK, .next = next, .other = other});
}

/* The number of the set, which is added if it is new. */
static uint16_t find_set(struct coder *coder, const uint64_t bytes[4])
{
    struct automaton_code *code = coder->code;
    uint32_t slot = (uint32_t)XXH3_64bits(bytes, sizeof code->sets[0]) & (SET_SLOTS - 1);
    for (; coder->slots[slot]; slot = (slot + 1) & (SET_SLOTS - 1)) {
        if (memcmp(code->sets[coder->slots[slot] - 1], bytes, sizeof code->sets[0]) == 0) {
            return (uint16_t)(coder->slots[slot] - 1);
        }
    }
    if (code->set_count == AUTOMATON_SETS_MAX) {
        coder->status = coder->status == STATUS_OK ? STATUS_LIMIT : coder->status;
        return 0;
    }
    memcpy(code->sets[code->set_count++], bytes, sizeof code->sets[0]);
    coder->slots[slot] = (uint16_t)code->set_count;
    return (uint16_t)(code->set_count - 1);
}

static uint16_t add_byte(struct coder *coder, const uint64_t bytes[4], uint16_t next)
{
    return add(coder, (struct instruction){.type = INSTRUCTION_BYTE, .next = next, .set = find_set(coder, bytes)});
}

/* Bytes of the set, any number of them. */
static uint16_t add_loop(struct coder *coder, const uint64_t bytes[4], uint16_t next)
{
    uint16_t loop = add_fork(coder, 0, next);
    uint16_t body = add_byte(coder, bytes, loop);
    coder->code->instructions[loop].next = body;
    return loop;
}

static bool is_any_beyond(const struct regex_set *set)
{
    return set->other_any || set->other_count > OTHERS_EXACT_MAX;
}

static uint16_t code_characters(struct coder *coder, const struct regex_set *set, uint16_t next)
{
    const uint64_t ascii[4] = {set->ascii[0], set->ascii[1], 0, 0};
    uint16_t entry = add_byte(coder, ascii, next);
    if (is_any_beyond(set)) {
        uint16_t more = add_loop(coder, beyond_ascii, next);
        return add_fork(coder, entry, add_byte(coder, beyond_ascii, more));
    }
    for (uint32_t i = 0; i < set->other_count; i++) {
        uint8_t encoded[4];
        uint16_t at = next;
        for (size_t k = utf8_encode(set->others[i], encoded); k-- > 0;) {
            uint64_t byte[4] = {0};
            byte[encoded[k] >> 6] = UINT64_C(1) << (encoded[k] & 63);
            at = add_byte(coder, byte, at);
        }
        entry = add_fork(coder, entry, at);
    }
    return entry;
}

/* How many instructions the node takes, about. */
static uint32_t size_of(const struct regex_node *node)
{
    uint64_t size = node->type == NODE_CHARACTERS ? 1 : 0;
    for (const struct regex_node *child = node->first; child; child = child->next) {
        size += size_of(child); /* not deeper than REGEX_TREE_DEPTH_MAX */
    }
    if (node->type == NODE_REPEAT) {
        size *= node->max != REGEX_REPEAT_FOREVER ? node->max : (uint64_t)node->min + 1;
    }
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

static uint16_t code_node(struct coder *coder, const struct regex_node *node, uint16_t next);

/* From the last to the first, since each has to know where to go on. */
static uint16_t code_sequence(struct coder *coder, const struct regex_node *sequence, uint16_t next)
{
    uint32_t count = 0;
    for (const struct regex_node *child = sequence->first; child; child = child->next) {
        count++;
    }
    const struct regex_node **children = arena_array(coder->arena, count, sizeof(struct regex_node *));
    if (!children) {
        coder->status = STATUS_NO_MEMORY;
        return 0;
    }
    uint32_t i = 0;
    for (const struct regex_node *child = sequence->first; child; child = child->next) {
        children[i++] = child;
    }
    while (i-- > 0) {
        next = code_node(coder, children[i], next);
    }
    return next;
}

static uint16_t code_choice(struct coder *coder, const struct regex_node *choice, uint16_t next)
{
    uint16_t entry = code_node(coder, choice->first, next);
    for (const struct regex_node *child = choice->first->next; child && coder->status == STATUS_OK;
         child = child->next) {
        entry = add_fork(coder, entry, code_node(coder, child, next));
    }
    return entry;
}

/* Any number of copies. Of a set all bytes are as good as its characters: they may come in any order. */
static uint16_t code_loop(struct coder *coder, const struct regex_node *child, uint16_t next)
{
    if (child->type == NODE_CHARACTERS && is_any_beyond(&child->set)) {
        const uint64_t bytes[4] = {child->set.ascii[0], child->set.ascii[1], UINT64_MAX, UINT64_MAX};
        return add_loop(coder, bytes, next);
    }
    uint16_t loop = add_fork(coder, 0, next);
    uint16_t body = code_node(coder, child, loop);
    coder->code->instructions[loop].next = body;
    return loop;
}

/* `min` copies, then either a loop or as many more as may be left out. */
static uint16_t code_repeat(struct coder *coder, const struct regex_node *repeat, uint16_t next)
{
    uint32_t min = repeat->min, max = repeat->max < min ? min : repeat->max, size = size_of(repeat->first);
    uint32_t copies = size ? coder->repeat_max / size : 1;
    uint16_t end = next;
    copies = copies ? copies : 1;
    if (min > copies || (max > copies && max != REGEX_REPEAT_FOREVER)) {
        coder->exact = false;
        min = min < copies ? min : copies;
        max = REGEX_REPEAT_FOREVER;
    }
    uint32_t counted = max == REGEX_REPEAT_FOREVER ? min : max;
    if (counted > 1 && counted * size > coder->code->counting) {
        coder->code->counting = counted * size;
    }
    if (max == REGEX_REPEAT_FOREVER) {
        next = code_loop(coder, repeat->first, next);
    }
    for (uint32_t i = min; i < max && max != REGEX_REPEAT_FOREVER && coder->status == STATUS_OK; i++) {
        next = add_fork(coder, code_node(coder, repeat->first, next), end);
    }
    for (uint32_t i = 0; i < min && coder->status == STATUS_OK; i++) {
        next = code_node(coder, repeat->first, next);
    }
    return next;
}

static uint16_t code_demand(struct coder *coder, uint8_t place, uint16_t next)
{
    return add(coder, (struct instruction){.type = INSTRUCTION_DEMAND, .place = place, .next = next});
}

static uint16_t code_node(struct coder *coder, const struct regex_node *node, uint16_t next)
{
    if (coder->status != STATUS_OK) {
        return 0;
    }
    switch (node->type) {
    case NODE_CHARACTERS:
        return code_characters(coder, &node->set, next);
    case NODE_SEQUENCE:
        return code_sequence(coder, node, next);
    case NODE_CHOICE:
        return code_choice(coder, node, next);
    case NODE_REPEAT:
        return code_repeat(coder, node, next);
    case NODE_START:
        return code_demand(coder, PLACE_LINE_START, next);
    case NODE_END:
        return code_demand(coder, PLACE_LINE_END, next);
    case NODE_EDGE:
        return code_demand(coder, PLACE_EDGE, next);
    case NODE_NOT_EDGE:
        return code_demand(coder, PLACE_NOT_EDGE, next);
    case NODE_ANY:
        return add_loop(coder, all_bytes, next);
    default:
        return next;
    }
}

/* Splits every class that the set cuts through. */
static void split_classes(struct automaton_code *code, const uint64_t bytes[4])
{
    int inside[256], outside[256];
    uint32_t classes = 0;
    memset(inside, -1, sizeof inside);
    memset(outside, -1, sizeof outside);
    for (uint32_t byte = 0; byte < 256; byte++) {
        int *known = (bytes[byte >> 6] >> (byte & 63) & 1) ? inside : outside;
        uint8_t old = code->class_of[byte];
        if (known[old] < 0) {
            known[old] = (int)classes++;
        }
        code->class_of[byte] = (uint8_t)known[old];
    }
    code->classes = classes;
}

/* Numbers the classes anew, those of common bytes first: what is often looked at of a state then lies close together. */
static void number_classes(struct automaton_code *code)
{
    static const char common[] = " etaoinsrhldcumfpgwybvk.,'-?!0123456789xjqz";
    int numbers[256];
    uint32_t next = 0;
    memset(numbers, -1, sizeof numbers);
    for (uint32_t i = 0; i < sizeof common - 1 + 256; i++) {
        uint32_t byte = i < sizeof common - 1 ? (uint8_t)common[i] : i - (sizeof common - 1);
        uint32_t class = code->class_of[byte];
        if (numbers[class] < 0) {
            code->byte_of[next] = (uint8_t)byte;
            numbers[class] = (int)next++;
        }
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        code->class_of[byte] = (uint8_t)numbers[code->class_of[byte]];
    }
}

static void make_classes(struct automaton_code *code)
{
    static const uint64_t newline[4] = {UINT64_C(1) << '\n'};
    static const uint64_t word[4] = {UINT64_C(0x03FF000000000000), UINT64_C(0x07FFFFFE87FFFFFE)};
    unsigned places = 0;
    for (uint32_t i = 0; i < code->count; i++) {
        places |= code->instructions[i].type == INSTRUCTION_DEMAND ? code->instructions[i].place : 0u;
    }
    code->classes = 1;
    memset(code->class_of, 0, sizeof code->class_of);
    for (uint32_t i = 0; i < code->set_count; i++) {
        split_classes(code, code->sets[i]);
    }
    if (places & (PLACE_LINE_START | PLACE_LINE_END)) {
        split_classes(code, newline);
    }
    if (places & (PLACE_EDGE | PLACE_NOT_EDGE)) {
        split_classes(code, word);
        split_classes(code, beyond_ascii);
    }
    number_classes(code);
}

static void code_member(struct coder *coder, const struct regex_node *root, uint32_t number)
{
    struct automaton_code *code = coder->code;
    struct automaton_member *member = &code->members[number];
    while (code->count % 64 != 0 && coder->status == STATUS_OK) {
        (void)add(coder, (struct instruction){.type = INSTRUCTION_MATCH}); /* nobody goes there */
    }
    member->first = code->count;
    coder->exact = !root->loose;
    uint16_t match = add(coder, (struct instruction){.type = INSTRUCTION_MATCH, .next = (uint16_t)number});
    member->start = code_node(coder, root, match);
    member->end = code->count;
    member->exact = coder->exact;
}

/* Moves the code from where it was made, which has room for the largest. */
static enum status keep(struct automaton_code *code, struct arena *arena)
{
    void *instructions = arena_allocate(arena, code->count * sizeof *code->instructions);
    void *sets = arena_allocate(arena, code->set_count * sizeof *code->sets);
    if (!instructions || !sets) {
        return STATUS_NO_MEMORY;
    }
    memcpy(instructions, code->instructions, code->count * sizeof *code->instructions);
    memcpy(sets, code->sets, code->set_count * sizeof *code->sets);
    code->instructions = instructions;
    code->sets = sets;
    return STATUS_OK;
}

enum status automaton_code_make(const struct regex_node *const *roots, uint32_t count, uint32_t repeat_max,
                                struct arena *arena, struct automaton_code *ret_code)
{
    struct automaton_code code = {.member_count = count};
    struct coder coder = {.code = &code, .repeat_max = repeat_max};
    coder.status = arena_new((size_t)1 << 19, (size_t)64 << 20, &coder.arena);
    if (coder.status != STATUS_OK) {
        return coder.status;
    }
    code.instructions = arena_allocate(coder.arena, AUTOMATON_INSTRUCTIONS_MAX * sizeof *code.instructions);
    code.sets = arena_allocate(coder.arena, AUTOMATON_SETS_MAX * sizeof *code.sets);
    coder.slots = arena_array(coder.arena, SET_SLOTS, sizeof *coder.slots);
    if (!code.instructions || !code.sets || !coder.slots) {
        coder.status = STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count && coder.status == STATUS_OK; i++) {
        code_member(&coder, roots[i], i);
    }
    if (coder.status == STATUS_OK) {
        make_classes(&code);
        coder.status = code.classes <= AUTOMATON_CLASSES_MAX ? keep(&code, arena) : STATUS_LIMIT;
    }
    if (coder.status == STATUS_OK) {
        *ret_code = code;
    }
    arena_free(&coder.arena);
    return coder.status;
}
