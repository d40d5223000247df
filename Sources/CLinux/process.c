#ifdef __linux__
#include "process.h"

#include <sys/prctl.h>

int linux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L); }

int linux_allows_dumps(void) { return prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L); }
#else
// Swift packages want a translation unit.
typedef int clinux_process_is_empty_here;
#endif
