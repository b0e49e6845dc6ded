/* Types, scopes and calls of C, for the symbol tests. Builds as a program and, with -DFREESTANDING, without a C library. */
#include <stddef.h>
#include <stdint.h>

#define NOINLINE __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))

enum colour { RED, GREEN = 5, BLUE = -1 };
enum large { SMALL = 1, HUGE_ONE = 0x7fffffff };

struct flags {
  unsigned present : 1;
  unsigned writable : 1;
  int level : 3;
  unsigned : 2;
  unsigned long long frame : 40;
  signed char tail : 5;
};

struct task;
typedef int (*handler)(struct task *, const char *, ...);

union word {
  uint32_t whole;
  struct {
    uint16_t low, high;
  };
  uint8_t bytes[4];
};

struct task {
  struct task *next;
  char name[16];
  enum colour colour;
  union word word;
  struct flags flags;
  handler run;
  const volatile int *const watch;
  double load;
  _Bool ready;
  struct {
    short x, y;
  } at[3][2];
  int trailing[];
};

typedef struct opaque opaque_t;

volatile int sink;
int counter = 7;
static long long hidden = -42;
const char *const banner = "hello";
struct task tasks[2] = {
    {.next = &tasks[1], .name = "idle", .colour = GREEN, .word = {0x12345678}, .flags = {1, 0, -2, 0xabcdef, -3}, .load = 1.5, .ready = 1},
    {.name = "init", .colour = BLUE, .at = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}, {{9, 10}, {11, 12}}}},
};
int matrix[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
opaque_t *nobody;
float quarter = 0.25f;
char letters[] = {'a', 'b', 0};
int (*const table[2])(int);

INLINE int square(int value) {
  int result = value * value;
  sink += result;
  return result;
}

INLINE int sum_of_squares(int a, int b) {
  int first = square(a);
  int second = square(b);
  return first + second;
}

NOINLINE int leaf(int depth, long wide, const char *text) {
  int local = depth * 3;
  sink += local + (int)wide + text[0];
  return local + sink;
}

NOINLINE int variable_length(int count) {
  int squares[count];
  for (int i = 0; i < count; i++) squares[i] = i * i;
  int total = 0;
  for (int i = 0; i < count; i++) {
    int each = squares[i];
    total += each;
  }
  sink = total;
  return total + squares[count - 1];
}

NOINLINE int recurse(int depth, struct task *task) {
  static int calls = 100;
  char buffer[32];
  calls++;
  for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = (char)(depth + (int)i);
  if (depth == 0) {
    int before = task->colour;
    int result = leaf(calls, (long)hidden, buffer);
    return result + before;
  }
  int deeper = recurse(depth - 1, task);
  sink += buffer[depth];
  return deeper + 1;
}

NOINLINE int dispatch(struct task *task, int kind) {
  struct task copy = *task;
  int result = 0;
  switch (kind) {
    case 0:
      result = sum_of_squares(copy.word.low, kind + 2);
      break;
    case 1: {
      int inner = recurse(3, &copy);
      result = inner;
      break;
    }
    default:
      result = variable_length(kind);
  }
  sink += result;
  return result;
}

int main(int argc, char **argv) {
  int total = 0;
  (void)argv;
  for (int kind = 0; kind < 3; kind++) {
    total += dispatch(&tasks[kind & 1], kind + (kind == 2 ? argc + 3 : 0));
  }
  counter = total;
  return total == 0;
}
