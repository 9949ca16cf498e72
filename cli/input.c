#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_READ_SIZE ((size_t)64 << 10) /* of a line that goes on */
#define INPUT_READ_SIZE_MIN ((size_t)4 << 10)

const char *const input_format_names[5] = {"auto", "lines", "jsonl", "tsv", NULL};

struct input {
    int fd; /* 0: stdin, which is not closed */
    bool regular;
    bool ended;
    int failure; /* errno of a read whose block was handed out before the failure is told */
    struct input_options options;
    uint8_t *rest; /* what was read behind the last block: the beginning of a line */
    size_t rest_size, rest_capacity;
    uint64_t lines;    /* in the blocks so far */
    uint64_t position; /* behind the last block */
    uint64_t size;

    /* of input_next */
    struct input_block block;
    struct message_line *reader;
};

static bool input_has_suffix(const char *path, const char *suffix)
{
    size_t size = strlen(path);
    size_t suffix_size = strlen(suffix);
    return size > suffix_size && strcasecmp(path + size - suffix_size, suffix) == 0;
}

static enum input_format input_format_of(const char *path)
{
    if (input_has_suffix(path, ".jsonl") || input_has_suffix(path, ".ndjson")) {
        return INPUT_JSONL;
    }
    return input_has_suffix(path, ".tsv") ? INPUT_TSV : INPUT_LINES;
}

static enum status input_open_file(struct input *input, const char *path, struct error *error)
{
    if (strcmp(path, "-") == 0) {
        input->fd = STDIN_FILENO;
    } else {
        input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    }
    struct stat info;
    if (input->fd < 0 || fstat(input->fd, &info) != 0) {
        int reason = errno;
        error_set(error, "cannot open %s: %s", path, strerror(reason));
        return reason == ENOENT ? STATUS_NOT_FOUND : STATUS_SYSTEM;
    }
    if (S_ISDIR(info.st_mode)) {
        error_set(error, "cannot read %s: it is a folder", path);
        return STATUS_SYSTEM;
    }
    input->regular = S_ISREG(info.st_mode);
    input->size = input->regular ? (uint64_t)info.st_size : 0;
    return STATUS_OK;
}

enum status input_line_reader(const struct input *input, struct message_line **ret_reader)
{
    const struct input_options *options = &input->options;
    return message_line_new(options->format, options->text_column, options->id_prefix, ret_reader);
}

enum status input_open(const char *path, const struct input_options *options, struct error *error,
                       struct input **ret_input)
{
    struct input *input = calloc(1, sizeof *input);
    if (input == NULL) {
        return STATUS_NO_MEMORY;
    }
    input->fd = -1;
    input->options = *options;
    if (options->format == INPUT_AUTO) {
        input->options.format = input_format_of(path);
    }
    enum status status = input_line_reader(input, &input->reader);
    if (status == STATUS_OK) {
        status = input_open_file(input, path, error);
    }
    if (status != STATUS_OK) {
        input_close(&input);
        return status;
    }
    *ret_input = input;
    return STATUS_OK;
}

void input_close(struct input **input)
{
    if (input == NULL || *input == NULL) {
        return;
    }
    struct input *old = *input;
    *input = NULL;
    if (old->fd > STDIN_FILENO) {
        close(old->fd);
    }
    message_line_free(&old->reader);
    input_block_free(&old->block);
    free(old->rest);
    free(old);
}

enum input_format input_format(const struct input *input)
{
    return input->options.format;
}

uint64_t input_position(const struct input *input)
{
    const struct input_block *block = &input->block;
    return block->at < block->size ? input->position - block->consumed + block->at : input->position;
}

uint64_t input_size(const struct input *input)
{
    return input->size;
}

/* Whether a read would not wait. Errors count: the read will tell. */
static bool input_readable(const struct input *input, int timeout_ms)
{
    struct pollfd wait = {.fd = input->fd, .events = POLLIN};
    return input->regular || poll(&wait, 1, timeout_ms) != 0;
}

bool input_ready(const struct input *input, int timeout_ms)
{
    return input->block.at < input->block.size || input->ended || input->failure != 0 ||
           (input->rest_size > 0 && memchr(input->rest, '\n', input->rest_size) != NULL) ||
           input_readable(input, timeout_ms);
}

void input_block_free(struct input_block *block)
{
    free(block->data);
    *block = (struct input_block){0};
}

static enum status input_reserve(uint8_t **data, size_t size, size_t *capacity)
{
    if (size > *capacity) {
        size_t more = *capacity * 2 > size ? *capacity * 2 : size; /* sizes stay below a few INPUT_LINE_MAX */
        uint8_t *grown = realloc(*data, more);
        if (grown == NULL) {
            return STATUS_NO_MEMORY;
        }
        *data = grown;
        *capacity = more;
    }
    return STATUS_OK;
}

/* Reads once, behind what the block holds. Sets `ended` at the end of the file, `failure` if it cannot be read. */
static enum status input_fill(struct input *input, size_t size, struct input_block *block)
{
    size_t wanted = size > block->size ? size - block->size : INPUT_READ_SIZE;
    wanted = wanted < INPUT_READ_SIZE_MIN ? INPUT_READ_SIZE_MIN : wanted;
    if (input_reserve(&block->data, block->size + wanted, &block->capacity) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    ssize_t got;
    do {
        got = read(input->fd, block->data + block->size, wanted);
    } while (got < 0 && errno == EINTR);
    input->failure = got < 0 ? errno : 0;
    input->ended = got == 0;
    block->size += got > 0 ? (size_t)got : 0;
    return STATUS_OK;
}

/* What lies behind `end` is kept for the next block. */
static enum status input_keep_rest(struct input *input, struct input_block *block, size_t end)
{
    size_t size = block->size - end;
    if (input_reserve(&input->rest, size, &input->rest_capacity) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    if (size > 0) {
        memcpy(input->rest, block->data + end, size);
    }
    input->rest_size = size;
    block->size = end;
    return STATUS_OK;
}

/* Behind the last newline in [from, size), or 0. */
static size_t input_last_line(const struct input_block *block, size_t from)
{
    const uint8_t *newline = block->size > from ? memrchr(block->data + from, '\n', block->size - from) : NULL;
    return newline != NULL ? (size_t)(newline - block->data) + 1 : 0;
}

/*
 * The block is the beginning of a line that is too long already: its bytes up to the newline are passed over. One byte
 * more than allowed is kept, for input_block_next to see.
 */
static enum status input_pass_long_line(struct input *input, struct input_block *block)
{
    const size_t kept = INPUT_LINE_MAX + 1;
    block->consumed = 0;
    for (;;) {
        const uint8_t *newline = memchr(block->data + kept, '\n', block->size - kept);
        size_t end = newline != NULL ? (size_t)(newline - block->data) + 1 : block->size;
        block->consumed += end - kept;
        if (newline != NULL || input->ended || input->failure != 0) {
            enum status status = input_keep_rest(input, block, end);
            block->consumed += kept;
            block->size = kept;
            return status;
        }
        block->size = kept;
        enum status status = input_fill(input, INPUT_BLOCK_SIZE, block);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

static enum status input_gather(struct input *input, size_t size, struct input_block *block)
{
    size_t seen = 0, end = 0;
    if (input_reserve(&block->data, input->rest_size, &block->capacity) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    if (input->rest_size > 0) {
        memcpy(block->data, input->rest, input->rest_size);
    }
    block->size = input->rest_size;
    input->rest_size = 0;
    for (;;) {
        size_t last = input_last_line(block, seen);
        seen = block->size;
        end = last > 0 ? last : end;
        end = input->ended ? block->size : end;
        if (end == 0 && block->size > INPUT_LINE_MAX) {
            return input_pass_long_line(input, block);
        }
        bool enough = end > 0 && (block->size >= size || !input_readable(input, 0));
        if (enough || input->ended || input->failure != 0) {
            block->consumed = end;
            return input_keep_rest(input, block, end);
        }
        enum status status = input_fill(input, size, block);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

static uint64_t input_count_lines(const struct input_block *block)
{
    const uint8_t *at = block->data;
    const uint8_t *end = at + block->size;
    uint64_t lines = block->size > 0 && end[-1] != '\n'; /* the last one may lack its newline */
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        lines++;
    }
    return lines;
}

enum status input_block_read(struct input *input, size_t size, struct error *error, struct input_block *block)
{
    block->size = block->at = 0;
    block->consumed = 0;
    block->line = input->lines;
    if (input->failure == 0 && input_gather(input, size, block) != STATUS_OK) {
        error_set(error, "line %" PRIu64 ": out of memory", input->lines + 1);
        return STATUS_SYSTEM;
    }
    if (block->size == 0 && input->failure != 0) {
        error_set(error, "cannot read line %" PRIu64 ": %s", input->lines + 1, strerror(input->failure));
        return STATUS_SYSTEM;
    }
    if (block->size == 0) {
        return STATUS_CLOSED;
    }
    input->position += block->consumed;
    input->lines += input_count_lines(block);
    return STATUS_OK;
}

enum status input_block_next(struct input_block *block, struct message_line *reader, struct error *error,
                             struct input_message *ret_message)
{
    while (block->at < block->size) {
        uint8_t *line = block->data + block->at;
        size_t left = block->size - block->at;
        const uint8_t *newline = memchr(line, '\n', left);
        size_t size = newline != NULL ? (size_t)(newline - line) : left;
        block->at += size + (newline != NULL);
        block->line++;
        if (size > INPUT_LINE_MAX) {
            error_set(error, "line %" PRIu64 ": longer than %u bytes", block->line, INPUT_LINE_MAX);
            return STATUS_LIMIT;
        }
        enum status status = message_line_read(reader, line, size, block->line, error, ret_message);
        if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_CLOSED;
}

enum status input_next(struct input *input, struct error *error, struct input_message *ret_message)
{
    for (;;) {
        enum status status = input_block_next(&input->block, input->reader, error, ret_message);
        if (status == STATUS_CLOSED) {
            status = input_block_read(input, INPUT_BLOCK_SIZE, error, &input->block);
            if (status == STATUS_OK) {
                continue;
            }
        }
        return status;
    }
}
