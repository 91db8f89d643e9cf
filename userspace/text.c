// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <linux/if_ether.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/**
 * uuid_parse() - read a UUID of the form 8-4-4-4-12
 * @word: text
 * @uuid: filled, bytes in the order in which they are written
 *
 * Return: false when @word is no UUID.
 */
bool uuid_parse(const char *word, __u8 uuid[16])
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	unsigned int digits = 0;

	if (strlen(word) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++) {
		int value = hex_digit(word[i]);

		if (form[i] == '-' ? word[i] != '-' : value < 0)
			return false;
		if (form[i] == '-')
			continue;
		uuid[digits / 2] = digits % 2 ? uuid[digits / 2] | value : value << 4;
		digits++;
	}
	return true;
}

/**
 * uuid_text() - write a UUID
 * @uuid: the UUID
 * @text: filled
 *
 * Return: @text.
 */
const char *uuid_text(const __u8 uuid[16], char text[UUID_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	char *to = text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = hex[uuid[i] >> 4];
		*to++ = hex[uuid[i] & 15];
	}
	*to = '\0';
	return text;
}

/**
 * address_parse() - read an IPv4 or IPv6 address
 * @word: text
 * @address: filled
 * @bytes: set to 4 or 16
 *
 * Return: false when @word is no address.
 */
bool address_parse(const char *word, __u8 address[16], unsigned int *bytes)
{
	if (inet_pton(AF_INET, word, address) == 1)
		*bytes = 4;
	else if (inet_pton(AF_INET6, word, address) == 1)
		*bytes = 16;
	else
		return false;
	return true;
}

/**
 * prefix_parse() - read an address with or without a prefix length
 * @word: text, ADDRESS or ADDRESS/LENGTH
 * @address: filled
 * @bytes: set to 4 or 16
 * @bits: set to the length, all bits when none is given
 *
 * Return: false when @word is neither, or the length too great.
 */
bool prefix_parse(const char *word, __u8 address[16], unsigned int *bytes, unsigned int *bits)
{
	const char *slash = strchr(word, '/');
	char text[ADDRESS_TEXT];
	size_t length = slash ? (size_t)(slash - word) : strlen(word);
	char *end;

	if (length >= sizeof(text))
		return false;
	memcpy(text, word, length);
	text[length] = '\0';
	if (!address_parse(text, address, bytes))
		return false;
	*bits = *bytes * 8;
	if (!slash)
		return true;
	if (!isdigit((unsigned char)slash[1]) || strlen(slash + 1) > 3)
		return false;
	*bits = strtoul(slash + 1, &end, 10);
	return *end == '\0' && *bits <= *bytes * 8;
}

/**
 * address_text() - write an address
 * @address: 4 or 16 bytes
 * @bytes: how many
 * @text: filled
 *
 * Return: @text.
 */
const char *address_text(const void *address, unsigned int bytes, char text[ADDRESS_TEXT])
{
	if (!inet_ntop(bytes == 4 ? AF_INET : AF_INET6, address, text, ADDRESS_TEXT))
		text[0] = '\0';
	return text;
}

/* What /etc/protocols is asked for, kept since a listing asks a million times. */
static const char *protocols[256];
static bool protocols_read;

static void protocols_load(void)
{
	struct protoent *entry;

	/* These must have their names where there is no such file, too. */
	protocols[1] = "icmp";
	protocols[6] = "tcp";
	protocols[17] = "udp";
	protocols[58] = "icmpv6";
	setprotoent(1);
	while ((entry = getprotoent()))
		if (entry->p_proto > 0 && entry->p_proto < 256 && !protocols[entry->p_proto])
			protocols[entry->p_proto] = strdup(entry->p_name);
	endprotoent();
	protocols_read = true;
}

/**
 * protocol_parse() - read an IP protocol
 * @word: a number from 0 to 255, or a name of /etc/protocols
 *
 * Return: its number, -1 when there is none.
 */
int protocol_parse(const char *word)
{
	char *end;
	unsigned long number;

	if (isdigit((unsigned char)word[0])) {
		number = strtoul(word, &end, 10);
		return *end == '\0' && number < 256 ? (int)number : -1;
	}
	if (!protocols_read)
		protocols_load();
	for (int i = 0; i < 256; i++)
		if (protocols[i] && strcmp(protocols[i], word) == 0)
			return i;
	return -1;
}

/**
 * protocol_name() - the name of an IP protocol
 * @protocol: its number
 *
 * Return: its name; NULL when it has none or numbers are wanted (-n).
 */
const char *protocol_name(unsigned int protocol)
{
	if (options.numeric || protocol > 255)
		return NULL;
	if (!protocols_read)
		protocols_load();
	return protocols[protocol];
}

/**
 * protocol_has_ports() - does a protocol's header begin with two ports?
 * @protocol: its number
 */
bool protocol_has_ports(unsigned int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	       protocol == IPPROTO_UDPLITE || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP;
}

/* The same of /etc/services, for TCP and UDP. */
static const char *services[2][65536];
static bool services_read;

static void services_load(void)
{
	struct servent *entry;

	setservent(1);
	while ((entry = getservent())) {
		bool udp = strcmp(entry->s_proto, "udp") == 0;
		const char **slot = &services[udp][ntohs(entry->s_port)];

		if ((udp || strcmp(entry->s_proto, "tcp") == 0) && !*slot)
			*slot = strdup(entry->s_name);
	}
	endservent();
	services_read = true;
}

/**
 * service_name() - the name of a TCP or UDP port
 * @protocol: IP protocol
 * @port: port, host order
 *
 * Return: its name; NULL when it has none or numbers are wanted (-n).
 */
const char *service_name(unsigned int protocol, unsigned int port)
{
	if (options.numeric || (protocol != 6 && protocol != 17) || port > 65535)
		return NULL;
	if (!services_read)
		services_load();
	return services[protocol == 17][port];
}

/* Ethertypes that begin a VLAN tag; those of the standards have names. */
static const struct {
	unsigned int type;
	const char *name;
} vlan_types[] = {
	{ ETH_P_8021Q, "802.1q" },
	{ ETH_P_8021AD, "802.1ad" },
	{ ETH_P_QINQ1, NULL },
	{ ETH_P_QINQ2, NULL },
	{ ETH_P_QINQ3, NULL },
};

/**
 * vlan_type_known() - does an ethertype begin a VLAN tag?
 * @type: the ethertype
 */
bool vlan_type_known(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(vlan_types); i++)
		if (vlan_types[i].type == type)
			return true;
	return false;
}

/**
 * vlan_type_parse() - read the type of a VLAN tag
 * @word: 802.1q, 802.1ad, or an ethertype such as 0x9100
 * @type: its number
 *
 * Return: false when it is none.
 */
bool vlan_type_parse(const char *word, unsigned int *type)
{
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(vlan_types); i++) {
		if (!vlan_types[i].name || strcmp(vlan_types[i].name, word) != 0)
			continue;
		*type = vlan_types[i].type;
		return true;
	}
	if (!isdigit((unsigned char)word[0]))
		return false;
	*type = strtoul(word, &end, 0);
	return *end == '\0' && vlan_type_known(*type);
}

/**
 * vlan_type_text() - the type of a VLAN tag as text
 * @type: its number
 * @text: filled, unless it has a name
 *
 * Return: its name; @text when it has none or numbers are wanted (-n).
 */
const char *vlan_type_text(unsigned int type, char text[VLAN_TYPE_TEXT])
{
	for (size_t i = 0; i < ARRAY_SIZE(vlan_types) && !options.numeric; i++)
		if (vlan_types[i].type == type && vlan_types[i].name)
			return vlan_types[i].name;
	snprintf(text, VLAN_TYPE_TEXT, "0x%04x", type & 0xffff);
	return text;
}
