/* SPDX-License-Identifier: GPL-2.0 */
/* UUIDs, addresses, protocols, services and types of VLAN tags to text and back. */
#ifndef VFW_NL_TEXT_H
#define VFW_NL_TEXT_H

#include "vfw-nl.h"

#define UUID_TEXT 37
#define ADDRESS_TEXT 46
#define VLAN_TYPE_TEXT 8

/* The highest number of a VLAN. */
#define VLAN_MAX 4094

bool uuid_parse(const char *word, __u8 uuid[16]);
const char *uuid_text(const __u8 uuid[16], char text[UUID_TEXT]);

bool address_parse(const char *word, __u8 address[16], unsigned int *bytes);
bool prefix_parse(const char *word, __u8 address[16], unsigned int *bytes, unsigned int *bits);
const char *address_text(const void *address, unsigned int bytes, char text[ADDRESS_TEXT]);

int protocol_parse(const char *word);
const char *protocol_name(unsigned int protocol);
bool protocol_has_ports(unsigned int protocol);
const char *service_name(unsigned int protocol, unsigned int port);

bool vlan_type_known(unsigned int type);
bool vlan_type_parse(const char *word, unsigned int *type);
const char *vlan_type_text(unsigned int type, char text[VLAN_TYPE_TEXT]);

#endif /* VFW_NL_TEXT_H */
