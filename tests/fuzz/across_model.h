/*
 * Rules with `across` held against a brute-force reading of what they mean (scanner/across.h): every message of a
 * conversation that came so far is looked at again for each that comes, with nothing forgotten.
 *
 * A conversation is made from its number alone: messages of three senders, some late, some sent again, some at the same
 * time. What the scanner would have found in each is made up as well.
 */
#ifndef TESTS_FUZZ_ACROSS_MODEL_H
#define TESTS_FUZZ_ACROSS_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "scanner/across.h"
#include "scanner/ruleset.h"

#define MODEL_RULES 5
#define MODEL_ARRIVALS_MAX 48

static const char model_pack[] =
    "pack: p\nrules:\n"
    "  - {id: p.0, patterns: {a: {regex: 'a'}, b: {regex: 'b'}}, condition: a and b,\n"
    "     across: {messages: 3, minutes: 5, from: conversation}}\n"
    "  - {id: p.1, patterns: {a: {regex: 'a'}, b: {regex: 'b'}, c: {regex: 'c'}}, condition: all of them,\n"
    "     across: {messages: 4, minutes: 2, from: sender}}\n"
    "  - {id: p.2, patterns: {a: {regex: 'a'}, b: {regex: 'b'}, c: {regex: 'c'}}, condition: a and b and not c,\n"
    "     across: {messages: 5, minutes: 10, from: conversation}}\n"
    "  - {id: p.3, patterns: {a: {regex: 'a'}, b: {regex: 'b'}, c: {regex: 'c'}}, condition: 2 of them,\n"
    "     across: {messages: 2, minutes: 10, from: sender}}\n"
    "  - {id: p.4, patterns: {a: {regex: 'a'}}, condition: a, across: {messages: 2, minutes: 1, from: sender}}\n";

struct model_message {
    uint32_t id, sender;
    int64_t sent_at_ms;
    uint64_t found[MODEL_RULES], unknown[MODEL_RULES];
};

struct model_conversation {
    struct model_message arrivals[MODEL_ARRIVALS_MAX]; /* the same id again: the same message */
    uint32_t count;
};

/* What one message gave for one rule: the ids of the messages that took part, as bits. */
struct model_answer {
    bool hit;
    enum outcome outcome;
    uint64_t parts;
};

static inline uint64_t model_random(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline uint32_t model_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(model_random(state) % limit);
}

/* Late by at most five messages and some minutes, sent again within a few: what scanner/across.h promises to get right. */
static inline void model_make(uint64_t number, uint32_t count_max, struct model_conversation *ret_conversation)
{
    static const int64_t steps_ms[] = {0, 1000, 20000, 50000, 60000, 61000, 150000, 300000, 1200001};
    uint64_t state = number * 77;
    int64_t now_ms = 1000000000 + model_below(&state, 1000);
    struct model_conversation *it = ret_conversation;
    it->count = 1 + model_below(&state, count_max);
    for (uint32_t i = 0; i < it->count; i++) {
        struct model_message *message = &it->arrivals[i];
        uint32_t back = 1 + model_below(&state, 4);
        const struct model_message *earlier = i >= back ? &it->arrivals[i - back] : NULL;
        if (earlier && model_below(&state, 8) == 0 && now_ms - earlier->sent_at_ms < 400000) {
            *message = *earlier;
            continue;
        }
        now_ms += steps_ms[model_below(&state, i % 7 == 6 ? 9 : 7)];
        *message = (struct model_message){.id = i, .sender = model_below(&state, 3), .sent_at_ms = now_ms};
        if (earlier && model_below(&state, 5) == 0 && now_ms - earlier->sent_at_ms < 400000) {
            message->sent_at_ms = earlier->sent_at_ms - (int64_t)model_below(&state, 2000); /* late */
        }
        for (int rule = 0; rule < MODEL_RULES; rule++) {
            message->found[rule] = model_below(&state, 3) ? 0
                                                          : UINT64_C(1) << model_below(&state, rule == 4 ? 1
                                                                                               : rule    ? 3
                                                                                                         : 2);
            bool unknown = model_below(&state, 40) == 0;
            message->unknown[rule] = unknown ? 1 & ~message->found[rule] : 0;
        }
    }
}

/* ---------------------------------------------------------------- brute force */

static inline enum truth model_condition(int rule, const enum truth *v)
{
    enum truth two = v[0] < v[1] ? v[0] : v[1];
    enum truth not_c = v[2] == TRUTH_TRUE ? TRUTH_FALSE : v[2] == TRUTH_FALSE ? TRUTH_TRUE : TRUTH_UNKNOWN;
    uint32_t sure = 0, possible = 0;
    for (int i = 0; i < 3; i++) {
        sure += v[i] == TRUTH_TRUE;
        possible += v[i] != TRUTH_FALSE;
    }
    switch (rule) {
    case 0:
        return two;
    case 1:
        return two < v[2] ? two : v[2];
    case 2:
        return two < not_c ? two : not_c;
    case 3:
        return sure >= 2 ? TRUTH_TRUE : possible >= 2 ? TRUTH_UNKNOWN : TRUTH_FALSE;
    default:
        return v[0];
    }
}

static inline struct model_answer model_expect(const struct model_conversation *it, uint32_t arrival, int rule)
{
    static const struct {
        uint32_t messages, minutes;
        bool by_sender;
    } across[MODEL_RULES] = {{3, 5, false}, {4, 2, true}, {5, 10, false}, {2, 10, true}, {2, 1, true}};
    const struct model_message *scope[MODEL_ARRIVALS_MAX] = {NULL}, *here = &it->arrivals[arrival];
    uint32_t count = 0, at = 0, first_arrival = 0;
    struct model_answer answer = {0};
    while (it->arrivals[first_arrival].id != here->id) {
        first_arrival++; /* a message that comes again gives what it gave */
    }
    for (uint32_t i = 0; i <= first_arrival; i++) {
        const struct model_message *message = &it->arrivals[i];
        bool seen = across[rule].by_sender && message->sender != here->sender;
        for (uint32_t k = 0; k < i; k++) {
            seen |= it->arrivals[k].id == message->id;
        }
        uint32_t place = count;
        for (; !seen && place > 0 && scope[place - 1]->sent_at_ms > message->sent_at_ms; place--) {
            scope[place] = scope[place - 1];
        }
        if (!seen) {
            scope[place] = message;
            count++;
        }
    }
    while (scope[at]->id != here->id) {
        at++;
    }
    if (!(here->found[rule] | here->unknown[rule])) {
        return answer;
    }
    for (uint32_t last = at; last < count; last++) {
        enum truth values[3] = {TRUTH_FALSE, TRUTH_FALSE, TRUTH_FALSE};
        uint64_t parts = 0;
        bool inside = false;
        for (uint32_t i = 0; i <= last && (scope[last]->found[rule] | scope[last]->unknown[rule]); i++) {
            bool near = last - i < across[rule].messages &&
                        scope[last]->sent_at_ms - scope[i]->sent_at_ms <= (int64_t)across[rule].minutes * 60000;
            inside |= near && i == at;
            for (int p = 0; p < 3 && near; p++) {
                enum truth one = scope[i]->found[rule] >> p & 1     ? TRUTH_TRUE
                                 : scope[i]->unknown[rule] >> p & 1 ? TRUTH_UNKNOWN
                                                                    : TRUTH_FALSE;
                values[p] = one > values[p] ? one : values[p];
            }
            if (near && i != at && (scope[i]->found[rule] | scope[i]->unknown[rule])) {
                parts |= UINT64_C(1) << scope[i]->id;
            }
        }
        enum truth truth = inside ? model_condition(rule, values) : TRUTH_FALSE;
        if (truth == TRUTH_TRUE || (truth == TRUTH_UNKNOWN && !answer.hit)) {
            answer = (struct model_answer){true, truth == TRUTH_TRUE ? OUTCOME_FLAGGED : OUTCOME_UNSCANNED, parts};
            if (truth == TRUTH_TRUE) {
                break;
            }
        }
    }
    return answer;
}

/* ---------------------------------------------------------------- Weir */

struct model_run {
    struct ruleset *ruleset;
    struct across *across;
    struct arena *arena;
    uint64_t messages, hits, unscanned, parts, late, again;
};

/* False: something could not be made. */
static inline bool model_start(struct model_run *run, size_t bytes)
{
    struct findings findings = {0};
    bool needed = false;
    *run = (struct model_run){0};
    bool fine = ruleset_parse(span_text(model_pack), "p.yaml", &findings, &run->ruleset) == STATUS_OK &&
                across_new(bytes, &run->across) == STATUS_OK &&
                arena_new(1u << 16, 16u << 20, &run->arena) == STATUS_OK &&
                across_use(run->across, run->ruleset, &needed) == STATUS_OK && needed;
    if (!fine) {
        findings_print(&findings, stderr, false);
    }
    findings_clear(&findings);
    return fine;
}

static inline void model_end(struct model_run *run)
{
    across_free(&run->across);
    ruleset_let_go(&run->ruleset);
    arena_free(&run->arena);
}

/* Gives one arrival of a conversation to Weir; false without memory. */
static inline bool model_ask(struct model_run *run, uint64_t number, const struct model_conversation *it,
                             uint32_t arrival, struct model_answer got[MODEL_RULES])
{
    const struct model_message *here = &it->arrivals[arrival];
    const struct program *program = ruleset_program(run->ruleset);
    char conversation[32], sender[16], id[48];
    struct scan_hit partial[MODEL_RULES], *hits = NULL;
    uint32_t partial_count = 0, hit_count = 0;
    (void)snprintf(conversation, sizeof conversation, "c%llu", (unsigned long long)number);
    (void)snprintf(sender, sizeof sender, "s%u", here->sender);
    (void)snprintf(id, sizeof id, "%s.%u", conversation, here->id);
    struct message message = {.message_id = span_text(id),
                              .conversation_id = span_text(conversation),
                              .sender_id = span_text(sender),
                              .text = span_text("what was said, of about the length of a message"),
                              .sent_at_ms = here->sent_at_ms};
    for (int rule = 0; rule < MODEL_RULES; rule++) {
        if (here->found[rule] | here->unknown[rule]) {
            partial[partial_count++] = (struct scan_hit){.rule = program->rules[rule].rule,
                                                         .partial = true,
                                                         .found = here->found[rule],
                                                         .unknown = here->unknown[rule]};
        }
    }
    arena_reset(run->arena);
    run->messages++;
    if (across_take(run->across, &message, 0, partial, partial_count, run->arena, &hits, &hit_count) != STATUS_OK) {
        (void)fprintf(stderr, "conversation %llu, arrival %u: no memory\n", (unsigned long long)number, arrival);
        return false;
    }
    for (uint32_t i = 0; i < hit_count; i++) {
        struct model_answer *answer = &got[hits[i].rule->id[2] - '0'];
        *answer = (struct model_answer){true, hits[i].outcome, 0};
        for (uint32_t p = 0; p < hits[i].part_count; p++) {
            const char *dot = memrchr(hits[i].parts[p].message_id.data, '.', hits[i].parts[p].message_id.size);
            answer->parts |= UINT64_C(1) << (dot ? strtoul(dot + 1, NULL, 10) : 63);
            run->parts++;
        }
        run->hits++;
        run->unscanned += hits[i].outcome == OUTCOME_UNSCANNED;
    }
    run->again += here->id != arrival;
    for (uint32_t i = 0, late = 0; i < arrival && !late; i++) {
        run->late += late = it->arrivals[i].sent_at_ms > here->sent_at_ms;
    }
    return true;
}

/* The same, for one who only wants to see that it goes on. */
static inline bool model_take(struct model_run *run, uint64_t number, const struct model_conversation *it,
                              uint32_t arrival)
{
    struct model_answer got[MODEL_RULES] = {0};
    return model_ask(run, number, it, arrival, got);
}

/* False, with words, if Weir gives anything but what brute force gives. */
static inline bool model_step(struct model_run *run, uint64_t number, const struct model_conversation *it,
                              uint32_t arrival)
{
    struct model_answer got[MODEL_RULES] = {0};
    if (!model_ask(run, number, it, arrival, got)) {
        return false;
    }
    for (int rule = 0; rule < MODEL_RULES; rule++) {
        struct model_answer want = model_expect(it, arrival, rule);
        if (want.hit != got[rule].hit ||
            (want.hit && (want.outcome != got[rule].outcome || want.parts != got[rule].parts))) {
            (void)fprintf(stderr,
                          "conversation %llu, arrival %u (message %u), rule %d: expected %d %d %llx, got %d %d %llx\n",
                          (unsigned long long)number, arrival, it->arrivals[arrival].id, rule, want.hit,
                          (int)want.outcome, (unsigned long long)want.parts, got[rule].hit, (int)got[rule].outcome,
                          (unsigned long long)got[rule].parts);
            return false;
        }
    }
    return true;
}

#endif
