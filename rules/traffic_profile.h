/*
 * A profile of traffic: how often short strings occur in it, so that the planner can tell rare strings from common ones.
 *
 * It counts runs of up to four bytes, of what is searched: the folded view of each message, and the raw view without
 * case. From them the rate of a string of any length is estimated as a chain: how often its first byte occurs, then how
 * often each byte follows the (up to three) before it; where a run was never seen, shorter ones stand in.
 *
 * A profile is no place to read messages from. It is written (rules/traffic_count.h) with runs of four bytes at most,
 * all digits counted as one, only those that stand in TRAFFIC_PROFILE_MESSAGES_MIN different texts or more, and counts
 * rounded to a quarter of a power of two.
 *
 * What a profile says decides how fast a rule set is, never what it finds: it is not part of its generation.
 */
#ifndef RULES_TRAFFIC_PROFILE_H
#define RULES_TRAFFIC_PROFILE_H

#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"

#define TRAFFIC_PROFILE_MESSAGES_MIN 20u       /* different texts that a run must stand in */
#define TRAFFIC_PROFILE_RUN_MAX 4u             /* bytes */
#define TRAFFIC_PROFILE_RUNS_MAX 200000u       /* in a profile */
#define TRAFFIC_PROFILE_SIZE_MAX (64u << 20)   /* of a file, bytes */
#define TRAFFIC_PROFILE_MESSAGES_USEFUL 10000u /* of fewer messages a profile says less than the one that is built in */

struct traffic_profile; /* immutable: any thread */

/* The profile that is built in: English chat and text messages. Never fails, never freed. */
const struct traffic_profile *traffic_profile_default(void);

/*
 * Takes the profile over: from now on it is meant wherever none is given, in the whole process. To be called before any other
 * thread plans rules, at most once with a profile; NULL goes back to the one that is built in, for tests.
 */
void traffic_profile_use(struct traffic_profile *profile);

/*
 * The text of a profile, as traffic_count_write wrote it. STATUS_INVALID, with the line and what is wrong with it;
 * STATUS_LIMIT; STATUS_NO_MEMORY.
 */
enum status traffic_profile_parse(struct span text, struct error *error, struct traffic_profile **ret_profile) MUST_USE;

/* The same from a file; also STATUS_NOT_FOUND and STATUS_SYSTEM. The words name the path. */
enum status traffic_profile_read(const char *path, struct error *error, struct traffic_profile **ret_profile) MUST_USE;
void traffic_profile_free(struct traffic_profile **profile);

/*
 * How often the string is expected to begin, per byte of what is searched; 1 for the empty string. `profile` may be
 * NULL: the one in use, or else the one that is built in. The string is one that a search looks for: small letters.
 */
double traffic_profile_rate(const struct traffic_profile *profile, struct span string);

/* The same if `rate` is that of the first `rated` bytes: to the last bit what asking for the whole string gives. */
double traffic_profile_rate_on(const struct traffic_profile *profile, struct span string, size_t rated, double rate);

/* The rates of all 256 strings of one byte. They live as long as the profile. */
const double *traffic_profile_byte_rates(const struct traffic_profile *profile);

uint64_t traffic_profile_messages(const struct traffic_profile *profile); /* that it was made of */
uint32_t traffic_profile_runs(const struct traffic_profile *profile);

/* What a byte is counted as: letters without case, digits as '0', all white space as ' ', other controls as 1. */
static inline uint8_t traffic_profile_symbol(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return (uint8_t)(byte + 0x20);
    }
    if (byte >= '0' && byte <= '9') {
        return '0';
    }
    if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
        return ' ';
    }
    return byte < 0x20 || byte == 0x7F ? 1 : byte;
}

#endif
