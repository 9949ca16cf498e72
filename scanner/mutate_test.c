/* What a rule says to a test: to one message, or to a conversation as scanner/across.h judges it. */
#include "scanner/mutate_internal.h"

struct talk {
    const struct mutate_rule *tested;
    const struct mutate_tested *test;
    const enum truth *values;
    const struct condition *condition;
    uint32_t order[MODEL_TEST_MESSAGES_MAX]; /* of one scope: messages that have come, as they were sent */
    uint32_t count;
};

static enum truth value_of(const struct talk *talk, uint32_t pattern, uint32_t message)
{
    return talk->values[(size_t)pattern * talk->tested->text_count + talk->test->first + message];
}

static bool finds_any(const struct talk *talk, uint32_t message)
{
    for (uint32_t p = 0; p < talk->tested->rule->pattern_count; p++) {
        if (value_of(talk, p, message) != TRUTH_FALSE) {
            return true;
        }
    }
    return false;
}

/* The condition for what is found in the messages order[first..last]. */
static enum truth judge(const struct talk *talk, uint32_t first, uint32_t last)
{
    enum truth found[MODEL_RULE_PATTERNS_MAX];
    for (uint32_t p = 0; p < talk->tested->rule->pattern_count; p++) {
        found[p] = TRUTH_FALSE;
        for (uint32_t i = first; i <= last && found[p] != TRUTH_TRUE; i++) {
            enum truth value = value_of(talk, p, talk->order[i]);
            found[p] = value == TRUTH_FALSE ? found[p] : value;
        }
    }
    return condition_evaluate(talk->condition, found);
}

/* Puts the message where it belongs; returns its place. */
static uint32_t put(struct talk *talk, uint32_t message)
{
    const struct rule_test_message *messages = talk->test->test->messages;
    uint32_t at = talk->count++;
    for (; at > 0 && messages[talk->order[at - 1]].minutes > messages[message].minutes; at--) {
        talk->order[at] = talk->order[at - 1];
    }
    talk->order[at] = message;
    return at;
}

/* The message at `at` came last: is it in a stretch that holds? */
static enum truth judge_stretches(const struct talk *talk, uint32_t at)
{
    const struct rule_across *across = &talk->tested->rule->across;
    const struct rule_test_message *messages = talk->test->test->messages;
    enum truth result = TRUTH_FALSE;
    for (uint32_t last = at; last < talk->count && last - at < across->messages && result != TRUTH_TRUE; last++) {
        uint32_t end = messages[talk->order[last]].minutes, first = last;
        while (first > 0 && last - first + 1 < across->messages &&
               end - messages[talk->order[first - 1]].minutes <= across->minutes) {
            first--;
        }
        if (first <= at && finds_any(talk, talk->order[last])) {
            enum truth held = judge(talk, first, last);
            result = held == TRUTH_FALSE ? result : held;
        }
    }
    return result;
}

static bool is_same_scope(const struct rule *rule, const struct rule_test_message *a, const struct rule_test_message *b)
{
    return !rule->across.by_sender || span_equal(a->sender, b->sender);
}

/* Is some message flagged? Each scope by itself, the messages in the order in which they come. */
static enum truth judge_across(struct talk *talk)
{
    const struct rule_test *test = talk->test->test;
    enum truth result = TRUTH_FALSE;
    for (uint32_t m = 0; m < test->message_count && result != TRUTH_TRUE; m++) {
        if (!finds_any(talk, m)) {
            continue;
        }
        uint32_t at = 0;
        talk->count = 0;
        for (uint32_t i = 0; i <= m; i++) {
            if (is_same_scope(talk->tested->rule, &test->messages[i], &test->messages[m])) {
                at = put(talk, i);
            }
        }
        enum truth held = judge_stretches(talk, at);
        result = held == TRUTH_FALSE ? result : held;
    }
    return result;
}

enum truth mutate_test(const struct mutate_rule *tested, const struct mutate_tested *test, const enum truth *values,
                       const struct condition *condition)
{
    struct talk talk = {.tested = tested, .test = test, .values = values, .condition = condition};
    if (tested->rule->across.messages > 0 && test->test->message_count > 0) {
        return judge_across(&talk);
    }
    enum truth result = TRUTH_FALSE;
    for (uint32_t m = 0; m < (test->test->message_count > 0 ? test->test->message_count : 1); m++) {
        talk.order[0] = m;
        enum truth held = judge(&talk, 0, 0);
        result = held == TRUTH_FALSE || result == TRUTH_TRUE ? result : held;
    }
    return result;
}
