/* Runs a program and writes what it took: measured RESULT PROGRAM [ARGUMENT...]
 *
 * RESULT gets one line: wall, user and system time in nanoseconds, peak RSS in KiB, exit status (128 + the signal's
 * number). A child starts with the peak RSS of the process that it was forked from, so a driver in Python cannot
 * measure anything smaller than itself; this process is smaller than all that it measures. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static long long nanoseconds(struct timeval spent) {
  return spent.tv_sec * 1000000000LL + spent.tv_usec * 1000LL;
}

static int fail(const char* what) {
  fprintf(stderr, "measured: %s: %s\n", what, strerror(errno));
  return EXIT_FAILURE;
}

int main(int count, char** words) {
  if (count < 3) {
    fprintf(stderr, "usage: measured RESULT PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  FILE* result = fopen(words[1], "we");
  if (!result) return fail(words[1]);
  long long started = now();
  pid_t child = fork();
  if (child < 0) return fail("fork");
  if (child == 0) {
    execvp(words[2], words + 2);
    fprintf(stderr, "%s: %s\n", words[2], strerror(errno));
    _exit(127);
  }
  int status = 0;
  struct rusage used;
  while (wait4(child, &status, 0, &used) < 0)
    if (errno != EINTR) return fail("wait4");
  long long wall = now() - started;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  fprintf(result, "%lld %lld %lld %ld %d\n", wall, nanoseconds(used.ru_utime), nanoseconds(used.ru_stime),
          used.ru_maxrss, code);
  return fclose(result) == 0 ? EXIT_SUCCESS : fail(words[1]);
}
