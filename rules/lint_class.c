/* Classes of a regex: [...] */
#include <string.h>

#include "rules/lint_context.h"

#define MEMBERS_MAX 256u

static bool is_upper(uint32_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(uint32_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(uint32_t c)
{
    return is_upper(c) || is_lower(c) || is_digit(c);
}

/* A range over characters of different sorts, such as A-z or .-_ in [\w.-_]. From the space or ! to ~ is on purpose. */
static bool is_odd(const struct lint_member *member)
{
    uint32_t first = member->first, last = member->last;
    if (member->type || first == last || last > '~' || first < ' ') {
        return false;
    }
    if (is_word(first) && is_word(last)) {
        return !((is_upper(first) && is_upper(last)) || (is_lower(first) && is_lower(last)) ||
                 (is_digit(first) && is_digit(last)));
    }
    if (member->escaped || first == ' ' || first == '!' || last == '~') {
        return false;
    }
    /* One or two signs at the end of a run of letters, as in a-{, are there because somebody counted. */
    uint32_t words = 0, signs = 0;
    for (uint32_t c = first; c <= last; c++) {
        words += is_word(c);
        signs += !is_word(c);
    }
    return words > 0 && signs > 2;
}

static void check_ranges(struct lint *lint, const struct pattern *pattern, const struct lint_member *members,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct lint_member *member = &members[i];
        if (is_odd(member)) {
            struct model_place place = lint_place_inside(lint, pattern, member->offset);
            bool letters = is_upper(member->first) && is_lower(member->last);
            lint_report(lint, "odd-range", &place,
                        letters ? "write a-z; case is ignored anyway"
                                : "put the - at the end of the class, or write \\-",
                        "the range %c-%c holds more than it seems: also what stands between in ASCII",
                        (char)member->first, (char)member->last);
        }
    }
}

/* [cat|dog] and [a|b|c]: brackets hold characters, not alternatives. */
static void check_bars(struct lint *lint, const struct pattern *pattern, const struct lint_token *token,
                       const struct lint_member *members, uint32_t count)
{
    uint32_t bars = 0, letters = 0, letters_max = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool bar = !members[i].type && members[i].first == '|' && members[i].last == '|';
        bool plain = !members[i].type && members[i].first == members[i].last && !members[i].escaped;
        if (!plain || (!bar && !is_word(members[i].first))) {
            return;
        }
        if (bar && (i == 0 || i + 1 == count || letters == 0)) {
            return;
        }
        bars += bar;
        letters = bar ? 0 : letters + 1;
        letters_max = letters > letters_max ? letters : letters_max;
    }
    if (bars > 1 || (bars == 1 && letters_max > 2)) {
        struct model_place place = lint_place_inside(lint, pattern, token->offset);
        lint_report(lint, "bar-in-class", &place, "write (?:cat|dog), or leave the | out",
                    "brackets hold single characters: the | in them stands for itself");
    }
}

static void check_case(struct lint *lint, const struct pattern *pattern, const struct lint_token *token,
                       const struct lint_member *members, uint32_t count)
{
    bool upper = false, lower = false, both = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct lint_member *member = &members[i];
        bool is_upper_range = !member->type && is_upper(member->first) && is_upper(member->last);
        upper |= is_upper_range;
        lower |= member->type != 0 || is_lower(member->first) || member->last > 'z';
        for (uint32_t j = 0; j < count && is_upper_range; j++) {
            both |= !members[j].type && members[j].first == (member->first | 0x20u) &&
                    members[j].last == (member->last | 0x20u);
        }
    }
    if (!token->caseless || !upper || (!both && lower)) {
        return;
    }
    struct model_place place = lint_place_inside(lint, pattern, token->offset);
    if (both) {
        lint_report(lint, "idle-case", &place, "leave the capitals out",
                    "case is ignored: the class names the same letters twice");
    } else {
        lint_report(lint, "capitals", &place, "write small letters; to find only capitals, use (?-i) and view: raw",
                    "case is ignored: these capitals match small letters too");
    }
}

void lint_class_check(struct lint *lint, const struct pattern *pattern, const struct lint_token *token)
{
    struct lint_member *members = arena_array(lint->scratch, MEMBERS_MAX, sizeof *members);
    struct lint_class class;
    uint32_t count = 0;
    if (!members) {
        lint->no_memory = true;
        return;
    }
    lint_class_open(pattern->regex, token, &class);
    while (count < MEMBERS_MAX && lint_class_next(&class, &members[count])) {
        count++;
    }
    check_ranges(lint, pattern, members, count);
    check_bars(lint, pattern, token, members, count);
    check_case(lint, pattern, token, members, count);
}
