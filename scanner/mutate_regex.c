#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "rules/lint_tokens.h"
#include "rules/reader_node.h"
#include "rules/regex.h"
#include "scanner/mutate_internal.h"
#include "text/view.h"

#define TOKENS_ARENA_MAX ((size_t)64 << 20)
#define VIEW_SIZE_MAX (64u << 20)

struct changer {
    struct mutate_worker *worker;
    const struct mutate_rule *tested;
    uint32_t pattern;
    struct span regex;
    const struct lint_token *tokens;
    uint32_t token_count;
    enum truth *row;       /* values with the change in them */
    struct span *views;    /* of the tests, in the pattern's view */
    struct buffer changed; /* the regex with the change in it */
};

static const struct pattern *pattern_of(const struct changer *changer)
{
    return &changer->tested->rule->patterns[changer->pattern];
}

static struct model_place place_at(const struct changer *changer, uint32_t offset)
{
    struct model_place place = pattern_of(changer)->body;
    (void)reader_node_column(changer->tested->source, &place, changer->regex, offset, &place.column);
    return place;
}

/* What the changed regex finds in the tests; false if it does not compile, or changes nothing of that. */
static bool run_changed(struct changer *changer)
{
    const struct mutate_rule *tested = changer->tested;
    size_t base = (size_t)changer->pattern * tested->text_count;
    struct regex *regex = NULL;
    enum status status = regex_compile(buffer_span(&changer->changed), NULL, &regex);
    if (status != STATUS_OK) {
        changer->worker->status = status == STATUS_NO_MEMORY ? status : changer->worker->status;
        return false;
    }
    for (uint32_t t = 0; t < tested->text_count; t++) {
        uint32_t start, end;
        status = regex_match(regex, changer->worker->scratch, changer->views[t], 0, &start, &end);
        changer->row[base + t] = status == STATUS_OK          ? TRUTH_TRUE
                                 : status == STATUS_NOT_FOUND ? TRUTH_FALSE
                                                              : TRUTH_UNKNOWN;
    }
    regex_free(&regex);
    return true;
}

/* Tries the regex with [start, end) replaced. `now` is what `piece` then is; NULL: nothing. */
static void try_change(struct changer *changer, enum mutate_kind kind, uint32_t start, uint32_t end, const char *put,
                       uint32_t place, struct span piece, const char *now)
{
    struct mutate_worker *worker = changer->worker;
    const struct rule *rule = changer->tested->rule;
    buffer_clear(&changer->changed);
    enum status status = buffer_append(&changer->changed, changer->regex.data, start);
    status = status == STATUS_OK ? buffer_append_text(&changer->changed, put) : status;
    status = status == STATUS_OK
                 ? buffer_append(&changer->changed, changer->regex.data + end, changer->regex.size - end)
                 : status;
    if (status != STATUS_OK || changer->changed.size == 0 || worker->status != STATUS_OK || !run_changed(changer)) {
        return;
    }
    struct mutate_survivor survivor = {.rule = rule,
                                       .pattern = pattern_of(changer),
                                       .kind = kind,
                                       .place = place_at(changer, place),
                                       .piece = mutate_quote(worker, piece)};
    if (survivor.piece) {
        survivor.change =
            now && *now != '\0'
                ? arena_print(worker->arena, "'%s' as '%s'", survivor.piece, now)
                : arena_print(worker->arena, kind == MUTATE_BRANCH ? "without the alternative '%s'" : "without '%s'",
                              survivor.piece);
    }
    if (!survivor.change) {
        worker->status = STATUS_NO_MEMORY;
        return;
    }
    mutate_judge(worker, changer->tested, changer->row, rule->condition, &survivor);
}

static bool is_branch_end(const struct changer *changer, uint32_t i)
{
    return i >= changer->token_count || changer->tokens[i].type == LINT_BAR || changer->tokens[i].type == LINT_CLOSE;
}

static uint32_t branch_end(const struct changer *changer, uint32_t i)
{
    while (!is_branch_end(changer, i)) {
        i = changer->tokens[i].type == LINT_OPEN ? changer->tokens[i].partner + 1 : i + 1;
    }
    return i;
}

static uint32_t offset_of(const struct changer *changer, uint32_t i)
{
    return i < changer->token_count ? changer->tokens[i].offset : (uint32_t)changer->regex.size;
}

/* Each alternative of the choice that begins at token `first`. */
static void drop_branches(struct changer *changer, uint32_t first)
{
    for (uint32_t i = first;;) {
        uint32_t end = branch_end(changer, i);
        bool bar_after = end < changer->token_count && changer->tokens[end].type == LINT_BAR;
        uint32_t start_offset = offset_of(changer, i), end_offset = offset_of(changer, end);
        struct span piece = span_of(changer->regex.data + start_offset, end_offset - start_offset);
        if (i != first) {
            start_offset--; /* with the bar before it */
        } else if (bar_after) {
            end_offset++;
        }
        if (bar_after || i != first) {
            try_change(changer, MUTATE_BRANCH, start_offset, end_offset, "", offset_of(changer, i), piece, NULL);
        }
        if (!bar_after) {
            return;
        }
        i = end + 1;
    }
}

static void change_token(struct changer *changer, uint32_t i)
{
    const struct lint_token *token = &changer->tokens[i];
    uint32_t start = token->offset, end = start + token->size;
    struct span piece = span_of(changer->regex.data + start, token->size);
    switch (token->type) {
    case LINT_EDGE:
    case LINT_NOT_EDGE:
    case LINT_ANCHOR:
        try_change(changer, MUTATE_PLACE, start, end, "", start, piece, NULL);
        return;
    case LINT_OPEN:
        if (token->group == LINT_GROUP_AHEAD || token->group == LINT_GROUP_BEHIND) {
            end = changer->tokens[token->partner].offset + 1;
            piece = span_of(changer->regex.data + start, end - start);
            try_change(changer, MUTATE_PLACE, start, end, "", start, piece, NULL);
        }
        drop_branches(changer, i + 1);
        return;
    default:
        return;
    }
}

static void write_repeat(uint32_t min, uint32_t max, char *put, size_t size)
{
    put[0] = '\0';
    if (max == LINT_FOREVER && min <= 1) {
        (void)snprintf(put, size, min == 0 ? "*" : "+");
    } else if (max == LINT_FOREVER) {
        (void)snprintf(put, size, "{%u,}", min);
    } else if (min == 0 && max == 1) {
        (void)snprintf(put, size, "?");
    } else if (min != max) {
        (void)snprintf(put, size, "{%u,%u}", min, max);
    } else if (min != 1) {
        (void)snprintf(put, size, "{%u}", min);
    }
}

/* A repeat with what it repeats; `i` is the repeat's token. */
static void change_repeat(struct changer *changer, uint32_t i)
{
    const struct lint_token *token = &changer->tokens[i];
    const struct lint_token *before = &changer->tokens[i - 1];
    uint32_t from = before->type == LINT_CLOSE ? changer->tokens[before->partner].offset : before->offset;
    uint32_t start = token->offset, end = start + token->size;
    struct span piece = span_of(changer->regex.data + from, end - from);
    struct span item = span_of(changer->regex.data + from, start - from);
    char put[40];
    const char *text = mutate_quote(changer->worker, item);
    struct {
        bool wanted;
        uint32_t min, max;
    } changes[] = {
        {token->min == 0 && token->max > 0, 1, token->max}, /* it must be there */
        {token->max > 1 && token->max != token->min, token->min,
         token->max == LINT_FOREVER ? (token->min > 0 ? token->min : 1) : token->min + (token->max - token->min) / 2},
        {token->max != LINT_FOREVER && token->max > 1, token->min, LINT_FOREVER}, /* no limit */
        {token->min > 0, token->min - (token->min > 0), token->max},              /* one less is enough */
    };
    for (size_t c = 0; c < sizeof changes / sizeof *changes && text; c++) {
        uint32_t min = changes[c].min, max = changes[c].max;
        if (!changes[c].wanted || (min == token->min && max == token->max)) {
            continue;
        }
        write_repeat(min, max, put, sizeof put);
        const char *words = arena_print(changer->worker->arena, "%s%s", text, put);
        if (words) {
            try_change(changer, MUTATE_REPEAT, start, end, put, from, piece, words);
        }
    }
    if (token->min == 0) {
        try_change(changer, MUTATE_REPEAT, from, end, "", from, piece, NULL);
    }
}

static enum status make_views(struct changer *changer, struct arena *scratch)
{
    const struct mutate_rule *tested = changer->tested;
    const struct pattern *pattern = pattern_of(changer);
    struct buffer viewed = BUFFER_INIT(VIEW_SIZE_MAX);
    unsigned view = 0;
    while (view + 1 < VIEW_COUNT && !(pattern->views & (1u << view))) {
        view++;
    }
    changer->views = arena_array(scratch, (size_t)tested->text_count + 1, sizeof *changer->views);
    enum status status = changer->views ? STATUS_OK : STATUS_NO_MEMORY;
    for (uint32_t t = 0; t < tested->text_count && status == STATUS_OK; t++) {
        buffer_clear(&viewed);
        status = view_append((enum view)view, tested->texts[t], &viewed, NULL);
        char *copy = status == STATUS_OK ? arena_copy(scratch, buffer_span(&viewed)) : NULL;
        status = status == STATUS_OK && !copy ? STATUS_NO_MEMORY : status;
        changer->views[t] = span_of(copy, viewed.size);
    }
    buffer_free(&viewed);
    return status;
}

void mutate_regex(struct mutate_worker *worker, const struct mutate_rule *tested, uint32_t pattern, enum truth *row)
{
    struct changer changer = {.worker = worker,
                              .tested = tested,
                              .pattern = pattern,
                              .regex = tested->rule->patterns[pattern].regex,
                              .row = row,
                              .changed = BUFFER_INIT(MODEL_REGEX_SIZE_MAX + 64)};
    size_t count = (size_t)tested->rule->pattern_count * tested->text_count;
    struct lint_tokens tokens;
    struct arena *scratch = NULL;
    enum status status = arena_new(16u << 10, TOKENS_ARENA_MAX, &scratch);
    if (status == STATUS_OK) {
        status = lint_tokens_read(changer.regex, scratch, &tokens);
    }
    if (status == STATUS_OK) {
        status = make_views(&changer, scratch);
    }
    if (status == STATUS_OK) {
        memcpy(row, tested->values, count * sizeof *row);
        changer.tokens = tokens.items;
        changer.token_count = tokens.count;
        drop_branches(&changer, 0);
        for (uint32_t i = 0; i < tokens.count && worker->status == STATUS_OK; i++) {
            change_token(&changer, i);
            if (tokens.items[i].type == LINT_REPEAT && i > 0) {
                change_repeat(&changer, i);
            }
        }
    }
    worker->status = status == STATUS_NO_MEMORY ? status : worker->status; /* syntax that is not followed: no changes */
    buffer_free(&changer.changed);
    arena_free(&scratch);
}
