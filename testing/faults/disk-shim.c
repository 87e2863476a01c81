/*
 * Preloaded into an agent: counts the sync points below one folder, ends the process at the N-th, makes syncs or writes
 * fail with EIO, and keeps a copy of what really reached the disk. Built and read by disk-shim.ts.
 *
 *   SHIM_ROOT     folder, resolved; only files in it are looked at
 *   SHIM_LOG      one line "sync N FILE", "eio-sync FILE" or "eio-write FILE" for each thing that happened
 *   SHIM_KILL_AT  SIGKILL instead of this sync, counted from 1
 *   SHIM_EIO      file with "sync K" or "write K": the next K of them fail, all of them while K is -1
 *   SHIM_DISK     folder of the copies: a page gets there by a sync that succeeded after the page was written. A sync
 *                 that fails drops its pages for good, as Linux does: the next one succeeds without them.
 *
 * What is written through a mapping (SQLite's -shm) is not seen, and not needed after a crash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 32768, FILES = 16 };

struct file {
  char path[PATH_MAX];
  unsigned char dirty[PAGES];
  off_t shrunk_to;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* In a file, because written pages outlive the process: a later one's sync brings them to the disk. */
static struct file *files;
static long syncs;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void find_real(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  const char *disk = getenv("SHIM_DISK");
  if (!disk) return;
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/written-pages", disk);
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || real_ftruncate(fd, FILES * sizeof *files) != 0) abort();
  files = mmap(NULL, FILES * sizeof *files, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (files == MAP_FAILED) abort();
  close(fd);
}

static int below_root(const char *path) {
  const char *root = getenv("SHIM_ROOT");
  size_t length = root ? strlen(root) : 0;
  return length > 0 && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Whether a descriptor is a file or folder below the root; its path. */
static int ours(int fd, char *path) {
  struct stat about;
  if (fstat(fd, &about) != 0 || !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return below_root(path);
}

static void note(const char *what, const char *path) {
  const char *log = getenv("SHIM_LOG");
  if (!log) return;
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%s %s\n", what, path);
  int fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (real_write(fd, line, (size_t)length) < 0) abort();
  close(fd);
}

/* Takes one failure out of the file that orders them. */
static int shall_fail(const char *call) {
  const char *name = getenv("SHIM_EIO");
  int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  char order[64] = "", ordered[16] = "";
  long times = 0;
  ssize_t length = read(fd, order, sizeof order - 1);
  int fails = length > 0 && sscanf(order, "%15s %ld", ordered, &times) == 2 && strcmp(ordered, call) == 0 && times != 0;
  if (fails && times > 0) {
    length = snprintf(order, sizeof order, "%s %ld\n", ordered, times - 1);
    if (real_pwrite(fd, order, (size_t)length, 0) < 0 || real_ftruncate(fd, length) < 0) abort();
  }
  close(fd);
  return fails;
}

static struct file *known(const char *path, int add) {
  for (int at = 0; files && at < FILES; at++) {
    struct file *file = &files[at];
    if (!file->path[0]) {
      if (!add) return NULL;
      strcpy(file->path, path);
      file->shrunk_to = -1;
    }
    if (strcmp(file->path, path) == 0) return file;
  }
  if (files) abort();
  return NULL;
}

static void disk_path(const char *path, char *copy) {
  const char *slash = strrchr(path, '/');
  snprintf(copy, PATH_MAX, "%s/%s", getenv("SHIM_DISK"), slash ? slash + 1 : path);
}

static void written(const char *path, off_t from, ssize_t count) {
  struct file *file = count > 0 ? known(path, 1) : NULL;
  if (!file) return;
  for (off_t page = from / PAGE; page <= (from + count - 1) / PAGE; page++) {
    if (page >= PAGES) abort();
    file->dirty[page] = 1;
  }
}

static void reaches_disk(int fd, const char *path) {
  struct stat about;
  struct file *file = known(path, 0);
  if (!file || fstat(fd, &about) != 0) return;
  char copy[PATH_MAX], page[PAGE];
  disk_path(path, copy);
  int disk = open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  /* A descriptor that only writes cannot be read back. */
  int source = open(path, O_RDONLY | O_CLOEXEC);
  if (disk < 0 || source < 0) abort();
  if (file->shrunk_to >= 0 && real_ftruncate(disk, file->shrunk_to) != 0) abort();
  for (off_t at = 0; at < PAGES; at++) {
    if (!file->dirty[at]) continue;
    ssize_t length = pread(source, page, PAGE, at * PAGE);
    if (length > 0 && real_pwrite(disk, page, (size_t)length, at * PAGE) != length) abort();
  }
  if (real_ftruncate(disk, about.st_size) != 0) abort();
  close(source);
  close(disk);
}

static int synced(int fd, int (*real)(int)) {
  char path[PATH_MAX], what[32];
  if (!ours(fd, path)) return real(fd);
  pthread_mutex_lock(&lock);
  struct file *file = known(path, 0);
  int result = -1;
  snprintf(what, sizeof what, "sync %ld", ++syncs);
  const char *kill_at = getenv("SHIM_KILL_AT");
  if (kill_at && atol(kill_at) == syncs) {
    note("kill", path);
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (shall_fail("sync")) {
    note("eio-sync", path);
  } else {
    result = real(fd);
    note(what, path);
    if (result == 0) reaches_disk(fd, path);
  }
  if (file) {
    memset(file->dirty, 0, PAGES);
    file->shrunk_to = -1;
  }
  pthread_mutex_unlock(&lock);
  if (result != 0) errno = EIO;
  return result;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

static int write_fails(const char *path) {
  if (!shall_fail("write")) return 0;
  note("eio-write", path);
  pthread_mutex_unlock(&lock);
  errno = EIO;
  return 1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  char path[PATH_MAX];
  if (!ours(fd, path)) return real_pwrite(fd, bytes, count, at);
  pthread_mutex_lock(&lock);
  if (write_fails(path)) return -1;
  ssize_t done = real_pwrite(fd, bytes, count, at);
  int kept = errno;
  written(path, at, done);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return pwrite(fd, bytes, count, at); }

ssize_t write(int fd, const void *bytes, size_t count) {
  char path[PATH_MAX];
  if (!ours(fd, path)) return real_write(fd, bytes, count);
  pthread_mutex_lock(&lock);
  if (write_fails(path)) return -1;
  ssize_t done = real_write(fd, bytes, count);
  int kept = errno;
  /* After the write, so that O_APPEND counts too. */
  if (done > 0) written(path, lseek(fd, 0, SEEK_CUR) - done, done);
  pthread_mutex_unlock(&lock);
  errno = kept;
  return done;
}

int ftruncate(int fd, off_t length) {
  char path[PATH_MAX];
  if (!ours(fd, path)) return real_ftruncate(fd, length);
  pthread_mutex_lock(&lock);
  int result = real_ftruncate(fd, length);
  struct file *file = result == 0 ? known(path, 1) : NULL;
  if (file && (file->shrunk_to < 0 || length < file->shrunk_to)) file->shrunk_to = length;
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

/* Whether a removed file is still there after a crash is open; here it is gone at once. */
int unlink(const char *path) {
  int result = real_unlink(path);
  char copy[PATH_MAX];
  if (result != 0 || !files || !below_root(path)) return result;
  pthread_mutex_lock(&lock);
  struct file *file = known(path, 0);
  if (file) {
    memset(file->dirty, 0, PAGES);
    file->shrunk_to = -1;
  }
  disk_path(path, copy);
  real_unlink(copy);
  pthread_mutex_unlock(&lock);
  return result;
}
