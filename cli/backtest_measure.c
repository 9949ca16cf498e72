#include "cli/backtest_measure.h"

#include <stdlib.h>
#include <string.h>

static struct backtest_share share(uint64_t part, uint64_t whole)
{
    struct backtest_share result = {.interval = interval_wilson(part, whole)};
    result.known = whole > 0;
    result.value = whole > 0 ? (double)part / (double)whole : 0;
    return result;
}

/*
 * F1 is no share of anything that is counted, but it rises with one that is: of all messages that are harmful or flagged,
 * those that are both (J). F1 = 2J / (1 + J), so J's interval gives F1's.
 */
static struct backtest_share f1_of(struct backtest_share both)
{
    both.value = 2 * both.value / (1 + both.value);
    both.interval.low = 2 * both.interval.low / (1 + both.interval.low);
    both.interval.high = 2 * both.interval.high / (1 + both.interval.high);
    return both;
}

struct backtest_measure backtest_measure_of(const struct backtest_count *hits, const struct backtest_count *messages)
{
    struct backtest_measure measure = {
        .precision = share(hits->positive, hits->positive + hits->negative),
        .recall = share(hits->positive, messages->positive),
        .f1 = f1_of(share(hits->positive, messages->positive + hits->negative)),
        .false_alarms_known = messages->negative > 0,
    };
    if (messages->negative > 0) {
        measure.false_alarms = 1e4 * (double)hits->negative / (double)messages->negative;
    }
    return measure;
}

struct shown {
    uint32_t rule;
    uint64_t changes, hits;
};

static int compare_shown(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    if (x->changes != y->changes) {
        return x->changes > y->changes ? -1 : 1;
    }
    if (x->hits != y->hits) {
        return x->hits > y->hits ? -1 : 1;
    }
    return (x->rule > y->rule) - (x->rule < y->rule); /* by id */
}

uint32_t backtest_shown_rules(const struct backtest *backtest, bool all, uint32_t *ret_rules)
{
    struct shown *order = calloc(backtest->rule_count, sizeof *order);
    uint32_t count = 0;
    bool hitting = all || backtest_labelled(backtest) || !backtest->sides[BACKTEST_BASE];
    for (uint32_t r = 1; order && r < backtest->rule_count; r++) {
        const struct backtest_rule *rule = &backtest->rules[r];
        struct shown shown = {.rule = r,
                              .changes = rule->changes[0].all + rule->changes[1].all,
                              .hits = rule->hits[0].all + rule->hits[1].all};
        bool single = backtest->sides[BACKTEST_BASE] && (!rule->sides[0] || !rule->sides[1]);
        bool undecided = rule->unscanned[0] + rule->unscanned[1] > 0;
        if (shown.changes > 0 || single || undecided || (hitting && shown.hits > 0)) {
            order[count++] = shown;
        }
    }
    if (order) {
        qsort(order, count, sizeof *order, compare_shown);
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_rules[i] = order[i].rule;
    }
    free(order);
    return count;
}
