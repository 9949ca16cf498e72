#include "import/import_write.h"

#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "import/import_draft.h"
#include "text/utf8.h"

#define PACK_SIZE_MAX ((size_t)1 << 30)
#define LINE_COLUMNS 78u /* entries of words are put together up to this width */
#define COMMENT_BYTES 76u
#define WORDS_INDENT "          " /* of the second line of entries */

/* What is written next: failures stick. */
struct writer {
    struct buffer out;
    enum status status;
};

static void put(struct writer *writer, const char *text)
{
    if (writer->status == STATUS_OK) {
        writer->status = buffer_append_text(&writer->out, text);
    }
}

static void put_bytes(struct writer *writer, const void *bytes, size_t size)
{
    if (writer->status == STATUS_OK) {
        writer->status = buffer_append(&writer->out, bytes, size);
    }
}

/* May the character stand in single quotes on one line, and come back as it is? */
static bool is_plain(uint32_t c)
{
    return (c >= 0x20 && c < 0x7F) || (c >= 0xA0 && c < 0xD800 && c != 0x2028 && c != 0x2029) ||
           (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) || c >= 0x10000;
}

static bool all_plain(struct span text)
{
    for (size_t at = 0; at < text.size;) {
        uint32_t c;
        at += utf8_decode(span_of(text.data + at, text.size - at), &c);
        if (!is_plain(c)) {
            return false;
        }
    }
    return true;
}

static void put_escaped(struct writer *writer, struct span text)
{
    put(writer, "\"");
    for (size_t at = 0; at < text.size && writer->status == STATUS_OK;) {
        uint32_t c;
        uint32_t size = utf8_decode(span_of(text.data + at, text.size - at), &c);
        if (c == '"' || c == '\\') {
            writer->status = buffer_print(&writer->out, "\\%c", (int)c);
        } else if (is_plain(c)) {
            put_bytes(writer, text.data + at, size);
        } else {
            writer->status = buffer_print(&writer->out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
        }
        at += size;
    }
    put(writer, "\"");
}

/* Text as a YAML scalar that reads back as the same text. */
static void put_text(struct writer *writer, struct span text)
{
    if (!all_plain(text)) {
        put_escaped(writer, text);
        return;
    }
    put(writer, "'");
    while (text.size > 0) {
        const uint8_t *quote = memchr(text.data, '\'', text.size);
        size_t size = quote ? (size_t)(quote - text.data) + 1 : text.size;
        put_bytes(writer, text.data, size);
        put(writer, quote ? "'" : "");
        text = span_of(text.data + size, text.size - size);
    }
    put(writer, "'");
}

/* Each line as a comment; what could end a comment is left out. */
static void put_comment(struct writer *writer, const char *indent, const char *text)
{
    struct span rest = span_text(text);
    while (rest.size > 0) {
        size_t size = rest.size;
        if (size > COMMENT_BYTES) {
            size = COMMENT_BYTES;
            while (size > 1 && rest.data[size] != ' ') {
                size--;
            }
            size = size > 1 ? size : rest.size;
        }
        const uint8_t *end = memchr(rest.data, '\n', size);
        size = end ? (size_t)(end - rest.data) : size;
        put(writer, indent);
        put(writer, "# ");
        for (size_t at = 0; at < size;) {
            uint32_t c;
            uint32_t length = utf8_decode(span_of(rest.data + at, rest.size - at), &c);
            put_bytes(writer, is_plain(c) ? (const char *)rest.data + at : " ", is_plain(c) ? length : 1);
            at += length;
        }
        while (writer->status == STATUS_OK && writer->out.size > 0 && writer->out.data[writer->out.size - 1] == ' ') {
            writer->out.size--;
        }
        put(writer, "\n");
        size += size < rest.size;
        rest = span_of(rest.data + size, rest.size - size);
    }
}

/* May it stand without quotes, also between brackets? Not where YAML would take it for nothing. */
static bool needs_no_quotes(struct span text)
{
    bool sound =
        text.size > 0 && all_plain(text) && !(text.size == 4 && strncasecmp((const char *)text.data, "null", 4) == 0);
    for (size_t i = 0; i < text.size && sound; i++) {
        uint8_t c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
        bool inside =
            i > 0 && (c == '-' || c == '*' || c == '\'' || c == '.' || c == '_' || (c == ' ' && i + 1 < text.size));
        sound = letter || inside;
    }
    return sound;
}

static void put_word(struct writer *writer, struct span text)
{
    if (needs_no_quotes(text)) {
        put_bytes(writer, text.data, text.size);
    } else {
        put_text(writer, text);
    }
}

/* As many entries a line as fit. `start` is where the first line begins. */
static void put_words(struct writer *writer, const struct import_pattern *pattern, size_t start)
{
    put(writer, "{words: [");
    for (uint32_t i = 0; i < pattern->word_count && writer->status == STATUS_OK; i++) {
        size_t before = writer->out.size;
        put(writer, i > 0 ? ", " : "");
        put_word(writer, span_text(pattern->words[i]));
        if (i > 0 && writer->out.size - start > LINE_COLUMNS) {
            writer->out.size = before; /* on a new line instead */
            put(writer, ",\n");
            start = writer->out.size;
            put(writer, WORDS_INDENT);
            put_word(writer, span_text(pattern->words[i]));
        }
    }
    put(writer, "]}\n");
}

static void put_pattern(struct writer *writer, const struct import_pattern *pattern)
{
    size_t start = writer->out.size;
    put(writer, "      ");
    put(writer, pattern->name);
    put(writer, ": ");
    if (pattern->regex.size == 0) {
        put_words(writer, pattern, start);
        return;
    }
    put(writer, "{regex: ");
    put_text(writer, pattern->regex);
    put(writer, pattern->view == VIEW_RAW ? ", view: raw}\n" : "}\n");
}

static void put_rule(struct writer *writer, const struct import_rule *rule, const struct import *import, bool first,
                     bool with_status)
{
    put(writer, first ? "" : "\n");
    if (rule->comment) {
        put_comment(writer, "  ", rule->comment);
    }
    put(writer, "  - id: ");
    put(writer, rule->id);
    put(writer, "\n");
    if (rule->title) {
        put(writer, "    title: ");
        put_word(writer, span_text(rule->title));
        put(writer, "\n");
    }
    if (with_status) {
        put(writer, "    status: ");
        put(writer, rule_status_names[rule->status]);
        put(writer, "\n");
    }
    if (rule->severity != import->options->severity) {
        put(writer, "    severity: ");
        put(writer, severity_names[rule->severity]);
        put(writer, "\n");
    }
    put(writer, "    patterns:\n");
    for (const struct import_pattern *pattern = rule->patterns; pattern; pattern = pattern->next) {
        put_pattern(writer, pattern);
    }
    if (rule->condition) {
        put(writer, "    condition: ");
        put(writer, rule->condition); /* names, words of conditions, commas and parentheses; never begins with a sign */
        put(writer, "\n");
    }
    if (rule->hits) {
        put(writer, "    tests:\n      hits:\n");
        for (const struct import_text *hit = rule->hits; hit; hit = hit->next) {
            put(writer, "        - ");
            put_text(writer, span_text(hit->text));
            put(writer, "\n");
        }
    }
}

/* A rule that proves itself may alert; any other is tried out first. What the source says is more careful still. */
static void settle_status(const struct import *import, struct import_rule *rule)
{
    const struct import_options *options = import->options;
    enum rule_status wanted = options->has_status ? options->status : rule->hits ? RULE_LIVE : RULE_SHADOW;
    rule->status = wanted > rule->status_min ? wanted : rule->status_min;
}

/* The status that most rules have, for `defaults`. */
static enum rule_status common_status(struct import *import)
{
    uint32_t counts[3] = {0};
    enum rule_status common = RULE_LIVE;
    for (struct import_rule *rule = import->rules; rule; rule = rule->next) {
        settle_status(import, rule);
        counts[rule->status]++;
    }
    for (int status = RULE_LIVE; status <= (int)RULE_OFF; status++) {
        common = counts[status] > counts[common] ? (enum rule_status)status : common;
    }
    return common;
}

/* A name, in quotes only where YAML would take it for nothing. */
static void put_name(struct writer *writer, const char *name)
{
    if (strcasecmp(name, "null") == 0) {
        put_text(writer, span_text(name));
    } else {
        put(writer, name);
    }
}

static void put_head(struct writer *writer, const struct import *import, enum rule_status common)
{
    put(writer, "# Made by 'weir rules import'. What was not moved, and what means something else\n"
                "# than it did, was told when it was run; run it again to read that once more.\n");
    if (!import->options->has_status && common == RULE_SHADOW) {
        put(writer, "#\n"
                    "# Rules without tests are in the shadow: they are counted and sampled, and alert\n"
                    "# nobody. Give a rule tests, look at what it finds ('weir rules backtest' on your\n"
                    "# own messages, 'weir rules stats' in production), and then make it live.\n");
    }
    put(writer, "pack: ");
    put_name(writer, import->options->pack);
    put(writer, "\ndefaults: {");
    if (import->options->queue) {
        put(writer, "queue: ");
        put_name(writer, import->options->queue);
        put(writer, ", ");
    }
    put(writer, "severity: ");
    put(writer, severity_names[import->options->severity]);
    if (common != RULE_LIVE) {
        put(writer, ", status: ");
        put(writer, rule_status_names[common]);
    }
    put(writer, "}\nrules:\n");
}

enum status import_write(struct import *import, struct span *ret_pack)
{
    struct writer writer = {.out = BUFFER_INIT(PACK_SIZE_MAX)};
    enum rule_status common = common_status(import);
    put_head(&writer, import, common);
    for (const struct import_rule *rule = import->rules; rule; rule = rule->next) {
        put_rule(&writer, rule, import, rule == import->rules, rule->status != common);
    }
    if (writer.status == STATUS_OK) {
        char *copy = arena_copy(import->arena, buffer_span(&writer.out));
        writer.status = copy ? STATUS_OK : STATUS_NO_MEMORY;
        if (copy) {
            *ret_pack = span_of(copy, writer.out.size);
        }
    }
    buffer_free(&writer.out);
    return writer.status;
}
