#include "scanner/automata.h"

#include <stdlib.h>
#include <string.h>

#define AUTOMATA_BYTES_MAX ((size_t)64 << 20) /* of all of them; over it one is given up, and no more are made */

struct slot {
    struct automaton *automaton;
    uint32_t asked; /* how often PCRE2 was, while there is none */
    unsigned form;  /* of the automaton, or of the next one */
};

struct automata {
    const struct program *program;
    struct slot *slots; /* by probe */
    uint32_t count;
    uint32_t asked_first; /* this often PCRE2 is asked before there is one */
    size_t bytes;         /* held in them */
};

enum status automata_new(struct automata **ret_automata)
{
    struct automata *automata = calloc(1, sizeof *automata);
    if (!automata) {
        return STATUS_NO_MEMORY;
    }
    automata->asked_first = AUTOMATA_ASKED_FIRST;
    *ret_automata = automata;
    return STATUS_OK;
}

void automata_set_first(struct automata *automata, uint32_t asked)
{
    automata->asked_first = asked;
}

static void forget(struct automata *automata)
{
    for (uint32_t i = 0; i < automata->count; i++) {
        automaton_free(&automata->slots[i].automaton);
    }
    free(automata->slots);
    *automata = (struct automata){.asked_first = automata->asked_first};
}

void automata_free(struct automata **automata)
{
    if (*automata) {
        forget(*automata);
        free(*automata);
        *automata = NULL;
    }
}

enum status automata_prepare(struct automata *automata, const struct program *program)
{
    struct slot *slots = calloc(program->probe_count + 1u, sizeof *slots);
    if (!slots) {
        return STATUS_NO_MEMORY;
    }
    forget(automata);
    automata->program = program;
    automata->slots = slots;
    automata->count = program->probe_count;
    return STATUS_OK;
}

static void make(struct automata *automata, uint32_t number)
{
    const struct program_probe *probe = &automata->program->probes[number];
    const struct rule *rule = automata->program->rules[probe->rule].rule;
    const struct pattern *pattern = &rule->patterns[probe->pattern];
    struct slot *slot = &automata->slots[number];
    if (probe->view == VIEW_SKELETON) {
        slot->form = AUTOMATON_FORMS; /* what is searched of it is not what a regex sees: nobody would look */
    }
    while (!slot->automaton && slot->form < AUTOMATON_FORMS && pattern->kind == PATTERN_REGEX &&
           automata->bytes <= AUTOMATA_BYTES_MAX) {
        if (automaton_new(&pattern->regex, 1, probe->view, slot->form, &slot->automaton) != STATUS_OK) {
            slot->form++; /* also without memory: PCRE2 does it alone */
        }
    }
    automata->bytes += slot->automaton ? automaton_size(slot->automaton) : 0;
}

void automata_asked(struct automata *automata, uint32_t probe, uint32_t times)
{
    struct slot *slot = &automata->slots[probe];
    if (slot->automaton || slot->form == AUTOMATON_FORMS) {
        return;
    }
    slot->asked += times;
    if (slot->asked >= automata->asked_first) {
        make(automata, probe);
    }
}

/* What a slot's automaton holds now, and whether it is of any use any more. */
static void review(struct automata *automata, struct slot *slot, size_t size_before)
{
    automata->bytes += automaton_size(slot->automaton) - size_before;
    bool over = automata->bytes > AUTOMATA_BYTES_MAX;
    if (automaton_gave_up(slot->automaton) || over) {
        automata->bytes -= automaton_size(slot->automaton);
        automaton_free(&slot->automaton);
        slot->form = over ? AUTOMATON_FORMS : slot->form + 1;
        slot->asked = 0;
    }
}

bool automata_look(struct automata *automata, uint32_t probe, const struct span *searched, const uint32_t *which,
                   uint32_t count, automaton_answer *ret_answers, bool *ret_certain)
{
    struct slot *slot = &automata->slots[probe];
    if (!slot->automaton) {
        return false;
    }
    size_t size = automaton_size(slot->automaton);
    *ret_certain = automaton_certain(slot->automaton) != 0;
    automaton_look(slot->automaton, searched, which, count, ret_answers);
    review(automata, slot, size);
    return true;
}

size_t automata_size(const struct automata *automata)
{
    return automata->bytes;
}
