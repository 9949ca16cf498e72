#include "base/config.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/json_text.h"

#define CONFIG_WRITE_WIDTH 100
#define CONFIG_WRITE_INDENT 2
#define CONFIG_WRITE_COMMENT_MAX 65536

/* Keeps the first failure, so that the writing itself reads as what is written. */
struct config_writer {
    struct buffer *out;
    enum status status;
    unsigned indent;
    bool dash;     /* the next line begins an item of a list */
    bool comments; /* not within the items of a list: their help stands before the list */
};

#define config_write_print(writer, ...)                                                                                \
    do {                                                                                                               \
        if ((writer)->status == STATUS_OK)                                                                             \
            (writer)->status = buffer_print((writer)->out, __VA_ARGS__);                                               \
    } while (0)

static void config_write_bytes(struct config_writer *writer, const char *text, size_t size)
{
    if (writer->status == STATUS_OK)
        writer->status = buffer_append(writer->out, text, size);
}

static void config_write_line(struct config_writer *writer)
{
    unsigned spaces = writer->dash ? writer->indent - CONFIG_WRITE_INDENT : writer->indent;

    config_write_print(writer, "%*s%s", (int)spaces, "", writer->dash ? "- " : "");
    writer->dash = false;
}

/* Words wrapped into comment lines; each line of `text` begins a new one, at its own indentation. */
static void config_write_comment(struct config_writer *writer, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        size_t margin = strspn(text, " ");
        size_t column = 0;
        bool first = true; /* what follows an indented line is indented further, so that names stand out */

        for (size_t i = margin < length ? margin : length; i < length;) {
            size_t word = strcspn(text + i, " \n");
            if (column > 0 && column + 1 + word + writer->indent > CONFIG_WRITE_WIDTH) {
                config_write_print(writer, "\n");
                column = 0;
            }
            if (column == 0) {
                config_write_line(writer);
                size_t shift = margin > 0 && !first ? margin + CONFIG_WRITE_INDENT : margin;
                config_write_print(writer, "# %*s", (int)shift, "");
                column = shift + 2;
                first = false;
            } else {
                config_write_print(writer, " ");
                column++;
            }
            config_write_bytes(writer, text + i, word);
            column += word;
            i += word;
            i += strspn(text + i, " ");
        }
        config_write_print(writer, "\n");
        text += length + (text[length] == '\n');
    }
}

static void config_write_choices(struct config_writer *writer, const char *const *choices, const char *quote)
{
    for (size_t i = 0; choices[i]; i++)
        config_write_print(writer, "%s%s%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", quote, choices[i], quote);
}

static void config_write_limits(struct config_writer *writer, const struct config_row *row)
{
    if (row->min == 0 && row->max == 0)
        return;
    if (row->max == INT64_MAX)
        config_write_print(writer, ", at least %" PRId64, row->min);
    else if (row->min == INT64_MIN)
        config_write_print(writer, ", at most %" PRId64, row->max);
    else
        config_write_print(writer, ", %" PRId64 " to %" PRId64, row->min, row->max);
}

/* What a value may be, in words: "bytes, 1 to 100", "one of a or b", "a list of texts". */
static void config_write_type(struct config_writer *writer, const struct config_row *row, const char *quote)
{
    switch (row->type) {
    case CONFIG_TEXT:
        config_write_print(writer, "text");
        if (row->max != 0)
            config_write_print(writer, " of at most %" PRId64 " bytes", row->max);
        break;
    case CONFIG_INTEGER:
        config_write_print(writer, "%s", row->unit ? row->unit : "number");
        config_write_limits(writer, row);
        break;
    case CONFIG_BOOLEAN:
        config_write_print(writer, "%strue%s or %sfalse%s", quote, quote, quote, quote);
        break;
    case CONFIG_CHOICE:
        config_write_choices(writer, row->choices, quote);
        break;
    case CONFIG_TEXT_LIST:
    case CONFIG_LIST:
        config_write_print(writer, row->type == CONFIG_LIST ? "list of maps" : "list");
        if (row->type == CONFIG_TEXT_LIST && row->choices) {
            config_write_print(writer, " of ");
            config_write_choices(writer, row->choices, quote);
        }
        if (row->max != 0)
            config_write_print(writer, ", at most %" PRId64, row->max);
        break;
    }
    if (row->required)
        config_write_print(writer, ", required");
}

static void config_write_row_help(struct config_writer *writer, const struct config_row *row)
{
    config_write_print(writer, "%s%s(", row->help ? row->help : "", row->help ? " " : "");
    config_write_type(writer, row, "");
    if (row->fallback)
        config_write_print(writer, "; default %s", *row->fallback ? row->fallback : "''");
    config_write_print(writer, ")");
    if (row->type != CONFIG_LIST)
        return;
    for (size_t i = 0; i < row->items->count; i++) {
        const struct config_row *item = &row->items->rows[i];
        config_write_print(writer, "\n  %s: ", item->name);
        config_write_row_help(writer, item);
    }
}

static void config_write_help(struct config_writer *writer, const struct config_row *row)
{
    struct buffer words = BUFFER_INIT(CONFIG_WRITE_COMMENT_MAX);
    struct config_writer help = {.out = &words};

    config_write_row_help(&help, row);
    if (help.status == STATUS_OK)
        help.status = buffer_append_byte(&words, '\0');
    if (help.status == STATUS_OK)
        config_write_comment(writer, (const char *)words.data);
    else if (writer->status == STATUS_OK)
        writer->status = help.status;
    buffer_free(&words);
}

/* Whether every YAML reader takes the words as text as they stand, outside of [] and {}. */
static bool config_write_is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/0123456789.";
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    size_t size = strlen(text);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0)
            return false;
    }
    if (size == 0 || strspn(text, "0123456789.") > 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        bool colon = text[i] == ':' && i + 1 < size; /* a space cannot follow: it is not among the letters */
        if (!strchr(letters, text[i]) && (i == 0 || (text[i] != '-' && !colon)))
            return false;
    }
    return true;
}

static void config_write_text(struct config_writer *writer, const char *text)
{
    size_t size = strlen(text);
    bool printable = true;

    if (config_write_is_plain(text)) {
        config_write_bytes(writer, text, size);
        return;
    }
    for (size_t i = 0; i < size; i++)
        printable = printable && text[i] >= 0x20 && text[i] < 0x7f;
    config_write_print(writer, printable ? "'" : "\"");
    for (size_t position = 0; position < size;) {
        char unit[JSON_TEXT_UNIT_MAX];
        size_t length = 1;

        if (printable)
            unit[0] = text[position++];
        else
            length = json_text_escape(text, size, &position, unit);
        config_write_bytes(writer, unit, length);
        if (printable && unit[0] == '\'')
            config_write_print(writer, "'");
    }
    config_write_print(writer, printable ? "'" : "\"");
}

static void config_write_section(struct config_writer *writer, const struct config_table *table, const char *prefix,
                                 size_t prefix_size, const unsigned char *settings);

static void config_write_texts(struct config_writer *writer, const struct config_texts *texts)
{
    if (texts->count == 0)
        config_write_print(writer, " []");
    writer->indent += CONFIG_WRITE_INDENT;
    for (uint32_t i = 0; i < texts->count; i++) {
        config_write_print(writer, "\n");
        config_write_line(writer);
        config_write_print(writer, "- ");
        config_write_text(writer, texts->items[i]);
    }
    writer->indent -= CONFIG_WRITE_INDENT;
    config_write_print(writer, "\n");
}

static void config_write_list(struct config_writer *writer, const struct config_table *table,
                              const struct config_list *list)
{
    bool comments = writer->comments;

    config_write_print(writer, list->count == 0 ? " []\n" : "\n");
    writer->comments = false;
    writer->indent += 2 * CONFIG_WRITE_INDENT;
    for (uint32_t i = 0; i < list->count; i++) {
        const unsigned char *item = (const unsigned char *)list->items + (size_t)i * table->items_size;
        writer->dash = true;
        config_write_section(writer, table, "", 0, item);
        if (writer->dash) { /* nothing in it is set */
            config_write_line(writer);
            config_write_print(writer, "{}\n");
        }
    }
    writer->indent -= 2 * CONFIG_WRITE_INDENT;
    writer->comments = comments;
}

static void config_write_value(struct config_writer *writer, const struct config_row *row, const unsigned char *field)
{
    switch (row->type) {
    case CONFIG_TEXT:
        config_write_print(writer, " ");
        config_write_text(writer, *(const char *const *)field);
        config_write_print(writer, "\n");
        break;
    case CONFIG_INTEGER:
        config_write_print(writer, " %" PRId64 "\n", *(const int64_t *)field);
        break;
    case CONFIG_BOOLEAN:
        config_write_print(writer, " %s\n", *(const bool *)field ? "true" : "false");
        break;
    case CONFIG_CHOICE:
        config_write_print(writer, " ");
        config_write_text(writer, row->choices[*(const int *)field]);
        config_write_print(writer, "\n");
        break;
    case CONFIG_TEXT_LIST:
        config_write_texts(writer, (const struct config_texts *)field);
        break;
    case CONFIG_LIST:
        config_write_list(writer, row->items, (const struct config_list *)field);
        break;
    }
}

static void config_write_row(struct config_writer *writer, const struct config_row *row, const char *name,
                             const unsigned char *settings)
{
    const unsigned char *field = settings + row->offset;
    bool unset = row->type == CONFIG_TEXT && !*(const char *const *)field;

    if (writer->comments)
        config_write_help(writer, row);
    if (unset && !writer->comments)
        return;
    config_write_line(writer);
    config_write_print(writer, "%s%s:", unset ? "# " : "", name);
    if (unset)
        config_write_print(writer, "\n");
    else
        config_write_value(writer, row, field);
}

/* Whether a row before `end` stands in the same section. */
static bool config_write_seen(const struct config_table *table, size_t end, const char *section, size_t size)
{
    for (size_t i = 0; i < end; i++) {
        if (strncmp(table->rows[i].name, section, size) == 0)
            return true;
    }
    return false;
}

/* Whether anything at all would be written for the section; within items, texts that are not set are left out. */
static bool config_write_has_lines(const struct config_table *table, const char *section, size_t size,
                                   const unsigned char *settings)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        if (strncmp(row->name, section, size) == 0 &&
            (row->type != CONFIG_TEXT || *(const char *const *)(const void *)(settings + row->offset)))
            return true;
    }
    return false;
}

/* All rows whose names begin with the prefix; those of one section together, wherever they stand in the table. */
static void config_write_section(struct config_writer *writer, const struct config_table *table, const char *prefix,
                                 size_t prefix_size, const unsigned char *settings)
{
    bool first = true;

    for (size_t i = 0; i < table->count && writer->status == STATUS_OK; i++) {
        const struct config_row *row = &table->rows[i];
        if (strncmp(row->name, prefix, prefix_size) != 0)
            continue;
        const char *rest = row->name + prefix_size;
        const char *dot = strchr(rest, '.');
        size_t section_size = dot ? (size_t)(dot + 1 - row->name) : 0;
        if (dot && config_write_seen(table, i, row->name, section_size))
            continue;
        if (dot && !writer->comments && !config_write_has_lines(table, row->name, section_size, settings))
            continue;

        if (!first && writer->comments)
            config_write_print(writer, "\n");
        first = false;
        if (!dot) {
            config_write_row(writer, row, rest, settings);
            continue;
        }
        config_write_line(writer);
        config_write_print(writer, "%.*s:\n", (int)(dot - rest), rest);
        writer->indent += CONFIG_WRITE_INDENT;
        config_write_section(writer, table, row->name, section_size, settings);
        writer->indent -= CONFIG_WRITE_INDENT;
    }
}

enum status config_write_yaml(const struct config_table *table, const void *settings, struct buffer *out)
{
    struct config_writer writer = {.out = out, .comments = true};
    size_t start = out->size;

    config_write_section(&writer, table, "", 0, settings);
    if (writer.status != STATUS_OK)
        out->size = start;
    return writer.status;
}

/* The inside of a table cell: neither a bar nor the end of a line may end it. */
static void config_write_cell(struct config_writer *writer, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            config_write_print(writer, "\\|");
        else
            config_write_bytes(writer, *text == '\n' ? " " : text, 1);
    }
}

static void config_write_markdown_rows(struct config_writer *writer, const struct config_table *table,
                                       const char *prefix)
{
    for (size_t i = 0; i < table->count && writer->status == STATUS_OK; i++) {
        const struct config_row *row = &table->rows[i];

        config_write_print(writer, "| `%s%s` | ", prefix, row->name);
        config_write_type(writer, row, "`");
        config_write_print(writer, " | ");
        if (row->fallback) {
            config_write_print(writer, "`");
            config_write_cell(writer, *row->fallback ? row->fallback : "''");
            config_write_print(writer, "`");
        }
        config_write_print(writer, " | ");
        config_write_cell(writer, row->help ? row->help : "");
        config_write_print(writer, " |\n");
        if (row->type != CONFIG_LIST || writer->status != STATUS_OK)
            continue;

        struct buffer name = BUFFER_INIT(CONFIG_WRITE_COMMENT_MAX);
        writer->status = buffer_print(&name, "%s%s[].", prefix, row->name);
        if (writer->status == STATUS_OK)
            writer->status = buffer_append_byte(&name, '\0');
        if (writer->status == STATUS_OK)
            config_write_markdown_rows(writer, row->items, (const char *)name.data);
        buffer_free(&name);
    }
}

enum status config_write_markdown(const struct config_table *table, struct buffer *out)
{
    struct config_writer writer = {.out = out};
    size_t start = out->size;

    config_write_print(&writer, "| Setting | Value | Default | Meaning |\n|---|---|---|---|\n");
    config_write_markdown_rows(&writer, table, "");
    if (writer.status != STATUS_OK)
        out->size = start;
    return writer.status;
}
