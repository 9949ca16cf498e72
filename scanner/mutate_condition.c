#include "scanner/mutate_internal.h"

/* The condition with one node of it replaced: the nodes on the way are copied. */
struct replacer {
    struct mutate_worker *worker;
    const struct mutate_rule *tested;
    const struct condition *old;
    const struct condition *new;
};

static const struct condition *replaced(struct replacer *replacer, const struct condition *node)
{
    if (node == replacer->old) {
        return replacer->new;
    }
    if (node->type == CONDITION_PATTERN || node->type == CONDITION_COUNT) {
        return node;
    }
    struct condition *copy = arena_array(replacer->worker->arena, 1, sizeof *copy);
    if (!copy) {
        replacer->worker->status = STATUS_NO_MEMORY;
        return node;
    }
    *copy = *node;
    copy->left = node->left ? replaced(replacer, node->left) : NULL;
    copy->right = node->right ? replaced(replacer, node->right) : NULL;
    return copy;
}

static void try_node(struct mutate_worker *worker, const struct mutate_rule *tested, const struct condition *old,
                     const struct condition *new, const char *piece, const char *change)
{
    struct replacer replacer = {.worker = worker, .tested = tested, .old = old, .new = new};
    const struct condition *condition = replaced(&replacer, tested->rule->condition);
    if (worker->status != STATUS_OK || !change) {
        worker->status = STATUS_NO_MEMORY;
        return;
    }
    const struct mutate_survivor survivor = {.rule = tested->rule,
                                             .kind = MUTATE_CONDITION,
                                             .place = tested->rule->condition_place,
                                             .piece = piece,
                                             .change = change};
    mutate_judge(worker, tested, tested->values, condition, &survivor);
}

/* The names that stand at the two ends of a part, to say which operator is meant. */
static const char *first_name(const struct rule *rule, const struct condition *node)
{
    while (node->type != CONDITION_PATTERN && node->type != CONDITION_COUNT) {
        node = node->left;
    }
    return rule->patterns[node->type == CONDITION_COUNT ? node->patterns[0] : node->pattern].name;
}

static const char *last_name(const struct rule *rule, const struct condition *node)
{
    while (node->type != CONDITION_PATTERN && node->type != CONDITION_COUNT) {
        node = node->type == CONDITION_NOT ? node->left : node->right;
    }
    return rule->patterns[node->type == CONDITION_COUNT ? node->patterns[node->pattern_count - 1] : node->pattern].name;
}

static void change_node(struct mutate_worker *worker, const struct mutate_rule *tested, const struct condition *node)
{
    const struct rule *rule = tested->rule;
    struct condition *new = arena_array(worker->arena, 1, sizeof *new);
    if (!new) {
        worker->status = STATUS_NO_MEMORY;
        return;
    }
    *new = *node;
    switch (node->type) {
    case CONDITION_PATTERN:
        return;
    case CONDITION_NOT:
        try_node(worker, tested, node, node->left, "not",
                 arena_print(worker->arena, "without 'not' before '%s'", first_name(rule, node->left)));
        return;
    case CONDITION_AND:
    case CONDITION_OR: {
        bool and = node->type == CONDITION_AND;
        new->type = and? CONDITION_OR : CONDITION_AND;
        try_node(worker, tested, node, new, and? "and" : "or",
                 arena_print(worker->arena, "'%s' between '%s' and '%s' as '%s'", and? "and" : "or",
                             last_name(rule, node->left), first_name(rule, node->right), and? "or" : "and"));
        return;
    }
    case CONDITION_COUNT:
        if (node->at_least > 1) {
            new->at_least = node->at_least - 1;
            try_node(worker, tested, node, new, "of",
                     arena_print(worker->arena, "'%u of' as '%u of'", node->at_least, node->at_least - 1));
        }
        if (node->at_least < node->pattern_count) {
            struct condition *more = arena_array(worker->arena, 1, sizeof *more);
            if (!more) {
                worker->status = STATUS_NO_MEMORY;
                return;
            }
            *more = *node;
            more->at_least = node->at_least + 1;
            try_node(worker, tested, node, more, "of",
                     node->at_least == 1
                         ? "'any of' as '2 of'"
                         : arena_print(worker->arena, "'%u of' as '%u of'", node->at_least, node->at_least + 1));
        }
        return;
    }
}

static void change_nodes(struct mutate_worker *worker, const struct mutate_rule *tested, const struct condition *node)
{
    if (worker->status != STATUS_OK) {
        return;
    }
    change_node(worker, tested, node);
    if (node->type == CONDITION_NOT || node->type == CONDITION_AND || node->type == CONDITION_OR) {
        change_nodes(worker, tested, node->left); /* not deeper than CONDITION_DEPTH_MAX and a balanced chain */
    }
    if (node->type == CONDITION_AND || node->type == CONDITION_OR) {
        change_nodes(worker, tested, node->right);
    }
}

void mutate_condition(struct mutate_worker *worker, const struct mutate_rule *tested)
{
    change_nodes(worker, tested, tested->rule->condition);
}
