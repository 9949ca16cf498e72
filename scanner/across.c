#include "scanner/across.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>
#include <xxhash.h>

#include "scanner/across_join.h"
#include "scanner/across_kept.h"

#define RECORDS_MIN 16u
#define RECORDS_MAX (2 * ACROSS_MESSAGES_MAX)
#define SCOPE_BYTES (sizeof(struct scope) + 32) /* with what the allocator and the table add */
#define MINUTE_MS INT64_C(60000)

enum scope_kind { SCOPE_CONVERSATION, SCOPE_SENDER };

/* A message, in the order in which they came. */
struct record {
    int64_t sent_at_ms;
    uint64_t id_hash;
    struct kept *kept; /* NULL: nothing was found in it */
};

struct scope_key {
    uint64_t words[2];
};

struct scope {
    struct scope_key key;
    struct record *records;
    uint32_t count, capacity;
    struct scope *prev, *next; /* the list, the one touched last at its end */
    UT_hash_handle hh;
};

/* A rule with `across` of the set in use. */
struct across_rule {
    const struct rule *rule;
    uint64_t key; /* the same for the same rule in another set */
};

struct across {
    struct ruleset *ruleset; /* a hold */
    struct across_rule *rules;
    uint32_t rule_count;
    struct across_join *join;
    bool wanted[2];          /* by kind of scope: is it needed by some rule? */
    uint32_t records_max[2]; /* of a scope */
    int64_t age_max_ms[2];

    struct scope *table, *list;
    size_t bytes, bytes_max;
    uint64_t forgotten, seed;
};

/* One message on its way. */
struct turn {
    struct across *across;
    const struct message *message;
    int64_t received_at_ms;
    struct scope *scopes[2];
    uint32_t places[2];        /* of its record in each scope */
    bool again;                /* it was here before */
    struct kept *kept;         /* what was found in it; shared by its records */
    const struct kept *behind; /* what was sent after it and has the other half of a phrase */
    struct arena *arena;
    enum status status;
};

enum status across_new(size_t bytes, struct across **ret_across)
{
    struct across *across = calloc(1, sizeof *across);
    if (!across) {
        return STATUS_NO_MEMORY;
    }
    across->bytes_max = bytes < ACROSS_BYTES_MIN ? ACROSS_BYTES_MIN : bytes;
    if (getrandom(&across->seed, sizeof across->seed, GRND_NONBLOCK) < 0) {
        across->seed = (uintptr_t)across; /* only keeps others from making two ids look the same */
    }
    *ret_across = across;
    return STATUS_OK;
}

/* ---------------------------------------------------------------- scopes */

static void let_go(struct across *across, struct kept **kept)
{
    if (*kept && --(*kept)->holds == 0) {
        across->bytes -= (*kept)->size;
        kept_free(kept);
    }
    *kept = NULL;
}

static void forget_scope(struct across *across, struct scope *scope)
{
    HASH_DEL(across->table, scope);
    DL_DELETE(across->list, scope);
    for (uint32_t i = 0; i < scope->count; i++) {
        let_go(across, &scope->records[i].kept);
    }
    across->bytes -= SCOPE_BYTES + scope->capacity * sizeof *scope->records;
    free(scope->records);
    free(scope);
}

static void forget_all(struct across *across)
{
    while (across->list) {
        forget_scope(across, across->list);
    }
}

void across_free(struct across **across)
{
    if (*across) {
        forget_all(*across);
        across_join_free(&(*across)->join);
        ruleset_let_go(&(*across)->ruleset);
        free((*across)->rules);
        free(*across);
        *across = NULL;
    }
}

struct across_counts across_counts(const struct across *across)
{
    return (struct across_counts){
        .scopes = HASH_COUNT(across->table), .forgotten = across->forgotten, .bytes = across->bytes};
}

/* Ids are hashed with a number that nobody knows: 128 bits do not meet by chance, and nobody can make them. */
static struct scope_key key_of(const struct across *across, const struct message *message, enum scope_kind kind)
{
    XXH128_hash_t hash =
        XXH3_128bits_withSeed(message->conversation_id.data, message->conversation_id.size, across->seed + kind);
    if (kind == SCOPE_SENDER) {
        XXH128_hash_t sender =
            XXH3_128bits_withSeed(message->sender_id.data, message->sender_id.size, across->seed ^ hash.low64);
        hash.low64 ^= sender.low64;
        hash.high64 += sender.high64;
    }
    return (struct scope_key){{hash.low64, hash.high64}};
}

/* The longest unused ones go, but never the two that the message at hand needs. */
static void make_room(struct across *across, const struct turn *turn)
{
    while (across->bytes > across->bytes_max && across->list && across->list != turn->scopes[0] &&
           across->list != turn->scopes[1]) {
        forget_scope(across, across->list);
        across->forgotten++;
    }
}

static struct scope *need_scope(struct across *across, const struct message *message, enum scope_kind kind)
{
    struct scope_key key = key_of(across, message, kind);
    struct scope *scope = NULL;
    HASH_FIND(hh, across->table, &key, sizeof key, scope);
    if (scope) {
        DL_DELETE(across->list, scope);
        DL_APPEND(across->list, scope);
        return scope;
    }
    scope = calloc(1, sizeof *scope);
    if (!scope) {
        return NULL;
    }
    scope->key = key;
    HASH_ADD(hh, across->table, key, sizeof scope->key, scope);
    if (!scope->hh.tbl) {
        free(scope);
        return NULL;
    }
    DL_APPEND(across->list, scope);
    across->bytes += SCOPE_BYTES;
    return scope;
}

static void drop_record(struct across *across, struct scope *scope, uint32_t place)
{
    let_go(across, &scope->records[place].kept);
    memmove(&scope->records[place], &scope->records[place + 1], (scope->count - place - 1) * sizeof *scope->records);
    scope->count--;
}

/* Drops what is too old beside the newest, and the earliest sent ones where there are too many. */
static void prune(struct across *across, struct scope *scope, enum scope_kind kind)
{
    int64_t newest = INT64_MIN;
    for (uint32_t i = 0; i < scope->count; i++) {
        newest = scope->records[i].sent_at_ms > newest ? scope->records[i].sent_at_ms : newest;
    }
    uint32_t earliest = 0;
    for (uint32_t i = 0; i < scope->count;) {
        if (scope->records[i].sent_at_ms < newest && newest - scope->records[i].sent_at_ms > across->age_max_ms[kind]) {
            drop_record(across, scope, i);
            continue;
        }
        earliest = scope->records[i].sent_at_ms < scope->records[earliest].sent_at_ms ? i : earliest;
        i++;
    }
    if (scope->count >= across->records_max[kind]) {
        drop_record(across, scope, earliest);
    }
}

static bool grow_records(struct across *across, struct scope *scope)
{
    if (scope->count < scope->capacity) {
        return true;
    }
    uint32_t capacity = scope->capacity ? 2 * scope->capacity : 4;
    struct record *records = reallocarray(scope->records, capacity, sizeof *records);
    if (!records) {
        return false;
    }
    across->bytes += (capacity - scope->capacity) * sizeof *records;
    scope->records = records;
    scope->capacity = capacity;
    return true;
}

/* The message's record in a scope: a new one, unless it was here before. */
static bool add_record(struct turn *turn, enum scope_kind kind)
{
    struct across *across = turn->across;
    const struct message *message = turn->message;
    struct scope *scope = turn->scopes[kind] = need_scope(across, message, kind);
    uint64_t id_hash = XXH3_64bits_withSeed(message->message_id.data, message->message_id.size, across->seed);
    if (!scope) {
        return false;
    }
    for (uint32_t i = scope->count; i-- > 0;) {
        if (scope->records[i].id_hash == id_hash) {
            turn->places[kind] = i;
            turn->again = true;
            return true;
        }
    }
    prune(across, scope, kind);
    if (!grow_records(across, scope)) {
        return false;
    }
    turn->places[kind] = scope->count;
    scope->records[scope->count++] = (struct record){.sent_at_ms = message->sent_at_ms, .id_hash = id_hash};
    return true;
}

static struct record *record_of(const struct turn *turn, enum scope_kind kind)
{
    return &turn->scopes[kind]->records[turn->places[kind]];
}

/* ---------------------------------------------------------------- the rules in use */

/* Not every byte of long lists: an edited list is the same rule, with what its older self found. */
static uint64_t rule_key(const struct rule *rule)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state || XXH3_64bits_reset(state) == XXH_ERROR) {
        abort(); /* some hundred bytes, when rules are loaded */
    }
    const uint32_t numbers[] = {rule->across.messages, rule->across.minutes, rule->across.by_sender,
                                rule->pattern_count};
    (void)XXH3_64bits_update(state, rule->id, strlen(rule->id) + 1);
    (void)XXH3_64bits_update(state, numbers, sizeof numbers);
    if (rule->condition_text) {
        (void)XXH3_64bits_update(state, rule->condition_text, strlen(rule->condition_text) + 1);
    }
    for (uint32_t p = 0; p < rule->pattern_count; p++) {
        const struct pattern *pattern = &rule->patterns[p];
        (void)XXH3_64bits_update(state, pattern->name, strlen(pattern->name) + 1);
        (void)XXH3_64bits_update(state, &pattern->views, sizeof pattern->views);
        if (pattern->regex.size > 0) {
            (void)XXH3_64bits_update(state, pattern->regex.data, pattern->regex.size);
        }
        for (uint32_t i = 0; i < pattern->entry_count && i < 64; i++) {
            (void)XXH3_64bits_update(state, pattern->entries[i].text.data, pattern->entries[i].text.size);
        }
    }
    uint64_t key = XXH3_64bits_digest(state);
    (void)XXH3_freeState(state);
    return key;
}

static enum status add_rule(struct across *across, const struct rule *rule)
{
    struct across_rule *rules = reallocarray(across->rules, (size_t)across->rule_count + 1, sizeof *rules);
    if (!rules) {
        return STATUS_NO_MEMORY;
    }
    across->rules = rules;
    rules[across->rule_count] = (struct across_rule){.rule = rule, .key = rule_key(rule)};
    enum scope_kind kind = rule->across.by_sender ? SCOPE_SENDER : SCOPE_CONVERSATION;
    across->wanted[kind] = true;
    /* a sender's scope also joins phrases that were cut in two, for rules of either kind */
    for (int i = 0; i < 2; i++) {
        uint32_t records = 2 * rule->across.messages;
        int64_t age_ms = 2 * MINUTE_MS * rule->across.minutes;
        across->records_max[i] = records > across->records_max[i] ? records : across->records_max[i];
        across->age_max_ms[i] = age_ms > across->age_max_ms[i] ? age_ms : across->age_max_ms[i];
    }
    return across_join_add(across->join, rule, across->rule_count++);
}

static void forget_rules(struct across *across)
{
    across_join_free(&across->join);
    free(across->rules);
    across->rules = NULL;
    across->rule_count = 0;
    memset(across->wanted, 0, sizeof across->wanted);
    memset(across->age_max_ms, 0, sizeof across->age_max_ms);
    across->records_max[0] = across->records_max[1] = RECORDS_MIN;
}

bool across_is_needed(const struct ruleset *ruleset)
{
    const struct program *program = ruleset_program(ruleset);
    for (uint32_t i = 0; i < program->rule_count; i++) {
        if (program->rules[i].rule->across.messages > 0) {
            return true;
        }
    }
    return false;
}

enum status across_use(struct across *across, struct ruleset *ruleset, bool *ret_needed)
{
    if (across->ruleset == ruleset) {
        *ret_needed = across->rule_count > 0;
        return STATUS_OK;
    }
    const struct program *program = ruleset_program(ruleset);
    forget_rules(across);
    ruleset_let_go(&across->ruleset);
    enum status status = across_join_new(&across->join);
    for (uint32_t i = 0; status == STATUS_OK && i < program->rule_count; i++) {
        if (program->rules[i].rule->across.messages > 0) {
            status = add_rule(across, program->rules[i].rule);
        }
    }
    if (status != STATUS_OK) {
        forget_rules(across);
        return status;
    }
    across->wanted[SCOPE_SENDER] |= !across_join_is_empty(across->join);
    if (across->rule_count == 0) {
        forget_all(across);
    }
    across->ruleset = ruleset_hold(ruleset);
    *ret_needed = across->rule_count > 0;
    return STATUS_OK;
}

/* ---------------------------------------------------------------- what was found */

static struct kept *need_kept(struct turn *turn)
{
    if (turn->kept) {
        return turn->kept;
    }
    struct kept *kept = kept_new(turn->message, turn->received_at_ms, ACROSS_TEXT_MAX);
    if (!kept) {
        turn->status = STATUS_NO_MEMORY;
        return NULL;
    }
    turn->across->bytes += kept->size;
    for (int kind = 0; kind < 2; kind++) {
        if (turn->scopes[kind]) {
            record_of(turn, (enum scope_kind)kind)->kept = kept;
            kept->holds++;
        }
    }
    return turn->kept = kept;
}

/* What is known of a message that comes again, from the scope that has it still. */
static void find_kept(struct turn *turn)
{
    for (int kind = 0; kind < 2 && !turn->kept; kind++) {
        turn->kept = turn->scopes[kind] ? record_of(turn, (enum scope_kind)kind)->kept : NULL;
    }
    for (int kind = 0; kind < 2 && turn->kept; kind++) {
        struct record *record = turn->scopes[kind] ? record_of(turn, (enum scope_kind)kind) : NULL;
        if (record && !record->kept) {
            record->kept = turn->kept;
            turn->kept->holds++;
        }
    }
}

static struct kept_found *need_found(struct turn *turn, struct kept *kept, uint64_t rule)
{
    uint32_t before = kept->size;
    struct kept_found *found = kept_need(kept, rule);
    turn->across->bytes += kept->size - before;
    if (!found) {
        turn->status = STATUS_NO_MEMORY;
    }
    return found;
}

static void take_found(struct turn *turn, const struct scan_hit *hit)
{
    for (uint32_t i = 0; i < turn->across->rule_count; i++) {
        const struct across_rule *rule = &turn->across->rules[i];
        struct kept *kept = rule->rule == hit->rule ? need_kept(turn) : NULL;
        struct kept_found *found = kept ? need_found(turn, kept, rule->key) : NULL;
        if (found) {
            found->found |= hit->found;
            found->unknown |= hit->unknown;
        }
    }
}

/* The records of a scope in the order in which they were sent; `count` of them, the first to come. */
static void sort_records(const struct record *records, uint32_t count, uint16_t *ret_order)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && records[ret_order[at - 1]].sent_at_ms > records[i].sent_at_ms; at--) {
            ret_order[at] = ret_order[at - 1];
        }
        ret_order[at] = (uint16_t)i;
    }
}

/* Where the record `record` stands in an order of `count`. */
static uint32_t find_place(const uint16_t *order, uint32_t count, uint32_t record)
{
    for (uint32_t at = 0; at < count; at++) {
        if (order[at] == record) {
            return at;
        }
    }
    abort(); /* it is one of them */
}

/* ---------------------------------------------------------------- phrases cut in two */

/* Two messages of one sender, one after the other, one of which has just come. */
struct cut {
    struct turn *turn;
    struct kept *here, *there;
    bool new_is_first;
    int64_t apart_ms;
};

static void on_cut(void *context, uint32_t number, uint32_t pattern)
{
    const struct cut *cut = context;
    const struct across_rule *rule = &cut->turn->across->rules[number];
    if (cut->apart_ms > MINUTE_MS * rule->rule->across.minutes) {
        return;
    }
    struct kept_found *here = need_found(cut->turn, cut->here, rule->key);
    struct kept_found *there = need_found(cut->turn, cut->there, rule->key);
    if (!here || !there) {
        return;
    }
    cut->turn->behind = cut->new_is_first ? cut->there : cut->turn->behind;
    here->found |= UINT64_C(1) << pattern;
    there->half |= UINT64_C(1) << pattern; /* it took part, but what decides is in the one that came last */
}

static void find_cut(struct turn *turn, const struct record *first, const struct record *second)
{
    struct cut cut = {.turn = turn, .apart_ms = second->sent_at_ms - first->sent_at_ms};
    cut.new_is_first = first == record_of(turn, SCOPE_SENDER);
    cut.here = cut.new_is_first ? first->kept : second->kept;
    cut.there = cut.new_is_first ? second->kept : first->kept;
    enum status status =
        across_join_find(turn->across->join, kept_text(first->kept), kept_text(second->kept), on_cut, &cut);
    turn->status = turn->status == STATUS_OK ? status : turn->status;
}

/* Only what may be half a phrase is kept and looked at. */
static void find_cuts(struct turn *turn)
{
    uint16_t order[RECORDS_MAX];
    bool may_be_first, may_be_second;
    const struct scope *scope = turn->scopes[SCOPE_SENDER];
    if (!scope || turn->again || across_join_is_empty(turn->across->join)) {
        return;
    }
    across_join_look(turn->across->join, turn->message->text, &may_be_first, &may_be_second);
    if ((!may_be_first && !may_be_second) || !need_kept(turn)) {
        return;
    }
    turn->kept->may_be_first = may_be_first;
    turn->kept->may_be_second = may_be_second;
    sort_records(scope->records, scope->count, order);
    uint32_t at = find_place(order, scope->count, turn->places[SCOPE_SENDER]);
    const struct record *here = &scope->records[order[at]];
    const struct record *before = at > 0 ? &scope->records[order[at - 1]] : NULL;
    const struct record *after = at + 1 < scope->count ? &scope->records[order[at + 1]] : NULL;
    if (may_be_second && before && before->kept && before->kept->may_be_first) {
        find_cut(turn, before, here);
    }
    if (may_be_first && after && after->kept && after->kept->may_be_second) {
        find_cut(turn, here, after);
    }
}

/* ---------------------------------------------------------------- deciding */

/* A rule and the stretches of a scope that hold the message which came last. */
struct stretch {
    const struct across_rule *rule;
    const struct record *records;
    uint16_t order[RECORDS_MAX]; /* by when they were sent */
    uint32_t count, here;        /* here: the place of the message in `order` */
    uint32_t first, last;        /* of the stretch that is looked at */
};

static const struct kept_found *found_at(const struct stretch *stretch, uint32_t place)
{
    const struct kept *kept = stretch->records[stretch->order[place]].kept;
    return kept ? kept_find(kept, stretch->rule->key) : NULL;
}

static bool is_something(const struct kept_found *found)
{
    return found && (found->found | found->unknown);
}

/* The stretch that ends with `last`. False if the message does not lie in it any more. */
static bool cut_stretch(struct stretch *stretch, uint32_t last)
{
    const struct rule_across *across = &stretch->rule->rule->across;
    int64_t end_ms = stretch->records[stretch->order[last]].sent_at_ms;
    stretch->last = last;
    stretch->first = last + 1 > across->messages ? last + 1 - across->messages : 0;
    while (stretch->first < last &&
           end_ms - stretch->records[stretch->order[stretch->first]].sent_at_ms > MINUTE_MS * across->minutes) {
        stretch->first++;
    }
    return stretch->first <= stretch->here;
}

static enum truth decide_stretch(const struct stretch *stretch)
{
    enum truth values[ACROSS_PATTERNS_MAX] = {TRUTH_FALSE};
    uint64_t found = 0, unknown = 0;
    for (uint32_t i = stretch->first; i <= stretch->last; i++) {
        const struct kept_found *one = found_at(stretch, i);
        found |= one ? one->found : 0;
        unknown |= one ? one->unknown : 0;
    }
    for (uint32_t p = 0; p < stretch->rule->rule->pattern_count; p++) {
        values[p] = found >> p & 1 ? TRUTH_TRUE : unknown >> p & 1 ? TRUTH_UNKNOWN : TRUTH_FALSE;
    }
    return condition_evaluate(stretch->rule->rule->condition, values);
}

/* The best that any stretch gives; the stretch is left where it was found. */
static enum truth decide_rule(struct stretch *stretch)
{
    enum truth best = TRUTH_FALSE;
    struct stretch at = *stretch;
    for (uint32_t last = stretch->here; last < stretch->count && best != TRUTH_TRUE && cut_stretch(&at, last); last++) {
        enum truth truth = is_something(found_at(&at, last)) ? decide_stretch(&at) : TRUTH_FALSE;
        if (truth > best) {
            best = truth;
            stretch->first = at.first;
            stretch->last = at.last;
        }
    }
    return best;
}

/* The other messages of the stretch in which something was found, and what has the other half of a phrase. */
static enum status tell_parts(struct turn *turn, const struct stretch *stretch, struct scan_hit *hit)
{
    struct verdict_context *parts = arena_array(turn->arena, (size_t)stretch->last - stretch->first + 2, sizeof *parts);
    const struct kept *behind = turn->behind;
    const struct kept_found *half = behind ? kept_find(behind, stretch->rule->key) : NULL;
    if (!parts) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = stretch->first; i <= stretch->last; i++) {
        const struct kept *kept = stretch->records[stretch->order[i]].kept;
        const struct kept_found *found = found_at(stretch, i);
        if (i != stretch->here && found && (found->found | found->unknown | found->half)) {
            parts[hit->part_count++] = kept_context(kept);
            half = kept == behind ? NULL : half;
        }
    }
    if (half && half->half) {
        parts[hit->part_count++] = kept_context(behind);
    }
    hit->parts = parts;
    return STATUS_OK;
}

/* `partial`: what the scanner found of the rule in this message, with its spans; NULL if only a cut phrase was found. */
static enum status decide(struct turn *turn, const struct across_rule *rule, const struct scan_hit *partial,
                          struct scan_hit *hits, uint32_t *hit_count)
{
    enum scope_kind kind = rule->rule->across.by_sender ? SCOPE_SENDER : SCOPE_CONVERSATION;
    const struct scope *scope = turn->scopes[kind];
    struct stretch stretch = {.rule = rule, .records = scope->records};
    /* a message that comes again gives what it gave: what came after it does not count */
    stretch.count = turn->again ? turn->places[kind] + 1 : scope->count;
    sort_records(scope->records, stretch.count, stretch.order);
    stretch.here = find_place(stretch.order, stretch.count, turn->places[kind]);
    if (!is_something(found_at(&stretch, stretch.here))) {
        return STATUS_OK;
    }
    enum truth truth = decide_rule(&stretch);
    if (truth == TRUTH_FALSE) {
        return STATUS_OK;
    }
    struct scan_hit *hit = &hits[(*hit_count)++];
    *hit = partial ? *partial : (struct scan_hit){.rule = rule->rule};
    hit->partial = false;
    hit->outcome = truth == TRUTH_TRUE ? OUTCOME_FLAGGED : OUTCOME_UNSCANNED;
    hit->reason = truth == TRUTH_TRUE ? NULL : "match_limit";
    return tell_parts(turn, &stretch, hit);
}

static const struct scan_hit *partial_of(const struct scan_hit *hits, uint32_t count, const struct rule *rule)
{
    for (uint32_t i = 0; i < count; i++) {
        if (hits[i].partial && hits[i].rule == rule) {
            return &hits[i];
        }
    }
    return NULL;
}

static enum status decide_all(struct turn *turn, const struct scan_hit *hits, uint32_t hit_count,
                              struct scan_hit **ret_hits, uint32_t *ret_hit_count)
{
    const struct across *across = turn->across;
    uint32_t count = 0;
    struct scan_hit *decided = arena_array(turn->arena, (size_t)hit_count + across->rule_count, sizeof *decided);
    if (!decided) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < hit_count; i++) {
        if (!hits[i].partial) {
            decided[count++] = hits[i];
        }
    }
    enum status status = turn->status;
    for (uint32_t i = 0; status == STATUS_OK && i < across->rule_count && turn->kept; i++) {
        if (kept_find(turn->kept, across->rules[i].key)) {
            const struct scan_hit *partial = partial_of(hits, hit_count, across->rules[i].rule);
            status = decide(turn, &across->rules[i], partial, decided, &count);
        }
    }
    if (status == STATUS_OK) {
        *ret_hits = decided;
        *ret_hit_count = count;
    }
    return status;
}

enum status across_take(struct across *across, const struct message *message, int64_t received_at_ms,
                        const struct scan_hit *hits, uint32_t hit_count, struct arena *arena,
                        struct scan_hit **ret_hits, uint32_t *ret_hit_count)
{
    struct turn turn = {.across = across, .message = message, .received_at_ms = received_at_ms, .arena = arena};
    for (int kind = 0; kind < 2; kind++) {
        if (across->wanted[kind] && !add_record(&turn, (enum scope_kind)kind)) {
            return STATUS_NO_MEMORY;
        }
    }
    if (turn.again) {
        find_kept(&turn);
    }
    for (uint32_t i = 0; i < hit_count; i++) {
        if (hits[i].partial) {
            take_found(&turn, &hits[i]);
        }
    }
    find_cuts(&turn);
    enum status status = decide_all(&turn, hits, hit_count, ret_hits, ret_hit_count);
    make_room(across, &turn);
    return status;
}
