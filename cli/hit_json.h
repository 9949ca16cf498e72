/*
 * A hit as one line of JSON, as `weir scan` prints it: compact, in ASCII, the fields always in the same order:
 * message_id, rule, severity, queue, generation, (status), (outcome, reason), spans, (across). Written without a tree in between:
 * rules that hit nearly every message would otherwise cost more to print than to find.
 */
#ifndef CLI_HIT_JSON_H
#define CLI_HIT_JSON_H

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "scanner/scanner.h"

/*
 * Appends the line with its line feed. An id with bytes that are no UTF-8 is shown as one U+FFFD. STATUS_LIMIT or
 * STATUS_NO_MEMORY if the buffer cannot take it: then it is as it was.
 */
enum status hit_json_append(struct buffer *lines, struct span message_id, const char *generation,
                            const struct scan_hit *hit) MUST_USE;

#endif
