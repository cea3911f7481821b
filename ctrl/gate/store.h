/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule store: which rules there are, in memory that outlives the process (a pinned map). Fixed cells; a rule takes consecutive ones and
 * its slot is the number of the first. The first FG_PROTECT_MAX cells, whose slots are those of protect entries, hold the header.
 *
 * A journal by generations. Each record says which generation brought it and which took it away. What the header calls the generation is
 * what is true; it is one store of 8 octets, and the only commit point. So whenever the process dies, what is found is one generation or
 * the next: a record of a later one was being made and is freed, a deletion of a later one is undone. Stores are ordered by release; they
 * need no flush, for the memory is the kernel's.
 */
#ifndef CTRL_GATE_STORE_H
#define CTRL_GATE_STORE_H

#include "ctrl/gate/record.h"

enum {
	FG_STORE_VERSION = 2,
	FG_CELL_OCTETS = 512,
	FG_QUARANTINE_MAX = 1024,
	FG_CELL_NLRI = 72, /* octets of NLRI and pattern in the first cell */
	FG_CELLS_MAX = 1 + (FG_NLRI_MAX + FG_PATTERN_TEXT_MAX - FG_CELL_NLRI + FG_CELL_OCTETS - 1) /
				   FG_CELL_OCTETS, /* of one rule */
};

#define FG_STORE_MAGIC 0x65726f7473676c66ull
/* fg_cell.added of a record that no generation has yet, or that is being freed. */
#define FG_STAGED UINT64_MAX

/*
 * First cell of a record. Times are CLOCK_BOOTTIME, which no one can set.
 *
 * A rule that has no room and waits for some is a record that is deleted and `waits`: the generation that finds room brings it back by
 * `restored`, as a revert does what was deleted, and from one that withdraws it on it is `forgotten`.
 */
struct fg_cell {
	uint64_t added;     /* generation; 0: free */
	uint64_t deleted;   /* generation; 0: it is there */
	uint64_t restored;  /* generation that brought it back although deleted */
	uint64_t forgotten; /* generation from which on it must not be brought back */
	uint64_t sequence;
	uint64_t added_ns, expires_ns; /* expires_ns 0: never */
	uint8_t family, offset_form, flags, cells;
	uint16_t nlri_len, waits; /* waits 1: where it is deleted, it waits for room; means nothing where it is not */
	uint16_t payload_octets, pad;
	struct fg_actions actions;
	char name[FG_NAME_MAX + 1];
	struct fg_owner by;
	uint8_t nlri[FG_CELL_NLRI]; /* and the payload pattern behind it; goes on in the next cells, without a gap */
};

_Static_assert(sizeof(struct fg_cell) == FG_CELL_OCTETS, "a cell");

struct fg_store_header {
	uint64_t magic;
	uint32_t version, cells;
	uint64_t generation;
	uint64_t sequence;           /* of the next rule */
	uint64_t confirm_generation; /* waits to be confirmed; 0: none does */
	uint64_t confirm_until_ns;
	uint64_t
		crash_generation; /* that the process was started on last, or was well on; 0: it is started for the first time */
	uint32_t crashes; /* starts on it, and the death of who made it, since it last ended well */
	uint32_t shadow;
	uint32_t quarantined;
	uint32_t trying; /* 1: rules that wait are being tried, and are at fault if the process dies */
	uint64_t quarantine[FG_QUARANTINE_MAX]; /* fg_record_hash() */
	uint64_t made; /* by which it is known from other stores; 0: it has no such number yet */
};

_Static_assert(sizeof(struct fg_store_header) <= FG_PROTECT_MAX * FG_CELL_OCTETS, "in front of the rules");

struct fg_store {
	struct fg_store_header *head;
	struct fg_cell *cell;
	uint32_t cells;
	uint64_t *taken; /* private: bit c: cell c is in use */
	uint32_t at;     /* private: search goes on here */
	/* Called behind each store that the journal rests on; NULL but in tests, which let the process die there. */
	void (*written)(void *ctx);
	void *ctx;
};

/* Octets of private memory that a store of so many cells needs. */
size_t fg_store_private(uint32_t cells);

/*
 * Opens the store in memory[] (8-aligned, of cells * FG_CELL_OCTETS, zeroed at first) and brings it to its last whole generation.
 * *adopted: there was one. Records that are none are freed and counted in *damaged. 0; -EPROTO: of another version or size, untouched.
 */
int fg_store_open(struct fg_store *s, void *memory, uint32_t cells, void *private, bool *adopted, uint32_t *damaged);

/* What a record is as of the generation that is true. */
enum fg_fate {
	FG_FATE_THERE,
	FG_FATE_WAITS, /* for room */
	FG_FATE_KEPT,  /* deleted by the generation that waits for confirmation */
	FG_FATE_GONE,
};

enum fg_fate fg_store_fate(const struct fg_store *s, const struct fg_cell *c);

/* The next slot with a record behind `slot`, 0: there is none. Start with 0. */
uint32_t fg_store_next(const struct fg_store *s, uint32_t slot);

/* Cells that a rule of so many octets takes. */
uint32_t fg_store_cells(uint16_t nlri_len, uint16_t payload_octets);
/* Puts a record in, staged: no generation has it. Its slot, or 0: there is no room. */
uint32_t fg_store_put(struct fg_store *s, const struct fg_record *r, uint64_t sequence, uint64_t now_ns);
void fg_store_free(struct fg_store *s, uint32_t slot);
/* Writes one of the generations of a record. */
void fg_store_mark(struct fg_store *s, uint64_t *at, uint64_t generation);
/* It is there again, as of the generation that is true; what has waited counts as brought by it. */
void fg_store_restore(struct fg_store *s, struct fg_cell *c);
/* From here on, the generation is true. */
void fg_store_commit(struct fg_store *s, uint64_t generation);
/* A new sequence number: none is ever given twice. */
uint64_t fg_store_sequence(struct fg_store *s);

/* A confirmation that waits, from that generation on; generation 0: none. */
void fg_store_confirm(struct fg_store *s, uint64_t generation, uint64_t until_ns);

bool fg_store_quarantined(const struct fg_store *s, uint64_t hash);
/* 0, -ENOSPC, or -ENOENT where one is to go that is not there. */
int fg_store_quarantine(struct fg_store *s, uint64_t hash, bool on);

/*
 * Once at start. Where the process has died on one generation for the third time, without fg_store_stable() since, that generation is at
 * fault: it is undone in a new one, and the rules it brought are quarantined. Where it died while rules that wait were tried, these are at
 * fault: they go, into quarantine. True where one of the two was so.
 */
bool fg_store_started(struct fg_store *s);
/* It runs, or was asked to end. */
void fg_store_stable(struct fg_store *s);

#endif
