// SPDX-License-Identifier: ISC

// What processors are compared by: each kernel runs about 50 million instructions times the scale and has a checksum.
#include "kernels.h"

#define ARENA_WORDS (1 << 20)

static uint64_t arena[ARENA_WORDS];  // 8 MiB, overwritten by each kernel

static uint64_t random_state;

static uint64_t random_next(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static uint32_t rotate(uint32_t value, int count) { return value >> count | value << (32 - count); }

// Integer arithmetic in registers.
static uint64_t integers(unsigned scale) {
  uint64_t a = 1, b = 2;
  for (unsigned i = 0; i < scale * 6000000; i++) {
    a += b * 0x9e3779b97f4a7c15;
    b ^= a >> 29;
    b += i;
  }
  return a ^ b;
}

// Sieve of Eratosthenes: loads and stores of bytes.
static uint64_t sieve(unsigned scale) {
  uint8_t *composite = (uint8_t *)arena;
  const unsigned limit = 1000000;
  uint64_t primes = 0;
  for (unsigned round = 0; round < scale * 4; round++) {
    for (unsigned i = 0; i < limit; i++) composite[i] = 0;
    for (unsigned i = 2; i < limit; i++) {
      if (composite[i]) continue;
      primes++;
      for (unsigned j = 2 * i; j < limit; j += i) composite[j] = 1;
    }
  }
  return primes;
}

// A mix as CoreMark has it: a sorted list, a small matrix, a state machine and a checksum.
struct item {
  struct item *next;
  int16_t value, index;
};

static uint16_t checksum(uint16_t crc, uint16_t value) {
  for (int i = 0; i < 16; i++) {
    bool carry = (crc ^ value) & 1;
    crc >>= 1;
    if (carry) crc ^= 0xa001;
    value >>= 1;
  }
  return crc;
}

static struct item *merge(struct item *a, struct item *b) {
  struct item head, *last = &head;
  while (a && b) {
    struct item **least = a->value <= b->value ? &a : &b;
    last->next = *least;
    last = *least;
    *least = last->next;
  }
  last->next = a ? a : b;
  return head.next;
}

static struct item *sort(struct item *list, int length) {
  if (length < 2) {
    if (list) list->next = 0;
    return list;
  }
  struct item *half = list;
  for (int i = 0; i < length / 2; i++) half = half->next;
  struct item *right = sort(half, length - length / 2);
  // The left half still ends wherever it did: its length says where to stop.
  return merge(sort(list, length / 2), right);
}

static int classify(const char *text) {
  int state = 0;
  for (; *text && *text != ','; text++) {
    char c = *text;
    switch (state) {
      case 0: state = c >= '0' && c <= '9' ? 1 : c == '-' || c == '+' ? 2 : c == '.' ? 3 : 7; break;
      case 1: state = c >= '0' && c <= '9' ? 1 : c == '.' ? 3 : c == 'e' ? 4 : 7; break;
      case 2: state = c >= '0' && c <= '9' ? 1 : c == '.' ? 3 : 7; break;
      case 3: state = c >= '0' && c <= '9' ? 3 : c == 'e' ? 4 : 7; break;
      case 4: state = c == '-' || c == '+' ? 5 : c >= '0' && c <= '9' ? 6 : 7; break;
      case 5:
      case 6: state = c >= '0' && c <= '9' ? 6 : 7; break;
      default: return 7;
    }
  }
  return state;
}

static uint64_t mix(unsigned scale) {
  static const char numbers[] = "5012,1234,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e+3,-.123e-2,-87e+832,T0.3e-1F";
  enum { LENGTH = 200, SIDE = 12 };
  struct item *items = (struct item *)arena;
  int32_t *a = (int32_t *)(arena + 4096), *b = a + SIDE * SIDE, *c = b + SIDE * SIDE;
  uint16_t crc = 0;
  for (unsigned round = 0; round < scale * 400; round++) {
    for (int i = 0; i < LENGTH; i++) {
      items[i] = (struct item){i + 1 < LENGTH ? &items[i + 1] : 0, random_next(), i};
    }
    int n = 0;
    for (struct item *item = sort(items, LENGTH); item; item = item->next) crc = checksum(crc, item->index + n++);
    for (int i = 0; i < SIDE * SIDE; i++) a[i] = i * crc, b[i] = i - crc;
    for (int i = 0; i < SIDE; i++) {
      for (int j = 0; j < SIDE; j++) {
        int32_t sum = 0;
        for (int k = 0; k < SIDE; k++) sum += a[i * SIDE + k] * b[k * SIDE + j];
        c[i * SIDE + j] = sum;
      }
    }
    for (int i = 0; i < SIDE * SIDE; i++) crc = checksum(crc, c[i]);
    for (int repeat = 0; repeat < 8; repeat++) {
      for (const char *text = numbers; *text; text++) {
        if (text == numbers || text[-1] == ',') crc = checksum(crc, classify(text));
      }
    }
  }
  return crc;
}

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void absorb(uint32_t *digest, const uint32_t *chunk) {
  uint32_t schedule[64];
  for (int i = 0; i < 16; i++) schedule[i] = __builtin_bswap32(chunk[i]);
  for (int i = 16; i < 64; i++) {
    uint32_t x = schedule[i - 15], y = schedule[i - 2];
    schedule[i] = schedule[i - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + schedule[i - 7] +
                  (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
  }
  uint32_t a = digest[0], b = digest[1], c = digest[2], d = digest[3];
  uint32_t e = digest[4], f = digest[5], g = digest[6], h = digest[7];
  for (int i = 0; i < 64; i++) {
    uint32_t first = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + round_constants[i] +
                     schedule[i];
    uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
  }
  digest[0] += a, digest[1] += b, digest[2] += c, digest[3] += d;
  digest[4] += e, digest[5] += f, digest[6] += g, digest[7] += h;
}

static uint64_t sha256(unsigned scale) {
  uint32_t digest[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint32_t *message = (uint32_t *)arena;
  for (int i = 0; i < 65536 / 4; i++) message[i] = i;
  for (unsigned i = 0; i < scale * 16000; i++) absorb(digest, message + i % 1024 * 16);
  return (uint64_t)digest[0] << 32 | digest[7];
}

// AES-128 on tables: four lookups per word and round.
static uint64_t aes_tables(unsigned scale) {
  uint32_t *tables = (uint32_t *)arena;  // not the real ones: only their use matters
  for (int i = 0; i < 1024; i++) tables[i] = random_next();
  uint32_t s[4] = {1, 2, 3, 4}, keys[44];
  for (int i = 0; i < 44; i++) keys[i] = random_next();
  for (unsigned block = 0; block < scale * 100000; block++) {
    for (int round = 0; round < 10; round++) {
      uint32_t t[4];
      for (int i = 0; i < 4; i++) {
        t[i] = tables[s[i] >> 24] ^ tables[256 + (s[(i + 1) & 3] >> 16 & 255)] ^
               tables[512 + (s[(i + 2) & 3] >> 8 & 255)] ^ tables[768 + (s[(i + 3) & 3] & 255)] ^ keys[4 * round + i];
      }
      for (int i = 0; i < 4; i++) s[i] = t[i];
    }
    s[0] += block;
  }
  return (uint64_t)s[0] << 32 | s[3];
}

// AES instructions.
__attribute__((target("aes,sse2"))) static uint64_t aes_instructions(unsigned scale) {
  typedef long long vector __attribute__((vector_size(16)));
  vector state = {1, 2}, keys[10];
  for (int i = 0; i < 10; i++) keys[i] = (vector){random_next(), random_next()};
  for (unsigned block = 0; block < scale * 300000; block++) {
    for (int i = 0; i < 9; i++) state = __builtin_ia32_aesenc128(state, keys[i]);
    state = __builtin_ia32_aesenclast128(state, keys[9]);
  }
  return state[0] ^ state[1];
}

// Copies and lengths, word by word and byte by byte as a small library has them, and by string instructions.
static uint64_t strings(unsigned scale) {
  uint8_t *source = (uint8_t *)arena, *target = source + (1 << 20);
  for (int i = 0; i < 65536; i++) source[i] = 1 + i % 255;
  source[65535] = 0;
  uint64_t total = 0;
  for (unsigned round = 0; round < scale * 100; round++) {
    uint64_t *to = (uint64_t *)target;
    const uint64_t *from = (const uint64_t *)source;
    for (int i = 0; i < 8192; i++) {
      __asm__ volatile("" : : : "memory");
      to[i] = from[i];
    }
    void *rdi = target, *rsi = source;
    uint64_t count = 65536;
    __asm__ volatile("rep movsb" : "+D"(rdi), "+S"(rsi), "+c"(count) : : "memory");
    const uint8_t *end = target;
    while (*end) end++;
    total += end - target;
  }
  return total;
}

// A walk through 4 MiB in random order.
static uint64_t pointers(unsigned scale) {
  enum { COUNT = 1 << 19 };
  uint64_t **cells = (uint64_t **)arena;
  for (int i = 0; i < COUNT; i++) arena[i] = i;
  for (int i = COUNT - 1; i > 0; i--) {  // one cycle through all
    int j = random_next() % i;
    uint64_t other = arena[j];
    arena[j] = arena[i];
    arena[i] = other;
  }
  for (int i = 0; i < COUNT; i++) cells[i] = &arena[arena[i]];
  uint64_t *at = arena;
  for (unsigned i = 0; i < scale * 6000000; i++) at = *(uint64_t **)at;
  return at - arena;
}

// The outer planets in double precision.
struct body {
  double at[3], speed[3], mass;
};

static uint64_t nbody(unsigned scale) {
  struct body bodies[5];
  for (int i = 0; i < 5; i++) {
    for (int k = 0; k < 3; k++) {
      bodies[i].at[k] = (i + 1) * (k + 2) * 0.7 - 3;
      bodies[i].speed[k] = 0.1 * (i - k);
    }
    bodies[i].mass = i == 0 ? 39.5 : 0.01 * i;
  }
  for (unsigned step = 0; step < scale * 80000; step++) {
    for (int i = 0; i < 5; i++) {
      for (int j = i + 1; j < 5; j++) {
        double delta[3], squared = 0.01, root;
        for (int k = 0; k < 3; k++) {
          delta[k] = bodies[i].at[k] - bodies[j].at[k];
          squared += delta[k] * delta[k];
        }
        __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(squared));
        double magnitude = 0.001 / (squared * root);
        for (int k = 0; k < 3; k++) {
          bodies[i].speed[k] -= delta[k] * magnitude * bodies[j].mass;
          bodies[j].speed[k] += delta[k] * magnitude * bodies[i].mass;
        }
      }
    }
    for (int i = 0; i < 5; i++) {
      for (int k = 0; k < 3; k++) bodies[i].at[k] += 0.001 * bodies[i].speed[k];
    }
  }
  return (uint64_t)(int64_t)(bodies[0].at[0] * 1e9) ^ (uint64_t)(int64_t)(bodies[4].speed[2] * 1e9);
}

// An interpreter of a small stack language: indirect jumps that depend on data.
static uint64_t interpreter(unsigned scale) {
  enum { PUSH, ADD, MULTIPLY, XOR, DUPLICATE, SWAP, DECREMENT, JUMP_UNLESS_ZERO, END };
  static const uint8_t program[] = {PUSH, 3,   DUPLICATE, MULTIPLY, PUSH, 7,   ADD, SWAP, PUSH, 5,
                                    XOR,  SWAP, ADD,       DUPLICATE, PUSH, 11, XOR, ADD,  DECREMENT,
                                    JUMP_UNLESS_ZERO, 0, END};
  uint64_t stack[16] = {0}, counter = scale * 250000, *top = stack + 4;
  for (const uint8_t *pc = program;;) {
    switch (*pc++) {
      case PUSH: *++top = *pc++; break;
      case ADD: top[-1] += top[0], top--; break;
      case MULTIPLY: top[-1] *= top[0], top--; break;
      case XOR: top[-1] ^= top[0], top--; break;
      case DUPLICATE: top[1] = top[0], top++; break;
      case SWAP: {
        uint64_t value = top[0];
        top[0] = top[-1], top[-1] = value;
        break;
      }
      case DECREMENT: counter--; top = stack + 4 + (counter & 1); break;
      case JUMP_UNLESS_ZERO: pc = counter ? program + *pc : pc + 1; break;
      default: return top[0] ^ top[-1];
    }
  }
}

// Marks and sweeps a heap of small objects, as a garbage collector does.
struct object {
  uint32_t marked, length;
  struct object *fields[6];
};

static uint64_t heap(unsigned scale) {
  enum { COUNT = 1 << 15 };
  struct object *objects = (struct object *)arena;
  struct object **stack = (struct object **)(objects + COUNT);
  uint64_t live = 0;
  for (unsigned round = 0; round < scale * 5; round++) {
    for (int i = 0; i < COUNT; i++) {
      objects[i].marked = 0;
      objects[i].length = random_next() % 7;
      for (unsigned k = 0; k < objects[i].length; k++) objects[i].fields[k] = &objects[random_next() % COUNT];
    }
    struct object **top = stack;
    *top++ = objects;
    objects[0].marked = 1;
    while (top != stack) {
      struct object *object = *--top;
      for (unsigned k = 0; k < object->length; k++) {
        struct object *child = object->fields[k];
        if (!child->marked) {
          child->marked = 1;
          *top++ = child;
        }
      }
    }
    for (int i = 0; i < COUNT; i++) live += objects[i].marked;
  }
  return live;
}

// Calls: a recursive function.
__attribute__((noinline, noipa)) static uint64_t fibonacci(uint64_t n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t calls(unsigned scale) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < scale; i++) sum += fibonacci(31);
  return sum;
}

const struct kernel kernels[] = {
    {"integers", integers},       {"sieve", sieve},       {"mix", mix},
    {"sha256", sha256},           {"aes-tables", aes_tables}, {"aes-ni", aes_instructions},
    {"strings", strings},         {"pointers", pointers}, {"nbody", nbody},
    {"interpreter", interpreter}, {"heap", heap},         {"calls", calls},
};

static char *put_number(char *at, uint64_t value) {
  char digits[20];
  int count = 0;
  do digits[count++] = '0' + value % 10;
  while (value /= 10);
  while (count) *at++ = digits[--count];
  return at;
}

static char *put_text(char *at, const char *text) {
  while (*text) *at++ = *text++;
  return at;
}

static uint64_t ticks(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

void run_kernels(unsigned scale) {
  write_line("start\n", 6);
  for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    random_state = 88172645463325252;
    char line[80];
    uint64_t before = ticks();
    uint64_t result = kernels[i].run(scale);
    char *at = put_text(line, kernels[i].name);
    *at++ = ' ';
    at = put_number(at, result);
    *at++ = ' ';
    at = put_number(at, ticks() - before);
    *at++ = '\n';
    write_line(line, at - line);
  }
}
