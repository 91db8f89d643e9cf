// SPDX-License-Identifier: GPL-2.0
#include "nl.h"
#include "print.h"
#include "vfw-nl.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#define OUTPUT_BUFFER (64 * 1024)

static const char usage[] =
	"Usage: vfw-nl [OPTIONS] OBJECT COMMAND [KEY VALUE ...]\n"
	"       vfw-nl [OPTIONS] -b FILE\n"
	"       vfw-nl OBJECT help\n"
	"\n"
	"OBJECT  := vm | port | policy | flow | snapshot | stats | monitor\n"
	"OPTIONS := -j | --json        print JSON\n"
	"           -p | --pretty      ... with line breaks\n"
	"           -s | --statistics  print statistics and details\n"
	"           -n | --numeric     print numbers, not names of protocols and services\n"
	"           -b | --batch FILE  take commands from FILE (- for standard input)\n"
	"           -f | --force       go on after a command of a batch failed\n"
	"           -V | --version     print the version\n"
	"           -h | --help        print this\n"
	"\n"
	"Exit status: 0 all well, 1 wrong usage or a local error, 2 the kernel refused.\n";

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "statistics", no_argument, NULL, 's' },
	{ "numeric", no_argument, NULL, 'n' },
	{ "batch", required_argument, NULL, 'b' },
	{ "force", no_argument, NULL, 'f' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/* Return: whether the tool goes on; else *code is its exit code. */
static bool take_option(int option, const char **batch, int *code)
{
	*code = DONE;
	switch (option) {
	case 'j':
		options.json = true;
		return true;
	case 'p':
		options.pretty = true;
		return true;
	case 's':
		options.details = true;
		return true;
	case 'n':
		options.numeric = true;
		return true;
	case 'f':
		options.force = true;
		return true;
	case 'b':
		*batch = optarg;
		return true;
	case 'V':
		puts("vfw-nl " VFW_NL_VERSION);
		return false;
	case 'h':
		fputs(usage, stdout);
		return false;
	default:
		/* getopt_long() said why. */
		*code = FAILED;
		return false;
	}
}

int main(int argc, char **argv)
{
	const char *batch = NULL;
	int option, code;

	argv[0] = "vfw-nl";
	/* A million flows go through here. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	while ((option = getopt_long(argc, argv, "+jpsnb:fVh", long_options, NULL)) != -1)
		if (!take_option(option, &batch, &code))
			goto out;
	argc -= optind;
	argv += optind;
	if (batch)
		code = argc ? fail("-b takes its commands from the file; '%s' is too much",
				   argv[0]) : batch_run(batch);
	else if (argc == 0)
		code = fail("an object and a command expected; see vfw-nl --help");
	else
		code = command_run(argc, argv);
out:
	vnl_close();
	return print_flush() && code == DONE ? FAILED : code;
}
