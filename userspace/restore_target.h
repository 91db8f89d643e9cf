/* SPDX-License-Identifier: GPL-2.0 */
/* Where a snapshot is restored to: the VM and its ports, declared if they were not. */
#ifndef VFW_NL_RESTORE_TARGET_H
#define VFW_NL_RESTORE_TARGET_H

#include "args.h"
#include "hold.h"

#include <linux/if.h>
#include <linux/vfw.h>
#include <linux/vfw_state.h>

/**
 * struct port_map - a port's name at the source and here
 * @old: there
 * @new: here
 * @used: the snapshot has such a port
 */
struct port_map {
	char old[IFNAMSIZ];
	char new[IFNAMSIZ];
	bool used;
};

/**
 * struct restore_target - where to
 * @uuid: the VM
 * @limits: of its hold
 * @maps: names of ports that change
 * @map_count: how many
 * @ports: names of the ports here
 * @there: those that were declared for the VM before
 * @trunk: those of them that are trunks
 * @made: those that we declared
 * @port_count: how many
 * @vm_made: we declared the VM
 */
struct restore_target {
	__u8 uuid[VFW_UUID_LEN];
	struct hold_limits limits;
	struct port_map maps[VFW_PORTS_MAX];
	unsigned int map_count;
	char ports[VFW_PORTS_MAX][IFNAMSIZ];
	bool there[VFW_PORTS_MAX];
	bool trunk[VFW_PORTS_MAX];
	bool made[VFW_PORTS_MAX];
	unsigned int port_count;
	bool vm_made;
};

int target_take_map(const struct arg *arg, const char *value);
int target_name_ports(struct restore_target *target, const struct vfw_state_port *ports,
		      unsigned int count);
int target_declare(struct restore_target *target, const struct vfw_state_vm *vm,
		   const struct vfw_state_port *ports);
void target_forget(struct restore_target *target);

#endif /* VFW_NL_RESTORE_TARGET_H */
