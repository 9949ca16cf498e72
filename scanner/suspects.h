/*
 * What was being scanned when the program died: a message that kills the scanner must not be sent and scanned for ever.
 *
 * A small file, mapped into memory, says which messages each worker scans at this moment (hashes of their ids; no text).
 * It is written with plain stores: no system call, and what was stored survives the death of the process, however it
 * comes. (It need not survive the machine's: a message does not switch off machines.)
 *
 * The next run finds there what the last one did not finish. Those messages are suspects: each is scanned alone, which
 * clears it if it ends. One that was alone SUSPECTS_CRASHES_MAX times when the program died is poisonous: it is not
 * scanned any more but given to people as unscanned. A program that is merely killed now and then makes suspects too;
 * they are cleared when they come again.
 */
#ifndef SCANNER_SUSPECTS_H
#define SCANNER_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"
#include "base/status.h"

#define SUSPECTS_CRASHES_MAX 3
#define SUSPECTS_MAX 16384          /* remembered; beyond it the oldest are forgotten */
#define SUSPECTS_MESSAGES_MAX 4096u /* that a worker scans at once */

enum suspicion { SUSPICION_NONE, SUSPICION_ALONE, SUSPICION_POISONOUS };

struct suspects;

/*
 * Takes over what the file holds, if there is one (a file that cannot be read as one is started anew). Only one process
 * may have it open: the lock of the data folder sees to that. STATUS_SYSTEM with words, STATUS_NO_MEMORY.
 */
enum status suspects_open(const char *path, uint32_t workers, struct error *error,
                          struct suspects **ret_suspects) MUST_USE;
void suspects_close(struct suspects **suspects);

/* How many messages the last run was scanning when it died, and how many are known to be poisonous by now. */
uint32_t suspects_unfinished(const struct suspects *suspects);
uint32_t suspects_poisonous(const struct suspects *suspects);

/* The name of a message here. */
uint64_t suspects_hash(struct span message_id);

/* Any thread; costs nothing but a look for nearly every message. */
enum suspicion suspects_look(struct suspects *suspects, uint64_t hash);

/* A worker scans these from now on (at most SUSPECTS_MESSAGES_MAX); and they are done. */
void suspects_begin(struct suspects *suspects, uint32_t worker, const uint64_t *hashes, uint32_t count);
void suspects_end(struct suspects *suspects, uint32_t worker);

/* It was scanned alone, and nothing happened. Any thread. */
void suspects_clear(struct suspects *suspects, uint64_t hash);

#endif
