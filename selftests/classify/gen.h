/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SELFTESTS_GEN_H
#define _VFW_SELFTESTS_GEN_H

#include "shim.h"
#include "../../kmod/classify.h"
#include "../../kmod/packet.h"
#include "../../kmod/policy.h"

/**
 * struct set - rules, with room for their port ranges
 * @rules: the rules
 * @ranges: of each, 2 * VFW_RANGES_MAX
 * @n: how many rules
 */
struct set {
	struct vfw_rule *rules;
	struct vfw_range (*ranges)[2 * VFW_RANGES_MAX];
	u32 n;
};

/* What packets match: a rule at the end of the set, any rule, or mostly none. */
enum aim { AIM_END, AIM_ANY, AIM_NONE };

extern const char *const style_names[];

void gen_seed(u64 seed);
u32 gen_below(u32 n);
void gen_set(struct set *set, const char *style, u32 n, bool v6);
void gen_free(struct set *set);
void gen_packet(struct vfw_packet *pkt, const struct set *set, enum aim aim, bool v6);

struct set read_policy(const char *path);
u32 read_packets(const char *path, struct vfw_packet **pkts, u32 **numbers);

#endif /* _VFW_SELFTESTS_GEN_H */
