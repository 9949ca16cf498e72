#include "rules/gate.h"

#include <float.h>
#include <string.h>

#include "rules/model.h"

/* A set of patterns without any of which a condition cannot hold. */
struct gate {
    bool searched[MODEL_RULE_PATTERNS_MAX];
    double rate; /* DBL_MAX: there is no such set */
};

static const struct gate no_gate = {.rate = DBL_MAX};

static struct gate unite(const struct gate *a, const struct gate *b, const double *rates)
{
    struct gate both = {.rate = 0};
    if (a->rate == DBL_MAX || b->rate == DBL_MAX) {
        return no_gate;
    }
    for (uint32_t i = 0; i < MODEL_RULE_PATTERNS_MAX; i++) {
        both.searched[i] = a->searched[i] || b->searched[i];
        both.rate += both.searched[i] ? rates[i] : 0;
    }
    return both;
}

/* At least k of n: if all but k - 1 are looked for, one of them must be among those found. Leaves out the commonest. */
static struct gate gate_count(const struct condition *condition, const double *rates)
{
    struct gate gate = {.rate = 0};
    uint32_t wanted = condition->at_least ? condition->pattern_count - condition->at_least + 1 : 0;
    if (condition->at_least == 0 || condition->at_least > condition->pattern_count) {
        return no_gate; /* holds always, or never: the reader tells */
    }
    for (uint32_t taken = 0; taken < wanted; taken++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < condition->pattern_count; i++) {
            uint32_t pattern = condition->patterns[i];
            if (!gate.searched[pattern] && (best == UINT32_MAX || rates[pattern] < rates[best])) {
                best = pattern;
            }
        }
        if (best == UINT32_MAX) {
            break; /* a pattern was named twice */
        }
        gate.searched[best] = true;
        gate.rate += rates[best];
    }
    return gate;
}

static struct gate gate_of(const struct condition *condition, const double *rates)
{
    struct gate left, right, gate = {.rate = 0};
    switch (condition->type) {
    case CONDITION_PATTERN:
        gate.searched[condition->pattern] = true;
        gate.rate = rates[condition->pattern];
        return gate;
    case CONDITION_AND:
        left = gate_of(condition->left, rates);
        right = gate_of(condition->right, rates);
        return left.rate <= right.rate ? left : right;
    case CONDITION_OR:
        left = gate_of(condition->left, rates);
        right = gate_of(condition->right, rates);
        return unite(&left, &right, rates);
    case CONDITION_COUNT:
        return gate_count(condition, rates);
    case CONDITION_NOT:
        break; /* holds where something is not found: nothing to look for */
    }
    return no_gate;
}

void gate_choose(const struct condition *condition, const double *rates, uint32_t pattern_count, bool *ret_searched)
{
    struct gate gate = gate_of(condition, rates);
    for (uint32_t i = 0; i < pattern_count; i++) {
        ret_searched[i] = gate.rate == DBL_MAX || gate.searched[i];
    }
}
