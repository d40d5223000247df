#ifdef __linux__
#include "process.h"

#include <sys/prctl.h>

#ifdef __GLIBC__
static int argument_count;
static char **argument_values;

// glibc hands them to what runs before main.
__attribute__((constructor)) static void remember_arguments(int count, char **values) {
  argument_count = count;
  argument_values = values;
}

char **linux_arguments(int *count) {
  *count = argument_count;
  return argument_values;
}
#else
char **linux_arguments(int *count) {
  *count = 0;
  return 0;
}
#endif

int linux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L); }

int linux_allows_dumps(void) { return prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L); }
#else
// Swift packages want a translation unit.
typedef int clinux_process_is_empty_here;
#endif
