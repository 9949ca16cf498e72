/*
 * Rules with `across`: their patterns may be found in different messages of a conversation, or of one sender in it.
 *
 * What such a rule means (docs/rules/across.md says it to authors). The scope of a message is its conversation, or with
 * `from: sender` what its sender sent in the conversation. The messages of a scope are in the order in which they were
 * sent (sent_at_ms; those sent at once in the order in which they came). Up to each of them there is a stretch: that
 * message and those before it, at most `messages` in all, none sent more than `minutes` before it. A message hits when it
 * comes, and some pattern of the rule is found in it, and it lies in a stretch that ends with itself or with a later
 * message in which some pattern is found too, and the condition holds for the patterns found anywhere in that stretch.
 * So it does not matter which of them came late: the last one to come is the one that hits. A message that comes again
 * (the same message_id) gives what it gave the first time, and counts once.
 *
 * Of a phrase of `words`, the first part may stand at the end of one message of a sender and the rest at the beginning of
 * the sender's next message in the conversation: it is then found in the message of the two that came last.
 *
 * Memory is bounded: the scopes that had no message for the longest time are forgotten, and a scope keeps twice as many
 * messages as the largest `messages` of its rules, the last ones by order; none that was sent more than twice the largest
 * `minutes` before the newest. What comes later than that is judged with what is still known. Nothing is on a disk: after
 * a restart the state begins empty.
 *
 * Not thread-safe: each worker has its own, and a conversation always has the same worker. Time is an argument.
 */
#ifndef SCANNER_ACROSS_H
#define SCANNER_ACROSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "proto/decode.h"
#include "scanner/scanner.h"

struct across;

#define ACROSS_BYTES_MIN ((size_t)1 << 20)
#define ACROSS_BYTES_DEFAULT ((size_t)64 << 20)
#define ACROSS_TEXT_MAX (16u << 10) /* bytes kept of a message in which something was found */

/* Never holds more than `bytes` (at least ACROSS_BYTES_MIN) and what one message adds. */
enum status across_new(size_t bytes, struct across **ret_across) MUST_USE;
void across_free(struct across **across);

/* Has the set any rule with `across` that is not off? */
bool across_is_needed(const struct ruleset *ruleset);

/*
 * The rules from now on; what is known of rules that stay the same is kept. Cheap for the set that is in use already.
 * *ret_needed: are there any with `across`? If not, across_take need not be called.
 */
enum status across_use(struct across *across, struct ruleset *ruleset, bool *ret_needed) MUST_USE;

/*
 * Takes the next message with what the scanner found in it (hit_count may be 0): every message of the conversation, in
 * the order in which they come. Hits that are not partial are passed on; partial ones are replaced by what is decided.
 * The result lives in the arena and in `hits`; what it points to is valid until the next call. STATUS_NO_MEMORY:
 * nothing is known about this message.
 */
enum status across_take(struct across *across, const struct message *message, int64_t received_at_ms,
                        const struct scan_hit *hits, uint32_t hit_count, struct arena *arena,
                        struct scan_hit **ret_hits, uint32_t *ret_hit_count) MUST_USE;

struct across_counts {
    uint64_t scopes;    /* held now */
    uint64_t forgotten; /* for want of memory */
    size_t bytes;       /* held now */
};
struct across_counts across_counts(const struct across *across);

#endif
