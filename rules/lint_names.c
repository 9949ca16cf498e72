#include "rules/lint_names.h"

#include <stddef.h>
#include <string.h>

const struct lint_name lint_names[] = {
    {"syntax", FINDING_ERROR, "the file is not YAML, or uses a part of it that is refused"},
    {"invalid", FINDING_ERROR, "a key, a value, a regex or a condition is not valid"},
    {"duplicate-name", FINDING_ERROR, "an id or the name of a pack is taken twice"},
    {"failing-test", FINDING_ERROR, "an inline test fails"},

    {"no-rules", FINDING_WARNING, "the pack has no rules"},
    {"no-tests", FINDING_WARNING, "the rule has no tests"},
    {"no-hit-test", FINDING_WARNING, "no test shows what the rule finds"},
    {"no-clean-test", FINDING_HINT, "no test shows what the rule leaves alone"},
    {"duplicate-test", FINDING_HINT, "the same text is tested twice"},
    {"no-title", FINDING_HINT, "the rule has no title for the people who review"},
    {"unused-allow", FINDING_HINT, "nothing is left of what the rule allows itself"},

    {"unused-pattern", FINDING_WARNING, "the condition never uses a pattern"},
    {"idle-pattern", FINDING_WARNING, "a pattern never makes a difference to the condition"},
    {"never-holds", FINDING_WARNING, "the condition can never hold"},
    {"duplicate-pattern", FINDING_WARNING, "two patterns of a rule look for the same"},
    {"duplicate-rule", FINDING_WARNING, "two rules look for the same"},
    {"flags-everyday-talk", FINDING_WARNING, "the rule flags messages such as everybody writes"},

    {"duplicate-entry", FINDING_WARNING, "a phrase or domain stands in its list twice"},
    {"subsumed-entry", FINDING_WARNING, "an entry is found only where another one is"},
    {"shared-entry", FINDING_HINT, "two rules of one queue, or two patterns, flag the same entry"},
    {"regex-in-words", FINDING_WARNING, "an entry of words looks like a regex"},
    {"empty-list", FINDING_WARNING, "a list file has no entries"},

    {"matches-everything", FINDING_WARNING, "a regex matches every message, or nearly"},
    {"never-matches", FINDING_WARNING, "a regex needs what its view never has"},
    {"idle-part", FINDING_HINT, "an alternative of a regex can never occur in its view"},
    {"searched-always", FINDING_WARNING, "a regex runs on every message"},
    {"no-literal", FINDING_HINT, "a regex has no rare text to search for"},
    {"often-confirmed", FINDING_HINT, "what is searched for a pattern is often there"},
    {"backtracks", FINDING_WARNING, "a regex runs into the match limit on some text"},
    {"empty-branch", FINDING_WARNING, "an alternative of a regex is empty"},
    {"duplicate-branch", FINDING_WARNING, "an alternative of a regex stands there twice"},
    {"unescaped-dot", FINDING_WARNING, "a dot of a domain is not escaped"},
    {"idle-end", FINDING_WARNING, "what stands at the end of a regex changes nothing"},
    {"open-gap", FINDING_HINT, "a gap inside a regex has no limit"},
    {"odd-range", FINDING_WARNING, "a range of characters such as [A-z] holds more than meant"},
    {"bar-in-class", FINDING_WARNING, "a | in brackets stands for itself"},
    {"capitals", FINDING_WARNING, "capitals match small letters too"},
    {"idle-option", FINDING_HINT, "an option says what holds anyway"},
    {"idle-case", FINDING_HINT, "a class names letters twice, large and small"},
    {"edge-at-sign", FINDING_WARNING, "a \\b stands next to what is no word character"},
    {"words-as-regex", FINDING_HINT, "a regex is only a list of words"},
    {"control-character", FINDING_WARNING, "a regex holds a control character"},
    {"doubled-backslash", FINDING_WARNING, "a regex looks for a backslash where \\b, \\w, ... is meant"},
    {"no-repeat", FINDING_WARNING, "braces that are no repeat"},
    {"slashes", FINDING_WARNING, "a regex stands between slashes"},
};

const uint32_t lint_name_count = sizeof lint_names / sizeof *lint_names;

const struct lint_name *lint_name_find(const char *name)
{
    for (uint32_t i = 0; i < lint_name_count; i++) {
        if (strcmp(lint_names[i].name, name) == 0) {
            return &lint_names[i];
        }
    }
    return NULL;
}

const char *lint_name_nearest(const char *word)
{
    const char *names[sizeof lint_names / sizeof *lint_names + 1];
    uint32_t count = 0;
    for (uint32_t i = 0; i < lint_name_count; i++) {
        if (lint_names[i].level != FINDING_ERROR) {
            names[count++] = lint_names[i].name;
        }
    }
    names[count] = NULL;
    return findings_nearest(word, names);
}
