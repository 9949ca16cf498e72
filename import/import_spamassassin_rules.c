/* What was collected of SpamAssassin's rules, as rules of Weir. */
#include <string.h>

#include "base/buffer.h"
#include "import/import_expression.h"
#include "import/import_lines.h"
#include "import/import_spamassassin.h"
#include "rules/regex.h"

#define NESTING_MAX 50u /* of meta rules inside meta rules */

/* Texts without an address: what is found there looks for no address. */
static const char *const plain_texts[] = {
    "",
    "x",
    "7",
    " . ",
    "oh, well: 20 z",
    "Hello there! See you at 5:30 PM, OK? Ask Ann (or Bob) on 555-1234: it's urgent.",
    "WIN A PRIZE NOW: TEXT YES TO 80086, ONLY \xC2\xA3 1.50/min! T&Cs apply.",
    "i'm fine... how are u? lol; 20-30 min, 50% off + more_stuff #1 @home = \"ok\"",
    NULL};

static enum severity severity_of(double score)
{
    return score < 1 ? SEVERITY_LOW : score < 3 ? SEVERITY_MEDIUM : score < 5 ? SEVERITY_HIGH : SEVERITY_CRITICAL;
}

static void fail(struct import_spamassassin_rule *rule, const char *sort, const char *why)
{
    rule->kind = SPAMASSASSIN_OTHER;
    rule->sort = sort;
    rule->why = why;
}

static bool matches_plain_text(struct import *import, struct span regex)
{
    struct regex *compiled = NULL;
    bool found = false;
    if (regex_compile(regex, NULL, &compiled) != STATUS_OK) {
        return false; /* it is told when it becomes a pattern */
    }
    for (size_t i = 0; plain_texts[i] && !found; i++) {
        uint32_t start, end;
        found = regex_match(compiled, import->scratch, span_text(plain_texts[i]), 0, &start, &end) == STATUS_OK;
    }
    regex_free(&compiled);
    return found;
}

/*
 * A uri rule sees one address at a time, Weir the message around it: the beginning and the end of the text become those of
 * an address in a text.
 */
static struct span inside_text(struct import *import, struct span regex)
{
    static const char start[] = "(?<![^\\s<>\"'(\\[])", end[] = "(?=[.,;:!?]*(?:[\\s<>\"')\\]]|\\z))";
    struct buffer out = BUFFER_INIT((size_t)16 * MODEL_REGEX_SIZE_MAX);
    enum status status = STATUS_OK;
    for (size_t at = 0; at < regex.size && status == STATUS_OK;) {
        struct span rest = span_of(regex.data + at, regex.size - at);
        bool escape = rest.data[0] == '\\' && rest.size > 1;
        bool begins = rest.data[0] == '^' || (escape && rest.data[1] == 'A');
        bool ends = rest.data[0] == '$' || (escape && (rest.data[1] == 'z' || rest.data[1] == 'Z'));
        size_t size = rest.data[0] == '[' ? import_regex_class(rest) : escape ? 2 : 1;
        status = begins ? buffer_append_text(&out, start)
                 : ends ? buffer_append_text(&out, end)
                        : buffer_append(&out, rest.data, size);
        at += size;
    }
    import->no_memory |= status == STATUS_NO_MEMORY;
    struct span written = span_of(import_copy(import, buffer_span(&out)), status == STATUS_OK ? out.size : 0);
    buffer_free(&out);
    return written;
}

static bool check_uri(struct import *import, struct import_spamassassin_rule *rule)
{
    struct span inside = inside_text(import, rule->text);
    if ((inside.size == 0 && rule->text.size > 0) || inside.size > MODEL_REGEX_SIZE_MAX) {
        fail(rule, "uri", "as a regex over a whole message it is over 65,536 bytes");
        return false;
    }
    if (matches_plain_text(import, import_regex_write(import, inside, rule->flags))) {
        fail(rule, "uri", "it would be found in messages without an address");
        return false;
    }
    import_note_at(import, FINDING_HINT, "uri-text", rule->place, NULL,
                   "%s looked at addresses alone, and now looks at the whole message", rule->name);
    rule->text = inside;
    return true;
}

/* The regex in Weir's dialect, made once. False: the rule has become one that cannot be moved. */
static bool prepare(struct import *import, struct import_spamassassin_rule *rule)
{
    bool high = false, bytes = false;
    if (rule->prepared) {
        return true;
    }
    if (rule->has_tags) {
        struct span expanded = import_spamassassin_expand(import, rule->text);
        if (expanded.size > MODEL_REGEX_SIZE_MAX || (expanded.size == 0 && rule->text.size > 0)) {
            fail(rule, "refused-regex", "with its tags its regex is over 65,536 bytes");
            return false;
        }
        rule->text = expanded;
    }
    if (rule->kind == SPAMASSASSIN_URI && !check_uri(import, rule)) {
        return false;
    }
    struct span regex = import_regex_from_bytes(import, rule->text, &high, &bytes);
    if (bytes) {
        fail(rule, "bytes", "it asks for single bytes of characters, and Weir sees characters");
        return false;
    }
    if (high) {
        import_note_at(import, FINDING_HINT, "latin-1", rule->place, "look whether that is what it means",
                       "%s: \\x80 to \\xFF stand for the characters U+0080 to U+00FF", rule->name);
    }
    rule->regex = import_regex_write(import, regex, rule->flags);
    rule->prepared = true;
    return true;
}

/* As a pattern; NULL: `rule` has become one that cannot be moved, and why. */
static const char *add_pattern(struct import *import, struct import_spamassassin_rule *rule, struct import_rule *draft)
{
    if (!prepare(import, rule)) {
        return NULL;
    }
    const char *name = import_draft_regex(import, draft, rule->place, rule->name, rule->regex,
                                          import_regex_view(import, rule->regex, rule->flags), rule->name);
    if (!name && !import->no_memory) {
        fail(rule, NULL, "PCRE2 does not take its regex"); /* it was told */
    }
    return name;
}

static const struct import_expression *make_part(struct import *import, struct import_spamassassin_rule *rule,
                                                 struct import_rule *draft, const char **ret_sort, const char **ret_why)
{
    const struct import_expression *expression = NULL;
    if (rule->kind == SPAMASSASSIN_META) {
        rule->visiting = true;
        import->spamassassin->nesting++;
        expression = import_spamassassin_meta(import, rule, draft, ret_sort, ret_why);
        import->spamassassin->nesting--;
        rule->visiting = false;
        return expression;
    }
    if (rule->kind != SPAMASSASSIN_OTHER) {
        const char *name = add_pattern(import, rule, draft);
        rule->part_counts = rule->multiple;
        expression = name ? import_expression_name(import->arena, name) : NULL;
        import->no_memory |= name && !expression;
    }
    if (!expression) {
        *ret_sort = rule->sort;
        *ret_why = rule->why;
    }
    return expression;
}

const struct import_expression *import_spamassassin_part(struct import *import, struct import_spamassassin_rule *rule,
                                                         struct import_rule *draft, const char **ret_sort,
                                                         const char **ret_why)
{
    if (import->spamassassin->nesting > NESTING_MAX) {
        *ret_sort = "large-rule";
        *ret_why = "too many meta rules stand inside each other";
        return NULL;
    }
    if (rule->visiting) {
        *ret_sort = "condition";
        *ret_why = "it needs itself";
        return NULL;
    }
    if (draft->pattern_count > MODEL_RULE_PATTERNS_MAX) {
        *ret_sort = "large-rule";
        *ret_why = "it has too many parts";
        return NULL;
    }
    if (rule->part_of != draft) {
        rule->part = make_part(import, rule, draft, ret_sort, ret_why);
        rule->part_of = rule->part ? draft : NULL;
    }
    return rule->part;
}

static bool is_part(const struct import_spamassassin_rule *rule)
{
    return strncmp(rule->name, "__", 2) == 0;
}

static void leave_out(struct import *import, struct import_spamassassin_rule *rule, const char *sort, const char *why)
{
    if (sort && !rule->told) {
        rule->told = true;
        import_note_at(import, FINDING_WARNING, sort, rule->place, NULL, "%s is left out: %s", rule->name, why);
    }
}

static void make_rule(struct import *import, struct import_spamassassin_rule *rule)
{
    const char *sort = NULL, *why = NULL;
    struct import_rule *draft = import_draft_new(import, rule->place);
    if (!draft) {
        return;
    }
    const struct import_expression *condition = import_spamassassin_part(import, rule, draft, &sort, &why);
    if (!condition) {
        leave_out(import, rule, sort, why);
        return;
    }
    if (rule->has_score) {
        draft->severity = severity_of(rule->score);
    }
    if (strncmp(rule->name, "T_", 2) == 0) {
        draft->status_min = RULE_SHADOW; /* SpamAssassin's way to try out a rule */
    }
    if (rule->has_score && rule->score <= 0) {
        draft->status_min = RULE_OFF;
    }
    if (rule->title) {
        import_draft_title(import, draft, span_text(rule->title));
    }
    draft->comment = import_print(import, "%s:%u", import_base(rule->place.file), rule->place.line);
    if (import_draft_settle(import, draft, condition, rule->name)) {
        import_draft_add(import, draft, rule->name);
    }
}

void import_finish_spamassassin(struct import *import)
{
    struct import_spamassassin *state = import->spamassassin;
    struct import_spamassassin_rule *rule = state ? state->first : NULL;
    for (; rule && !import->no_memory; rule = rule->next) {
        if (rule->kind == SPAMASSASSIN_UNKNOWN) {
            import_note_at(import, FINDING_HINT, "setting", rule->place, NULL,
                           "%s is described or scored here, and defined in none of the files", rule->name);
        } else if (rule->kind == SPAMASSASSIN_OTHER) {
            leave_out(import, rule, rule->sort, rule->why);
        } else if (!is_part(rule) && (rule->nice || (rule->has_score && rule->score < 0))) {
            leave_out(import, rule, "speaks-for", "it speaks for a message, and Weir's rules only flag");
        } else if (!is_part(rule)) {
            make_rule(import, rule);
        }
    }
    for (rule = state ? state->first : NULL; rule && !import->no_memory; rule = rule->next) {
        bool movable = rule->kind != SPAMASSASSIN_UNKNOWN;
        if (rule->kind == SPAMASSASSIN_OTHER) {
            leave_out(import, rule, rule->sort, rule->why);
        } else if (movable && is_part(rule) && !rule->used) {
            leave_out(import, rule, "unused-part", "it is only a part, and no rule that was moved needs it");
        }
    }
}
