/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON taken apart value by value. A policy of a million rules as one tree
 * would take gigabytes; so the outermost object and the array of rules are
 * walked here, and jansson makes trees of what is in them only.
 */
#ifndef VFW_POLICY_SCAN_H
#define VFW_POLICY_SCAN_H

#include <jansson.h>

#include "policy.h"

/* @place is where the scan is; @bad: it has met what is no JSON, and said so. */
struct policy_scan {
	struct policy_source *source;
	struct policy_place place;
	bool bad;
};

void policy_scan_begin(struct policy_scan *scan, struct policy_source *source);
bool policy_scan_is(struct policy_scan *scan, char c);
bool policy_scan_need(struct policy_scan *scan, char c);
bool policy_scan_more(struct policy_scan *scan, char end, bool first);
bool policy_scan_end(struct policy_scan *scan);
json_t *policy_scan_value(struct policy_scan *scan);

#endif /* VFW_POLICY_SCAN_H */
