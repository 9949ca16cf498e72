/*
 * What an entry of a domain list means: the domain itself and its subdomains, in a URL, in an address, or bare.
 *
 * Entries may come as "example.com", "EXAMPLE.com.", "*.example.com", "http://example.com/", "example.com:8080"; they
 * are brought to the bare lower-case name. An entry with more of a path ("bit.ly/x", at most 512 bytes of ASCII) stands
 * for that address and what lies below it, never for all of bit.ly. An internationalised name is looked for both as letters and in its xn-- form; only in its xn-- form if
 * the folded view would show its letters as another's name ("pаypal.com" with a Cyrillic а, "faß.de").
 *
 * A domain is found at [start, end) of a folded view if those bytes are its name, what stands before is neither a word
 * character nor "-" (a "." is fine: a subdomain), and what follows does not continue the name: not a word character,
 * nor one "." or any number of "-" with a word character behind. Characters of scripts without spaces (text/word.h) do
 * not continue a name that itself begins or ends in another script: Japanese text may touch "example.com" on both
 * sides. `domain_regex` gives the same as PCRE2 over the view.
 */
#ifndef TEXT_DOMAIN_H
#define TEXT_DOMAIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"

#define DOMAIN_FORMS_MAX 2

/*
 * The names to look for, folded, NUL-terminated in the arena. STATUS_INVALID: not a domain name (empty labels, white
 * space, no dot, over 253 bytes).
 */
enum status domain_parse(struct span entry, struct arena *arena, struct span forms[DOMAIN_FORMS_MAX],
                         uint32_t *ret_count) MUST_USE;

bool domain_match_at(struct span text, size_t start, size_t end);

enum status domain_regex(struct span form, struct buffer *out) MUST_USE;

#endif
