/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_CLASSIFY_H
#define _VFW_CLASSIFY_H

#include <linux/types.h>

/*
 * The most tables and records that a packet may have to be compared with. One table or record
 * costs some nanoseconds, so that the worst packet for the worst policy costs some 20 us. Among
 * so many rules no set can exceed it.
 */
#define VFW_WORK_MAX	4096

struct vfw_classifier;
struct vfw_packet;
struct vfw_rule;
union vfw_addr;

struct vfw_classifier *vfw_classifier_build(const struct vfw_rule *rules, u32 n_rules);
void vfw_classifier_free(struct vfw_classifier *classifier);
size_t vfw_classifier_memory(const struct vfw_classifier *classifier);
u32 vfw_classifier_work(const struct vfw_classifier *classifier);
u32 vfw_classifier_find(const struct vfw_classifier *classifier, const struct vfw_packet *pkt);
u32 vfw_classifier_find_stateless(const struct vfw_classifier *classifier,
				  const struct vfw_packet *pkt);

union vfw_addr vfw_prefix_mask(u8 prefix);

/* The plain meaning of a rule, against which the classifier is tested. */
bool vfw_rule_matches(const struct vfw_rule *rule, const struct vfw_packet *pkt);

#endif /* _VFW_CLASSIFY_H */
