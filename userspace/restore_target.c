// SPDX-License-Identifier: GPL-2.0
#include "restore_target.h"
#include "nl.h"
#include "print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/**
 * target_take_map() - take OLD=NEW
 * @arg: the key; its @to is the struct restore_target *
 * @value: its text
 *
 * Return: DONE or FAILED.
 */
int target_take_map(const struct arg *arg, const char *value)
{
	struct restore_target *target = arg->to;
	const char *equals = strchr(value, '=');
	struct port_map *map;
	size_t length;

	if (!equals || equals == value || !equals[1])
		return fail("'port %s': expected OLD=NEW", value);
	length = equals - value;
	if (length >= IFNAMSIZ || strlen(equals + 1) >= IFNAMSIZ)
		return fail("'port %s': a name is longer than %d bytes", value,
			    VFW_IFNAME_MAX);
	if (target->map_count == VFW_PORTS_MAX)
		return fail("more than %d ports", VFW_PORTS_MAX);
	map = &target->maps[target->map_count++];
	snprintf(map->old, sizeof(map->old), "%.*s", (int)length, value);
	snprintf(map->new, sizeof(map->new), "%s", equals + 1);
	return DONE;
}

static const char *map_name(struct restore_target *target, const char *old)
{
	for (unsigned int i = 0; i < target->map_count; i++) {
		if (strcmp(target->maps[i].old, old) != 0)
			continue;
		target->maps[i].used = true;
		return target->maps[i].new;
	}
	return old;
}

static bool name_ok(const __u8 name[IFNAMSIZ])
{
	return name[0] && memchr(name, '\0', IFNAMSIZ);
}

/**
 * target_name_ports() - see how the snapshot's ports are named here
 * @target: its ports are filled
 * @ports: records of the snapshot
 * @count: how many, at most VFW_PORTS_MAX
 *
 * Return: DONE or FAILED.
 */
int target_name_ports(struct restore_target *target, const struct vfw_state_port *ports,
		      unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!name_ok(ports[i].name) || ports[i].type > VFW_PORT_TYPE_MIRRORED)
			return fail("port %u of the snapshot is malformed", i);
		snprintf(target->ports[i], IFNAMSIZ, "%s",
			 map_name(target, (const char *)ports[i].name));
		for (unsigned int j = 0; j < i; j++)
			if (strcmp(target->ports[j], target->ports[i]) == 0)
				return fail("two ports would be named %s here",
					    target->ports[i]);
	}
	target->port_count = count;
	for (unsigned int i = 0; i < target->map_count; i++)
		if (!target->maps[i].used)
			return fail("'port %s=%s': the snapshot has no port %s",
				    target->maps[i].old, target->maps[i].new,
				    target->maps[i].old);
	return DONE;
}

static int mark_port(const struct vnl_reply *reply, void *data)
{
	struct nlattr *name = reply->attrs[VFW_A_PORT_NAME];
	struct restore_target *target = data;

	for (unsigned int i = 0; name && i < target->port_count; i++) {
		if (strcmp(nla_get_string(name), target->ports[i]) != 0)
			continue;
		target->there[i] = true;
		target->trunk[i] = reply->attrs[VFW_A_PORT_TRUNK];
	}
	return DONE;
}

/* Finds out what is declared already. */
static int look_around(struct restore_target *target, bool *vm_there)
{
	struct nl_msg *request = vnl_request(VFW_CMD_VM_GET);
	struct vnl_error error;
	int code;

	vnl_put(request, VFW_A_VM_UUID, target->uuid, sizeof(target->uuid));
	code = vnl_do_quiet(request, NULL, NULL, &error);
	*vm_there = code == DONE;
	if (error.error && error.error != ENOENT)
		return vnl_report(VFW_CMD_VM_GET, &error);
	if (code)
		return error.error ? DONE : code;
	request = vnl_request(VFW_CMD_PORT_GET);
	vnl_put(request, VFW_A_PORT_VM, target->uuid, sizeof(target->uuid));
	return vnl_dump(request, mark_port, target);
}

static int declare_vm(struct restore_target *target, const struct vfw_state_vm *vm)
{
	struct nl_msg *request = vnl_request(VFW_CMD_VM_NEW);
	int code;

	vnl_put(request, VFW_A_VM_UUID, target->uuid, sizeof(target->uuid));
	if (vm->name[0] && memchr(vm->name, '\0', sizeof(vm->name)))
		vnl_put_string(request, VFW_A_VM_NAME, (const char *)vm->name);
	vnl_put_flag(request, VFW_A_VM_HOLD);
	hold_put(request, VFW_A_VM_HOLD_LIMITS, &target->limits);
	code = vnl_do(request, NULL, NULL);
	target->vm_made = code == DONE;
	return code;
}

static int take_type(const struct vnl_reply *reply, void *data)
{
	int *type = data;

	if (reply->attrs[VFW_A_PORT_TYPE])
		*type = nla_get_u32(reply->attrs[VFW_A_PORT_TYPE]);
	return DONE;
}

/* What faces another way than it did should be known; a negative type is not known yet. */
static void note_type(const char *name, int type, int old_type)
{
	if (type >= 0 && type != old_type)
		note("port %s is of type %s here, it was %s at the source", name,
		     spec_enum_name(&spec_port_type, type),
		     spec_enum_name(&spec_port_type, old_type));
	else if (type < 0 && old_type == VFW_PORT_TYPE_MIRRORED)
		note("port %s was mirrored at the source; here it is as its netdev's kind says",
		     name);
}

/*
 * The type is not taken over but left to the kernel, which finds it from the netdev: the VM may
 * have left a macvtap and be arriving at a tap. That it is a trunk is the VM's, and is.
 */
static int declare_port(struct restore_target *target, unsigned int i,
			const struct vfw_state_port *port)
{
	struct nl_msg *request = vnl_request(VFW_CMD_PORT_NEW);
	int code, type = -1;

	vnl_put(request, VFW_A_PORT_VM, target->uuid, sizeof(target->uuid));
	vnl_put_string(request, VFW_A_PORT_NAME, target->ports[i]);
	if (port->flags & VFW_STATE_PORT_TRUNK)
		vnl_put_flag(request, VFW_A_PORT_TRUNK);
	code = vnl_do(request, take_type, &type);
	target->made[i] = code == DONE;
	if (code == DONE)
		note_type(target->ports[i], type, port->type);
	return code;
}

/* What was declared beforehand stays as it is, but should be known. */
static void note_trunk(const struct restore_target *target, unsigned int i,
		       const struct vfw_state_port *port)
{
	bool trunk = port->flags & VFW_STATE_PORT_TRUNK;

	if (trunk != target->trunk[i])
		note("port %s is %s here, it was %s at the source", target->ports[i],
		     target->trunk[i] ? "a trunk" : "no trunk", trunk ? "one" : "none");
}

/**
 * target_declare() - declare the VM and its ports where they are not
 * @target: where to; its ports are named
 * @vm: record of the snapshot
 * @ports: records of the snapshot
 *
 * Ports that are declared already stay as they are. The VM is declared holding, so that
 * nothing is judged before the state is there.
 *
 * Return: enum exit_code; whatever it is, target_forget() undoes it.
 */
int target_declare(struct restore_target *target, const struct vfw_state_vm *vm,
		   const struct vfw_state_port *ports)
{
	bool vm_there;
	int code = look_around(target, &vm_there);

	if (code == DONE && !vm_there)
		code = declare_vm(target, vm);
	for (unsigned int i = 0; code == DONE && i < target->port_count; i++) {
		if (target->there[i])
			note_trunk(target, i, &ports[i]);
		else
			code = declare_port(target, i, &ports[i]);
	}
	return code;
}

static void undo(__u8 command, int attr, const void *data, size_t length)
{
	struct nl_msg *request = vnl_request(command);

	vnl_put(request, attr, data, length);
	vnl_do(request, NULL, NULL);
}

/**
 * target_forget() - delete what target_declare() declared
 * @target: where to
 */
void target_forget(struct restore_target *target)
{
	for (unsigned int i = 0; i < target->port_count; i++)
		if (target->made[i])
			undo(VFW_CMD_PORT_DEL, VFW_A_PORT_NAME, target->ports[i],
			     strlen(target->ports[i]) + 1);
	if (target->vm_made)
		undo(VFW_CMD_VM_DEL, VFW_A_VM_UUID, target->uuid, sizeof(target->uuid));
}
