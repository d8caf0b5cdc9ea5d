/* One workload of scripts/bench-hooks: bench-hooks PLAIN HOOKED WORKLOAD ROWS. Writes the same rows to
 * both files, a block to one, then a block to the other, so that whatever else the machine does
 * meets both. Prints ns per row: of the plain file by the clock and of processor time, then of the
 * other. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct spent {
  double wall, processor;
};

struct side {
  sqlite3 *db;
  sqlite3_stmt *statement;
  uint64_t seed;
  struct spent spent;
};

static char letters[1 << 20];

static uint64_t next_random(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

static void check(struct side *side, int result) {
  if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW) {
    fprintf(stderr, "bench-hooks: %s\n", sqlite3_errmsg(side->db));
    exit(1);
  }
}

static void run(struct side *side, const char *sql) {
  check(side, sqlite3_exec(side->db, sql, NULL, NULL, NULL));
}

static void step(struct side *side) {
  check(side, sqlite3_step(side->statement));
  check(side, sqlite3_reset(side->statement));
}

/* A row of about 150 bytes: 30 and 100 characters, an integer, a real. */
static void bind_row(struct side *side, long i) {
  static char name[30];
  const char *row = letters + next_random(&side->seed) % (sizeof letters - 130);
  memcpy(name, row, sizeof name);
  uint64_t unique = next_random(&side->seed);
  for (int c = 0; c < 13; c++, unique /= 26) name[c] = (char)('a' + unique % 26);
  check(side, sqlite3_bind_text(side->statement, 1, name, sizeof name, SQLITE_STATIC));
  check(side, sqlite3_bind_text(side->statement, 2, row + 30, 100, SQLITE_STATIC));
  check(side, sqlite3_bind_int64(side->statement, 3, i));
  check(side, sqlite3_bind_double(side->statement, 4, (double)i / 7));
}

enum kind { INSERTS, UPDATES, SELECT };

struct workload {
  const char *name, *sql;
  enum kind kind;
  long block; /* rows that go to one file before the other's turn */
  int transaction; /* whether a block is one transaction */
};

static const struct workload workloads[] = {
    {"insert", "INSERT INTO item(name,body,n,r) VALUES(?,?,?,?)", INSERTS, 1000, 1},
    {"unique", "INSERT INTO person(name,body,n,r) VALUES(?,?,?,?)", INSERTS, 1000, 1},
    {"single", "INSERT INTO item(name,body,n,r) VALUES(?,?,?,?)", INSERTS, 20, 0},
    {"update", "UPDATE item SET n=? WHERE id=?", UPDATES, 1000, 1},
    {"select", "INSERT INTO copy(name,body,n,r) SELECT name,body,n,r FROM item WHERE id>? AND id<=?",
     SELECT, 100000, 0},
};

static void write_block(struct side *side, const struct workload *workload, long first, long end) {
  if (workload->transaction) run(side, "BEGIN IMMEDIATE");
  if (workload->kind == SELECT) {
    check(side, sqlite3_bind_int64(side->statement, 1, first));
    check(side, sqlite3_bind_int64(side->statement, 2, end));
    step(side);
  } else {
    for (long i = first; i < end; i++) {
      if (workload->kind == UPDATES) {
        check(side, sqlite3_bind_int64(side->statement, 1, i));
        check(side, sqlite3_bind_int64(side->statement, 2, (int64_t)(next_random(&side->seed) % 100000) + 1));
      } else {
        bind_row(side, i);
      }
      step(side);
    }
  }
  if (workload->transaction) run(side, "COMMIT");
}

static double read_clock(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void timed_block(struct side *side, const struct workload *workload, long first, long end) {
  double wall = read_clock(CLOCK_MONOTONIC), processor = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  write_block(side, workload, first, end);
  side->spent.processor += read_clock(CLOCK_PROCESS_CPUTIME_ID) - processor;
  side->spent.wall += read_clock(CLOCK_MONOTONIC) - wall;
}

static void open_side(struct side *side, const char *file, const char *sql) {
  side->seed = 88172645463325252u;
  check(side, sqlite3_open_v2(file, &side->db, SQLITE_OPEN_READWRITE, NULL));
  run(side, "PRAGMA busy_timeout=5000");
  check(side, sqlite3_prepare_v3(side->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &side->statement, NULL));
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const struct workload *workload = NULL;
  for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
    if (!strcmp(argv[3], workloads[i].name)) workload = &workloads[i];
  }
  if (!workload) return 2;
  uint64_t seed = 1442695040888963407u;
  for (size_t i = 0; i < sizeof letters; i++) letters[i] = (char)('a' + next_random(&seed) % 26);
  struct side plain = {0}, hooked = {0};
  open_side(&plain, argv[1], workload->sql);
  open_side(&hooked, argv[2], workload->sql);
  long count = atol(argv[4]);
  for (long first = 0, turn = 0; first < count; first += workload->block, turn++) {
    long end = first + workload->block < count ? first + workload->block : count;
    timed_block(turn % 2 ? &hooked : &plain, workload, first, end);
    timed_block(turn % 2 ? &plain : &hooked, workload, first, end);
  }
  double rows = (double)count;
  printf("%.1f %.1f %.1f %.1f\n", plain.spent.wall / rows, plain.spent.processor / rows,
         hooked.spent.wall / rows, hooked.spent.processor / rows);
  return 0;
}
