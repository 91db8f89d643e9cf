/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of the check of a flow. */
#ifndef VFW_NL_STATE_CHECK_TRANSPORT_H
#define VFW_NL_STATE_CHECK_TRANSPORT_H

#include "state_field.h"

int state_check_tcp(const struct state_stream *stream, size_t at);
int state_check_sctp(const struct state_stream *stream, size_t at);

#endif /* VFW_NL_STATE_CHECK_TRANSPORT_H */
