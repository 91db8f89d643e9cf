/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFW_NL_VM_H
#define VFW_NL_VM_H

struct vnl_reply;

void vm_show_line(const struct vnl_reply *reply);

#endif /* VFW_NL_VM_H */
