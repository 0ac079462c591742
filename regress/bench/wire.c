/* SPDX-License-Identifier: ISC */
/*
 * One direction of a path: a queue, a link that sends at a rate, a delay.
 *
 * The kernel hands over what TCP sends before it is cut into segments, up to
 * 64 KB at a time, and takes it back so; this saves most of the work.  The link
 * sees segments nevertheless: each takes its own room in the queue, its own
 * time and its own chance to be lost.  Neighbours that take no more than
 * QUANTUM_NS together make a run, which is delivered whole when its last bit
 * has arrived.
 *
 * When a run has left the queue is arithmetic on a virtual clock, so a late
 * wake-up costs no rate.  Packets leave in the order in which they came, also
 * when the delay shrinks, but for those that were picked to be late.
 */
#include <sys/uio.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

#define QUANTUM_NS	250000
#define BATCH		64		/* packets taken in a turn */
#define STORE		(64 << 20)
#define VNET		sizeof(struct virtio_net_hdr)
#define BIGGEST		(VNET + 65535)
#define RUNS		65536
#define HELD		512
#define HELD_SIZE	2048		/* of one segment */
#define HEADERS		120		/* of IP and TCP, at most */

/* Segments of one packet in the store. */
struct run {
	int64_t	 came;
	int64_t	 due;			/* when under way */
	uint32_t at, len;		/* the packet: its place, its bytes */
	uint32_t first, n;		/* which segments */
	uint32_t bytes;			/* of these, with headers */
	uint32_t release;		/* bytes of the store free after it */
	int	 late;			/* picked for that */
};

struct held {
	int64_t	 due;
	size_t	 len;
	u_char	 data[HELD_SIZE];
};

/* How a packet falls into segments. */
struct segments {
	uint32_t n;
	uint32_t header;		/* bytes that each has */
	uint32_t payload;		/* of all together */
	uint32_t size;			/* payload of all but the last */
};

/* A number from 0 to 1, 1 excluded (SplitMix64). */
static double
chance(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* The same seed drops the same packets, whatever else is set. */
void
wire_init(struct wire *w, int in, int out, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->in = in;
	w->out = out;
	w->chance_loss = seed;
	w->chance_late = ~seed;
	w->store = malloc(STORE);
	w->runs = calloc(RUNS, sizeof(*w->runs));
	w->held = calloc(HELD, sizeof(*w->held));
	if (w->store == NULL || w->runs == NULL || w->held == NULL)
		err(1, NULL);
}

void
wire_clear(struct wire *w)
{
	free(w->store);
	free(w->runs);
	free(w->held);
}

/*
 * Changes what the letter of an option of path names, in the option's unit.
 * What has left the queue by now arrives as it would have before.
 */
void
wire_set(struct wire *w, int what, double value, int64_t now)
{
	wire_deliver(w, now);
	switch (what) {
	case 'r':
		w->ns_per_byte = value > 0 ? 8e9 / value : 0;
		break;
	case 'd':
		w->delay = (int64_t)(value * 1e6);
		break;
	case 'q':
		w->queue = (size_t)value;
		break;
	case 'l':
		w->loss = value;
		break;
	case 'o':
		w->reorder = value;
		break;
	case 'O':
		w->late = (int64_t)(value * 1e6);
		break;
	}
}

static struct segments
split(const u_char *stored, uint32_t len)
{
	struct segments s = { .n = 1, .header = len };
	const u_char *ip = stored + VNET;
	struct virtio_net_hdr v;
	uint32_t header;

	memcpy(&v, stored, VNET);
	if (v.gso_type != VIRTIO_NET_HDR_GSO_TCPV4 || v.gso_size == 0 ||
	    len < 40)
		return s;
	header = (ip[0] & 15U) * 4;
	header += (ip[header + 12] >> 4) * 4U;
	if (header >= len)
		return s;
	s.header = header;
	s.payload = len - header;
	s.size = v.gso_size;
	s.n = (s.payload + s.size - 1) / s.size;
	return s;
}

/* Bytes of a segment on the link. */
static uint32_t
segment_bytes(const struct segments *s, uint32_t i)
{
	uint32_t left = s->payload - i * s->size;

	return s->header + (left < s->size ? left : s->size);
}

/* Where the next packet can be read to, or NULL when the store is full. */
static u_char *
store_space(struct wire *w)
{
	size_t till_end = STORE - w->head;
	size_t skip = till_end < BIGGEST ? till_end : 0;

	if (w->used + skip + BIGGEST > STORE)
		return NULL;
	if (skip > 0) {
		w->used += skip;
		w->skipped += skip;
		w->head = 0;
	}
	return w->store + w->head;
}

static struct run *
nth_run(const struct wire *w, size_t n)
{
	return &w->runs[(w->first + n) % RUNS];
}

/* May this segment travel with the run before it? */
static int
joins(const struct wire *w, const struct run *last, uint32_t i, uint32_t bytes)
{
	return last->at == w->head && !last->late &&
	    last->first + last->n == i &&
	    (last->bytes + bytes) * w->ns_per_byte <= QUANTUM_NS;
}

/* A segment enters the queue; *last is the packet's last run, or NULL. */
static void
enqueue(struct wire *w, struct run **last, uint32_t len, uint32_t i,
    uint32_t bytes, int64_t now)
{
	int late = chance(&w->chance_late) < w->reorder;

	if (*last == NULL || late || !joins(w, *last, i, bytes)) {
		if (w->count == RUNS) {
			w->counts.own++;
			return;
		}
		*last = nth_run(w, w->count++);
		**last = (struct run){ .came = now, .at = (uint32_t)w->head,
		    .len = len, .first = i, .late = late };
	}
	(*last)->n++;
	(*last)->bytes += bytes;
	w->queued += bytes;
	if (w->queued > w->counts.deepest)
		w->counts.deepest = w->queued;
}

static uint32_t
sum16(const u_char *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)sum);
}

/*
 * Answers a packet of TCP with a reset, as a firewall may that drops it.  The
 * kernel completes the checksum: it wants the sum of the pseudo-header there.
 */
static void
answer_reset(const struct wire *w, const u_char *packet, uint32_t len)
{
	struct {
		struct virtio_net_hdr v;
		struct iphdr ip;
		struct tcphdr tcp;
	} __attribute__((packed)) rst = { .v = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = sizeof(rst.ip),
		.csum_offset = offsetof(struct tcphdr, check),
	} };
	struct tcphdr tcp;
	struct iphdr ip;

	memcpy(&ip, packet, sizeof(ip));
	if (ip.protocol != IPPROTO_TCP || len < ip.ihl * 4U + sizeof(tcp))
		return;
	memcpy(&tcp, packet + ip.ihl * 4, sizeof(tcp));
	if (tcp.rst)
		return;
	rst.ip = (struct iphdr){ .version = 4, .ihl = sizeof(ip) / 4,
	    .tot_len = htons(sizeof(ip) + sizeof(tcp)), .ttl = 64,
	    .protocol = IPPROTO_TCP, .saddr = ip.daddr, .daddr = ip.saddr };
	rst.ip.check = (uint16_t)~fold(sum16((u_char *)&rst.ip, sizeof(ip)));
	rst.tcp = (struct tcphdr){ .source = tcp.dest, .dest = tcp.source,
	    .seq = tcp.ack ? tcp.ack_seq : 0, .rst = 1, .ack = !tcp.ack,
	    .ack_seq = tcp.ack ? 0 : htonl(ntohl(tcp.seq) + 1),
	    .doff = sizeof(tcp) / 4 };
	rst.tcp.check = fold(sum16((u_char *)&rst.ip.saddr, 8) + IPPROTO_TCP +
	    sizeof(tcp));
	(void)!write(w->in, &rst, sizeof(rst));
}

/* A packet of so many bytes has been read to the head of the store. */
static void
take_packet(struct wire *w, uint32_t len, int64_t now)
{
	struct segments s = split(w->store + w->head, len);
	struct run *last = NULL;
	uint32_t i, bytes;

	if (now < w->cut_until && w->resets)
		answer_reset(w, w->store + w->head + VNET, len);
	for (i = 0; i < s.n; i++) {
		bytes = segment_bytes(&s, i);
		w->counts.packets++;
		w->counts.bytes += bytes;
		if (now < w->cut_until)
			w->counts.swallowed++;
		else if (chance(&w->chance_loss) < w->loss)
			w->counts.lost++;
		else if (w->ns_per_byte > 0 && w->queued + bytes > w->queue)
			w->counts.full++;
		else
			enqueue(w, &last, len, i, bytes, now);
	}
	if (last != NULL) {
		w->head += VNET + len;
		w->used += VNET + len;
		last->release = (uint32_t)(VNET + len + w->skipped);
		w->skipped = 0;
	}
}

/* What the link has sent by now is under way. */
static void
transmit(struct wire *w, int64_t now)
{
	struct run *r;
	int64_t sent;

	while (w->flying < w->count) {
		r = nth_run(w, w->flying);
		sent = (w->busy > r->came ? w->busy : r->came) +
		    (int64_t)(r->bytes * w->ns_per_byte);
		if (sent > now)
			break;
		w->busy = sent;
		w->queued -= r->bytes;
		w->flying++;
		r->due = sent + w->delay;
		if (r->due < w->last_due)
			r->due = w->last_due;
		w->last_due = r->due;
	}
}

/* Takes what the kernel has sent; -1 when the device is gone. */
int
wire_take(struct wire *w, int64_t now)
{
	static u_char scratch[BIGGEST];
	u_char *p;
	ssize_t n;
	int i;

	transmit(w, now);
	for (i = 0; i < BATCH; i++) {
		p = store_space(w);
		n = read(w->in, p != NULL ? p : scratch, BIGGEST);
		if (n == -1)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		if (p == NULL)
			w->counts.own++;
		else if ((size_t)n > VNET)
			take_packet(w, (uint32_t)((size_t)n - VNET), now);
	}
	return 0;
}

/*
 * Turns the headers of a packet into those of some of its segments.  The
 * kernel completes TCP's checksum: it wants the sum of the pseudo-header there.
 */
static void
cut_headers(u_char *headers, struct virtio_net_hdr *v,
    const struct segments *s, const struct run *r, uint32_t payload)
{
	uint32_t ip_len = (headers[0] & 15U) * 4;
	uint32_t tcp_len = s->header - ip_len + payload;
	struct iphdr ip;
	struct tcphdr tcp;

	memcpy(&ip, headers, sizeof(ip));
	memcpy(&tcp, headers + ip_len, sizeof(tcp));
	ip.tot_len = htons((uint16_t)(s->header + payload));
	ip.id = htons((uint16_t)(ntohs(ip.id) + r->first));
	ip.check = 0;
	memcpy(headers, &ip, sizeof(ip));
	ip.check = (uint16_t)~fold(sum16(headers, ip_len));
	memcpy(headers, &ip, sizeof(ip));
	tcp.seq = htonl(ntohl(tcp.seq) + r->first * s->size);
	if (r->first > 0)
		tcp.res2 &= 1;		/* CWR is of the first alone */
	if (r->first + r->n < s->n)
		tcp.fin = tcp.psh = 0;
	tcp.check = fold(sum16(headers + 12, 8) + IPPROTO_TCP + tcp_len);
	memcpy(headers + ip_len, &tcp, sizeof(tcp));
	*v = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.hdr_len = (uint16_t)s->header,
		.csum_start = (uint16_t)ip_len,
		.csum_offset = offsetof(struct tcphdr, check),
	};
	if (r->n > 1) {
		v->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		v->gso_size = (uint16_t)s->size;
	}
}

/*
 * The pieces of a run, in three iovecs; v and headers are room for the first
 * two.  A packet that was not cut is as it was read.
 */
static int
run_pieces(const struct wire *w, const struct run *r, struct iovec *iov,
    struct virtio_net_hdr *v, u_char *headers)
{
	u_char *stored = w->store + r->at;
	struct segments s = split(stored, r->len);
	uint32_t from, till;

	if (r->n == s.n) {
		iov[0] = (struct iovec){ stored, VNET + r->len };
		return 1;
	}
	from = r->first * s.size;
	till = (r->first + r->n) * s.size;
	if (till > s.payload)
		till = s.payload;
	memcpy(headers, stored + VNET, s.header);
	cut_headers(headers, v, &s, r, till - from);
	iov[0] = (struct iovec){ v, VNET };
	iov[1] = (struct iovec){ headers, s.header };
	iov[2] = (struct iovec){ stored + VNET + s.header + from, till - from };
	return 3;
}

/* Delivers so many segments. */
static void
put(struct wire *w, uint32_t segments, const struct iovec *iov, int niov,
    int64_t now, int64_t due)
{
	if (now < w->cut_until)
		w->counts.swallowed += segments;
	else if (writev(w->out, iov, niov) == -1)
		w->counts.own += segments;
	if (now - due > w->counts.behind)
		w->counts.behind = now - due;
}

/* Keeps a segment back; if it cannot be, it is delivered like the others. */
static int
hold(struct wire *w, const struct run *r, const struct iovec *iov, int n)
{
	struct held *h = &w->held[w->nheld];
	int i;

	if (w->nheld == HELD || VNET + r->bytes > HELD_SIZE)
		return 0;
	h->due = r->due + w->late;
	for (h->len = 0, i = 0; i < n; i++) {
		memcpy(h->data + h->len, iov[i].iov_base, iov[i].iov_len);
		h->len += iov[i].iov_len;
	}
	w->nheld++;
	w->counts.late++;
	return 1;
}

/* Delivers the late ones that are due; returns when the next one is. */
static int64_t
deliver_held(struct wire *w, int64_t now)
{
	int64_t next = WIRE_NEVER;
	struct iovec iov;
	struct held *h;
	size_t i;

	for (i = 0; i < w->nheld;) {
		h = &w->held[i];
		if (h->due > now) {
			if (h->due < next)
				next = h->due;
			i++;
			continue;
		}
		iov = (struct iovec){ h->data, h->len };
		put(w, 1, &iov, 1, now, h->due);
		*h = w->held[--w->nheld];
	}
	return next;
}

/* Delivers all that is due; returns the time to do it again. */
int64_t
wire_deliver(struct wire *w, int64_t now)
{
	struct virtio_net_hdr v;
	u_char headers[HEADERS];
	struct iovec iov[3];
	struct run *r;
	int64_t next;
	int n;

	transmit(w, now);
	while (w->flying > 0 && (r = nth_run(w, 0))->due <= now) {
		n = run_pieces(w, r, iov, &v, headers);
		if (!r->late || !hold(w, r, iov, n))
			put(w, r->n, iov, n, now, r->due);
		w->used -= r->release;
		w->first = (w->first + 1) % RUNS;
		w->count--;
		w->flying--;
	}
	next = deliver_held(w, now);
	if (w->count == 0)
		return next;
	r = nth_run(w, 0);
	if (w->flying > 0)
		return r->due < next ? r->due : next;
	/* Nothing is under way: the first in the queue. */
	now = (w->busy > r->came ? w->busy : r->came) +
	    (int64_t)(r->bytes * w->ns_per_byte) + w->delay;
	return now < next ? now : next;
}
