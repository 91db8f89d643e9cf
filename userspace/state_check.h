/* SPDX-License-Identifier: GPL-2.0 */
/* What the records of a snapshot may hold. */
#ifndef VFW_NL_STATE_CHECK_H
#define VFW_NL_STATE_CHECK_H

#include "state_stream.h"

int state_check_header(const struct state_stream *stream);
int state_check_vm(const struct state_stream *stream);
int state_check_ports(const struct state_stream *stream);
int state_check_policy(const struct state_stream *stream);
int state_check_rule(const struct state_stream *stream, size_t at);
int state_check_stats(const struct state_stream *stream);
int state_check_flow(const struct state_stream *stream, size_t at, enum vfw_family family,
		     __u32 rules);
int state_check_flow_tagged(const struct state_stream *stream, size_t at, __u32 rules);

#endif /* VFW_NL_STATE_CHECK_H */
