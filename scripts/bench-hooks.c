/* One workload of scripts/bench-hooks: bench-hooks FILE WORKLOAD ROWS; prints ns per row, by the
 * clock and of processor time. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *db;
static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

static void check(int result) {
  if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW) {
    fprintf(stderr, "bench-hooks: %s\n", sqlite3_errmsg(db));
    exit(1);
  }
}

static void run(const char *sql) { check(sqlite3_exec(db, sql, NULL, NULL, NULL)); }

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
  return statement;
}

static void step(sqlite3_stmt *statement) {
  check(sqlite3_step(statement));
  check(sqlite3_reset(statement));
}

static char letters[1 << 20];

/* A row of about 150 bytes: 30 and 100 characters, an integer, a real. */
static void bind_row(sqlite3_stmt *insert, long i) {
  static char name[30];
  const char *row = letters + next_random() % (sizeof letters - 130);
  memcpy(name, row, sizeof name);
  uint64_t unique = next_random();
  for (int c = 0; c < 13; c++, unique /= 26) name[c] = (char)('a' + unique % 26);
  check(sqlite3_bind_text(insert, 1, name, sizeof name, SQLITE_STATIC));
  check(sqlite3_bind_text(insert, 2, row + 30, 100, SQLITE_STATIC));
  check(sqlite3_bind_int64(insert, 3, i));
  check(sqlite3_bind_double(insert, 4, (double)i / 7));
}

struct spent {
  double wall, processor;
};

static double read_clock(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void start(struct spent *spent) {
  spent->wall -= read_clock(CLOCK_MONOTONIC);
  spent->processor -= read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void stop(struct spent *spent) {
  spent->processor += read_clock(CLOCK_PROCESS_CPUTIME_ID);
  spent->wall += read_clock(CLOCK_MONOTONIC);
}

/* Runs the statement for each row, per transaction so many. */
static struct spent rows(sqlite3_stmt *statement, long count, long per_transaction, int update) {
  struct spent spent = {0, 0};
  start(&spent);
  for (long first = 0; first < count; first += per_transaction) {
    if (per_transaction > 1) run("BEGIN IMMEDIATE");
    for (long i = first; i < first + per_transaction && i < count; i++) {
      if (update) {
        check(sqlite3_bind_int64(statement, 1, i));
        check(sqlite3_bind_int64(statement, 2, (int64_t)(next_random() % (uint64_t)update) + 1));
      } else {
        bind_row(statement, i);
      }
      step(statement);
    }
    if (per_transaction > 1) run("COMMIT");
  }
  stop(&spent);
  return spent;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  for (size_t i = 0; i < sizeof letters; i++) letters[i] = (char)('a' + next_random() % 26);
  const char *workload = argv[2];
  long count = atol(argv[3]);
  check(sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL));
  run("PRAGMA busy_timeout=5000");
  struct spent spent = {0, 0};
  if (!strcmp(workload, "insert") || !strcmp(workload, "unique")) {
    sqlite3_stmt *insert =
        prepare(!strcmp(workload, "insert") ? "INSERT INTO item(name,body,n,r) VALUES(?,?,?,?)"
                                            : "INSERT INTO person(name,body,n,r) VALUES(?,?,?,?)");
    spent = rows(insert, count, 1000, 0);
  } else if (!strcmp(workload, "single")) {
    spent = rows(prepare("INSERT INTO item(name,body,n,r) VALUES(?,?,?,?)"), count, 1, 0);
  } else if (!strcmp(workload, "update")) {
    spent = rows(prepare("UPDATE item SET n=? WHERE id=?"), count, 1000, 100000);
  } else if (!strcmp(workload, "select")) {
    sqlite3_stmt *copy = prepare(
        "INSERT INTO copy(name,body,n,r) SELECT name,body,n,r FROM item WHERE id<=?");
    check(sqlite3_bind_int64(copy, 1, count));
    start(&spent);
    step(copy);
    stop(&spent);
  } else {
    return 2;
  }
  printf("%.1f %.1f\n", spent.wall / (double)count, spent.processor / (double)count);
  return 0;
}
