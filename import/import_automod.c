/* AutoModerator-like word filters: YAML documents with checks such as `body (includes-word): [...]`. */
#include <string.h>

#include "import/import_draft.h"
#include "import/import_entries.h"
#include "import/import_expression.h"
#include "import/import_lines.h"
#include "import/import_regex.h"
#include "import/import_values.h"
#include "import/import_yaml.h"

#define CHECKS_MAX 64u
#define LENGTH_MAX 65000
#define REGEXES_MAX 300u /* of a check: more than a rule may have, which is told when it is settled */

/* ~title+body#2 (includes-word, case-sensitive) */
struct check {
    struct span fields;
    bool negated, cased, regex;
    bool has_mode;
    enum import_values_mode mode;
    const char *unknown; /* a modifier that is not known */
};

struct filter {
    struct import *import;
    struct import_rule *rule;
    const char *what;
    const struct import_expression *checks[CHECKS_MAX];
    uint32_t count;
    const char *samples[3]; /* at the start, anywhere, at the end */
    bool broken;            /* a check could not be moved at all */
    bool wider;             /* a check was dropped: it may flag more */
};

/* What says what to do, or to whom, once something is found; it changes nothing about what is found. */
static const char *const afterwards[] = {"comment",
                                         "comment_locked",
                                         "comment_stickied",
                                         "message",
                                         "message_subject",
                                         "modmail",
                                         "modmail_subject",
                                         "set_flair",
                                         "set_locked",
                                         "set_nsfw",
                                         "set_sticky",
                                         "set_spoiler",
                                         "set_suggested_sort",
                                         "set_contest_mode",
                                         "overwrite_flair",
                                         "priority",
                                         "moderators_exempt",
                                         "type",
                                         NULL};

static bool is_one_of(struct span text, const char *const *names)
{
    for (; *names; names++) {
        if (import_span_is(text, *names)) {
            return true;
        }
    }
    return false;
}

/* What stands before `sign`, which is cut off with it. */
static struct span cut(struct span *text, char sign)
{
    const uint8_t *at = text->size ? memchr(text->data, sign, text->size) : NULL;
    struct span part = span_of(text->data, at ? (size_t)(at - text->data) : text->size);
    size_t taken = part.size + (at != NULL);
    *text = span_of(text->data + taken, text->size - taken);
    return import_trim(part);
}

static void read_modifier(struct import *import, struct span modifier, struct check *check)
{
    static const struct {
        const char *name;
        enum import_values_mode mode;
    } modes[] = {{"includes", VALUES_CONTAIN}, {"includes-word", VALUES_WORD}, {"starts-with", VALUES_START},
                 {"ends-with", VALUES_END},    {"full-exact", VALUES_EQUAL},   {"full-text", VALUES_PADDED},
                 {"word", VALUES_WORD}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (import_span_is(modifier, modes[i].name)) {
            check->mode = modes[i].mode;
            check->has_mode = true;
            return;
        }
    }
    check->regex |= import_span_is(modifier, "regex");
    check->cased |= import_span_is(modifier, "case-sensitive");
    if (!import_span_is(modifier, "regex") && !import_span_is(modifier, "case-sensitive")) {
        check->unknown = import_quote(import, modifier);
    }
}

static struct check read_key(struct import *import, struct span key)
{
    struct check check = {0};
    key = import_trim(key);
    if (import_span_begins(key, "~")) {
        check.negated = true;
        key = import_trim(span_of(key.data + 1, key.size - 1));
    }
    struct span modifiers = key;
    check.fields = cut(&modifiers, '(');
    modifiers = cut(&modifiers, ')');
    struct span rest = check.fields;
    check.fields = cut(&rest, '#'); /* a number that tells two checks of a field apart */
    while (modifiers.size > 0) {
        read_modifier(import, cut(&modifiers, ','), &check);
    }
    return check;
}

/* Are all the fields texts of a message? *ret_domain: they are domains. */
static bool is_text(struct span fields, bool *ret_domain)
{
    static const char *const texts[] = {"body", "title", "url", "text", "message_text", NULL};
    *ret_domain = import_span_is(fields, "domain");
    bool all = fields.size > 0;
    while (fields.size > 0 && all) {
        all = is_one_of(cut(&fields, '+'), texts);
    }
    return all || *ret_domain;
}

static void add_check(struct filter *filter, const struct import_expression *expression, bool negated)
{
    if (!expression || filter->count == CHECKS_MAX) {
        filter->broken = true;
        return;
    }
    filter->checks[filter->count++] = negated ? import_expression_not(filter->import->arena, expression) : expression;
}

static const struct import_expression *put_regexes(struct filter *filter, const struct yaml *node, bool cased,
                                                   const char *name)
{
    struct import *import = filter->import;
    const struct import_flags flags = {.caseless = !cased, .dotall = true};
    const struct import_expression *items[REGEXES_MAX];
    uint32_t count = 0;
    for (const struct yaml *item = import_yaml_first(node); item; item = import_yaml_next(node, item)) {
        struct span text = import_yaml_text(item);
        struct import_place place = import_here(import, item->line);
        const char *pattern =
            import_draft_regex(import, filter->rule, place, name, import_regex_write(import, text, flags),
                               import_regex_view(import, text, flags), filter->what);
        if (pattern && count < REGEXES_MAX) {
            items[count++] = import_expression_name(import->arena, pattern);
        }
    }
    return count ? import_expression_join(import->arena, IMPORT_OR, items, count) : NULL;
}

static const struct import_expression *put_words(struct filter *filter, const struct yaml *node, const char *name,
                                                 const char **ret_sample)
{
    struct import_entries entries = import_entries_begin(filter->import, false);
    for (const struct yaml *item = import_yaml_first(node); item; item = import_yaml_next(node, item)) {
        import_entries_add(&entries, import_yaml_text(item), item->line);
    }
    const struct import_expression *any = import_entries_put(&entries, filter->rule, name);
    *ret_sample = entries.count > 0 ? entries.words[0] : NULL;
    if (any && !*ret_sample) {
        *ret_sample = import_copy(filter->import, import_yaml_text(import_yaml_first(node)));
    }
    import_entries_end(&entries);
    return any;
}

static void keep_sample(struct filter *filter, enum import_values_mode mode, const char *sample)
{
    const char **place = &filter->samples[mode == VALUES_START ? 0 : mode == VALUES_END ? 2 : 1];
    if (sample) {
        *place = *place ? import_print(filter->import, "%s, %s", *place, sample) : sample;
    }
}

/* A check of the text. */
static void read_check(struct filter *filter, struct check check, const struct yaml *node, bool domain)
{
    const char *name = domain ? "domain" : check.negated ? "not-this" : "text";
    const char *sample = NULL;
    const struct import_expression *expression = NULL;
    uint32_t notes = filter->import->note_count;
    enum import_values_mode mode = check.has_mode                        ? check.mode
                                   : import_span_is(check.fields, "url") ? VALUES_CONTAIN
                                                                         : VALUES_WORD;
    mode = domain && !check.regex ? VALUES_DOMAIN : mode;
    if (node->type == YAML_MAP || node->type == YAML_NULL || (node->type == YAML_LIST && node->count == 0)) {
        import_note(filter->import, FINDING_ERROR, "syntax", node->line, NULL, "%s: %s where texts are expected",
                    filter->what, yaml_type_text(node));
    } else if (check.regex) {
        expression = put_regexes(filter, node, check.cased, name);
    } else if (mode == VALUES_WORD && !check.cased) {
        expression = put_words(filter, node, name, &sample);
    } else {
        const struct import_values values = {.mode = mode, .cased = check.cased, .name = name, .what = filter->what};
        expression = import_values_put(filter->import, filter->rule, &values, node, &sample);
    }
    if (!check.negated) {
        keep_sample(filter, mode, sample);
    } else if (filter->import->note_count > notes) {
        filter->wider = true; /* what is missing of an exception is flagged */
    }
    add_check(filter, expression, check.negated);
}

/* body_longer_than and body_shorter_than. False: the key is neither. */
static bool read_length(struct filter *filter, struct span field, const struct yaml *node)
{
    bool longer = import_span_is(field, "body_longer_than") || import_span_is(field, "title_longer_than");
    bool shorter = import_span_is(field, "body_shorter_than") || import_span_is(field, "title_shorter_than");
    int64_t length = 0;
    if (!longer && !shorter) {
        return false;
    }
    if (yaml_integer(node, &length) != STATUS_OK || length < 1 || length > LENGTH_MAX) {
        import_note(filter->import, FINDING_ERROR, "syntax", node->line, NULL, "%s: a length must be 1 to %d",
                    filter->what, LENGTH_MAX);
        filter->broken = true;
        return true;
    }
    const char *regex = import_print(filter->import, "\\A.{%d}", (int)length + longer);
    const char *name = import_draft_regex(filter->import, filter->rule, import_here(filter->import, node->line), "long",
                                          span_text(regex), VIEW_RAW, filter->what);
    add_check(filter, name ? import_expression_name(filter->import->arena, name) : NULL, shorter);
    return true;
}

/* spam and remove took a message away, filter kept it for a look, report only told. */
static void read_action(struct filter *filter, const struct yaml *node)
{
    if (import_yaml_is(node, "remove") || import_yaml_is(node, "spam")) {
        filter->rule->severity = SEVERITY_HIGH;
    } else if (import_yaml_is(node, "filter")) {
        filter->rule->severity = SEVERITY_MEDIUM;
    } else if (import_yaml_is(node, "report")) {
        filter->rule->severity = SEVERITY_LOW;
    }
}

/* Without {{placeholders}}. */
static const char *plain_title(struct import *import, struct span text)
{
    struct buffer out = BUFFER_INIT(MODEL_TITLE_SIZE_MAX);
    for (size_t at = 0; at < text.size; at++) {
        struct span rest = span_of(text.data + at, text.size - at);
        const uint8_t *end = import_span_begins(rest, "{{") ? memmem(rest.data, rest.size, "}}", 2) : NULL;
        if (end) {
            at += (size_t)(end - rest.data) + 1;
        } else if (buffer_append_byte(&out, *rest.data) != STATUS_OK) {
            break;
        }
    }
    const char *title = import_copy(import, import_trim(buffer_span(&out)));
    buffer_free(&out);
    return title;
}

static void read_item(struct filter *filter, const struct yaml *node)
{
    struct import *import = filter->import;
    struct span key = import_yaml_text(node->key);
    struct check check = read_key(import, key);
    bool domain = false;
    if (import_span_is(check.fields, "action")) {
        read_action(filter, node);
    } else if (import_span_is(check.fields, "action_reason") || import_span_is(check.fields, "report_reason")) {
        import_draft_title(import, filter->rule, span_text(plain_title(import, import_yaml_text(node))));
    } else if (is_one_of(check.fields, afterwards)) {
        if (!import_span_is(check.fields, "type")) {
            import_note(import, FINDING_HINT, "setting", node->key->line, NULL,
                        "%s: '%s' is left out: what is done with what was found is up to the queue", filter->what,
                        import_quote(import, key));
        }
    } else if (check.unknown) {
        import_note(import, FINDING_WARNING, "restriction", node->key->line, NULL,
                    "%s: '%s' is left out: Weir has nothing like '%s'", filter->what, import_quote(import, key),
                    check.unknown);
        filter->broken = true;
    } else if (is_text(check.fields, &domain)) {
        if (import_span_is(check.fields, "url")) {
            import_note(import, FINDING_HINT, "uri-text", node->key->line, NULL,
                        "%s: '%s' looked at addresses alone, and now looks at the whole message", filter->what,
                        import_quote(import, key));
        }
        read_check(filter, check, node, domain);
    } else if (!read_length(filter, check.fields, node)) {
        import_note(import, FINDING_WARNING, "restriction", node->key->line,
                    "look at what it flags before you make it live",
                    "%s: '%s' is left out, since a rule sees only the text: it may flag more than it did", filter->what,
                    import_quote(import, key));
        filter->wider = true;
    }
}

static const char *name_of(struct import *import, const struct filter *filter, uint32_t number)
{
    const char *slug = filter->rule->title ? import_slug(import, span_text(filter->rule->title)) : "";
    if (slug[0] != '\0') {
        return slug;
    }
    return import->file_count > 1 ? import_print(import, "%s-%u", import->stem, number)
                                  : import_print(import, "rule-%u", number);
}

static void try_samples(struct filter *filter)
{
    const char *start = filter->samples[0], *middle = filter->samples[1], *end = filter->samples[2];
    if (start || middle || end) {
        import_draft_try(filter->import, filter->rule,
                         import_print(filter->import, "%s%s%s%s%s", start ? start : "", start && middle ? " " : "",
                                      middle ? middle : "", end && (start || middle) ? " " : "", end ? end : ""));
    }
}

static void read_filter(struct import *import, const struct yaml *map, uint32_t number)
{
    struct filter filter = {.import = import,
                            .rule = import_draft_new(import, import_here(import, map->line)),
                            .what = import_print(import, "rule %u of the file", number)};
    if (!filter.rule) {
        return;
    }
    if (import_yaml_is(yaml_get(map, "action"), "approve")) {
        import_note(import, FINDING_WARNING, "speaks-for", map->line, NULL,
                    "%s is left out: it approves, and Weir's rules only flag", filter.what);
        return;
    }
    for (const struct yaml *node = map->first; node && !import->no_memory; node = node->next) {
        read_item(&filter, node);
    }
    if (filter.broken || filter.count == 0) {
        import_note(import, FINDING_WARNING, "no-check", map->line, NULL, "%s is left out: %s", filter.what,
                    filter.broken ? "a check of it could not be moved" : "it checks nothing that a rule sees");
        return;
    }
    filter.rule->status_min = filter.wider ? RULE_SHADOW : RULE_LIVE;
    filter.rule->comment = import_print(import, "%s:%u%s", import_base(import->file), map->line + import->line_offset,
                                        filter.wider ? "; not all of its checks were moved" : "");
    const struct import_expression *all =
        import_expression_join(import->arena, IMPORT_AND, filter.checks, filter.count);
    import->no_memory |= !all;
    if (all && import_draft_settle(import, filter.rule, all, filter.what)) {
        try_samples(&filter);
        import_draft_add(import, filter.rule, name_of(import, &filter, number));
    }
}

void import_read_automod(struct import *import, struct span text)
{
    import_yaml_read(import, text, read_filter);
}
