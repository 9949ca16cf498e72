#include "rules/automaton.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/arena.h"
#include "rules/automaton_code.h"
#include "rules/regex_fit.h"
#include "text/word.h"

#define LANES 4 /* texts at once */
#define TREE_BYTES_MAX ((size_t)64 << 20)
#define STATES_MAX 32768u

/* Instructions that a repeat may take: .{0,300} may have as many states for each place where it may begin. */
static const uint32_t repeat_limits[AUTOMATON_FORMS] = {800, 24};

/*
 * Making a state is counted in instructions that were looked at, about 2 ns each. So much of it is free, and then so much
 * for each text: what it saves of PCRE2 is more.
 */
#define WORK_FREE (UINT64_C(1) << 21)
#define WORK_A_TEXT 16u

/* The first states are ends: STATE_UNKNOWN where there is no state yet, the others stand for an answer each. */
#define STATE_UNKNOWN 0u
#define ENDS_OF_ONE 3u
#define ENDS_OF_SEVERAL 256u

/* What a state has to remember of the byte before, if some demand is still open. */
enum { CONTEXT_LINE_START = 1, CONTEXT_AFTER_WORD = 2, CONTEXT_AFTER_OTHER = 4 };

struct automaton {
    struct arena *arena; /* of the code, and what is derived from it */
    struct automaton_code code;
    uint8_t class_of[256]; /* code.class_of, but that a newline is the end of a text of one line */
    bool one_line;
    uint32_t words;  /* of 64 bits: a set of instructions */
    uint32_t shift;  /* a state has 1 << shift entries */
    uint64_t *takes; /* [class][word]: instructions that take a byte of the class */
    uint64_t *waits; /* instructions that make up a state: they take a byte, or demand something of the next place */
    uint64_t *opens; /* of these, those that demand */
    uint64_t *begin; /* where matches that begin inside a line begin */
    uint8_t *member; /* [word]: whose instructions they are */
    automaton_answer all, certain;
    automaton_answer restless; /* members whose matches may begin behind the start of a text */

    uint16_t *next;                            /* [state][class] */
    uint64_t *sets;                            /* [state][word] */
    uint8_t *contexts;                         /* [state] */
    automaton_answer *lives;                   /* [state]: members that have not been found yet */
    uint32_t ends;                             /* states below are ends */
    automaton_answer answers[ENDS_OF_SEVERAL]; /* that they stand for */
    uint32_t answer_count;
    uint16_t *slots;     /* states by the hash of their sets */
    uint32_t slot_count; /* a power of two */
    uint32_t count, capacity, states_max;
    uint16_t first; /* the state at the start of a text */
    bool full;      /* there is no room for more: to be emptied */

    uint64_t *seen, *from;
    uint16_t *stack;
    uint64_t work, work_allowed;
    bool gave_up;
    size_t size;
};

static bool has(const uint64_t *set, uint32_t i)
{
    return (set[i >> 6] >> (i & 63) & 1) != 0;
}

static void put(uint64_t *set, uint32_t i)
{
    set[i >> 6] |= UINT64_C(1) << (i & 63);
}

/*
 * Adds to automaton->seen what can be reached from `from` without taking a byte, at a place that has `places`. What the next
 * byte decides is known only if `decided`. Gives the members of which that is the end of a match.
 */
static automaton_answer follow(struct automaton *automaton, uint32_t from, unsigned places, bool decided)
{
    uint32_t depth = 0;
    automaton_answer matched = 0;
    automaton->stack[depth++] = (uint16_t)from;
    while (depth > 0) {
        uint32_t i = automaton->stack[--depth];
        const struct instruction *instruction = &automaton->code.instructions[i];
        if (has(automaton->seen, i)) {
            continue;
        }
        automaton->work++;
        put(automaton->seen, i);
        switch (instruction->type) {
        case INSTRUCTION_FORK:
            automaton->stack[depth++] = instruction->other;
            automaton->stack[depth++] = instruction->next;
            break;
        case INSTRUCTION_DEMAND:
            if ((decided || instruction->place == PLACE_LINE_START) && (places & instruction->place)) {
                automaton->stack[depth++] = instruction->next;
            }
            break;
        case INSTRUCTION_MATCH:
            matched |= UINT32_C(1) << instruction->next;
            break;
        default:
            break;
        }
    }
    return matched;
}

static size_t state_size(const struct automaton *automaton)
{
    return ((size_t)sizeof(uint16_t) << automaton->shift) + automaton->words * sizeof(uint64_t) + sizeof(uint8_t) +
           sizeof(automaton_answer);
}

static bool reserve_states(struct automaton *automaton)
{
    if (automaton->count < automaton->capacity) {
        return true;
    }
    uint32_t capacity = automaton->capacity ? automaton->capacity * 2 : automaton->ends + 64;
    capacity = capacity < automaton->states_max ? capacity : automaton->states_max;
    if (capacity <= automaton->count) {
        return false;
    }
    uint16_t *next = reallocarray(automaton->next, capacity, sizeof *next << automaton->shift);
    if (next) {
        automaton->next = next;
    }
    uint64_t *sets = next ? reallocarray(automaton->sets, capacity, automaton->words * sizeof *sets) : NULL;
    if (sets) {
        automaton->sets = sets;
    }
    uint8_t *contexts = sets ? reallocarray(automaton->contexts, capacity, sizeof *contexts) : NULL;
    if (contexts) {
        automaton->contexts = contexts;
    }
    automaton_answer *lives = contexts ? reallocarray(automaton->lives, capacity, sizeof *lives) : NULL;
    if (!lives) {
        return false;
    }
    automaton->lives = lives;
    automaton->size += (size_t)(capacity - automaton->capacity) * state_size(automaton);
    automaton->capacity = capacity;
    return true;
}

/* The end at which these members were found. STATE_UNKNOWN: there is no room. */
static uint16_t find_end(struct automaton *automaton, automaton_answer answer)
{
    for (uint32_t i = STATE_UNKNOWN + 1; i < automaton->answer_count; i++) {
        if (automaton->answers[i] == answer) {
            return (uint16_t)i;
        }
    }
    if (automaton->answer_count == automaton->ends) {
        automaton->full = true;
        return STATE_UNKNOWN;
    }
    automaton->answers[automaton->answer_count] = answer;
    return (uint16_t)automaton->answer_count++;
}

/* The state of the instructions in automaton->seen, of members that live, made if there is none yet; as above. */
static uint16_t find_state(struct automaton *automaton, automaton_answer live, unsigned context)
{
    uint64_t *set = automaton->from, any = 0, open = 0;
    for (uint32_t w = 0; w < automaton->words; w++) {
        set[w] = live >> automaton->member[w] & 1 ? automaton->seen[w] & automaton->waits[w] : 0;
        any |= set[w];
        open |= set[w] & automaton->opens[w];
    }
    if (any == 0 && !(live & automaton->restless)) {
        return find_end(automaton, automaton->all & ~live);
    }
    context = open ? context : 0;
    size_t size = automaton->words * sizeof *set;
    uint64_t seed = (uint64_t)live << 8 | context;
    uint32_t slot = (uint32_t)(XXH3_64bits_withSeed(set, size, seed) & (automaton->slot_count - 1));
    for (; automaton->slots[slot]; slot = (slot + 1) & (automaton->slot_count - 1)) {
        uint16_t known = automaton->slots[slot];
        if (automaton->contexts[known] == context && automaton->lives[known] == live &&
            memcmp(automaton->sets + (size_t)known * automaton->words, set, size) == 0) {
            return known;
        }
    }
    if (!reserve_states(automaton)) {
        automaton->full = true;
        return STATE_UNKNOWN;
    }
    uint16_t state = (uint16_t)automaton->count++;
    memset(automaton->next + ((size_t)state << automaton->shift), 0, sizeof(uint16_t) << automaton->shift);
    memcpy(automaton->sets + (size_t)state * automaton->words, set, size);
    automaton->contexts[state] = (uint8_t)context;
    automaton->lives[state] = live;
    automaton->slots[slot] = state;
    return state;
}

/* Decides what the state demands of the place before the next byte; leaves what can go on there in automaton->seen. */
static automaton_answer decide_place(struct automaton *automaton, uint16_t state, unsigned places)
{
    const uint64_t *set = automaton->sets + (size_t)state * automaton->words;
    memcpy(automaton->seen, set, automaton->words * sizeof *set);
    automaton_answer matched = 0;
    for (uint32_t w = 0; w < automaton->words; w++) {
        for (uint64_t left = automaton->from[w] = set[w] & automaton->opens[w]; left; left &= left - 1) {
            const struct instruction *open = &automaton->code.instructions[w * 64 + (uint32_t)__builtin_ctzll(left)];
            if (places & open->place) {
                matched |= follow(automaton, open->next, places, true);
            }
        }
    }
    return matched;
}

/* What the state remembers of a byte. */
static unsigned context_of(uint8_t byte)
{
    bool word = word_is_letter_or_digit(byte) || byte == '_';
    return byte >= 0x80 ? CONTEXT_AFTER_OTHER : word ? CONTEXT_AFTER_WORD : byte == '\n' ? CONTEXT_LINE_START : 0u;
}

/* What the place between two bytes has, by what is remembered of them. */
static unsigned places_between(unsigned before, unsigned after)
{
    unsigned places =
        (before & CONTEXT_LINE_START ? PLACE_LINE_START : 0u) | (after & CONTEXT_LINE_START ? PLACE_LINE_END : 0u);
    if ((before | after) & CONTEXT_AFTER_OTHER) {
        return places | PLACE_EDGE | PLACE_NOT_EDGE; /* it depends on the character */
    }
    return places | ((before ^ after) & CONTEXT_AFTER_WORD ? PLACE_EDGE : PLACE_NOT_EDGE);
}

/* Where the state goes with a byte of the class. */
static uint16_t make_transition(struct automaton *automaton, uint16_t state, uint32_t class)
{
    bool end = class == automaton->code.classes;
    unsigned context = context_of(end ? '\n' : automaton->code.byte_of[class]);
    unsigned between = places_between(automaton->contexts[state], context);
    automaton_answer live = automaton->lives[state] & ~decide_place(automaton, state, between), matched = 0;
    if (end) {
        return find_end(automaton, automaton->all & ~live);
    }
    bool newline = context == CONTEXT_LINE_START;
    unsigned places = newline ? PLACE_LINE_START : 0u;
    const uint64_t *takes = automaton->takes + (size_t) class * automaton->words;
    for (uint32_t w = 0; w < automaton->words; w++) {
        bool lives = live >> automaton->member[w] & 1;
        automaton->from[w] = lives ? automaton->seen[w] & takes[w] : 0;
        automaton->seen[w] = lives && !newline ? automaton->begin[w] : 0;
    }
    automaton->work += 4 * (uint64_t)automaton->words;
    for (uint32_t i = 0; newline && i < automaton->code.member_count; i++) {
        matched |= follow(automaton, automaton->code.members[i].start, places, false);
    }
    for (uint32_t w = 0; w < automaton->words; w++) {
        for (uint64_t left = automaton->from[w]; left; left &= left - 1) {
            uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(left);
            matched |= follow(automaton, automaton->code.instructions[i].next, places, false);
        }
    }
    return find_state(automaton, live & ~matched, context);
}

/* The same, kept in the table. No text, however long, may take more work than is allowed: then it gives up at once. */
static uint16_t transition(struct automaton *automaton, uint16_t state, uint32_t class)
{
    if (automaton->work > automaton->work_allowed) {
        automaton->gave_up = true;
        return STATE_UNKNOWN;
    }
    uint16_t to = make_transition(automaton, state, class);
    automaton->next[((size_t)state << automaton->shift) | class] = to;
    return to;
}

/* Forgets all states, and makes the first one. */
static void begin(struct automaton *automaton)
{
    memset(automaton->slots, 0, automaton->slot_count * sizeof *automaton->slots);
    memset(automaton->seen, 0, automaton->words * sizeof *automaton->seen);
    for (uint32_t i = 0; i < automaton->ends << automaton->shift; i++) {
        automaton->next[i] = (uint16_t)(i >> automaton->shift); /* leads to itself */
    }
    automaton->count = automaton->ends;
    automaton->answer_count = STATE_UNKNOWN + 1;
    automaton->full = false;
    automaton_answer live = automaton->all;
    for (uint32_t i = 0; i < automaton->code.member_count; i++) {
        live &= ~follow(automaton, automaton->code.members[i].start, PLACE_LINE_START, false);
    }
    automaton->first = find_state(automaton, live, CONTEXT_LINE_START);
}

/* A text on its way through an automaton. */
struct lane {
    struct automaton *automaton;
    const uint8_t *at;
    uint16_t state;
    bool stuck; /* the table does not know where the next block leads */
    uint32_t item;
};

/*
 * Takes the lanes on together, block by block, until one of them has to be looked at: while one waits for its table, the
 * others go on. What stands for no state leads to itself, also beyond the end of a text; a lane that comes to what is not
 * known yet is put back before its block.
 */
static void run_blocks(struct lane lanes[LANES])
{
    const uint16_t *next[LANES];
    const uint8_t *class_of[LANES], *at[LANES];
    uint32_t states[LANES], before[LANES], ends[LANES];
    unsigned shift[LANES];
    bool all;
    for (int i = 0; i < LANES; i++) {
        next[i] = lanes[i].automaton->next;
        class_of[i] = lanes[i].automaton->class_of;
        shift[i] = lanes[i].automaton->shift;
        ends[i] = lanes[i].automaton->ends;
        states[i] = lanes[i].state;
        at[i] = lanes[i].at;
    }
    do {
        memcpy(before, states, sizeof before);
        all = true;
#pragma GCC unroll 8
        for (int i = 0; i < LANES; i++) {
#pragma GCC unroll 8
            for (int k = 0; k < AUTOMATON_BLOCK; k++) {
                states[i] = next[i][((size_t)states[i] << shift[i]) | class_of[i][at[i][k]]];
            }
            all &= states[i] >= ends[i];
            at[i] += AUTOMATON_BLOCK;
        }
    } while (all);
    for (int i = 0; i < LANES; i++) {
        lanes[i].stuck = states[i] == STATE_UNKNOWN;
        lanes[i].state = (uint16_t)(lanes[i].stuck ? before[i] : states[i]);
        lanes[i].at = lanes[i].stuck ? at[i] - AUTOMATON_BLOCK : at[i];
    }
}

/* Takes one lane on, byte by byte, and makes what is not known yet. */
static void run_alone(struct lane *lane, size_t bytes)
{
    struct automaton *automaton = lane->automaton;
    for (; bytes > 0 && lane->state >= automaton->ends; bytes--) {
        uint32_t class = automaton->class_of[*lane->at++];
        uint16_t to = automaton->next[((size_t)lane->state << automaton->shift) | class];
        lane->state = to ? to : transition(automaton, lane->state, class);
    }
}

/* What has to be done by hand after blocks: true if the lane has its answer. */
static bool attend(struct lane *lane, automaton_answer *ret_answers)
{
    if (lane->stuck) {
        run_alone(lane, AUTOMATON_BLOCK);
    }
    bool done = lane->state < lane->automaton->ends;
    if (done) {
        ret_answers[lane->item] = lane->automaton->answers[lane->state];
    }
    return done;
}

/* What there is to do: many texts for one automaton, or many automata for one text. */
struct work {
    struct automaton *const *automata;
    const struct span *texts;
    const uint32_t *which;
    bool one_automaton, one_text;
    uint32_t next, count;
};

static struct automaton *work_automaton(const struct work *work, uint32_t item)
{
    return work->automata[work->one_automaton ? 0 : item];
}

static struct span work_text(const struct work *work, uint32_t item)
{
    return work->texts[work->one_text ? 0 : work->which[item]];
}

/* The next item that is not decided before its first byte; false after the last. */
static bool enter(struct work *work, struct lane *lane, automaton_answer *ret_answers)
{
    while (work->next < work->count) {
        struct automaton *automaton = work_automaton(work, work->next);
        *lane = (struct lane){.automaton = automaton,
                              .at = work_text(work, work->next).data,
                              .state = automaton->gave_up ? (uint16_t)STATE_UNKNOWN : automaton->first,
                              .item = work->next++};
        if (!attend(lane, ret_answers)) {
            return true;
        }
    }
    return false;
}

static void look(struct work *work, automaton_answer *ret_answers)
{
    struct lane lanes[LANES];
    int running = 0;
    while (running < LANES && enter(work, &lanes[running], ret_answers)) {
        running++;
    }
    while (running == LANES) {
        run_blocks(lanes);
        for (int i = 0; i < running; i++) {
            if (attend(&lanes[i], ret_answers) && !enter(work, &lanes[i], ret_answers)) {
                lanes[i--] = lanes[--running];
            }
        }
    }
    for (int i = 0; i < running; i++) {
        run_alone(&lanes[i], SIZE_MAX);
        (void)attend(&lanes[i], ret_answers);
    }
}

/* Texts of more than one line: a newline is not their end. One after the other; few regexes look at the raw view. */
static void look_at_lines(struct work *work, automaton_answer *ret_answers)
{
    struct lane lane;
    while (enter(work, &lane, ret_answers)) {
        struct automaton *automaton = lane.automaton;
        struct span text = work_text(work, lane.item);
        for (size_t i = 0; lane.state >= automaton->ends; i++) {
            uint32_t class = i < text.size ? automaton->code.class_of[text.data[i]] : automaton->code.classes;
            uint16_t to = automaton->next[((size_t)lane.state << automaton->shift) | class];
            lane.state = to ? to : transition(automaton, lane.state, class);
        }
        (void)attend(&lane, ret_answers);
    }
}

/* Before `count` texts go through it. */
static void ready(struct automaton *automaton, uint32_t count)
{
    automaton->work_allowed += (uint64_t)count * WORK_A_TEXT;
    automaton->gave_up |= automaton->work > automaton->work_allowed;
    if (automaton->full && !automaton->gave_up) {
        begin(automaton);
    }
}

void automaton_look(struct automaton *automaton, const struct span *texts, const uint32_t *which, uint32_t count,
                    automaton_answer *ret_answers)
{
    struct work work = {.automata = &automaton, .texts = texts, .which = which, .one_automaton = true, .count = count};
    ready(automaton, count);
    if (automaton->one_line) {
        look(&work, ret_answers);
    } else {
        look_at_lines(&work, ret_answers);
    }
}

void automaton_look_each(struct automaton *const *automata, uint32_t count, struct span text,
                         automaton_answer *ret_answers)
{
    struct work work = {.automata = automata, .texts = &text, .one_text = true, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        ready(automata[i], 1);
    }
    if (count > 0 && automata[0]->one_line) {
        look(&work, ret_answers);
    } else {
        look_at_lines(&work, ret_answers);
    }
}

/* What is derived from the code: which instructions take a class, which make up states, and where matches begin. */
static enum status derive(struct automaton *automaton, enum view view)
{
    const struct automaton_code *code = &automaton->code;
    uint32_t words = automaton->words = (code->count + 63) / 64;
    struct arena *arena = automaton->arena;
    automaton->takes = arena_array(arena, (size_t)code->classes * words, sizeof(uint64_t));
    automaton->waits = arena_array(arena, words, sizeof(uint64_t));
    automaton->opens = arena_array(arena, words, sizeof(uint64_t));
    automaton->begin = arena_array(arena, words, sizeof(uint64_t));
    automaton->seen = arena_array(arena, words, sizeof(uint64_t));
    automaton->from = arena_array(arena, words, sizeof(uint64_t));
    automaton->member = arena_array(arena, words, sizeof(uint8_t));
    automaton->stack = arena_array(arena, 2 * (size_t)code->count + 2, sizeof(uint16_t));
    if (!automaton->takes || !automaton->waits || !automaton->opens || !automaton->begin || !automaton->seen ||
        !automaton->from || !automaton->member || !automaton->stack) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < code->count; i++) {
        const struct instruction *instruction = &code->instructions[i];
        bool takes = instruction->type == INSTRUCTION_BYTE;
        if (instruction->type == INSTRUCTION_DEMAND && instruction->place != PLACE_LINE_START) {
            put(automaton->opens, i);
            put(automaton->waits, i);
        }
        for (uint32_t class = 0; takes && class < code->classes; class ++) {
            uint32_t byte = code->byte_of[class];
            if (code->sets[instruction->set][byte >> 6] >> (byte & 63) & 1) {
                put(automaton->takes + (size_t) class * words, i);
            }
        }
        if (takes) {
            put(automaton->waits, i);
        }
    }
    automaton->one_line = view != VIEW_RAW;
    for (uint32_t m = 0; m < code->member_count; m++) {
        const struct automaton_member *member = &code->members[m];
        bool matched = follow(automaton, member->start, 0, false) != 0;
        if (matched && !member->exact) {
            return STATUS_UNSUPPORTED; /* it matches the empty string, or nobody knows what: it would refute nothing */
        }
        automaton->all |= UINT32_C(1) << m;
        automaton->certain |= member->exact && view == VIEW_FOLDED ? UINT32_C(1) << m : 0;
        uint64_t any = 0;
        for (uint32_t w = member->first / 64; w < (member->end + 63) / 64; w++) {
            automaton->member[w] = (uint8_t)m;
            automaton->begin[w] = automaton->seen[w];
            any |= automaton->seen[w] & automaton->waits[w];
        }
        automaton->restless |= any != 0 || !automaton->one_line ? UINT32_C(1) << m : 0;
    }
    memcpy(automaton->class_of, code->class_of, sizeof automaton->class_of);
    automaton->class_of['\n'] =
        (uint8_t)code->classes; /* looked at only if texts have one line: then there are fewer */
    return STATUS_OK;
}

static enum status make_code(struct automaton *automaton, const struct span *patterns, uint32_t count, enum view view,
                             unsigned form)
{
    struct arena *scratch = NULL;
    struct regex_node *trees[AUTOMATON_MEMBERS_MAX] = {NULL};
    enum status status = count <= AUTOMATON_MEMBERS_MAX ? STATUS_OK : STATUS_LIMIT;
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, TREE_BYTES_MAX, &scratch);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = regex_tree_parse(patterns[i], scratch, &trees[i]);
        if (status == STATUS_OK) {
            status = regex_fit(trees[i], view, scratch);
            status = status == STATUS_NOT_FOUND ? STATUS_UNSUPPORTED : status;
        }
    }
    if (status == STATUS_OK) {
        status = automaton_code_make((const struct regex_node *const *)trees, count, repeat_limits[form],
                                     automaton->arena, &automaton->code);
    }
    arena_free(&scratch);
    return status;
}

static enum status make_room(struct automaton *automaton)
{
    automaton->ends = automaton->code.member_count > 1 ? ENDS_OF_SEVERAL : ENDS_OF_ONE;
    while ((1u << automaton->shift) <= automaton->code.classes) { /* one class more: the end of the text */
        automaton->shift++;
    }
    size_t most = AUTOMATON_BYTES_MAX / state_size(automaton);
    automaton->states_max = most < STATES_MAX ? (uint32_t)most : STATES_MAX;
    automaton->slot_count = 64;
    while (automaton->slot_count < 2 * automaton->states_max) {
        automaton->slot_count *= 2;
    }
    automaton->slots = calloc(automaton->slot_count, sizeof *automaton->slots);
    automaton->size =
        sizeof *automaton + arena_size(automaton->arena) + automaton->slot_count * sizeof *automaton->slots;
    return automaton->slots && reserve_states(automaton) ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status automaton_new(const struct span *patterns, uint32_t count, enum view view, unsigned form,
                          struct automaton **ret_automaton)
{
    struct automaton *automaton = calloc(1, sizeof *automaton);
    enum status status = automaton ? arena_new(4096, TREE_BYTES_MAX, &automaton->arena) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = make_code(automaton, patterns, count, view, form);
    }
    if (status == STATUS_OK) {
        status = derive(automaton, view);
    }
    if (status == STATUS_OK) {
        status = make_room(automaton);
    }
    if (status != STATUS_OK) {
        automaton_free(&automaton);
        return status;
    }
    automaton->work_allowed = WORK_FREE;
    automaton->answers[STATE_UNKNOWN] = AUTOMATON_UNKNOWN;
    begin(automaton);
    *ret_automaton = automaton;
    return STATUS_OK;
}

void automaton_free(struct automaton **automaton)
{
    if (!*automaton) {
        return;
    }
    arena_free(&(*automaton)->arena);
    free((*automaton)->next);
    free((*automaton)->sets);
    free((*automaton)->contexts);
    free((*automaton)->lives);
    free((*automaton)->slots);
    free(*automaton);
    *automaton = NULL;
}

automaton_answer automaton_certain(const struct automaton *automaton)
{
    return automaton->certain;
}

uint32_t automaton_counting(const struct automaton *automaton)
{
    return automaton->code.counting;
}

bool automaton_gave_up(const struct automaton *automaton)
{
    return automaton->gave_up;
}

size_t automaton_size(const struct automaton *automaton)
{
    return automaton->size;
}
