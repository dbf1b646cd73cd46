// SPDX-License-Identifier: ISC

// sha256 [BYTES]: the digest of BYTES bytes 0, 1, ... 255, 0, ..., after a known answer.
#include "guest.h"

struct digest {
  uint32_t words[8];
};

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

static uint32_t rotate(uint32_t value, int count) { return value >> count | value << (32 - count); }

static void absorb(struct digest *digest, const uint8_t *chunk) {
  uint32_t schedule[64];
  for (int i = 0; i < 16; i++) {
    schedule[i] = (uint32_t)chunk[4 * i] << 24 | chunk[4 * i + 1] << 16 | chunk[4 * i + 2] << 8 | chunk[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t x = schedule[i - 15], y = schedule[i - 2];
    schedule[i] = schedule[i - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + schedule[i - 7] +
                  (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
  }
  struct digest d = *digest;
  uint32_t *v = d.words;
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t first = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + choice + round_constants[i] +
                     schedule[i];
    uint32_t second = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + majority;
    for (int j = 7; j > 0; j--) v[j] = v[j - 1];
    v[4] += first;
    v[0] = first + second;
  }
  for (int i = 0; i < 8; i++) digest->words[i] += v[i];
}

// The message is the pattern's first bytes, repeated.
static struct digest sha256(const uint8_t *pattern, uint64_t pattern_length, uint64_t length) {
  struct digest digest = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
  uint64_t padded = (length + 9 + 63) / 64 * 64;
  uint8_t chunk[64];
  for (uint64_t at = 0; at < padded; at++) {
    uint8_t byte = 0;
    if (at < length) byte = pattern[at % pattern_length];
    if (at == length) byte = 0x80;
    if (at >= padded - 8) byte = length * 8 >> (8 * (padded - 1 - at));
    chunk[at % 64] = byte;
    if (at % 64 == 63) absorb(&digest, chunk);
  }
  return digest;
}

int main(const char *arguments) {
  uint64_t length = next_number(&arguments, 65536);
  struct digest known = sha256((const uint8_t *)"abc", 3, 3);
  if (known.words[0] != 0xba7816bf || known.words[7] != 0xf20015ad) return failure("digest of abc");

  uint8_t pattern[256];
  for (int i = 0; i < 256; i++) pattern[i] = i;
  uint64_t before = monotonic();
  struct digest digest = sha256(pattern, 256, length);
  uint64_t elapsed = monotonic() - before;
  print("digest ");
  for (int i = 0; i < 8; i++) print("%08x", digest.words[i]);
  print("\n%lu bytes in %lu ns\n", length, elapsed);
  return success();
}
