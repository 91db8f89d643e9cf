// SPDX-License-Identifier: GPL-2.0
/*
 * Checksums of snapshot frames, for those who write them and those who read them.
 */

#include <linux/crc32c.h>
#include <linux/stddef.h>

#include "main.h"
#include "snapshot.h"

/**
 * vfw_snapshot_crc() - the checksum of a frame
 * @frame: the frame, all of @frame->length
 *
 * Return: CRC-32C (RFC 9260, appendix A) of the frame, taken with its crc field zero.
 */
u32 vfw_snapshot_crc(const struct vfw_state_frame *frame)
{
	const size_t at = offsetof(struct vfw_state_frame, crc), next = at + sizeof(frame->crc);
	const __le32 zero = 0;
	u32 crc;

	crc = crc32c(~0, frame, at);
	crc = crc32c(crc, &zero, sizeof(zero));
	return ~crc32c(crc, (const u8 *)frame + next, le32_to_cpu(frame->length) - next);
}
EXPORT_SYMBOL_VFW_TEST(vfw_snapshot_crc);

/**
 * vfw_snapshot_digest() - add a frame to a stream's digest
 * @digest: of the frames before it; 0 for none
 * @frame: the frame, sealed
 *
 * The digest is taken of checksums, each of which stands for a whole frame: taken of the frames
 * it would cost as much as all checksums once more.
 *
 * Return: the digest of all frames so far.
 */
u32 vfw_snapshot_digest(u32 digest, const struct vfw_state_frame *frame)
{
	return ~crc32c(~digest, &frame->crc, sizeof(frame->crc));
}
EXPORT_SYMBOL_VFW_TEST(vfw_snapshot_digest);

/**
 * vfw_snapshot_seal() - set a frame's checksum
 * @frame: the frame, complete but for it
 */
void vfw_snapshot_seal(struct vfw_state_frame *frame)
{
	frame->crc = cpu_to_le32(vfw_snapshot_crc(frame));
}
EXPORT_SYMBOL_VFW_TEST(vfw_snapshot_seal);
