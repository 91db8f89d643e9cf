/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VFW_NL_BATCH_H
#define VFW_NL_BATCH_H

#include "vfw-nl.h"

#define BATCH_WORDS 256

int batch_split(char *line, char *words[BATCH_WORDS], int *count);

#endif /* VFW_NL_BATCH_H */
