// SPDX-License-Identifier: ISC

// nbody [STEPS]: the outer planets' orbits in SSE2 doubles. Prints the energy in units of 10^-9.
#include "guest.h"

#define PI 3.141592653589793
#define SOLAR_MASS (4 * PI * PI)
#define DAYS 365.24
#define BODIES 5
#define STEP 0.01

struct body {
  double at[3], speed[3], mass;
};

// The sun, Jupiter, Saturn, Uranus, Neptune.
static struct body bodies[BODIES] = {
    {{0}, {0}, SOLAR_MASS},
    {{4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01},
     {1.66007664274403694e-03 * DAYS, 7.69901118419740425e-03 * DAYS, -6.90460016972063023e-05 * DAYS},
     9.54791938424326609e-04 * SOLAR_MASS},
    {{8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01},
     {-2.76742510726411899e-03 * DAYS, 4.99852801234917238e-03 * DAYS, 2.30417297573763929e-05 * DAYS},
     2.85885980666130812e-04 * SOLAR_MASS},
    {{1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01},
     {2.96460137564761618e-03 * DAYS, 2.37847173959480950e-03 * DAYS, -2.96589568540237556e-05 * DAYS},
     4.36624404335156298e-05 * SOLAR_MASS},
    {{1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01},
     {2.68067772490389322e-03 * DAYS, 1.62824170038242295e-03 * DAYS, -9.51592254519715870e-05 * DAYS},
     5.15138902046611451e-05 * SOLAR_MASS},
};

static double root(double value) {
  __asm__("sqrtsd %0, %0" : "+x"(value));
  return value;
}

static double distance_squared(const struct body *a, const struct body *b) {
  double sum = 0;
  for (int k = 0; k < 3; k++) sum += (a->at[k] - b->at[k]) * (a->at[k] - b->at[k]);
  return sum;
}

static void centre_momentum(void) {
  for (int k = 0; k < 3; k++) {
    double momentum = 0;
    for (int i = 0; i < BODIES; i++) momentum += bodies[i].speed[k] * bodies[i].mass;
    bodies[0].speed[k] = -momentum / SOLAR_MASS;
  }
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    const double *v = bodies[i].speed;
    sum += bodies[i].mass * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / 2;
    for (int j = i + 1; j < BODIES; j++) {
      sum -= bodies[i].mass * bodies[j].mass / root(distance_squared(&bodies[i], &bodies[j]));
    }
  }
  return sum;
}

static void advance(void) {
  for (int i = 0; i < BODIES; i++) {
    for (int j = i + 1; j < BODIES; j++) {
      struct body *a = &bodies[i], *b = &bodies[j];
      double squared = distance_squared(a, b);
      double magnitude = STEP / (squared * root(squared));
      for (int k = 0; k < 3; k++) {
        double pull = (a->at[k] - b->at[k]) * magnitude;
        a->speed[k] -= pull * b->mass;
        b->speed[k] += pull * a->mass;
      }
    }
  }
  for (int i = 0; i < BODIES; i++) {
    for (int k = 0; k < 3; k++) bodies[i].at[k] += STEP * bodies[i].speed[k];
  }
}

static int64_t nano(double value) { return value * 1e9; }

int main(const char *arguments) {
  uint64_t steps = next_number(&arguments, 1000);
  centre_momentum();
  int64_t start = nano(energy());
  print("energy %ld\n", start);
  uint64_t before = monotonic();
  for (uint64_t step = 0; step < steps; step++) advance();
  uint64_t elapsed = monotonic() - before;
  int64_t end = nano(energy());
  print("energy %ld\n%lu steps in %lu ns\n", end, steps, elapsed);
  if (start != -169075163) return failure("energy at the start");
  return steps != 1000 || end == -169087605 ? success() : failure("energy after 1000 steps");
}
