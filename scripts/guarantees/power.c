/*
 * Preloaded into every process of a server, this keeps beside the files under POWER_ROOT what would be left of
 * them after a loss of power: POWER_SHADOW has the same files with what was synced, and no more. Writing goes
 * its usual way; fsync and fdatasync copy to the shadow what was written since the last one. power.py then kills
 * all processes and makes new files, taking each sector that was not synced from the shadow or from the file.
 *
 * What is assumed of the file system: renaming, deleting and truncating are durable at once and in order; a new
 * file has its name on disk with its first sync. With POWER_LIES=1 syncing does
 * nothing, like a disk that lies: a check that still passes with it checks nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct range { off_t from, to; struct range *next; };
struct file { dev_t dev; ino_t ino; struct range *dirty; struct file *next; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files[1024];
static const char *root, *shadow;
static size_t root_length;
static int lies;

#define REAL(type, name, ...)                                         \
  static type (*real_##name)(__VA_ARGS__);                            \
  if (!real_##name) real_##name = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
  root = getenv("POWER_ROOT");
  shadow = getenv("POWER_SHADOW");
  root_length = root ? strlen(root) : 0;
  lies = getenv("POWER_LIES") != NULL;
}

/* The path of the shadow, if this file has one. */
static int shadow_of(const char *path, char *out) {
  if (!root || !shadow || strncmp(path, root, root_length) != 0 || path[root_length] != '/') return 0;
  size_t length = strlen(path);
  if (length > 4 && strcmp(path + length - 4, "-shm") == 0) return 0; /* never synced, made anew */
  return snprintf(out, PATH_MAX, "%s%s", shadow, path + root_length) < PATH_MAX;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, PATH_MAX - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return path[0] == '/';
}

static int shadow_of_fd(int fd, char *out) {
  char path[PATH_MAX];
  return path_of(fd, path) && shadow_of(path, out);
}

/* Only the raft logs are written by one process alone; for others the whole file is compared. */
static int tracked(const char *shadow_path) { return strstr(shadow_path, "/raft") != NULL; }

static struct file *find(int fd, int make) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return NULL;
  struct file **slot = &files[(st.st_ino ^ st.st_dev) % 1024];
  for (struct file *f = *slot; f; f = f->next)
    if (f->ino == st.st_ino && f->dev == st.st_dev) return f;
  if (!make) return NULL;
  struct file *f = calloc(1, sizeof *f);
  f->dev = st.st_dev, f->ino = st.st_ino, f->next = *slot;
  return *slot = f;
}

/* Called after the bytes are in the file, so that no sync can forget them. */
static void wrote(int fd, off_t from, ssize_t n) {
  char path[PATH_MAX];
  int saved = errno;
  if (n > 0 && root && shadow_of_fd(fd, path) && tracked(path)) {
    pthread_mutex_lock(&lock);
    struct file *f = find(fd, 1);
    if (f && f->dirty && f->dirty->to == from) {
      f->dirty->to = from + n;
    } else if (f) {
      struct range *r = malloc(sizeof *r);
      r->from = from, r->to = from + n, r->next = f->dirty;
      f->dirty = r;
    }
    pthread_mutex_unlock(&lock);
  }
  errno = saved;
}

static int make_directories(char *path) {
  for (char *p = path + 1; *p; p++)
    if (*p == '/') {
      *p = 0;
      int failed = mkdir(path, 0755) != 0 && errno != EEXIST;
      *p = '/';
      if (failed) return -1;
    }
  return 0;
}

static int copy(int from, int to, off_t begin, off_t end) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
  char buffer[65536], old[65536];
  while (begin < end) {
    size_t wanted = end - begin < (off_t)sizeof buffer ? (size_t)(end - begin) : sizeof buffer;
    ssize_t n = pread(from, buffer, wanted, begin);
    if (n <= 0) return n;
    ssize_t m = pread(to, old, n, begin);
    if ((m != n || memcmp(buffer, old, n) != 0) && real_pwrite(to, buffer, n, begin) != n) return -1;
    begin += n;
  }
  return 0;
}

static void synced(int fd) {
  char path[PATH_MAX], name[64];
  if (!root || lies || !shadow_of_fd(fd, path)) return;
  struct stat st;
  if (fstat(fd, &st) != 0) return;
  REAL(int, open, const char *, int, ...);
  REAL(int, ftruncate, int, off_t);
  if (S_ISDIR(st.st_mode)) return; /* power.py takes a file without a shadow as one that may be missing */
  struct range *dirty = NULL;
  int partly = tracked(path);
  if (partly) {
    pthread_mutex_lock(&lock);
    struct file *f = find(fd, 0);
    if (f) dirty = f->dirty, f->dirty = NULL;
    pthread_mutex_unlock(&lock);
  }
  make_directories(path);
  int to = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  /* A database must not be opened anew here: closing it would drop SQLite's locks. SQLite can read what it
     syncs; who opened a file for writing only has no locks of SQLite on it. */
  int from = fd, anew = partly || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
  if (anew) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    from = real_open(name, O_RDONLY | O_CLOEXEC);
  }
  int failed = to < 0 || from < 0;
  if (!failed && partly) {
    for (struct range *r = dirty; r; r = r->next) failed |= copy(from, to, r->from, r->to) != 0;
  } else if (!failed) {
    failed = copy(from, to, 0, st.st_size) != 0;
  }
  if (!failed) failed = real_ftruncate(to, st.st_size) != 0;
  if (to >= 0) close(to);
  if (anew && from >= 0) close(from);
  while (dirty) {
    struct range *next = dirty->next;
    free(dirty);
    dirty = next;
  }
  if (failed) {
    fprintf(stderr, "power: cannot keep %s: %s\n", path, strerror(errno));
    abort();
  }
}

ssize_t write(int fd, const void *b, size_t n) {
  REAL(ssize_t, write, int, const void *, size_t);
  ssize_t done = real_write(fd, b, n);
  if (root && done > 0 && fd > 2) wrote(fd, lseek(fd, 0, SEEK_CUR) - done, done);
  return done;
}
ssize_t writev(int fd, const struct iovec *v, int n) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  ssize_t done = real_writev(fd, v, n);
  if (root && done > 0 && fd > 2) wrote(fd, lseek(fd, 0, SEEK_CUR) - done, done);
  return done;
}
ssize_t pwrite(int fd, const void *b, size_t n, off_t at) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
  ssize_t done = real_pwrite(fd, b, n, at);
  wrote(fd, at, done);
  return done;
}
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) { return pwrite(fd, b, n, at); }
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at) {
  REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
  ssize_t done = real_pwritev(fd, v, n, at);
  wrote(fd, at, done);
  return done;
}
ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at) { return pwritev(fd, v, n, at); }

/* The disk's own sync is left out: what counts here is the shadow. */
int fsync(int fd) { return synced(fd), 0; }
int fdatasync(int fd) { return synced(fd), 0; }

int ftruncate(int fd, off_t length) {
  REAL(int, ftruncate, int, off_t);
  int done = real_ftruncate(fd, length);
  char path[PATH_MAX];
  struct stat st;
  /* Shortening is taken as durable; what is longer stays to be synced. */
  if (done == 0 && root && shadow_of_fd(fd, path) && stat(path, &st) == 0 && st.st_size > length)
    if (truncate(path, length) != 0) abort();
  return done;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

static int absolute(int dir, const char *path, char *out) {
  if (path[0] == '/') return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
  char base[PATH_MAX];
  if (dir == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of(dir, base)) return 0;
  return snprintf(out, PATH_MAX, "%s/%s", base, path) < PATH_MAX;
}

static int shadow_at(int dir, const char *path, char *out) {
  char full[PATH_MAX];
  return root && absolute(dir, path, full) && shadow_of(full, out);
}

static int opened(int fd, int flags) {
  if (fd >= 0 && (flags & O_TRUNC)) {
    char path[PATH_MAX];
    if (root && shadow_of_fd(fd, path) && access(path, F_OK) == 0 && truncate(path, 0) != 0) abort();
  }
  return fd;
}
static mode_t mode_in(int flags, va_list rest) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}
int open(const char *path, int flags, ...) {
  REAL(int, open, const char *, int, ...);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return opened(real_open(path, flags, mode), flags);
}
int open64(const char *path, int flags, ...) {
  REAL(int, open64, const char *, int, ...);
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return opened(real_open64(path, flags, mode), flags);
}

static void moved(int from_dir, const char *from, int to_dir, const char *to) {
  REAL(int, rename, const char *, const char *);
  char a[PATH_MAX], b[PATH_MAX];
  int old = shadow_at(from_dir, from, a), new = shadow_at(to_dir, to, b);
  if (new) {
    make_directories(b);
    /* A file that was never synced has no shadow; what it replaces is gone all the same. */
    if (!old || access(a, F_OK) != 0) unlink(b);
    else if (real_rename(a, b) != 0) abort();
  }
}
int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  int done = real_rename(from, to);
  if (done == 0) moved(AT_FDCWD, from, AT_FDCWD, to);
  return done;
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  REAL(int, renameat, int, const char *, int, const char *);
  int done = real_renameat(from_dir, from, to_dir, to);
  if (done == 0) moved(from_dir, from, to_dir, to);
  return done;
}
int unlink(const char *path) {
  REAL(int, unlink, const char *);
  char kept[PATH_MAX];
  int done = real_unlink(path);
  if (done == 0 && shadow_at(AT_FDCWD, path, kept)) real_unlink(kept);
  return done;
}
int unlinkat(int dir, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  char kept[PATH_MAX];
  int known = shadow_at(dir, path, kept);
  int done = real_unlinkat(dir, path, flags);
  if (done == 0 && known) real_unlinkat(AT_FDCWD, kept, flags);
  return done;
}
int remove(const char *path) {
  int done = unlink(path);
  return done != 0 && (errno == EISDIR || errno == EPERM) ? rmdir(path) : done;
}
