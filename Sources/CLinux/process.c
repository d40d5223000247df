#ifdef __linux__
// posix_spawn_file_actions_addclosefrom_np, memfd_create, dl_iterate_phdr
#define _GNU_SOURCE
#include "process.h"

#include <fcntl.h>
#include <link.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/timex.h>
#include <unistd.h>

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

#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 34)
#define HAS_CLOSE_FROM
#endif
#endif

int linux_spawn_close_from(void *actions, int first) {
#ifdef HAS_CLOSE_FROM
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
  // One that is not open is no error there.
  for (int descriptor = first; descriptor < 65536; descriptor++) {
    int failure = posix_spawn_file_actions_addclose(actions, descriptor);
    if (failure != 0) return failure;
  }
  return 0;
#endif
}

int linux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int linux_allows_dumps(void) { return prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L); }

void linux_trim_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

static int release_unwritten(struct dl_phdr_info *object, size_t size, void *page) {
  uintptr_t mask = *(uintptr_t *)page - 1;
  for (int index = 0; index < object->dlpi_phnum; index++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[index];
    // What has ever been writable may differ from its file, and would be lost.
    if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0) continue;
    uintptr_t start = (object->dlpi_addr + part->p_vaddr + mask) & ~mask;
    uintptr_t end = (object->dlpi_addr + part->p_vaddr + part->p_memsz) & ~mask;
    if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void linux_release_program_pages(void) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  dl_iterate_phdr(release_unwritten, &page);
}

int linux_clock_is_synchronised(void) {
  struct timex clock;
  memset(&clock, 0, sizeof clock);
  int state = adjtimex(&clock);
  if (state < 0) return -1;
  return state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
}
#else
// Swift packages want a translation unit.
typedef int clinux_process_is_empty_here;
#endif
