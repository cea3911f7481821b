/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pcapng, as far as samples need it: one section, an interface description each, enhanced packets with comments. In: frames.
 * Out: blocks, each put together in memory and written at once, in host byte order, which the section header tells.
 */
#include "ctrl/cli/pcapng.h"

#include <errno.h>
#include <string.h>

enum {
	SECTION = 0x0a0d0d0a,
	SECTION_MAGIC = 0x1a2b3c4d,
	INTERFACE = 1,
	ENHANCED_PACKET = 6,
	LINK_ETHERNET = 1,
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_NAME = 2,    /* of an interface */
	OPTION_TSRESOL = 9, /* of an interface */
	NANOSECONDS = 9,
	BLOCK_MAX = FG_PCAPNG_FRAME_MAX + FG_PCAPNG_COMMENTS * (FG_PCAPNG_COMMENT_MAX + 8) + 128,
};

struct block {
	uint8_t octets[BLOCK_MAX];
	size_t len;
};

/* Octets, and zeros up to a multiple of four. */
static void put(struct block *b, const void *octets, size_t len)
{
	if (len > 0)
		memcpy(b->octets + b->len, octets, len);
	b->len += len;
	while (b->len % 4 != 0)
		b->octets[b->len++] = 0;
}

static void put32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

/* Two values of 16 bits, which are always together. */
static void put16s(struct block *b, uint16_t first, uint16_t second)
{
	uint16_t both[2] = { first, second };

	put(b, both, sizeof(both));
}

static void put_option(struct block *b, uint16_t code, const char *value, size_t len)
{
	put16s(b, code, (uint16_t)len);
	put(b, value, len);
}

static void block_start(struct block *b, uint32_t type)
{
	b->len = 0;
	put32(b, type);
	put32(b, 0); /* the length, known at the end */
}

static int block_end(struct block *b, FILE *file)
{
	uint32_t len = (uint32_t)b->len + 4;

	put32(b, len);
	memcpy(b->octets + 4, &len, sizeof(len));
	if (fwrite(b->octets, b->len, 1, file) != 1 || fflush(file) != 0)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

int fg_pcapng_start(struct fg_pcapng *p, FILE *file)
{
	static const int64_t length_unknown = -1;
	struct block b;

	p->file = file;
	p->interfaces = 0;
	block_start(&b, SECTION);
	put32(&b, SECTION_MAGIC);
	put16s(&b, 1, 0); /* version */
	put(&b, &length_unknown, sizeof(length_unknown));
	return block_end(&b, file);
}

static int interface_write(struct fg_pcapng *p, const char *name)
{
	static const char resolution = NANOSECONDS;
	struct block b;

	block_start(&b, INTERFACE);
	put16s(&b, LINK_ETHERNET, 0);
	put32(&b, 0); /* no limit of a frame's octets */
	put_option(&b, OPTION_NAME, name, strlen(name));
	put_option(&b, OPTION_TSRESOL, &resolution, 1);
	put_option(&b, OPTION_END, NULL, 0);
	return block_end(&b, p->file);
}

/* Its number, written if it is new; -errno. */
static int interface_number(struct fg_pcapng *p, const char *name)
{
	char known[FG_PCAPNG_NAME_MAX + 1];
	int r;

	snprintf(known, sizeof(known), "%s", name);
	for (uint32_t i = 0; i < p->interfaces; i++)
		if (strcmp(p->interface[i], known) == 0)
			return (int)i;
	if (p->interfaces == FG_PCAPNG_INTERFACES_MAX)
		return -ENOSPC;
	r = interface_write(p, known);
	if (r != 0)
		return r;
	strcpy(p->interface[p->interfaces], known);
	return (int)p->interfaces++;
}

int fg_pcapng_write(struct fg_pcapng *p, const struct fg_pcapng_frame *f)
{
	int interface = interface_number(p, f->interface);
	uint32_t captured = f->captured < FG_PCAPNG_FRAME_MAX ? f->captured : FG_PCAPNG_FRAME_MAX;
	struct block b;

	if (interface < 0)
		return interface;
	block_start(&b, ENHANCED_PACKET);
	put32(&b, (uint32_t)interface);
	put32(&b, (uint32_t)(f->time_ns >> 32));
	put32(&b, (uint32_t)f->time_ns);
	put32(&b, captured);
	put32(&b, f->length);
	put(&b, f->octets, captured);
	for (size_t i = 0; i < FG_PCAPNG_COMMENTS; i++)
		if (f->comment[i] != NULL)
			put_option(&b, OPTION_COMMENT, f->comment[i], strnlen(f->comment[i], FG_PCAPNG_COMMENT_MAX));
	put_option(&b, OPTION_END, NULL, 0);
	return block_end(&b, p->file);
}
