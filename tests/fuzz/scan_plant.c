#include "tests/fuzz/scan_plant.h"

#include <hs.h>
#include <string.h>

#include "rules/condition.h"
#include "rules/gate.h"
#include "rules/regex.h"
#include "text/caseless.h"
#include "text/domain.h"
#include "text/phrase.h"
#include "text/utf8.h"
#include "text/view.h"
#include "text/word.h"

const char *const plant_names[PLANTS] = {"none",  "gate",   "edge",   "domain", "count", "caseless",
                                         "limit", "engine", "border", "span",   "phrase"};

enum plant plant_kind;
bool plant_armed;

static bool is_planted(enum plant kind)
{
    return plant_armed && plant_kind == kind;
}

/* The linker's names: a call of x becomes one of __wrap_x, and __real_x is x. NOLINTBEGIN(bugprone-reserved-identifier) */
#define WRAPPED(function)                                                                                              \
    extern __typeof__(function) __real_##function;                                                                     \
    extern __typeof__(function) __wrap_##function

WRAPPED(gate_choose);
WRAPPED(word_is_edge);
WRAPPED(domain_match_at);
WRAPPED(condition_evaluate);
WRAPPED(caseless_append);
WRAPPED(regex_match);
WRAPPED(regex_match_between);
WRAPPED(hs_scan);
WRAPPED(view_map_span);
WRAPPED(phrase_match_at);

void __wrap_gate_choose(const struct condition *condition, const double *rates, uint32_t pattern_count,
                        bool *ret_searched)
{
    uint32_t searched = 0;
    __real_gate_choose(condition, rates, pattern_count, ret_searched);
    for (uint32_t i = 0; i < pattern_count; i++) {
        searched += ret_searched[i];
        if (is_planted(PLANT_GATE) && searched == 2) {
            ret_searched[i] = false;
            return;
        }
    }
}

bool __wrap_word_is_edge(struct span text, size_t offset)
{
    bool underscore = offset > 0 && offset < text.size && text.data[offset - 1] == '_';
    return (is_planted(PLANT_EDGE) && underscore) || __real_word_is_edge(text, offset);
}

bool __wrap_domain_match_at(struct span text, size_t start, size_t end)
{
    bool hyphen = end < text.size && text.data[end] == '-';
    return (is_planted(PLANT_DOMAIN) && hyphen) || __real_domain_match_at(text, start, end);
}

enum truth __wrap_condition_evaluate(const struct condition *condition, const enum truth *values)
{
    struct condition fewer = *condition;
    fewer.at_least -= is_planted(PLANT_COUNT) && fewer.type == CONDITION_COUNT && fewer.at_least > 1;
    return __real_condition_evaluate(&fewer, values);
}

enum status __wrap_caseless_append(struct span message, struct buffer *out)
{
    return is_planted(PLANT_CASELESS) && utf8_valid(message) ? buffer_append(out, message.data, message.size)
                                                             : __real_caseless_append(message, out);
}

enum status __wrap_regex_match(const struct regex *regex, struct regex_scratch *scratch, struct span text,
                               uint32_t from, uint32_t *ret_start, uint32_t *ret_end)
{
    enum status status = __real_regex_match(regex, scratch, text, from, ret_start, ret_end);
    return status == STATUS_LIMIT && is_planted(PLANT_LIMIT) ? STATUS_NOT_FOUND : status;
}

enum status __wrap_regex_match_between(const struct regex *regex, struct regex_scratch *scratch, struct span text,
                                       uint32_t from, uint32_t last, uint32_t *ret_start, uint32_t *ret_end)
{
    enum status status = __real_regex_match_between(regex, scratch, text, from, last, ret_start, ret_end);
    return status == STATUS_LIMIT && is_planted(PLANT_LIMIT) ? STATUS_NOT_FOUND : status;
}

struct filter {
    match_event_handler handler;
    void *context;
};

static int filter_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    const struct filter *filter = context;
    return to % 23 == 7 ? 0 : filter->handler(id, from, to, flags, filter->context);
}

hs_error_t __wrap_hs_scan(const hs_database_t *database, const char *data, unsigned length, unsigned flags,
                          hs_scratch_t *scratch, match_event_handler handler, void *context)
{
    struct filter filter = {.handler = handler, .context = context};
    if (is_planted(PLANT_ENGINE)) {
        return __real_hs_scan(database, data, length, flags, scratch, filter_match, &filter);
    }
    length -= is_planted(PLANT_BORDER) && length > 2 ? 2 : 0;
    return __real_hs_scan(database, data, length, flags, scratch, handler, context);
}

void __wrap_view_map_span(const struct view_map *map, uint32_t start, uint32_t end, uint32_t *ret_start,
                          uint32_t *ret_end)
{
    __real_view_map_span(map, start, end, ret_start, ret_end);
    *ret_end += is_planted(PLANT_SPAN) && *ret_end - *ret_start > 20;
}

bool __wrap_phrase_match_at(const struct phrase *phrase, struct span text, uint32_t anchor, uint32_t anchor_start,
                            uint32_t *ret_start, uint32_t *ret_end)
{
    bool hyphen = anchor_start > 0 && text.data[anchor_start - 1] == '-';
    return !(is_planted(PLANT_PHRASE) && hyphen) &&
           __real_phrase_match_at(phrase, text, anchor, anchor_start, ret_start, ret_end);
}
/* NOLINTEND(bugprone-reserved-identifier) */
