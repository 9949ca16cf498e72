/*
 * One line of a file as a message: what `weir send`, `weir scan` and `weir demo` take, in each format (cli/input.h says
 * which). Lines can be read by several threads at once, each with a reader of its own.
 */
#ifndef CLI_MESSAGE_LINE_H
#define CLI_MESSAGE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"
#include "proto/encode.h"

enum input_format { INPUT_AUTO, INPUT_LINES, INPUT_JSONL, INPUT_TSV };

/* Points into the line, which is changed where JSON texts hold escapes, and into its reader: valid until the reader's
 * next line, and as long as the line is there. */
struct input_message {
    struct span message_id, conversation_id, sender_id, text, locale;
    struct span *recipient_ids;
    uint32_t recipient_count;
    struct encode_pair *attributes;
    uint32_t attribute_count;
    int64_t sent_at_ms;
    uint64_t line;
    bool id_made;           /* there was no message_id: it is the line's number, in the reader */
    bool conversation_made; /* there was no conversation_id: it is the message_id */
};

struct message_line;

/* `format` is not INPUT_AUTO; `text_column` is for INPUT_TSV (from 1; 0: the last); `id_prefix` may be NULL. */
enum status message_line_new(enum input_format format, uint32_t text_column, const char *id_prefix,
                             struct message_line **ret_reader) MUST_USE;
void message_line_free(struct message_line **reader);

/*
 * Reads the line `bytes` with the number `line`, without its newline. STATUS_OK; STATUS_NOT_FOUND: an empty line of a
 * format that passes over them; STATUS_INVALID: holds no message, words say why (never quoting it); STATUS_SYSTEM: no
 * memory, in words.
 */
enum status message_line_read(struct message_line *reader, uint8_t *bytes, size_t size, uint64_t line,
                              struct error *error, struct input_message *ret_message) MUST_USE;

#endif
