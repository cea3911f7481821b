/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the buffers of a burst that are dropped go (worker.h): back to their pool. Those of one piece and one owner go as they are. The library's
 * way looks whether more hang on each, on a line that nobody has read: for a flood that is dropped it is one of the four that a packet costs.
 */
#include "dataplane/worker.h"

static bool is_whole(const struct rte_mbuf *m, const struct rte_mempool *pool)
{
	return (m->pool == pool) & (m->refcnt == 1) & (m->nb_segs == 1) & RTE_MBUF_DIRECT(m);
}

void fg_dropped_free(struct fg_worker *w)
{
	struct rte_mempool *pool;
	bool whole = true;

	if (w->drops == 0)
		return;
	pool = w->dropped[0]->pool;
	for (uint32_t i = 0; i < w->drops; i++)
		whole &= is_whole(w->dropped[i], pool);
	if (whole)
		rte_mempool_put_bulk(pool, (void **)w->dropped, w->drops);
	else
		rte_pktmbuf_free_bulk(w->dropped, w->drops);
	w->drops = 0;
}
