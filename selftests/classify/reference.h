/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VFW_SELFTESTS_REFERENCE_H
#define _VFW_SELFTESTS_REFERENCE_H

#include "shim.h"
#include "../../kmod/classify.h"
#include "../../kmod/packet.h"
#include "../../kmod/policy.h"

struct reference;

struct reference *reference_new(const struct vfw_rule *rules, u32 n);
void reference_free(struct reference *reference);
void reference_find(const struct reference *reference, const struct vfw_packet *pkts, u32 n,
		    u32 *numbers);
u64 reference_check(const struct reference *reference, const struct vfw_packet *pkts, u32 n);

#endif /* _VFW_SELFTESTS_REFERENCE_H */
