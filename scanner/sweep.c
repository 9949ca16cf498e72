#include "scanner/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "rules/automaton.h"
#include "scanner/search.h"

#define MESSAGES_AT_ONCE 512u
#define ARENA_CHUNK ((size_t)256 << 10)
#define ARENA_MAX ((size_t)512 << 20)
#define MESSAGES_FEW 4u
#define COUNTING_MUCH 10u                     /* such regexes are kept away from others (automaton_counting) */
#define AUTOMATA_BYTES_MAX ((size_t)96 << 20) /* of all automata; over it one is given up, and no more are made */
#define LENGTHS 64u                           /* classes of texts of about the same length, */
#define LENGTH_STEP 16u                       /* bytes; what is longer than all of them is one class */

/* Some of the regexes that are swept: by their place in program->always. */
struct squad {
    struct automaton *automaton; /* NULL: not made yet, or never */
    uint32_t count;
    uint32_t places[AUTOMATON_MEMBERS_MAX];
    unsigned form; /* of the automaton; AUTOMATON_FORMS: there will be none */
};

/* Of one view. */
struct muster {
    bool made;
    uint32_t swept; /* messages, until it is made */
    struct squad *squads;
    uint64_t *masks; /* [squad][word]: the places of its members */
    uint32_t count, capacity;
};

struct sweep {
    struct muster musters[VIEW_COUNT];
    uint32_t messages_first; /* are swept without automata */
    size_t bytes;            /* in automata */
    struct arena *arena;     /* of one stretch: */
    uint64_t *met;
    struct span *texts; /* what is searched of each message, */
    uint32_t *order;    /* messages by length, */
    uint32_t *counts;   /* and of each squad: messages that may match, */
    uint32_t *lists;    /* which are here: [squad][message] */
    automaton_answer *answers;
};

/* What a sweep over some messages works on. */
struct stretch {
    struct sweep *sweep;
    const struct program *program;
    enum view view;
    const struct view_batch *batch;
    uint32_t first, count; /* messages of the batch */
    sweep_found found;
    void *context;
};

enum status sweep_new(struct sweep **ret_sweep)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (!sweep) {
        return STATUS_NO_MEMORY;
    }
    enum status status = arena_new(ARENA_CHUNK, ARENA_MAX, &sweep->arena);
    if (status != STATUS_OK) {
        sweep_free(&sweep);
        return status;
    }
    sweep->messages_first = SWEEP_MESSAGES_FIRST;
    *ret_sweep = sweep;
    return STATUS_OK;
}

void sweep_set_first(struct sweep *sweep, uint32_t messages)
{
    sweep->messages_first = messages;
}

void sweep_forget(struct sweep *sweep)
{
    for (int view = 0; view < VIEW_COUNT; view++) {
        struct muster *muster = &sweep->musters[view];
        for (uint32_t i = 0; i < muster->count; i++) {
            automaton_free(&muster->squads[i].automaton);
        }
        free(muster->squads);
        free(muster->masks);
        *muster = (struct muster){0};
    }
    sweep->bytes = 0;
}

void sweep_free(struct sweep **sweep)
{
    if (*sweep) {
        sweep_forget(*sweep);
        arena_free(&(*sweep)->arena);
        free(*sweep);
        *sweep = NULL;
    }
}

size_t sweep_size(const struct sweep *sweep)
{
    return sweep->bytes;
}

/* ---- Squads ---- */

static const struct regex_demand_index *demands_of(const struct stretch *stretch)
{
    return &stretch->program->demands[stretch->view];
}

static struct muster *muster_of(const struct stretch *stretch)
{
    return &stretch->sweep->musters[stretch->view];
}

static const struct pattern *pattern_at(const struct stretch *stretch, uint32_t place)
{
    const struct program_probe *probe = &stretch->program->probes[stretch->program->always[stretch->view][place]];
    return &stretch->program->rules[probe->rule].rule->patterns[probe->pattern];
}

static enum status add_squad(const struct stretch *stretch, const uint32_t *places, uint32_t count, unsigned form)
{
    struct muster *muster = muster_of(stretch);
    uint32_t words = demands_of(stretch)->words;
    if (muster->count == muster->capacity) {
        uint32_t capacity = muster->capacity ? muster->capacity * 2 : 32;
        struct squad *squads = reallocarray(muster->squads, capacity, sizeof *squads);
        if (squads) {
            muster->squads = squads;
        }
        uint64_t *masks = squads ? reallocarray(muster->masks, capacity, words * sizeof *masks) : NULL;
        if (!masks) {
            return STATUS_NO_MEMORY;
        }
        muster->masks = masks;
        muster->capacity = capacity;
    }
    uint64_t *mask = muster->masks + (size_t)muster->count * words;
    struct squad *squad = &muster->squads[muster->count++];
    *squad = (struct squad){.count = count, .form = form};
    memset(mask, 0, words * sizeof *mask);
    for (uint32_t i = 0; i < count; i++) {
        squad->places[i] = places[i];
        mask[places[i] / 64] |= UINT64_C(1) << (places[i] & 63);
    }
    return STATUS_OK;
}

/* A regex that is to find its squad. */
struct recruit {
    uint32_t place;
    bool counting;
    double share; /* of ordinary messages in which it is looked for */
};

static int compare_recruits(const void *a, const void *b)
{
    const struct recruit *x = a, *y = b;
    if (x->counting != y->counting) {
        return x->counting - y->counting;
    }
    if (x->share != y->share) {
        return x->share > y->share ? -1 : 1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

/*
 * The recruits of the view: those that an automaton can be made of. The others are squads of their own from the start. Those
 * that are looked for in as many messages go together, and those that count much.
 */
static enum status recruit(const struct stretch *stretch, struct recruit *recruits, uint32_t *ret_count)
{
    enum status status = STATUS_OK;
    *ret_count = 0;
    for (uint32_t place = 0; status == STATUS_OK && place < demands_of(stretch)->count; place++) {
        const struct pattern *pattern = pattern_at(stretch, place);
        const struct program_probe *probe = &stretch->program->probes[stretch->program->always[stretch->view][place]];
        struct automaton *alone = NULL;
        if (pattern->kind != PATTERN_REGEX ||
            automaton_new(&pattern->regex, 1, stretch->view, 0, &alone) != STATUS_OK) {
            status = add_squad(stretch, &place, 1, AUTOMATON_FORMS);
            continue;
        }
        recruits[(*ret_count)++] = (struct recruit){.place = place,
                                                    .counting = automaton_counting(alone) > COUNTING_MUCH,
                                                    .share = regex_demand_share(&probe->demand, NULL)};
        automaton_free(&alone);
    }
    qsort(recruits, *ret_count, sizeof *recruits, compare_recruits);
    return status;
}

static enum status make_muster(const struct stretch *stretch)
{
    struct recruit *recruits = calloc(demands_of(stretch)->count, sizeof *recruits);
    uint32_t count = 0, most = stretch->view == VIEW_RAW ? 1 : AUTOMATON_MEMBERS_MAX; /* of texts of one line */
    if (!recruits) {
        return STATUS_NO_MEMORY;
    }
    enum status status = recruit(stretch, recruits, &count);
    for (uint32_t first = 0, end; status == STATUS_OK && first < count; first = end) {
        uint32_t places[AUTOMATON_MEMBERS_MAX];
        for (end = first; end < count && end - first < most && recruits[end].counting == recruits[first].counting;) {
            places[end - first] = recruits[end].place;
            end++;
        }
        status = add_squad(stretch, places, end - first, 0);
    }
    free(recruits);
    muster_of(stretch)->made = status == STATUS_OK;
    muster_of(stretch)->count = status == STATUS_OK ? muster_of(stretch)->count : 0; /* all again next time */
    return status;
}

/* Its automaton had too many states, or cannot be made at all. The squad at `number` becomes two, or tries another form. */
static enum status part(const struct stretch *stretch, uint32_t number)
{
    struct muster *muster = muster_of(stretch);
    struct squad *squad = &muster->squads[number];
    uint32_t words = demands_of(stretch)->words, half = squad->count / 2;
    if (squad->count == 1) {
        squad->form++;
        return STATUS_OK;
    }
    enum status status = add_squad(stretch, squad->places + half, squad->count - half, 0);
    if (status == STATUS_OK) {
        squad = &muster->squads[number]; /* it may have moved */
        squad->count = half;
        for (uint32_t w = 0; w < words; w++) {
            muster->masks[(size_t)number * words + w] &= ~muster->masks[(size_t)(muster->count - 1) * words + w];
        }
    }
    return status;
}

/* Makes the automaton of the squad if there can be one. Nothing is lost without memory: PCRE2 does it alone. */
static enum status equip(const struct stretch *stretch, uint32_t number)
{
    struct span patterns[AUTOMATON_MEMBERS_MAX];
    struct squad *squad = &muster_of(stretch)->squads[number];
    if (squad->automaton || squad->form == AUTOMATON_FORMS || stretch->sweep->bytes > AUTOMATA_BYTES_MAX) {
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < squad->count; i++) {
        patterns[i] = pattern_at(stretch, squad->places[i])->regex;
    }
    if (automaton_new(patterns, squad->count, stretch->view, squad->form, &squad->automaton) != STATUS_OK) {
        return part(stretch, number);
    }
    stretch->sweep->bytes += automaton_size(squad->automaton);
    return STATUS_OK;
}

/* After a look: whatever it said was told. */
static enum status review(const struct stretch *stretch, uint32_t number)
{
    struct squad *squad = &muster_of(stretch)->squads[number];
    bool over = stretch->sweep->bytes > AUTOMATA_BYTES_MAX;
    if (!automaton_gave_up(squad->automaton) && !over) {
        return STATUS_OK;
    }
    stretch->sweep->bytes -= automaton_size(squad->automaton);
    automaton_free(&squad->automaton);
    if (over) { /* it would only grow to that again */
        squad->form = AUTOMATON_FORMS;
        return STATUS_OK;
    }
    return part(stretch, number);
}

/* ---- Messages ---- */

static enum status make_room(const struct stretch *stretch)
{
    struct sweep *sweep = stretch->sweep;
    size_t squads = muster_of(stretch)->count + 1u, messages = stretch->count;
    arena_reset(sweep->arena);
    sweep->met = arena_allocate(sweep->arena, demands_of(stretch)->words * sizeof *sweep->met);
    sweep->texts = arena_allocate(sweep->arena, messages * sizeof *sweep->texts);
    sweep->order = arena_allocate(sweep->arena, messages * sizeof *sweep->order);
    sweep->counts = arena_allocate(sweep->arena, squads * sizeof *sweep->counts);
    sweep->lists = arena_allocate(sweep->arena, squads * messages * sizeof *sweep->lists);
    sweep->answers = arena_allocate(sweep->arena, (squads > messages ? squads : messages) * sizeof *sweep->answers);
    bool room = sweep->met && sweep->texts && sweep->order && sweep->counts && sweep->lists && sweep->answers;
    return room ? STATUS_OK : STATUS_NO_MEMORY;
}

/* All that may match in a message, of which nobody knows more. NULL: all members of the view. */
static enum status report_met(const struct stretch *stretch, uint32_t message, const uint64_t *mask)
{
    const struct regex_demand_index *demands = demands_of(stretch);
    uint64_t *met = stretch->sweep->met;
    enum status status = STATUS_OK;
    regex_demand_index_meet(demands, view_batch_text(stretch->batch, message), met);
    for (uint32_t word = 0; word < demands->words; word++) {
        for (uint64_t left = mask ? met[word] & mask[word] : met[word]; left && status == STATUS_OK; left &= left - 1) {
            uint32_t place = word * 64 + (uint32_t)__builtin_ctzll(left);
            status = stretch->found(stretch->context, message, stretch->program->always[stretch->view][place], false);
        }
    }
    return status;
}

static enum status report(const struct stretch *stretch, uint32_t number, uint32_t message, automaton_answer answer,
                          automaton_answer certain)
{
    const struct squad *squad = &muster_of(stretch)->squads[number];
    bool plain = (stretch->batch->facts[message] & VIEW_FACT_PLAIN) != 0;
    enum status status = STATUS_OK;
    if (answer == AUTOMATON_UNKNOWN) {
        return report_met(stretch, message, muster_of(stretch)->masks + (size_t)number * demands_of(stretch)->words);
    }
    for (automaton_answer left = answer; left && status == STATUS_OK; left &= left - 1) {
        uint32_t member = (uint32_t)__builtin_ctz(left);
        status =
            stretch->found(stretch->context, message, stretch->program->always[stretch->view][squad->places[member]],
                           plain && (certain >> member & 1));
    }
    return status;
}

static bool may_match(const struct stretch *stretch, uint32_t number)
{
    uint32_t words = demands_of(stretch)->words;
    const uint64_t *mask = muster_of(stretch)->masks + (size_t)number * words;
    uint64_t any = 0;
    for (uint32_t w = 0; w < words; w++) {
        any |= mask[w] & stretch->sweep->met[w];
    }
    return any != 0;
}

static uint32_t length_class(struct span text)
{
    return text.size / LENGTH_STEP < LENGTHS ? (uint32_t)(text.size / LENGTH_STEP) : LENGTHS - 1;
}

/* Messages of about the same length come one after the other: their texts go through an automaton together. */
static void order_by_length(const struct stretch *stretch)
{
    struct sweep *sweep = stretch->sweep;
    uint32_t places[LENGTHS + 1] = {0};
    for (uint32_t i = 0; i < stretch->count; i++) {
        sweep->texts[i] = view_batch_text(stretch->batch, stretch->first + i);
        places[length_class(sweep->texts[i]) + 1]++;
    }
    for (uint32_t length = 0; length < LENGTHS; length++) {
        places[length + 1] += places[length];
    }
    for (uint32_t i = 0; i < stretch->count; i++) {
        sweep->order[places[length_class(sweep->texts[i])]++] = i;
    }
}

/* The messages in which some member of each squad may match, in sweep->lists. */
static void list_messages(const struct stretch *stretch)
{
    struct sweep *sweep = stretch->sweep;
    uint32_t squads = muster_of(stretch)->count;
    memset(sweep->counts, 0, squads * sizeof *sweep->counts);
    for (uint32_t i = 0; i < stretch->count; i++) {
        uint32_t message = sweep->order[i];
        regex_demand_index_meet(demands_of(stretch), sweep->texts[message], sweep->met);
        for (uint32_t number = 0; number < squads; number++) {
            sweep->lists[(size_t)number * stretch->count + sweep->counts[number]] = message;
            sweep->counts[number] += may_match(stretch, number);
        }
    }
}

static enum status sweep_squad(const struct stretch *stretch, uint32_t number)
{
    struct sweep *sweep = stretch->sweep;
    struct automaton *automaton = muster_of(stretch)->squads[number].automaton;
    const uint32_t *messages = sweep->lists + (size_t)number * stretch->count;
    automaton_answer certain = automaton ? automaton_certain(automaton) : 0;
    uint32_t count = sweep->counts[number];
    size_t size = automaton ? automaton_size(automaton) : 0;
    enum status status = STATUS_OK;
    if (automaton && count > 0) {
        automaton_look(automaton, sweep->texts, messages, count, sweep->answers);
        sweep->bytes += automaton_size(automaton) - size; /* also if telling fails: what is given up is taken off */
    }
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        automaton_answer answer = automaton ? sweep->answers[i] : AUTOMATON_UNKNOWN;
        status = answer ? report(stretch, number, stretch->first + messages[i], answer, certain) : STATUS_OK;
    }
    return automaton && status == STATUS_OK ? review(stretch, number) : status;
}

/* From squad to squad, so that the tables of its automaton stay at hand. */
static enum status sweep_many(const struct stretch *stretch)
{
    enum status status = make_room(stretch);
    uint32_t squads = muster_of(stretch)->count; /* more may come */
    if (status != STATUS_OK) {
        return status;
    }
    order_by_length(stretch);
    list_messages(stretch);
    for (uint32_t number = 0; status == STATUS_OK && number < squads; number++) {
        status = sweep_squad(stretch, number);
    }
    return status;
}

/* One message goes through several automata at once. */
static enum status sweep_message(const struct stretch *stretch, uint32_t message)
{
    struct automaton *automata[MESSAGES_AT_ONCE];
    uint32_t numbers[MESSAGES_AT_ONCE];
    size_t sizes[MESSAGES_AT_ONCE];
    automaton_answer certain[MESSAGES_AT_ONCE];
    struct span text = view_batch_text(stretch->batch, message);
    uint32_t squads = muster_of(stretch)->count;
    enum status status = STATUS_OK;
    for (uint32_t number = 0; status == STATUS_OK && number < squads;) {
        uint32_t count = 0;
        regex_demand_index_meet(demands_of(stretch), text, stretch->sweep->met);
        for (; number < squads && count < MESSAGES_AT_ONCE; number++) {
            const struct squad *squad = &muster_of(stretch)->squads[number];
            if (may_match(stretch, number) && squad->automaton) {
                automata[count] = squad->automaton;
                sizes[count] = automaton_size(squad->automaton);
                certain[count] = automaton_certain(squad->automaton);
                numbers[count++] = number;
            } else if (may_match(stretch, number) && status == STATUS_OK) {
                status = report(stretch, number, message, AUTOMATON_UNKNOWN, 0);
            }
        }
        automaton_look_each(automata, count, text, stretch->sweep->answers);
        for (uint32_t i = 0; i < count; i++) {
            stretch->sweep->bytes += automaton_size(automata[i]) - sizes[i];
        }
        for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
            automaton_answer answer = stretch->sweep->answers[i];
            status = answer ? report(stretch, numbers[i], message, answer, certain[i]) : STATUS_OK;
            status = status == STATUS_OK ? review(stretch, numbers[i]) : status;
        }
    }
    return status;
}

static enum status sweep_few(const struct stretch *stretch)
{
    enum status status = make_room(stretch);
    for (uint32_t i = 0; status == STATUS_OK && i < stretch->count; i++) {
        status = sweep_message(stretch, stretch->first + i);
    }
    return status;
}

/* Without automata. What is searched of a skeleton is another form of it than the one that regexes see. */
static enum status sweep_plainly(const struct stretch *stretch)
{
    enum status status = make_room(stretch);
    for (uint32_t i = 0; status == STATUS_OK && i < stretch->count; i++) {
        status = report_met(stretch, stretch->first + i, NULL);
    }
    muster_of(stretch)->swept += stretch->count;
    return status;
}

static enum status sweep_stretch(const struct stretch *stretch)
{
    struct muster *muster = muster_of(stretch);
    enum status status = STATUS_OK;
    if (stretch->view == VIEW_SKELETON || (!muster->made && muster->swept < stretch->sweep->messages_first)) {
        return sweep_plainly(stretch);
    }
    if (!muster->made) {
        status = make_muster(stretch);
    }
    for (uint32_t number = 0; status == STATUS_OK && number < muster->count; number++) {
        status = equip(stretch, number); /* those that are parted come last */
    }
    if (status != STATUS_OK) {
        return status;
    }
    return stretch->count < MESSAGES_FEW ? sweep_few(stretch) : sweep_many(stretch);
}

enum status sweep_run(struct sweep *sweep, const struct program *program, enum view view,
                      const struct view_batch *batch, sweep_found found, void *context)
{
    enum status status = STATUS_OK;
    struct stretch stretch = {
        .sweep = sweep, .program = program, .view = view, .batch = batch, .found = found, .context = context};
    for (uint32_t first = 0; status == STATUS_OK && first < batch->count && program->demands[view].count > 0;) {
        stretch.first = first;
        stretch.count = batch->count - first < MESSAGES_AT_ONCE ? batch->count - first : MESSAGES_AT_ONCE;
        status = sweep_stretch(&stretch);
        first += stretch.count;
    }
    return status;
}
