/* Tests for rules that were imported: a text becomes one only where the rule surely flags it. */

#include "base/buffer.h"
#include "import/import_draft.h"
#include "rules/condition.h"
#include "rules/regex.h"
#include "text/phrase.h"
#include "text/view.h"

#define TRY_SIZE_MAX (1u << 20)
#define TRY_ARENA_SIZE_MAX ((size_t)16 << 20)
#define TRY_WORDS_MAX 200u /* of a pattern; what stands behind them nobody knows */

struct attempt {
    struct import *import;
    struct arena *arena;
    struct buffer views[VIEW_COUNT];
};

static enum truth match(struct attempt *attempt, struct span regex, enum view view)
{
    uint32_t start, end;
    struct regex *compiled = NULL;
    enum truth truth = TRUTH_UNKNOWN;
    if (regex_compile(regex, NULL, &compiled) == STATUS_OK) {
        struct span text = buffer_span(&attempt->views[view]);
        enum status status = regex_match(compiled, attempt->import->scratch, text, 0, &start, &end);
        truth = status == STATUS_OK ? TRUTH_TRUE : status == STATUS_NOT_FOUND ? TRUTH_FALSE : TRUTH_UNKNOWN;
    }
    regex_free(&compiled);
    return truth;
}

static enum truth match_word(struct attempt *attempt, const char *word)
{
    struct phrase phrase;
    struct buffer regex = BUFFER_INIT(TRY_SIZE_MAX);
    enum truth truth = TRUTH_UNKNOWN;
    if (phrase_parse(span_text(word), attempt->arena, &phrase) == STATUS_OK &&
        phrase_regex(&phrase, &regex) == STATUS_OK) {
        truth = match(attempt, buffer_span(&regex), VIEW_FOLDED);
    }
    buffer_free(&regex);
    return truth;
}

static enum truth find(struct attempt *attempt, const struct import_pattern *pattern)
{
    if (pattern->regex.size > 0) {
        return match(attempt, pattern->regex, pattern->view);
    }
    enum truth found = pattern->word_count > TRY_WORDS_MAX ? TRUTH_UNKNOWN : TRUTH_FALSE;
    for (uint32_t i = 0; i < pattern->word_count && i < TRY_WORDS_MAX && found != TRUTH_TRUE; i++) {
        enum truth truth = match_word(attempt, pattern->words[i]);
        found = truth > found || truth == TRUTH_TRUE ? truth : found;
    }
    return found;
}

static bool holds(struct attempt *attempt, const struct import_rule *rule)
{
    uint32_t count = 0;
    enum truth *values = arena_array(attempt->arena, rule->pattern_count, sizeof *values);
    if (!values) {
        return false;
    }
    for (const struct import_pattern *pattern = rule->patterns; pattern; pattern = pattern->next) {
        values[count++] = find(attempt, pattern);
    }
    return condition_evaluate(rule->parsed, values) == TRUTH_TRUE;
}

static bool make_views(struct attempt *attempt, struct span text)
{
    for (int view = 0; view < VIEW_COUNT; view++) {
        attempt->views[view] = BUFFER_INIT(TRY_SIZE_MAX);
    }
    for (int view = 0; view < VIEW_COUNT; view++) {
        if (view_append((enum view)view, text, &attempt->views[view], NULL) != STATUS_OK) {
            return false;
        }
    }
    return true;
}

void import_draft_try(struct import *import, struct import_rule *rule, const char *text)
{
    struct attempt attempt = {.import = import};
    if (!rule->parsed || arena_new(65536, TRY_ARENA_SIZE_MAX, &attempt.arena) != STATUS_OK) {
        import->no_memory |= rule->parsed != NULL;
        return;
    }
    bool flagged = make_views(&attempt, span_text(text)) && holds(&attempt, rule);
    /* Words are looked for in disguise as well, which is not tried here: under a `not` that would matter. */
    bool plain = span_equal(buffer_span(&attempt.views[VIEW_FOLDED]), buffer_span(&attempt.views[VIEW_SKELETON]));
    if (flagged && (plain || !rule->negates)) {
        struct import_text *hit = arena_array(import->arena, 1, sizeof *hit);
        import->no_memory |= !hit;
        if (hit) {
            struct import_text **last = &rule->hits;
            while (*last) {
                last = &(*last)->next;
            }
            hit->text = import_copy(import, span_text(text));
            *last = hit;
        }
    }
    for (int view = 0; view < VIEW_COUNT; view++) {
        buffer_free(&attempt.views[view]);
    }
    arena_free(&attempt.arena);
}
