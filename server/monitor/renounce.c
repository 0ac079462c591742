/* SPDX-License-Identifier: ISC */
/*
 * Capabilities, which the program to be executed shall not have, nor get in
 * any way: but for the one to enter its empty root with, once its libraries
 * are loaded.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <linux/securebits.h>

#include <unistd.h>

#include "renounce.h"

#define RENOUNCE_CHROOT	(1U << CAP_SYS_CHROOT)

/*
 * While it is still root: no program gives capabilities any more, and those
 * of now outlast a change of the uid.  Who has none has nothing to give up.
 */
void
renounce_prepare(void)
{
	struct __user_cap_header_struct head = {
		_LINUX_CAPABILITY_VERSION_3, 0
	};
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3];
	int cap;

	/* This can be inherited only as long as the bounding set has it. */
	if (syscall(SYS_capget, &head, now) == 0) {
		now[0].inheritable = now[0].permitted & RENOUNCE_CHROOT;
		now[1].inheritable = 0;
		syscall(SYS_capset, &head, now);
	}
	for (cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	if (prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NOROOT |
	    SECBIT_NOROOT_LOCKED, 0, 0, 0) == -1)
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

/*
 * Gives up all others, and has the program begin with CAP_SYS_CHROOT if we
 * have it.  Returns 0, or -1 with errno.
 */
int
renounce_all_but_chroot(void)
{
	struct __user_cap_header_struct head = {
		_LINUX_CAPABILITY_VERSION_3, 0
	};
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3], keep = {
		.permitted = RENOUNCE_CHROOT
	};

	if (syscall(SYS_capget, &head, now) == -1)
		return -1;
	keep.permitted &= now[0].permitted & now[0].inheritable;
	keep.inheritable = keep.permitted;
	now[0] = keep;
	now[1] = (struct __user_cap_data_struct){ .effective = 0 };
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 ||
	    syscall(SYS_capset, &head, now) == -1)
		return -1;
	if (keep.permitted == 0)
		return 0;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0,
	    0);
}
