/* SPDX-License-Identifier: ISC */
/*
 * Configuration files in the form of ssh_config(5) and sshd_config(5), driven
 * by one table of keywords: the parser, the defaults, the dump of -G and -T
 * and the test of the man page all read it.
 */
#ifndef CONF_H
#define CONF_H

#include <sys/types.h>
#include <stddef.h>

/* A list of words; a keyword given again may add to it (CONF_APPEND). */
struct conf_list {
	char	**word;
	size_t	  n;
};

struct conf_keyword;

/*
 * Sets *value (the field at the keyword's offset) from one argument.
 * Returns 0, or -1 with a reason in the buffer.
 */
typedef int conf_parse(const struct conf_keyword *, void *, const char *,
    char *, size_t);
/*
 * Writes the field's i-th line as the parser would read it; -1 when there is
 * none.  Only a list with CONF_APPEND has more than one.
 */
typedef int conf_format(const struct conf_keyword *, const void *, size_t,
    char *, size_t);

/*
 * A kind of value: how its text is read and written, and what "unset" is.
 * Clearing a field whose bytes are all zero makes it unset.
 */
struct conf_type {
	conf_parse	*parse;
	conf_format	*format;
	int		(*isset)(const void *);
	void		(*clear)(void *);
};

#define CONF_APPEND	0x01	/* repeated lines add words */
#define CONF_REST	0x02	/* the value is the rest of the line */
#define CONF_IGNORED	0x04	/* known to ssh, without meaning here */
#define CONF_WORDS	0x08	/* one line may have several words */
#define CONF_ALIAS	0x10	/* an older name of another keyword */
#define CONF_UNSUPPORTED 0x20	/* known to sshd, an error here */
#define CONF_FILE	0x40	/* for the reader of files: Host, Match ... */
#define CONF_OWN	0x80	/* not known to ssh */

/* Keywords of these two kinds end the table. */
#define CONF_NO_FIELD	(CONF_IGNORED | CONF_UNSUPPORTED)

struct conf_keyword {
	const char		*name;
	const struct conf_type	*type;
	size_t			 offset;
	int			 flags;
	const char		*dflt;	/* text of the default, or NULL */
	const void		*arg;	/* for the type: choices, limits ... */
};

/* One word of an enumerated value; the first of a value is its name. */
struct conf_choice {
	const char	*name;
	int		 value;
};

/* Smallest and largest value of a number or a time, in its unit. */
struct conf_range {
	long long	min;
	long long	max;
};

/* The characters of a name in a list with commas, and how many it may have. */
struct conf_naming {
	const char	*chars;
	size_t		 max;
};

/*
 * What both programs ask for: AddressFamily, CongestionControl, and numbers
 * without a limit.
 */
extern const struct conf_choice conf_families[];
extern const struct conf_naming conf_congestion;
extern const struct conf_range conf_counts, conf_positive, conf_queue_delays;

#define CONF_UNSET	(-1)

extern const struct conf_type conf_type_flag;	/* int: yes, no */
extern const struct conf_type conf_type_choice;	/* int: conf_choice */
extern const struct conf_type conf_type_int;	/* int: conf_range */
extern const struct conf_type conf_type_time;	/* int, seconds: 1h30m */
extern const struct conf_type conf_type_level;	/* int: enum log_level */
extern const struct conf_type conf_type_string;	/* char * */
extern const struct conf_type conf_type_names;	/* char *: a,b of algorithms */
extern const struct conf_type conf_type_list;	/* struct conf_list */
extern const struct conf_type conf_type_commas;	/* the same: conf_naming */

/* The parts of the types above, for types that only read differently. */
conf_parse	conf_string_parse, conf_list_parse;
conf_format	conf_string_format, conf_list_format;
int		conf_int_isset(const void *), conf_pointer_isset(const void *);
int		conf_list_isset(const void *);
void		conf_int_clear(void *), conf_string_clear(void *);
void		conf_list_clear_value(void *);

#define CONF_TYPE_INT(parse, format)	\
	{ parse, format, conf_int_isset, conf_int_clear }
#define CONF_TYPE_STRING(parse)		\
	{ parse, conf_string_format, conf_pointer_isset, conf_string_clear }
#define CONF_TYPE_LIST(parse, format)	\
	{ parse, format, conf_list_isset, conf_list_clear_value }

#define CONF_LINE_MAX	8192	/* bytes of one line */
#define CONF_FILE_MAX	1048576	/* bytes of one file */
#define CONF_LIST_MAX	4096	/* words of one list */
#define CONF_ERR_MAX	1024	/* a buffer that holds any reason */

/* Lines being taken from the text of a file. */
struct conf_text {
	const char	*data;
	size_t		 len;
	int		 line;	/* number of the line last taken */
};

void	 conf_text_init(struct conf_text *, const void *, size_t);
int	 conf_text_next(struct conf_text *, char *, char *, size_t);

/* One line taken apart: words own their memory; quotes and # as in ssh. */
int	 conf_split(const char *, struct conf_list *, char *, size_t);
int	 conf_line_keyword(const char *, char *, size_t);
void	 conf_list_add(struct conf_list *, const char *);
void	 conf_list_clear(struct conf_list *);

void	 conf_clear(const struct conf_keyword *, void *);
const struct conf_keyword *conf_find(const struct conf_keyword *,
	    const char *);
int	 conf_set_value(const struct conf_keyword *, void *, const char *,
	    const char *, char *, size_t);
int	 conf_set_line(const struct conf_keyword *, void *, const char *,
	    char *, size_t);
int	 conf_take_line(const struct conf_keyword *, void *, void *,
	    const char *, char *, size_t);
void	 conf_fill_defaults(const struct conf_keyword *, void *);
char	*conf_dump(const struct conf_keyword *, const void *);

#endif
