// SPDX-License-Identifier: GPL-2.0
/* The module of the KUnit suites; they are in the other files of this directory. */

#include <linux/module.h>

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of vfw");
