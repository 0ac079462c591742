/* SPDX-License-Identifier: ISC */
/* Gives a fuzzer the files that are named, without libFuzzer. */
#include <sys/types.h>
#include <sys/stat.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Each input has memory of just its size, so that a sanitizer sees its end. */
int
main(int argc, char **argv)
{
	struct stat st;
	uint8_t *data;
	int fd;

	while (*++argv != NULL) {
		if ((fd = open(*argv, O_RDONLY | O_CLOEXEC)) == -1 ||
		    fstat(fd, &st) == -1 ||
		    (data = malloc((size_t)st.st_size)) == NULL ||
		    read(fd, data, (size_t)st.st_size) != st.st_size)
			err(1, "%s", *argv);
		close(fd);
		LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
		free(data);
	}
	return 0;
}
