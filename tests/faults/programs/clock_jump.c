// Preloaded into a program under test: its wall clock jumps, as when somebody sets it. Each look at it is a day, or
// two, before or after the truth. The monotonic clock is as it was: that is what it is for.

// What is declared elsewhere has names of ours here.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

enum { day = 86400 };

static time_t jump(void) {
  static const int days[] = {0, -1, 1, -2, 2};
  static atomic_uint looks;
  return (time_t)days[atomic_fetch_add(&looks, 1) % (sizeof days / sizeof days[0])] * day;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  int done = ((int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime"))(clock, now);
  if (done == 0 && clock == CLOCK_REALTIME) now->tv_sec += jump();
  return done;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec exact;
  int done = clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return done;
}

time_t time(time_t* to) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (to) *to = exact.tv_sec;
  return exact.tv_sec;
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
