// SPDX-License-Identifier: GPL-2.0
#include "args.h"
#include "vfw-nl.h"

#include <stdio.h>
#include <string.h>

struct options options;

static const struct object *const objects[] = {
	&vm_object,
	&port_object,
	&policy_object,
	&flow_object,
	&snapshot_object,
	&stats_object,
	&monitor_object,
};

static const struct object *find_object(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (strcmp(objects[i]->name, name) == 0)
			return objects[i];
	return NULL;
}

static int unknown_verb(const struct object *object, const char *word)
{
	char list[256] = "";
	size_t used = 0;

	for (const struct verb *verb = object->verbs; verb->name; verb++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s",
				 used ? ", " : "", verb->name);
	if (!word)
		return fail("%s needs a command: %s, help", object->name, list);
	return fail("%s has no command '%s'; it has %s, help", object->name, word, list);
}

/**
 * command_run() - do one command
 * @argc: how many words
 * @argv: object, verb and what follows
 *
 * Return: enum exit_code.
 */
int command_run(int argc, char **argv)
{
	struct args args = { argc, argv };
	const char *name = args_need(&args, "an object (vm, port, policy, ...)");
	const struct object *object;
	const char *word;

	if (!name)
		return FAILED;
	object = find_object(name);
	if (!object)
		return fail("'%s' is no object; vfw-nl --help lists them", name);
	word = args_next(&args);
	if (!word)
		return object->standard ? object->standard(&args) :
					  unknown_verb(object, NULL);
	if (strcmp(word, "help") == 0) {
		fputs(object->help, stdout);
		return DONE;
	}
	for (const struct verb *verb = object->verbs; verb->name; verb++)
		if (strcmp(verb->name, word) == 0)
			return verb->run(&args);
	return unknown_verb(object, word);
}
