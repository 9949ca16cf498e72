/*
 * The automata (rules/automaton.h) of the regexes that PCRE2 is asked about most often: they answer in its place where they
 * can. Which regexes these are depends on the rules and on the traffic, so it is found out while scanning. One thread.
 */
#ifndef SCANNER_AUTOMATA_H
#define SCANNER_AUTOMATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "rules/automaton.h"
#include "rules/program.h"

struct automata;

enum status automata_new(struct automata **ret_automata) MUST_USE;
void automata_free(struct automata **automata);

/*
 * For the program that is scanned with from now on; of the one before, everything is forgotten. Must be called before any
 * other call with that program. STATUS_NO_MEMORY.
 */
enum status automata_prepare(struct automata *automata, const struct program *program) MUST_USE;

/* An automaton is made after so many questions; AUTOMATA_ASKED_FIRST unless set. */
#define AUTOMATA_ASKED_FIRST 256u /* making it takes as long as PCRE2 takes for some hundred */
void automata_set_first(struct automata *automata, uint32_t asked);

/* PCRE2 was asked about the probe `times` more times: makes its automaton once that is often. */
void automata_asked(struct automata *automata, uint32_t probe, uint32_t times);

/*
 * What the automaton of the probe says to what is searched of the messages `which`: 0 if it certainly does not match. Any
 * other answer is certain if `ret_certain` and all of the text is ASCII. False: it has none.
 */
bool automata_look(struct automata *automata, uint32_t probe, const struct span *searched, const uint32_t *which,
                   uint32_t count, automaton_answer *ret_answers, bool *ret_certain);

/* Bytes held. */
size_t automata_size(const struct automata *automata);

#endif
