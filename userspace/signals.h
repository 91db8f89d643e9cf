/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must not be left half done catches the signals that end a program, looks now and then
 * whether one came, and cleans up itself.
 */
#ifndef VFW_NL_SIGNALS_H
#define VFW_NL_SIGNALS_H

#include "vfw-nl.h"

void signals_catch(void);
void signals_release(void);
bool signals_caught(void);

#endif /* VFW_NL_SIGNALS_H */
