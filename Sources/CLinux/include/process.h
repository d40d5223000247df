// What a process may ask of the kernel about itself. prctl(2) takes a variable number of arguments, which Swift does not
// import.
#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#ifdef __linux__

/// The process's arguments and how many there are, the program's name first; NULL where only the Swift runtime knows. It looks
/// for them beside the environment, which is elsewhere when a preloaded library has changed that.
char **linux_arguments(int *count);

/// PR_SET_DUMPABLE 0: no core file, no ptrace(2) and no /proc/PID/mem for anybody but root. 0, or -1 and errno.
int linux_forbid_dumps(void);

/// Has posix_spawn(3) close every descriptor from `first` on; `actions` is a `posix_spawn_file_actions_t *`. 0 or an error number.
int linux_spawn_close_from(void *actions, int first);

/// An empty file in memory, open for reading and writing and close-on-exec (memfd_create(2)), or -1.
int linux_memory_file(const char *name);

/// PR_GET_DUMPABLE.
int linux_allows_dumps(void);

/// malloc_trim(3), where there is one: gives back to the system what has been freed.
void linux_trim_memory(void);

/// Unmaps the pages of the program and its libraries that are as they are in their files; what is used again is mapped again, from
/// the system's cache.
void linux_release_program_pages(void);

/// adjtimex(2): 1 if the kernel takes the clock to be right, 0 if not, -1 if it does not say.
int linux_clock_is_synchronised(void);

#endif

#endif
