/* SPDX-License-Identifier: ISC */
/*
 * Reads TCP_INFO.  The C library's header has an old and short form of it,
 * and cannot be included beside the kernel's.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#ifdef __linux__
#include <linux/tcp.h>
#endif

#include <errno.h>
#include <string.h>

#include "monotime.h"
#include "tcppath.h"

#define MICROSECOND	(MONOTIME_SECOND / 1000000)

/*
 * Fills in what is known of a connection; what the kernel does not tell is 0.
 * -1 with errno if the descriptor is no TCP connection.
 */
int
tcppath_read(int fd, struct tcppath *path)
{
#ifdef __linux__
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(path, 0, sizeof(*path));
	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return -1;
	path->trip = info.tcpi_rtt * MICROSECOND;
	path->least_trip = info.tcpi_min_rtt * MICROSECOND;
	path->acked = info.tcpi_last_ack_recv * MONOTIME_MILLISECOND;
	path->sent = info.tcpi_last_data_sent * MONOTIME_MILLISECOND;
	path->unacked = info.tcpi_unacked;
	path->backoff = info.tcpi_backoff;
	path->sent_again = info.tcpi_bytes_retrans;
	path->segment = info.tcpi_snd_mss;
	path->delivered = info.tcpi_delivered;
	path->rate = (double)info.tcpi_delivery_rate;
	if (info.tcpi_pacing_rate != UINT64_MAX)
		path->pacing = (double)info.tcpi_pacing_rate;
	path->held_up = (int64_t)info.tcpi_rwnd_limited * MICROSECOND;
	return 0;
#else
	memset(path, 0, sizeof(*path));
	errno = ENOPROTOOPT;
	return -1;
#endif
}
