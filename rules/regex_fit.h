/*
 * Fits a regex tree to the bytes that the search runs over, which are not quite the view that PCRE2 confirms on:
 *
 *  raw     is searched without case (text/caseless.h): each character of a set becomes the one that stands for it.
 *  folded  is searched as it is; characters that never occur in it (capitals, all white space but the space) are taken
 * out of the sets, so that small sets stay small.
 *
 * A regex that matches a view is one whose fitted tree matches the searched bytes. The tree is changed in place.
 */
#ifndef RULES_REGEX_FIT_H
#define RULES_REGEX_FIT_H

#include "base/arena.h"
#include "base/status.h"
#include "rules/regex_tree.h"
#include "text/view.h"

/*
 * Needs view_start. `arena` is the tree's. STATUS_NOT_FOUND: no text of this view can match, for example a capital in the
 * folded one. STATUS_NO_MEMORY. After both the tree must not be used any more.
 */
enum status regex_fit(struct regex_node *root, enum view view, struct arena *arena) MUST_USE;

#endif
