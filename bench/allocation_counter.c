// SPDX-License-Identifier: MIT
// Counts a program's heap allocations and says how many there were when it ends, as `allocations: N` on stderr.
// Loaded ahead of the C library (glibc's), whose functions it takes the place of and calls. C++'s operator new, in all
// its forms, comes down to these; to count it by itself would count it twice.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* block, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

static atomic_ulong allocations;

static void count(void) { atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed); }

void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void* calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

// Growing in place counts too: the caller could not know.
void* realloc(void* block, size_t size) {
  count();
  return __libc_realloc(block, size);
}

void* memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** block, size_t alignment, size_t size) {
  if (alignment % sizeof(void*) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* const made = memalign(alignment, size);
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}

__attribute__((destructor)) static void report(void) {
  char line[64];
  const int size = snprintf(line, sizeof line, "allocations: %lu\n", atomic_load(&allocations));
  if (write(STDERR_FILENO, line, (size_t)size) < 0) _exit(1);
}
