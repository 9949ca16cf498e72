/*
 * Reads JSON where it lies, one value after the other: no tree, no allocation. For lines by the million; whatever else
 * reads JSON uses jansson.
 *
 * Strict as RFC 8259 with UTF-8 (no lone surrogates, no control characters in texts, whole numbers fit in 64 bits).
 * Texts are unescaped in place: the bytes are changed, each part may be read only once, and the spans that are given out
 * point into them. Nesting is limited to JSON_READER_DEPTH_MAX.
 *
 * Any function that returns false has found the bytes not to be JSON; the reader is of no further use.
 */
#ifndef CLI_JSON_READER_H
#define CLI_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define JSON_READER_DEPTH_MAX 2048

enum json_reader_kind {
    JSON_READER_NULL,
    JSON_READER_FALSE,
    JSON_READER_TRUE,
    JSON_READER_WHOLE,    /* a number without fraction and exponent */
    JSON_READER_FRACTION, /* any other number */
    JSON_READER_TEXT,
    JSON_READER_ARRAY, /* entered by json_reader_enter, or passed over by json_reader_skip */
    JSON_READER_OBJECT,
};

struct json_reader_value {
    enum json_reader_kind kind;
    struct span text; /* of a text what it says, of a number how it is written */
    int64_t whole;
};

struct json_reader {
    uint8_t *at, *end;
};

/* `bytes` must stay for as long as what is read from them is used. */
void json_reader_start(struct json_reader *reader, uint8_t *bytes, size_t size);

/* The value that stands here. One that is an array or an object must then be entered or skipped. */
bool json_reader_value(struct json_reader *reader, struct json_reader_value *ret_value);

/* Into the array or object that stands here; json_reader_next then leads from one of its values to the next. */
void json_reader_enter(struct json_reader *reader);

/*
 * Whether the array (`ret_name` NULL) or object that was entered has another value; after the last one it is left.
 * `first` says that none was read yet. The name is the member's.
 */
bool json_reader_next(struct json_reader *reader, bool first, bool *ret_more, struct span *ret_name);

/* Over the array or object that stands here. */
bool json_reader_skip(struct json_reader *reader);

/* Whether nothing but white space is left. */
bool json_reader_end(struct json_reader *reader);

#endif
