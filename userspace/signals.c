// SPDX-License-Identifier: GPL-2.0
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
static struct sigaction before[ARRAY_SIZE(numbers)];
static atomic_bool caught;

static void on_signal(int number)
{
	(void)number;
	caught = true;
}

/** signals_catch() - from now on, the signals that end a program are only noted */
void signals_catch(void)
{
	/* No SA_RESTART: a read that waits for a pipe is to end. */
	struct sigaction action = { .sa_handler = on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaction(numbers[i], &action, &before[i]);
}

/** signals_release() - undo signals_catch() */
void signals_release(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaction(numbers[i], &before[i], NULL);
}

/**
 * signals_caught() - did a signal come
 *
 * Return: whether one ever did.
 */
bool signals_caught(void)
{
	return caught;
}
