/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFW_NL_SNAPSHOT_H
#define VFW_NL_SNAPSHOT_H

struct args;

int snapshot_save(struct args *args);
int snapshot_restore(struct args *args);
int snapshot_info(struct args *args);

#endif /* VFW_NL_SNAPSHOT_H */
