// SPDX-License-Identifier: ISC

// SSE and SSE2: packed and scalar arithmetic, conversions, shuffles, integer lanes, MXCSR. Each step prints its name.
#include "guest.h"

typedef double doubles __attribute__((vector_size(16)));
typedef float floats __attribute__((vector_size(16)));
typedef int ints __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(16)));

static int wrong;

static void check(const char *name, bool right) {
  print("%s%s\n", name, right ? "" : " wrong");
  if (!right) wrong++;
}

// Keeps the compiler from computing at build time.
#define OPAQUE(VALUE) __asm__ volatile("" : "+x"(VALUE))

int main(const char *arguments) {
  (void)arguments;

  uint64_t word = 0x0123456789abcdef, back;
  doubles lanes;
  __asm__ volatile("movq %1, %0" : "=x"(lanes) : "r"(word));
  __asm__ volatile("movq %1, %0" : "=r"(back) : "x"(lanes));
  check("movq", back == word);

  uint32_t control;
  __asm__ volatile("stmxcsr %0" : "=m"(control));
  check("mxcsr at start", control == 0x1f80);
  __asm__ volatile("ldmxcsr %0" : : "m"(control));

  double half = 0.5, three = 3;
  OPAQUE(half);
  OPAQUE(three);
  check("scalar double", half * three + half / 0.25 - three == 0.5);
  double root = 2.25;
  __asm__ volatile("sqrtsd %0, %0" : "+x"(root));
  check("sqrtsd", root == 1.5);
  check("cvttsd2si", (int64_t)(three * 1e15 + half) == 3000000000000000);
  volatile int64_t integer = -7;
  check("cvtsi2sd", (double)integer * half == -3.5);
  float single = 1.25f;
  OPAQUE(single);
  check("cvtss2sd", (double)single == 1.25);
  check("comisd", half < three && !(three < half));

  doubles a = {1, 2}, b = {0.5, -4};
  OPAQUE(a);
  OPAQUE(b);
  doubles sum = a + b, product = a * b, quotient = a / b;
  check("addpd", sum[0] == 1.5 && sum[1] == -2);
  check("mulpd", product[0] == 0.5 && product[1] == -8);
  check("divpd", quotient[0] == 2 && quotient[1] == -0.5);

  floats f = {1, 2, 3, 4};
  OPAQUE(f);
  floats reversed = __builtin_shuffle(f, (ints){3, 2, 1, 0});
  check("shufps", reversed[0] == 4 && reversed[3] == 1);
  floats squares = f * f;
  check("mulps", squares[1] == 4 && squares[3] == 16);

  ints i = {1, -2, 3, 0x7fffffff};
  OPAQUE(i);
  ints twice = i + i, shifted = i << 4;
  check("paddd", twice[1] == -4 && (uint32_t)twice[3] == 0xfffffffe);
  check("pslld", shifted[0] == 16 && shifted[1] == -32);

  bytes text = {'s', 't', 'r', 'l', 'e', 'n', 0};
  OPAQUE(text);
  bytes zeros = (bytes)(text == 0);
  uint32_t mask;
  __asm__ volatile("pmovmskb %1, %0" : "=r"(mask) : "x"(zeros));
  check("pcmpeqb and pmovmskb", __builtin_ctz(mask) == 6);

  uint8_t unaligned[33] = {0};
  for (int n = 0; n < 33; n++) unaligned[n] = n;
  bytes loaded;
  __asm__ volatile("movdqu %1, %0" : "=x"(loaded) : "m"(unaligned[1]), "m"(*(const char(*)[33])unaligned));
  check("movdqu", loaded[0] == 1 && loaded[15] == 16);

  return wrong ? failure("SSE results") : success();
}
