/* Selections of Sigma-like rules. Only for import/import_sigma*.c. */
#ifndef IMPORT_IMPORT_SIGMA_H
#define IMPORT_IMPORT_SIGMA_H

#include "base/yaml.h"
#include "import/import_draft.h"

struct import_sigma {
    struct import *import;
    struct import_rule *rule;
    const char *what;
    const struct yaml *detection;
    const char *sort, *why; /* why it cannot be moved; NULL so far */
    const char *sample;     /* texts of the selections that must be there */
    unsigned negations;     /* around what is being read */
};

void import_sigma_give_up(struct import_sigma *sigma, const char *sort, const char *why);

/* A selection as a condition over patterns that are added to the rule. NULL: `why`, or no memory. */
const struct import_expression *import_sigma_selection(struct import_sigma *sigma, const struct yaml *selection);

/* `selection and not 1 of filter_*` */
const struct import_expression *import_sigma_condition(struct import_sigma *sigma, struct span text);

#endif
