#include "rules/plan.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/crew.h"
#include "rules/layout.h"

#define LITERALS_A_PARTITION 262144u /* searching likes one partition best; compiling so many takes some 13 s */
#define EXPRESSIONS_A_PARTITION 16u  /* compiling grows faster than the number, and searching is no faster with more */
#define EXPRESSION_ALONE_SIZE 1500u  /* bytes: a longer one takes seconds, and with others even longer */
#define STALE_SHARE 4u               /* a group of which this part or more is gone is given up */
#define ABSORBED_SHARE 4u      /* a group at most this many times as large as what is new is compiled anew with it */
#define ABSORBED_LITERALS 256u /* and so is one of this size: it costs next to nothing */
#define ABSORBED_EXPRESSIONS 8u
#define SORTED_ALONE 4096u /* fewer literals are sorted by one thread */
#define NAMED_AT_ONCE 512u /* items that a thread names before it takes the next ones */
#define LAYOUT_BYTES_MAX ((size_t)1 << 30)

void *plan_list_add(struct plan_list *list, size_t size)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
        if (list->capacity > UINT32_MAX / 2) {
            return NULL;
        }
        void *items = reallocarray(list->items, capacity, size);
        if (!items) {
            return NULL;
        }
        list->items = items;
        list->capacity = capacity;
    }
    void *item = (char *)list->items + (size_t)list->count++ * size;
    memset(item, 0, size);
    return item;
}

const void *plan_list_keep(const struct plan_list *list, size_t size, struct arena *arena)
{
    void *kept = arena_array(arena, list->count ? list->count : 1, size);
    if (kept && list->count) {
        memcpy(kept, list->items, (size_t)list->count * size);
    }
    return kept;
}

/* What is searched for once, whoever asked for it: uses [first, first + uses) of its family's sorted list. */
struct item {
    struct span text;
    uint32_t family;
    uint32_t first, uses;
    bool placed; /* in a group */
};

/* A group on its way to partitions: items by the id that they have in it. */
struct group {
    uint32_t family;
    uint32_t *items; /* or LAYOUT_NONE: gone */
    uint32_t count, left;
    bool given_up;
};

/* One compilation. Lists and groups live in `arena`, which ends with it. */
struct session {
    struct plan *plan;
    struct arena *arena;
    struct plan_list items;
    struct layout_id *ids;
    struct layout_table *table;
    struct layout before;      /* how it was grouped last time */
    struct plan_list groups;   /* of it, then new ones */
    struct plan_list jobs;     /* of groups that are not given up, in their order */
    struct plan_list of_group; /* the group of each job */
};

static uint32_t family_of(enum compile_kind kind, enum view view)
{
    return (uint32_t)kind * VIEW_COUNT + (uint32_t)view;
}

static enum compile_kind family_kind(uint32_t family)
{
    return (enum compile_kind)(family / VIEW_COUNT);
}

static enum view family_view(uint32_t family)
{
    return (enum view)(family % VIEW_COUNT);
}

static int compare_spans(struct span x, struct span y)
{
    int order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);
    return order ? order : (x.size > y.size) - (x.size < y.size);
}

/* By bytes, and the uses of one text by probe. */
static int compare_literals(const void *a, const void *b)
{
    const struct plan_literal *x = a, *y = b;
    int order = compare_spans(x->literal, y->literal);
    return order ? order : (x->target.probe > y->target.probe) - (x->target.probe < y->target.probe);
}

static int compare_expressions(const void *a, const void *b)
{
    const struct plan_expression *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->probe > y->probe) - (x->probe < y->probe);
}

/* A literal to be sorted. Most differ in their first bytes, which are looked at without going where they lie. */
struct sorted {
    uint64_t start; /* the first 8 bytes, in the order in which memcmp looks at them */
    const struct plan_literal *use;
};

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    int order = compare_literals(x->use, y->use);
    return order ? order : (x->use > y->use) - (x->use < y->use);
}

static enum status sort_literals(struct plan_list *list)
{
    const struct plan_literal *uses = list->items;
    if (list->count < 2) {
        return STATUS_OK;
    }
    struct sorted *order = calloc(list->count, sizeof *order);
    struct plan_literal *items = calloc(list->count, sizeof *items);
    if (!order || !items) {
        free(order);
        free(items);
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        struct span text = uses[i].literal;
        order[i].use = &uses[i];
        for (size_t k = 0; k < sizeof order->start; k++) {
            order[i].start = order[i].start << 8 | (k < text.size ? text.data[k] : 0);
        }
    }
    qsort(order, list->count, sizeof *order, compare_sorted);
    for (uint32_t i = 0; i < list->count; i++) {
        items[i] = *order[i].use;
    }
    free(order);
    free(list->items);
    list->items = items;
    list->capacity = list->count;
    return STATUS_OK;
}

/* What threads sort together: the lists of views. */
struct sorting {
    struct plan *plan;
    atomic_uint next;
    enum status results[VIEW_COUNT];
};

static void *sort_some(void *context)
{
    struct sorting *sorting = context;
    for (uint32_t view; (view = atomic_fetch_add(&sorting->next, 1)) < VIEW_COUNT;) {
        sorting->results[view] = sort_literals(&sorting->plan->literals[view]);
    }
    return NULL;
}

static enum status sort_uses(struct plan *plan)
{
    struct sorting sorting = {.plan = plan};
    enum status status = STATUS_OK;
    uint32_t count = 0;
    for (int view = 0; view < VIEW_COUNT; view++) {
        struct plan_list *expressions = &plan->expressions[view];
        if (expressions->count > 1) {
            qsort(expressions->items, expressions->count, sizeof(struct plan_expression), compare_expressions);
        }
        count += plan->literals[view].count;
    }
    atomic_init(&sorting.next, 0);
    crew_run(sort_some, &sorting, count < SORTED_ALONE ? 1 : VIEW_COUNT);
    for (int view = 0; view < VIEW_COUNT; view++) {
        status = status == STATUS_OK ? sorting.results[view] : status;
    }
    return status;
}

static enum status add_use(struct session *session, uint32_t family, struct span text, uint32_t number)
{
    struct item *last = number > 0 ? (struct item *)session->items.items + session->items.count - 1 : NULL;
    if (last && span_equal(last->text, text)) {
        last->uses++;
        return STATUS_OK;
    }
    struct item *item = plan_list_add(&session->items, sizeof *item);
    if (!item) {
        return STATUS_NO_MEMORY;
    }
    *item = (struct item){.text = text, .family = family, .first = number, .uses = 1};
    return STATUS_OK;
}

/* Every distinct literal and expression becomes an item. */
static enum status gather(struct session *session)
{
    struct plan *plan = session->plan;
    enum status status = sort_uses(plan);
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        const struct plan_literal *literals = plan->literals[view].items;
        uint32_t before = session->items.count, count = plan->literals[view].count;
        for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
            status = add_use(session, family_of(COMPILE_LITERALS, (enum view)view), literals[i].literal, i);
        }
        plan->program->facts.literals += session->items.count - before;
    }
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        const struct plan_expression *expressions = plan->expressions[view].items;
        uint32_t count = plan->expressions[view].count;
        for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
            status =
                add_use(session, family_of(COMPILE_EXPRESSIONS, (enum view)view), span_text(expressions[i].text), i);
        }
    }
    return status;
}

/* What threads name together. */
struct naming {
    struct session *session;
    atomic_uint next;
};

static void *name_some(void *context)
{
    struct naming *naming = context;
    const struct item *items = naming->session->items.items;
    uint32_t count = naming->session->items.count;
    for (uint32_t first; (first = atomic_fetch_add(&naming->next, NAMED_AT_ONCE)) < count;) {
        uint32_t end = count - first < NAMED_AT_ONCE ? count : first + NAMED_AT_ONCE;
        for (uint32_t i = first; i < end; i++) {
            naming->session->ids[i] = layout_id_of(items[i].family, items[i].text);
        }
    }
    return NULL;
}

static enum status name_items(struct session *session)
{
    session->ids = arena_array(session->arena, (size_t)session->items.count + 1, sizeof *session->ids);
    if (!session->ids) {
        return STATUS_NO_MEMORY;
    }
    struct naming naming = {.session = session};
    atomic_init(&naming.next, 0);
    crew_run(name_some, &naming, session->items.count / NAMED_AT_ONCE);
    return layout_table_new(session->ids, session->items.count, &session->table);
}

static struct group *add_group(struct session *session, uint32_t family, uint32_t count)
{
    struct group *group = plan_list_add(&session->groups, sizeof *group);
    if (group) {
        *group = (struct group){
            .family = family, .count = count, .items = arena_array(session->arena, count, sizeof *group->items)};
    }
    return group && group->items ? group : NULL;
}

static void set_placed(struct session *session, const struct group *group, bool placed)
{
    struct item *items = session->items.items;
    for (uint32_t i = 0; i < group->count; i++) {
        if (group->items[i] != LAYOUT_NONE) {
            items[group->items[i]].placed = placed;
        }
    }
}

static void give_up(struct session *session, struct group *group)
{
    set_placed(session, group, false);
    group->given_up = true;
}

/* The groups of last time, as far as they are still worth having. */
static enum status take_groups(struct session *session)
{
    const struct item *items = session->items.items;
    for (uint32_t i = 0; i < session->before.group_count; i++) {
        const struct layout_group *old = &session->before.groups[i];
        struct group *group = add_group(session, old->family, old->count);
        if (!group) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t k = 0; k < old->count; k++) {
            uint32_t item = layout_table_find(session->table, old->ids[k]);
            bool usable = item != LAYOUT_NONE && !items[item].placed && items[item].family == old->family;
            group->items[k] = usable ? item : LAYOUT_NONE;
            group->left += usable;
        }
        set_placed(session, group, true);
        if (group->left == 0 || (group->count - group->left) >= (group->count + STALE_SHARE - 1) / STALE_SHARE) {
            give_up(session, group);
        }
    }
    return STATUS_OK;
}

/*
 * Small groups of a family that gets a new group are compiled anew with it: otherwise every edit would leave a group. What
 * is compiled again stays in proportion to what is new, so the number of groups grows as the logarithm of the edits.
 */
static void absorb(struct session *session, uint32_t family)
{
    const struct item *items = session->items.items;
    struct group *groups = session->groups.items;
    bool literals = family_kind(family) == COMPILE_LITERALS;
    uint32_t least = literals ? ABSORBED_LITERALS : ABSORBED_EXPRESSIONS, added = 0;
    for (uint32_t i = 0; i < session->items.count; i++) {
        added += items[i].family == family && !items[i].placed;
    }
    for (bool again = added > 0; again;) {
        again = false;
        for (uint32_t i = 0; i < session->groups.count; i++) {
            uint32_t most = added * ABSORBED_SHARE > least ? added * ABSORBED_SHARE : least;
            bool full = !literals && groups[i].left >= EXPRESSIONS_A_PARTITION / 2;
            if (groups[i].family == family && !groups[i].given_up && groups[i].left <= most && !full) {
                added += groups[i].left;
                give_up(session, &groups[i]);
                again = true;
            }
        }
    }
}

/* Long expressions take most of the time, so that they come first, each on a core of its own. */
static enum status group_alone(struct session *session, uint32_t family)
{
    struct item *items = session->items.items;
    for (uint32_t i = 0; i < session->items.count; i++) {
        if (items[i].family != family || items[i].placed || items[i].text.size <= EXPRESSION_ALONE_SIZE) {
            continue;
        }
        struct group *group = add_group(session, family, 1);
        if (!group) {
            return STATUS_NO_MEMORY;
        }
        group->items[group->left++] = i;
        items[i].placed = true;
    }
    return STATUS_OK;
}

/* Groups for items of the family that are in none. */
static enum status group_rest(struct session *session, uint32_t family)
{
    struct item *items = session->items.items;
    if (family_kind(family) == COMPILE_EXPRESSIONS && group_alone(session, family) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    uint32_t size = family_kind(family) == COMPILE_LITERALS ? LITERALS_A_PARTITION : EXPRESSIONS_A_PARTITION;
    for (uint32_t i = 0; i < session->items.count;) {
        uint32_t count = 0, end = i;
        for (; end < session->items.count && count < size; end++) {
            count += items[end].family == family && !items[end].placed;
        }
        if (count == 0) {
            break;
        }
        struct group *group = add_group(session, family, count);
        if (!group) {
            return STATUS_NO_MEMORY;
        }
        for (; i < end; i++) {
            if (items[i].family == family && !items[i].placed) {
                group->items[group->left++] = i;
                items[i].placed = true;
            }
        }
    }
    return STATUS_OK;
}

/* A job for each group from `first` on. `known`: they are of last time, and only the cache has them. */
static enum status add_jobs(struct session *session, uint32_t first, bool known)
{
    const struct item *items = session->items.items;
    const struct group *groups = session->groups.items;
    for (uint32_t i = first; i < session->groups.count; i++) {
        if (groups[i].given_up) {
            continue;
        }
        struct partition_job *job = plan_list_add(&session->jobs, sizeof *job);
        uint32_t *of = job ? plan_list_add(&session->of_group, sizeof *of) : NULL;
        if (!of) {
            return STATUS_NO_MEMORY;
        }
        *of = i;
        job->kind = family_kind(groups[i].family);
        job->count = groups[i].count;
        job->known = known;
        if (known) {
            job->key = session->before.groups[i].key;
            continue;
        }
        struct span *texts = arena_array(session->arena, groups[i].count, sizeof *texts);
        if (!texts) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t k = 0; k < groups[i].count; k++) {
            texts[k] = items[groups[i].items[k]].text;
        }
        job->items = texts;
    }
    return STATUS_OK;
}

static enum status do_jobs(struct session *session, uint32_t first)
{
    struct program_facts *facts = &session->plan->program->facts;
    struct partition_job *jobs = session->jobs.items;
    struct partition_report report;
    if (first == session->jobs.count) {
        return STATUS_OK;
    }
    enum status status = partition_compile(jobs + first, session->jobs.count - first, &session->plan->compiling,
                                           session->plan->error, &report);
    if (status == STATUS_OK) {
        facts->groups_cached += report.cached;
        facts->groups_compiled += report.compiled;
        facts->unlimited = facts->unlimited || report.unlimited;
    }
    return status;
}

/* What the cache has of last time's groups. */
static enum status load_known(struct session *session)
{
    struct cache *cache = session->plan->compiling.cache;
    if (!cache || session->items.count == 0) {
        return STATUS_OK;
    }
    enum status status =
        layout_find(cache, session->ids, session->items.count, session->table, session->arena, &session->before);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    status = take_groups(session);
    for (uint32_t family = 0; status == STATUS_OK && family < family_of(COMPILE_EXPRESSIONS, VIEW_COUNT); family++) {
        absorb(session, family);
    }
    if (status == STATUS_OK) {
        status = add_jobs(session, 0, true);
    }
    if (status == STATUS_OK) {
        status = do_jobs(session, 0);
    }
    const struct partition_job *jobs = session->jobs.items;
    const uint32_t *of = session->of_group.items;
    for (uint32_t i = 0; status == STATUS_OK && i < session->jobs.count; i++) {
        if (!jobs[i].ret_cached) {
            give_up(session, (struct group *)session->groups.items + of[i]);
        }
    }
    return status;
}

static enum status compile_rest(struct session *session)
{
    uint32_t groups = session->groups.count, jobs = session->jobs.count;
    enum status status = STATUS_OK;
    for (uint32_t family = 0; status == STATUS_OK && family < family_of(COMPILE_EXPRESSIONS, VIEW_COUNT); family++) {
        status = group_rest(session, family);
    }
    if (status == STATUS_OK) {
        status = add_jobs(session, groups, false);
    }
    return status == STATUS_OK ? do_jobs(session, jobs) : status;
}

/* The item of id `id` of a part, or NULL. */
static const struct item *part_item(const struct session *session, const struct group *group,
                                    const struct partition_part *part, uint32_t id)
{
    uint32_t item = group->items[part->items[id]];
    return item == LAYOUT_NONE ? NULL : (const struct item *)session->items.items + item;
}

static enum status keep_literals(struct session *session, const struct group *group, struct partition_part *part)
{
    struct plan *plan = session->plan;
    struct arena *arena = plan->program->arena;
    const struct plan_literal *uses = plan->literals[family_view(group->family)].items;
    uint32_t total = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = part_item(session, group, part, i);
        total += item ? item->uses : 0;
    }
    struct program_literals *added = plan_list_add(&plan->literal_parts, sizeof *added);
    uint32_t *first = arena_array(arena, (size_t)part->count + 1, sizeof *first);
    uint32_t *sizes = arena_array(arena, part->count, sizeof *sizes);
    uint8_t *edges = arena_array(arena, part->count, sizeof *edges);
    struct program_target *targets = arena_array(arena, (size_t)total + 1, sizeof *targets);
    if (!added || !first || !sizes || !edges || !targets) {
        plan->literal_parts.count -= added != NULL;
        return STATUS_NO_MEMORY;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = part_item(session, group, part, i);
        first[i] = at;
        sizes[i] = item ? (uint32_t)item->text.size : 0;
        edges[i] = EDGE_BEFORE_LITERAL | EDGE_AFTER_LITERAL;
        for (uint32_t k = 0; item && k < item->uses; k++) {
            edges[i] &= uses[item->first + k].target.edges;
            targets[at++] = uses[item->first + k].target;
        }
    }
    first[part->count] = at;
    *added = (struct program_literals){.partition = part->partition,
                                       .view = family_view(group->family),
                                       .count = part->count,
                                       .target_first = first,
                                       .sizes = sizes,
                                       .edges = edges,
                                       .targets = targets};
    part->partition = NULL;
    return STATUS_OK;
}

static enum status keep_expressions(struct session *session, const struct group *group, struct partition_part *part)
{
    struct plan *plan = session->plan;
    struct arena *arena = plan->program->arena;
    const struct plan_expression *uses = plan->expressions[family_view(group->family)].items;
    uint32_t total = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = part_item(session, group, part, i);
        total += item ? item->uses : 0;
    }
    struct program_expressions *added = plan_list_add(&plan->expression_parts, sizeof *added);
    uint32_t *first = arena_array(arena, (size_t)part->count + 1, sizeof *first);
    uint32_t *probes = arena_array(arena, (size_t)total + 1, sizeof *probes);
    if (!added || !first || !probes) {
        plan->expression_parts.count -= added != NULL;
        return STATUS_NO_MEMORY;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        const struct item *item = part_item(session, group, part, i);
        first[i] = at;
        for (uint32_t k = 0; item && k < item->uses; k++) {
            probes[at++] = uses[item->first + k].probe;
        }
    }
    first[part->count] = at;
    *added = (struct program_expressions){.partition = part->partition,
                                          .view = family_view(group->family),
                                          .count = part->count,
                                          .probe_first = first,
                                          .probes = probes};
    part->partition = NULL;
    return STATUS_OK;
}

/* What was refused, or is over the limits, is confirmed on every message. */
static enum status keep_verdicts(struct session *session, const struct group *group, const struct partition_job *job)
{
    struct plan *plan = session->plan;
    struct program_probe *probes = plan->probes.items;
    const struct item *items = session->items.items;
    const struct plan_expression *uses = plan->expressions[family_view(group->family)].items;
    for (uint32_t i = 0; i < job->count; i++) {
        const struct item *item = group->items[i] == LAYOUT_NONE ? NULL : &items[group->items[i]];
        for (uint32_t k = 0; item && k < item->uses; k++) {
            uint32_t probe = uses[item->first + k].probe;
            plan->program->facts.expressions += job->ret_verdicts[i] == PARTITION_SEARCHED;
            if (job->ret_verdicts[i] == PARTITION_SEARCHED) {
                continue;
            }
            probes[probe].search = SEARCH_ALWAYS;
            if (job->ret_verdicts[i] == PARTITION_HEAVY) {
                uint32_t *heavy = plan_list_add(&plan->heavy, sizeof *heavy);
                if (!heavy) {
                    return STATUS_NO_MEMORY;
                }
                *heavy = probe;
            }
        }
    }
    return STATUS_OK;
}

static enum status keep_results(struct session *session)
{
    struct partition_job *jobs = session->jobs.items;
    const uint32_t *of = session->of_group.items;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < session->jobs.count; i++) {
        const struct group *group = (const struct group *)session->groups.items + of[i];
        if (group->given_up) {
            continue;
        }
        bool literals = jobs[i].kind == COMPILE_LITERALS;
        for (uint32_t k = 0; status == STATUS_OK && k < jobs[i].ret_part_count; k++) {
            status = literals ? keep_literals(session, group, &jobs[i].ret_parts[k])
                              : keep_expressions(session, group, &jobs[i].ret_parts[k]);
        }
        if (status == STATUS_OK && !literals) {
            status = keep_verdicts(session, group, &jobs[i]);
        }
    }
    return status;
}

/* Keeps how it was grouped, for next time, unless that is how it was last time. */
static enum status keep_layout(struct session *session)
{
    const struct partition_job *jobs = session->jobs.items;
    const uint32_t *of = session->of_group.items;
    const struct group *groups = session->groups.items;
    uint32_t kept = 0, known = 0;
    struct layout_group *layout = arena_array(session->arena, (size_t)session->jobs.count + 1, sizeof *layout);
    if (!layout) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < session->jobs.count; i++) {
        const struct group *group = &groups[of[i]];
        if (group->given_up) {
            continue;
        }
        struct layout_group *row = &layout[kept++];
        *row = (struct layout_group){.family = group->family, .count = group->count, .key = jobs[i].key};
        if (jobs[i].known) {
            row->ids = session->before.groups[of[i]].ids;
            known++;
            continue;
        }
        struct layout_id *ids = arena_array(session->arena, group->count, sizeof *ids);
        if (!ids) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t k = 0; k < group->count; k++) {
            ids[k] = session->ids[group->items[k]];
        }
        row->ids = ids;
    }
    struct layout now = {.groups = layout, .group_count = kept};
    if (known < kept || known < session->before.group_count) {
        layout_keep(session->plan->compiling.cache, session->ids, session->items.count, &now);
    }
    return STATUS_OK;
}

static void session_end(struct session *session)
{
    struct partition_job *jobs = session->jobs.items;
    for (uint32_t i = 0; i < session->jobs.count; i++) {
        partition_job_clear(&jobs[i]);
    }
    layout_table_free(&session->table);
    free(session->items.items);
    free(session->groups.items);
    free(session->jobs.items);
    free(session->of_group.items);
    arena_free(&session->arena);
}

enum status plan_compile(struct plan *plan)
{
    struct session session = {.plan = plan};
    enum status status = arena_new(1u << 20, LAYOUT_BYTES_MAX, &session.arena);
    if (status == STATUS_OK) {
        status = gather(&session);
    }
    if (status == STATUS_OK && plan->compiling.cache) {
        status = name_items(&session);
    }
    if (status == STATUS_OK) {
        status = load_known(&session);
    }
    if (status == STATUS_OK) {
        status = compile_rest(&session);
    }
    if (status == STATUS_OK) {
        status = keep_results(&session);
    }
    if (status == STATUS_OK && plan->compiling.cache) {
        status = keep_layout(&session);
    }
    session_end(&session);
    return status;
}
