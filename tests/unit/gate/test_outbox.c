/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring of messages: whatever was put in comes out, whole and in order; what does not fit marks it overrun and breaks nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/gate/outbox.h"
#include "tests/oracle/generate.h"

enum { ROOM = 4096, STEPS = 200000 };

static uint8_t ring[ROOM] __attribute__((aligned(8)));
static uint8_t what[ROOM];

static void test_in_order(void **state)
{
	struct fg_outbox o = { .ring = ring, .room = ROOM };
	struct or_random r = or_random_seed(49);
	uint32_t in = 0, out = 0, overruns = 0;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		const struct fg_message *m;

		if (or_random_chance(&r, 52)) {
			uint32_t octets = or_random_below(&r, 700);

			memset(what, (int)(in & 0xff), octets);
			fg_outbox_put(&o, FG_SAY_EVENT, in, what, octets);
			if (o.overrun) {
				overruns++;
				fg_outbox_reset(&o);
				out = in;
				continue;
			}
			in++;
		} else if ((m = fg_outbox_first(&o)) != NULL) {
			const uint8_t *at = (const uint8_t *)(m + 1);

			assert_int_equal(m->id, out++);
			for (uint32_t k = 0; k < m->octets - sizeof(*m); k++)
				assert_int_equal(at[k], m->id & 0xff);
			fg_outbox_pop(&o);
		}
	}
	assert_true(overruns > 10 && in > STEPS / 4);
}

static void test_closed(void **state)
{
	struct fg_outbox o = { .ring = ring, .room = ROOM, .closed = true };

	(void)state;
	for (int i = 0; i < 100; i++)
		fg_outbox_put(&o, FG_SAY_EVENT, 0, what, 1000);
	assert_null(fg_outbox_first(&o));
	assert_false(o.overrun);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_in_order), cmocka_unit_test(test_closed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
