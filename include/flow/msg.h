/* SPDX-License-Identifier: ISC */
/*
 * Typed, bounded messages between two processes over a SOCK_SEQPACKET pair:
 * one packet a message, at most one descriptor with it, every byte accounted
 * for.
 */
#ifndef MSG_H
#define MSG_H

#include <sys/types.h>
#include <stdint.h>

#define MSG_MAX		65536	/* bytes of one message, header included */

/* A message being built or taken apart. */
struct msg {
	uint32_t	 type;
	uint32_t	 id;		/* which request it belongs to */
	int		 fd;		/* descriptor with it, or -1; owned */
	int		 bad;		/* 0, or why a get or put failed */
	size_t		 len;		/* bytes of payload */
	size_t		 off;		/* bytes already taken */
	u_char		*data;
	size_t		 size;
};

void	 msg_init(struct msg *, uint32_t, uint32_t);
void	 msg_clear(struct msg *);
void	 msg_put_u32(struct msg *, uint32_t);
void	 msg_put_blob(struct msg *, const void *, size_t);
void	 msg_put_string(struct msg *, const char *);
uint32_t msg_get_u32(struct msg *);
const u_char *msg_get_blob(struct msg *, size_t *);
char	*msg_get_string(struct msg *, char *, size_t);
char	*msg_dup_string(struct msg *, size_t);
int	 msg_end(struct msg *);
int	 msg_decode(struct msg *, const void *, size_t);

int	 msg_send(int, const struct msg *);
int	 msg_send_wait(int, const struct msg *);
int	 msg_recv(int, struct msg *);
int	 msg_may_pass(int);
void	 msg_pause(void);

#endif
