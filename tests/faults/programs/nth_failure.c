// Preloaded into a program under test: counts its calls of one kind, and lets one of them fail.
//
//   NTH_OF=network|files   libpq's calls that talk to a server, or calls that change files under NTH_FOLDER
//   NTH=n                  the n-th of them fails, once; without it they are only counted
//   NTH_REPORT=file        gets the number of calls and the name of the one that failed
//
// A network call fails by its socket being shut down just before it, and libpq finds out by itself: an error that was
// only made up, on a session that goes on living, would test nothing. A call on files fails as on a full disk, a
// write() after half of its bytes.

// What is declared elsewhere has names of ours here, and the macros take types and lists, which cannot be in
// parentheses. NOLINTBEGIN(readability-inconsistent-declaration-parameter-name, bugprone-macro-parentheses)

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct report {
  int calls;
  char failed[60];
} unreported, *report = &unreported;

enum { most_files = 1024 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool of_network, of_files;
static int wanted, short_of_room = -1;
static const char* folder;
static bool watched[most_files];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *of = getenv("NTH_OF"), *nth = getenv("NTH"), *to = getenv("NTH_REPORT");
  of_network = of && strcmp(of, "network") == 0;
  of_files = of && strcmp(of, "files") == 0;
  wanted = nth ? (int)strtol(nth, NULL, 10) : 0;
  folder = getenv("NTH_FOLDER");
  // Shared memory, because the program may be killed or leave by _exit().
  int file = to ? REAL(open)(to, O_RDWR | O_CREAT, 0600) : -1;
  if (file < 0 || ftruncate(file, sizeof *report) != 0) return;
  void* at = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at != MAP_FAILED) report = at;
  close(file);
}

/// Counts a call; whether it is the one that is to fail.
static bool is_the_one(const char* name) {
  pthread_mutex_lock(&mutex);
  bool is = ++report->calls == wanted;
  if (is) strncpy(report->failed, name, sizeof report->failed - 1);
  pthread_mutex_unlock(&mutex);
  return is;
}

static void reach(PGconn* connection, const char* name) {
  if (of_network && is_the_one(name) && PQsocket(connection) >= 0) shutdown(PQsocket(connection), SHUT_RDWR);
}

#define TALKS(type, name, declared, passed) \
  type name declared {                      \
    reach(connection, #name);               \
    return REAL(name) passed;               \
  }

TALKS(PostgresPollingStatusType, PQconnectPoll, (PGconn * connection), (connection))
TALKS(int, PQsendQueryParams,
      (PGconn * connection, const char* text, int count, const Oid* types, const char* const* values,
       const int* lengths, const int* formats, int format),
      (connection, text, count, types, values, lengths, formats, format))
TALKS(int, PQsendQueryPrepared,
      (PGconn * connection, const char* name, int count, const char* const* values, const int* lengths,
       const int* formats, int format),
      (connection, name, count, values, lengths, formats, format))
TALKS(int, PQsendPrepare, (PGconn * connection, const char* name, const char* text, int count, const Oid* types),
      (connection, name, text, count, types))
TALKS(int, PQsendDescribePrepared, (PGconn * connection, const char* name), (connection, name))
TALKS(int, PQflush, (PGconn * connection), (connection))
TALKS(int, PQconsumeInput, (PGconn * connection), (connection))
TALKS(PGresult*, PQgetResult, (PGconn * connection), (connection))
TALKS(int, PQputCopyData, (PGconn * connection, const char* bytes, int count), (connection, bytes, count))
TALKS(int, PQputCopyEnd, (PGconn * connection, const char* message), (connection, message))
TALKS(int, PQgetCopyData, (PGconn * connection, char** bytes, int waits), (connection, bytes, waits))
TALKS(PGresult*, PQexec, (PGconn * connection, const char* text), (connection, text))

PGconn* PQconnectStartParams(const char* const* keywords, const char* const* values, int expands) {
  PGconn* connection = REAL(PQconnectStartParams)(keywords, values, expands);
  if (connection) reach(connection, "PQconnectStartParams");
  return connection;
}

static bool lies_in_folder(const char* path) {
  return of_files && folder && strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_watched(int file) {
  return of_files && file >= 0 && file < most_files && watched[file];
}

static bool fails(const char* name) {
  if (!is_the_one(name)) return false;
  errno = ENOSPC;
  return true;
}

/// What has no folder of ours in its name is none of ours; a path that is not absolute may be, but opsh has none such.
static int opened(int file, const char* path, int flags) {
  if (file >= 0 && file < most_files) watched[file] = lies_in_folder(path) && (flags & (O_WRONLY | O_RDWR));
  return file;
}

static bool fails_to_open(const char* path, int flags) {
  return lies_in_folder(path) && (flags & (O_WRONLY | O_RDWR | O_CREAT)) && fails("open");
}

#define OPENS(name)                                            \
  int name(const char* path, int flags, ...) {                 \
    va_list more;                                              \
    va_start(more, flags);                                     \
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;  \
    va_end(more);                                              \
    if (fails_to_open(path, flags)) return -1;                 \
    return opened(REAL(name)(path, flags, mode), path, flags); \
  }

OPENS(open)
OPENS(open64)

/// How many of the bytes find room; -1 when none do.
static ssize_t room_for(int file, size_t count, const char* name) {
  if (!is_watched(file)) return (ssize_t)count;
  if (short_of_room == file) {
    short_of_room = -1;
    errno = ENOSPC;
    return -1;
  }
  if (!fails(name)) return (ssize_t)count;
  if (count < 2) return -1;
  short_of_room = file;
  return (ssize_t)(count / 2);
}

ssize_t write(int file, const void* bytes, size_t count) {
  ssize_t room = room_for(file, count, "write");
  return room < 0 ? -1 : REAL(write)(file, bytes, (size_t)room);
}

ssize_t pwrite(int file, const void* bytes, size_t count, off_t at) {
  ssize_t room = room_for(file, count, "pwrite");
  return room < 0 ? -1 : REAL(pwrite)(file, bytes, (size_t)room, at);
}

ssize_t pwrite64(int file, const void* bytes, size_t count, off64_t at) {
  ssize_t room = room_for(file, count, "pwrite64");
  return room < 0 ? -1 : REAL(pwrite64)(file, bytes, (size_t)room, at);
}

#define CHANGES(name, declared, passed, is_ours)             \
  int name declared {                                        \
    return is_ours && fails(#name) ? -1 : REAL(name) passed; \
  }

CHANGES(fsync, (int file), (file), is_watched(file))
CHANGES(fdatasync, (int file), (file), is_watched(file))
CHANGES(ftruncate, (int file, off_t size), (file, size), is_watched(file))
CHANGES(ftruncate64, (int file, off64_t size), (file, size), is_watched(file))
CHANGES(rename, (const char* from, const char* to), (from, to), lies_in_folder(to))
CHANGES(mkdir, (const char* path, mode_t mode), (path, mode), lies_in_folder(path))

// NOLINTEND(readability-inconsistent-declaration-parameter-name, bugprone-macro-parentheses)
