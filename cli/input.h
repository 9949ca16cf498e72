/*
 * Reads messages from a file or from stdin, as `weir send`, `weir scan` and `weir demo` take them.
 *
 *  lines  each line is a text.
 *  jsonl  each line is an object with the field names of DirectMessage; other fields are ignored. `text` is a string,
 * or `text_base64` gives arbitrary bytes. `recipient_ids` is a list, `attributes` an object of strings. tsv    one
 * column is the text (1-based; 0: the last).
 *
 * What is missing is filled in: message_id with the line number (after `id_prefix`), conversation_id with the message
 * id. A JSON line without text is a fault, an empty text is not; ids may also be whole numbers; null is the same as
 * missing; lines of nothing but white space are passed over. Auto is jsonl for *.jsonl and *.ndjson, tsv for *.tsv,
 * else lines. Lines may hold any bytes; a trailing CR is dropped, the last line needs no newline. A line over
 * INPUT_LINE_MAX or a JSON line that cannot be read is a fault with its line number; the caller decides whether to go
 * on.
 *
 * Either message by message (input_next), or in blocks of whole lines that other threads take apart (input_block_read,
 * input_block_next with a message_line of their own); not both on one input.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"
#include "cli/message_line.h"

#define INPUT_LINE_MAX (16u << 20)
#define INPUT_BLOCK_SIZE ((size_t)256 << 10) /* of input_next's own */

extern const char
    *const input_format_names[5]; /* "auto", "lines", "jsonl", "tsv", NULL; auto goes by the file's name */

struct input_options {
    enum input_format format;
    uint32_t text_column;
    const char *id_prefix; /* NULL: none. Valid until input_close. */
};

struct input;

/* `path` "-" is stdin. STATUS_SYSTEM, STATUS_NOT_FOUND with words. */
enum status input_open(const char *path, const struct input_options *options, struct error *error,
                       struct input **ret_input) MUST_USE;
void input_close(struct input **input);

/*
 * STATUS_OK; STATUS_CLOSED at the end; STATUS_INVALID or STATUS_LIMIT for a faulty line (words say which), which was
 * skipped; STATUS_SYSTEM. What the message points to is valid until the next input_next.
 */
enum status input_next(struct input *input, struct error *error, struct input_message *ret_message) MUST_USE;

/*
 * Whether the next input_next or input_block_read has something to work on: a line, the end, or at least bytes to read.
 * Waits up to `timeout_ms` for it. For callers that hold messages back and should not while a pipe is silent.
 */
bool input_ready(const struct input *input, int timeout_ms);

/* How the lines are read; never INPUT_AUTO. */
enum input_format input_format(const struct input *input);

/* For progress: bytes handed out, and the size of the file (0: not known). */
uint64_t input_position(const struct input *input);
uint64_t input_size(const struct input *input);

/* Whole lines of the input. Zero-initialise it; it may be read into again and again. */
struct input_block {
    uint8_t *data;
    size_t size, capacity;
    uint64_t consumed; /* bytes of the input that it stands for */
    size_t at;         /* where the next line begins */
    uint64_t line;     /* the number of the last line that was handed out */
};

void input_block_free(struct input_block *block);

/*
 * Reads lines of about `size` bytes together, at least one: as many as are there, if the input falls silent. STATUS_OK;
 * STATUS_CLOSED at the end; STATUS_SYSTEM with words.
 */
enum status input_block_read(struct input *input, size_t size, struct error *error, struct input_block *block) MUST_USE;

/*
 * The block's next message, read by `reader`. Results are those of input_next, STATUS_CLOSED being the end of the block.
 * What the message points to is valid as long as the block's bytes, but for what the reader made.
 */
enum status input_block_next(struct input_block *block, struct message_line *reader, struct error *error,
                             struct input_message *ret_message) MUST_USE;

/* A reader for the lines of the input's blocks. STATUS_NO_MEMORY. */
enum status input_line_reader(const struct input *input, struct message_line **ret_reader) MUST_USE;

#endif
