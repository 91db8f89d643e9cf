// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring: which staged flow has which place of a live stream.
 *
 * Two maps, one the inverse of the other: from places to where flows are in the staged table, and
 * back, because a flow may turn up at another place before its old one is known to be empty. Each
 * is an xarray of leaves of 64 numbers, of which a chunk at the source, or here, fills one. A flow
 * of IPv4 takes 6.6 bytes in each, of another kind 8 to 12; in the table it takes 120 and more.
 *
 * An enemy can have each place in a leaf of its own, of 256 bytes. There are VFW_STATE_PLACES, so
 * that all leaves together take 2 GiB, and the nodes of the xarray 75 MiB: no more than as many
 * flows take as a VM may have. A leaf goes with its last flow.
 */

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "restore_stage.h"

#define LEAF_PLACES	64U

/**
 * struct leaf - where so many places in a row lead
 * @to: the number it leads to, plus one; 0 for none
 */
struct leaf {
	u32 to[LEAF_PLACES];
};

static u32 map_get(const struct xarray *map, u32 from)
{
	const struct leaf *leaf = xa_load((struct xarray *)map, from / LEAF_PLACES);

	/* Where there is nothing, this is VFW_PLACE_NONE. */
	return (leaf ? leaf->to[from % LEAF_PLACES] : 0) - 1;
}

static struct leaf *leaf_add(struct xarray *map, u32 number)
{
	struct leaf *leaf = kzalloc_obj(*leaf, GFP_KERNEL_ACCOUNT);

	if (leaf && xa_err(xa_store(map, number, leaf, GFP_KERNEL_ACCOUNT))) {
		kfree(leaf);
		return NULL;
	}
	return leaf;
}

static int map_set(struct xarray *map, u32 from, u32 to)
{
	struct leaf *leaf = xa_load(map, from / LEAF_PLACES);

	leaf = leaf ?: leaf_add(map, from / LEAF_PLACES);
	if (!leaf)
		return -ENOMEM;
	leaf->to[from % LEAF_PLACES] = to + 1;
	return 0;
}

static void map_clear(struct xarray *map, u32 from)
{
	struct leaf *leaf = xa_load(map, from / LEAF_PLACES);

	if (!leaf)
		return;
	leaf->to[from % LEAF_PLACES] = 0;
	if (memchr_inv(leaf, 0, sizeof(*leaf)))
		return;
	xa_erase(map, from / LEAF_PLACES);
	kfree(leaf);
}

static void map_free(struct xarray *map)
{
	unsigned long number;
	struct leaf *leaf;

	xa_for_each(map, number, leaf) {
		kfree(leaf);
		cond_resched();
	}
	xa_destroy(map);
}

/**
 * vfw_places_init() - begin with no places
 * @places: where
 */
void vfw_places_init(struct vfw_places *places)
{
	xa_init(&places->staged);
	xa_init(&places->place);
}

/**
 * vfw_places_free() - forget all places
 * @places: where
 *
 * Context: process context; sleeps.
 */
void vfw_places_free(struct vfw_places *places)
{
	map_free(&places->staged);
	map_free(&places->place);
}

/**
 * vfw_places_find() - which flow has a place?
 * @places: where
 * @place: the place
 *
 * Return: where it is in the staged table, or VFW_PLACE_NONE.
 */
u32 vfw_places_find(const struct vfw_places *places, u32 place)
{
	return map_get(&places->staged, place);
}

/**
 * vfw_places_set() - from now on a flow has this place, and no other
 * @places: where
 * @place: the place, which no other flow has
 * @staged: where the flow is in the staged table
 *
 * Return: 0 or -ENOMEM.
 */
int vfw_places_set(struct vfw_places *places, u32 place, u32 staged)
{
	u32 before = map_get(&places->place, staged);
	int err;

	if (before == place)
		return 0;
	if (before != VFW_PLACE_NONE)
		map_clear(&places->staged, before);
	err = map_set(&places->staged, place, staged);
	return err ?: map_set(&places->place, staged, place);
}

/**
 * vfw_places_clear() - from now on no flow has this place
 * @places: where
 * @place: the place; whether one has it or not
 */
void vfw_places_clear(struct vfw_places *places, u32 place)
{
	u32 staged = map_get(&places->staged, place);

	if (staged == VFW_PLACE_NONE)
		return;
	map_clear(&places->staged, place);
	map_clear(&places->place, staged);
}
