/*
 * Rules and regexes on messages such as everybody writes every day. What finds many of them finds nothing in particular.
 */
#include <string.h>

#include "base/buffer.h"
#include "rules/lint_context.h"
#include "rules/regex.h"
#include "text/domain.h"
#include "text/phrase.h"
#include "text/view.h"

static const char *const talk[] = {
    "ok",
    "thanks!",
    "Happy birthday!",
    "good morning, did you sleep well?",
    "I'm on my way, be there at 7",
    "what's for dinner tonight",
    "yes, that sounds good to me",
    "no idea, ask Tom",
    "see you tomorrow",
    "the train is late again, about 20 minutes",
    "can you pick up milk and bread on the way home?",
    "lol that was funny",
    "how was your day?",
    "We had a great time at the lake last weekend.",
    "is the meeting at 10 or at 11?",
    "my phone was off, sorry",
    "it's raining here, what about your place?",
    "The kids are already in bed.",
    "did you see the game last night? what a goal",
    "I'll bring the salad and two bottles of water",
    "good night",
    "let me know when you get home",
    "which color do you like better, the blue or the green one?",
    "the movie starts at 8:30, I have the tickets",
    "haha yes",
    "Can we talk about this tomorrow? I'm tired.",
    "I finished the book yesterday, it was wonderful",
    "the dog needs a walk",
    "congratulations on the new job!",
    "do we still have eggs?",
    "please turn the music down a bit",
    "running late, start without me",
    "how do you spell your last name?",
    "my sister is coming over on Saturday with her family",
    "the wifi is slow today",
    "I love this song",
    "where did you park the car?",
    "we should go hiking when the weather is better",
    "nice picture, where is that?",
    "it was 25 degrees yesterday and today it's snowing",
    "sure, no problem",
    "I think the answer to question 4 is wrong",
    "homework is due on Friday",
    "the cat is asleep on my keyboard",
    "just landed, waiting for my bag",
    "how many people are coming?",
    "grandma says hello",
    "I made soup, there is some left in the fridge",
    "the bus stop is right in front of the house",
    "who wants coffee?",
    "Merci, à demain !",
    "¿Qué tal el viaje?",
    "Wir sehen uns am Montag",
    "Хорошо, до завтра",
    "你今天怎么样？",
    "また明日ね",
    "حسنا، شكرا لك",
    "ok :)",
    "great idea",
    "it depends on the weather",
};

#define TALK_COUNT (sizeof talk / sizeof *talk)
#define RULE_HITS_MIN 2u                      /* so many flagged everyday messages are no accident */
#define REGEX_HITS_MIN (TALK_COUNT * 3u / 4u) /* so many mean: about everything */
#define ENTRIES_MAX 20000u                    /* a longer list is not tried */

struct talker {
    struct lint *lint;
    struct buffer views[TALK_COUNT]; /* of one view */
    bool failed;
};

static void make_views(struct talker *talker, enum view view)
{
    for (size_t i = 0; i < TALK_COUNT; i++) {
        talker->views[i].size_max = 4096;
        buffer_clear(&talker->views[i]);
        talker->failed |= view_append(view, span_text(talk[i]), &talker->views[i], NULL) != STATUS_OK;
    }
}

static bool phrase_occurs(const struct phrase *phrase, struct span text)
{
    uint32_t anchor = phrase_anchor(phrase), start, end;
    struct span piece = phrase->pieces[anchor].text;
    const uint8_t *from = text.data, *last = text.data + text.size;
    while (from < last) {
        const uint8_t *found = memmem(from, (size_t)(last - from), piece.data, piece.size);
        if (!found) {
            return false;
        }
        if (phrase_match_at(phrase, text, anchor, (uint32_t)(found - text.data), &start, &end)) {
            return true;
        }
        from = found + 1;
    }
    return false;
}

static void match_words(struct talker *talker, const struct pattern *pattern, enum truth *values)
{
    for (uint32_t e = 0; e < pattern->entry_count && e < ENTRIES_MAX; e++) {
        struct phrase phrase;
        if (phrase_parse(pattern->entries[e].text, talker->lint->scratch, &phrase) != STATUS_OK) {
            continue;
        }
        for (size_t i = 0; i < TALK_COUNT; i++) {
            if (phrase_occurs(&phrase, buffer_span(&talker->views[i]))) {
                values[i] = TRUTH_TRUE;
            }
        }
    }
}

static void match_regex(struct talker *talker, const struct pattern *pattern, enum truth *values)
{
    struct regex *regex = NULL;
    uint32_t start, end;
    if (regex_compile(pattern->regex, NULL, &regex) != STATUS_OK) {
        talker->failed = true;
        return;
    }
    for (size_t i = 0; i < TALK_COUNT; i++) {
        if (regex_match(regex, talker->lint->regex_scratch, buffer_span(&talker->views[i]), 0, &start, &end) ==
            STATUS_OK) {
            values[i] = TRUTH_TRUE;
        }
    }
    regex_free(&regex);
}

/* values[message]: is the pattern found in it? Domains never are. */
static void match_pattern(struct talker *talker, const struct pattern *pattern, enum truth *values)
{
    for (unsigned view = 0; view < VIEW_COUNT && !talker->failed; view++) {
        if (!(pattern->views & (1u << view)) || pattern->kind == PATTERN_DOMAINS) {
            continue;
        }
        make_views(talker, (enum view)view);
        if (pattern->kind == PATTERN_REGEX) {
            match_regex(talker, pattern, values);
        } else if (!talker->failed) {
            match_words(talker, pattern, values);
        }
    }
}

/* Is the pattern under a `not`? There it may well find much: 'no small letters at all'. */
static bool is_negated(const struct condition *condition, uint32_t pattern, bool under_not)
{
    switch (condition->type) {
    case CONDITION_PATTERN:
        return under_not && condition->pattern == pattern;
    case CONDITION_NOT:
        return is_negated(condition->left, pattern, true);
    case CONDITION_AND:
    case CONDITION_OR:
        return is_negated(condition->left, pattern, under_not) || is_negated(condition->right, pattern, under_not);
    case CONDITION_COUNT:
        return under_not && condition_uses(condition, pattern);
    }
    return false;
}

static void tell_regex(struct lint *lint, uint32_t index, const enum truth *values)
{
    const struct pattern *pattern = &lint->rule->patterns[index];
    uint32_t hits = 0;
    struct regex *regex = NULL;
    for (size_t i = 0; i < TALK_COUNT; i++) {
        hits += values[i] == TRUTH_TRUE;
    }
    if (hits < REGEX_HITS_MIN || pattern->kind != PATTERN_REGEX || is_negated(lint->rule->condition, index, false) ||
        regex_compile(pattern->regex, NULL, &regex) != STATUS_OK) {
        return;
    }
    if (!regex_matches_empty(regex)) { /* otherwise the reader has said it */
        lint_report(lint, "matches-everything", &pattern->body, "make sure that something particular must be there",
                    "this regex matches %u of %zu everyday messages", hits, TALK_COUNT);
    }
    regex_free(&regex);
}

static void tell_rule(struct lint *lint, enum truth *const *values)
{
    const struct rule *rule = lint->rule;
    enum truth of_message[MODEL_RULE_PATTERNS_MAX];
    uint32_t hits = 0;
    size_t shown = 0;
    for (size_t m = 0; m < TALK_COUNT; m++) {
        for (uint32_t i = 0; i < rule->pattern_count; i++) {
            of_message[i] = values[i][m];
        }
        if (condition_evaluate(rule->condition, of_message) == TRUTH_TRUE) {
            shown = hits++ == 0 || strlen(talk[m]) > strlen(talk[shown]) ? m : shown;
        }
    }
    if (hits >= RULE_HITS_MIN) {
        lint_report(lint, "flags-everyday-talk", &rule->place, "ask for more: a second pattern, or longer phrases",
                    "rule '%s' flags %u of %zu everyday messages, such as '%s'", rule->id, hits, TALK_COUNT,
                    talk[shown]);
    }
}

void lint_talk_check(struct lint *lint)
{
    const struct rule *rule = lint->rule;
    struct talker talker = {.lint = lint};
    enum truth **values = arena_array(lint->scratch, (size_t)rule->pattern_count + 1, sizeof(enum truth *));
    for (uint32_t i = 0; values && i < rule->pattern_count && !talker.failed; i++) {
        values[i] = arena_array(lint->scratch, TALK_COUNT, sizeof(enum truth)); /* zero: false */
        talker.failed = !values[i];
        if (values[i]) {
            match_pattern(&talker, &rule->patterns[i], values[i]);
        }
    }
    for (uint32_t i = 0; values && i < rule->pattern_count && !talker.failed; i++) {
        tell_regex(lint, i, values[i]);
    }
    if (values && !talker.failed) {
        tell_rule(lint, (enum truth *const *)values);
    }
    for (size_t i = 0; i < TALK_COUNT; i++) {
        buffer_free(&talker.views[i]);
    }
}
