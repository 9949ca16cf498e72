/*
 * Text views: what a pattern sees of a message.
 *
 *  raw     the bytes as sent, each ill-formed piece of UTF-8 replaced by one U+FFFD.
 *  folded  NFKC_Casefold (which also removes default-ignorable code points), then look-alike letters mapped to the
 *          Latin letters they imitate where a word mixes scripts, then each run of white space to one space. Small
 *          caps and other styled Latin letters are always mapped. Never contains a newline.
 *  skeleton  folded, and words in disguise made plain: text/skeleton.h.
 *
 * A word here is a run of letters, marks and digits, ended by scripts that are written without spaces (text/word.h). It
 * mixes scripts if it has a Latin letter or letters of two scripts: a word in one other script stays as it is, so that
 * Russian rules keep matching Russian text. docs/views.md has the details.
 *
 * Every view is valid UTF-8. view_append is deterministic: with or without a map it writes the same bytes. Searching
 * needs only the bytes; the map is made again for the few messages that have a hit.
 *
 * Call view_start once, before threads start; afterwards every function may be called from any thread, each with its
 * own buffer and map.
 */
#ifndef TEXT_VIEW_H
#define TEXT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

enum view { VIEW_RAW, VIEW_FOLDED, VIEW_SKELETON };
#define VIEW_COUNT 3

/* "raw", "folded", "skeleton", NULL. */
extern const char *const view_names[VIEW_COUNT + 1];

/* Builds the tables; may be called again. STATUS_SYSTEM if ICU's data cannot be loaded. */
enum status view_start(void) MUST_USE;

/* One run of view bytes that came from one run of message bytes. */
struct view_segment {
    uint32_t view_start; /* the run ends where the next segment begins */
    uint32_t raw_start, raw_end;
    bool linear; /* byte by byte the same length: offsets inside can be told apart; otherwise the run is one whole */
};

/* Zero-initialise; reusable; free with view_map_free. */
struct view_map {
    struct view_segment *segments;
    uint32_t count, capacity;
    uint32_t view_size, raw_size;
    bool repeats; /* a run of the message may be shown twice (text/skeleton.h), and so segments are in no order */
};

void view_map_free(struct view_map *map);

/*
 * Appends the view of `message` to `out`, and fills `map` (offsets relative to where the view begins in `out`) unless
 * it is NULL. STATUS_LIMIT if `out` would grow over its size_max or the message is over 2^31 bytes, STATUS_NO_MEMORY;
 * `out` is then as it was.
 */
enum status view_append(enum view view, struct span message, struct buffer *out, struct view_map *map) MUST_USE;

/*
 * Appends what is searched of the folded view and of the raw one without case (text/caseless.h). Of plain ASCII both are
 * the same bytes, made in one pass: then they are appended to `folded` alone and *ret_same is true, so that a search
 * over both views needs to look at them only once. Fails as view_append does, both buffers as they were.
 */
enum status view_append_searched(struct span message, struct buffer *folded, struct buffer *raw,
                                 bool *ret_same) MUST_USE;

/*
 * Appends the folded view of a message that is ASCII without controls, as most are, if `out` has room for it and one byte
 * more; says VIEW_FACT_PLAIN of it and what else was seen on the way. False: nothing was appended, ask view_append.
 */
#define VIEW_FACT_PLAIN 1u
#define VIEW_FACT_INNER_CAPITAL 2u /* a capital I stands after a small letter: text/skeleton.h */
bool view_append_plain(struct span message, struct buffer *out, uint8_t *ret_facts);

/*
 * The same of the first of many messages, a newline behind each, up to one that is not so: how many. ret_starts and ret_facts
 * have room for `count`: where each begins in `out`.
 */
uint32_t view_append_plain_batch(const struct span *messages, uint32_t count, struct buffer *out, uint32_t *ret_starts,
                                 uint8_t *ret_facts);

/*
 * The bytes of the message that [start, end) of the view came from: the smallest run that covers them whole. An empty
 * range gives an empty one at the place where it stands. start <= end <= view_size.
 */
void view_map_span(const struct view_map *map, uint32_t start, uint32_t end, uint32_t *ret_start, uint32_t *ret_end);

#endif
