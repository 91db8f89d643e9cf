/* SPDX-License-Identifier: GPL-2.0 */
/* UUIDs, addresses, protocols and services to text and back. */
#ifndef VFW_NL_TEXT_H
#define VFW_NL_TEXT_H

#include "vfw-nl.h"

#define UUID_TEXT 37
#define ADDRESS_TEXT 46

bool uuid_parse(const char *word, __u8 uuid[16]);
const char *uuid_text(const __u8 uuid[16], char text[UUID_TEXT]);

bool address_parse(const char *word, __u8 address[16], unsigned int *bytes);
bool prefix_parse(const char *word, __u8 address[16], unsigned int *bytes, unsigned int *bits);
const char *address_text(const void *address, unsigned int bytes, char text[ADDRESS_TEXT]);

int protocol_parse(const char *word);
const char *protocol_name(unsigned int protocol);
const char *service_name(unsigned int protocol, unsigned int port);

#endif /* VFW_NL_TEXT_H */
