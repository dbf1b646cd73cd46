// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.decode.Decoder;
import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.memory.Access;
import dev.tealight.softcpu.internal.memory.CodePages;
import dev.tealight.softcpu.internal.translate.Block;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decoded blocks by physical address.
 *
 * <p>Bounded: when it is full everything is dropped. A write to bytes of a block drops the blocks
 * of the page it overlaps.
 */
final class BlockCache implements CodePages {
  private static final int MAX_BLOCKS = 1 << 16;
  private static final int BUCKETS = 1 << 15;
  private static final int RECENT = 1 << 12;
  private static final int MAX_INSNS = 64;
  private static final byte[] NO_BYTES = {};
  private static final long PAGE_MASK = -4096L;

  /** Blocks by address as last entered; saves translating the address. */
  private final @Nullable Block[] recent = new Block[RECENT];

  private final @Nullable Block[] buckets = new Block[BUCKETS];
  private final Map<Long, List<Block>> blocksByPage = new HashMap<>();
  private final long[] codePages;
  private int blockCount;
  private boolean dropped;
  private boolean hasUnprotectedCode;

  private @Nullable Cpu owner;
  private @Nullable Decoder decoder;
  private final Insn[] scratch = new Insn[MAX_INSNS];

  BlockCache(long ramSize) {
    codePages = new long[(int) (ramSize >>> 18) + 1];
  }

  /** Called once: the processor needs this object to be created. */
  void attach(Cpu cpu) {
    owner = cpu;
    decoder = new Decoder(cpu);
  }

  private Cpu cpu() {
    Cpu cpu = owner;
    if (cpu == null) {
      throw new IllegalStateException("not attached");
    }
    return cpu;
  }

  /** Returns the block at the processor's RIP; throws the fault of fetching it. */
  Block current() {
    Cpu cpu = cpu();
    long rip = cpu.rip;
    int slot = (int) (rip ^ rip >>> 12) & RECENT - 1;
    Block block = recent[slot];
    if (block != null && block.rip == rip && block.epoch == cpu.memory.epoch() && block.valid) {
      return block;
    }
    block = find(cpu, rip);
    block.epoch = cpu.memory.epoch();
    recent[slot] = block;
    return block;
  }

  private static int mode(Cpu cpu) {
    return cpu.codeBits << 16 | cpu.system.unitMode();
  }

  private Block find(Cpu cpu, long rip) {
    long gpa = cpu.memory.fetchAddress(cpu.codeAddress(rip));
    int mode = mode(cpu);
    int bucket = bucket(gpa);
    for (Block block = buckets[bucket]; block != null; block = block.chain) {
      boolean same = block.gpa == gpa && block.rip == rip && block.mode == mode;
      if (same && (block.lastPage == (gpa & PAGE_MASK) || stillCrosses(cpu, block))) {
        if (unchanged(cpu, block)) {
          return block;
        }
        written(gpa, block.endGpa() - gpa);
        break;
      }
    }
    return decode(cpu, rip, gpa, mode);
  }

  /**
   * Returns the block at {@code rip} if it has been decoded and its place is known without walking
   * page tables, else null. Changes nothing.
   */
  @Nullable Block decoded(long rip) {
    Cpu cpu = cpu();
    long gpa = cpu.memory.cachedFetchAddress(cpu.codeAddress(rip));
    if (gpa < 0) {
      return null;
    }
    int mode = mode(cpu);
    for (Block block = buckets[bucket(gpa)]; block != null; block = block.chain) {
      if (block.gpa == gpa && block.rip == rip && block.mode == mode && isAsDecoded(block)) {
        return block;
      }
    }
    return null;
  }

  /** Returns whether the block is certainly what the guest would execute at its address now. */
  boolean isAsDecoded(Block block) {
    Cpu cpu = cpu();
    if (!block.valid
        || block.mode != mode(cpu)
        || cpu.memory.cachedFetchAddress(cpu.codeAddress(block.rip)) != block.gpa) {
      return false;
    }
    if (block.lastPage != (block.gpa & PAGE_MASK)) {
      long last = cpu.codeAddress(block.insns[block.insns.length - 1].next() - 1);
      if ((cpu.memory.cachedFetchAddress(last) & PAGE_MASK) != block.lastPage) {
        return false;
      }
    }
    return unchanged(cpu, block);
  }

  /** An instruction across pages is only the same if the second page still is. */
  private static boolean stillCrosses(Cpu cpu, Block block) {
    long last = cpu.codeAddress(block.insns[block.insns.length - 1].next() - 1);
    return (cpu.memory.fetchAddress(last) & PAGE_MASK) == block.lastPage;
  }

  private static boolean unchanged(Cpu cpu, Block block) {
    byte[] source = block.source;
    for (int i = 0; i < source.length; i++) {
      if (cpu.memory.ramByte(block.gpa + i) != source[i]) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns whether the monitor may have changed instructions since the guest ran last. Then blocks
   * are compared with memory when they are entered next.
   */
  boolean mayBeStale() {
    return hasUnprotectedCode;
  }

  private static int bucket(long gpa) {
    return (int) (gpa ^ gpa >>> 15) & BUCKETS - 1;
  }

  private Block decode(Cpu cpu, long rip, long gpa, int mode) {
    if (blockCount >= MAX_BLOCKS) {
      clear();
    }
    Decoder decode = decoder;
    if (decode == null) {
      throw new IllegalStateException("not attached");
    }
    int count = 0;
    long at = rip;
    long lastPage = gpa & PAGE_MASK;
    while (count < MAX_INSNS) {
      Insn insn;
      try {
        insn = decode.decode(at, cpu.codeBits);
      } catch (GuestFault fault) {
        if (count == 0) {
          throw fault;
        }
        break; // the instructions before it run first
      }
      boolean crosses = decode.lastPage() != (gpa & PAGE_MASK);
      if (crosses && count > 0) {
        break; // starts its own block
      }
      scratch[count++] = insn;
      lastPage = decode.lastPage();
      at = insn.next();
      if (crosses || decode.endsBlock() || ((at ^ rip) & PAGE_MASK) != 0) {
        break;
      }
    }
    byte[] source = source(cpu, gpa, lastPage, at - rip);
    Block block = new Block(Arrays.copyOf(scratch, count), rip, gpa, mode, lastPage, source);
    add(block);
    return block;
  }

  private byte[] source(Cpu cpu, long gpa, long lastPage, long length) {
    if ((cpu.outside.permissions(gpa) & Access.WRITE) == 0) {
      return NO_BYTES;
    }
    hasUnprotectedCode = true;
    boolean crosses = lastPage != (gpa & PAGE_MASK);
    byte[] source = new byte[(int) (crosses ? 4096 - (gpa & 4095) : length)];
    for (int i = 0; i < source.length; i++) {
      source[i] = cpu.memory.ramByte(gpa + i);
    }
    return source;
  }

  private void add(Block block) {
    int bucket = bucket(block.gpa);
    block.chain = buckets[bucket];
    buckets[bucket] = block;
    blockCount++;
    addToPage(block.gpa & PAGE_MASK, block);
    if (block.lastPage != (block.gpa & PAGE_MASK)) {
      addToPage(block.lastPage, block);
    }
  }

  private void addToPage(long page, Block block) {
    blocksByPage.computeIfAbsent(page, key -> new ArrayList<>()).add(block);
    int number = (int) (page >>> 12);
    if ((codePages[number >>> 6] >>> number & 1) == 0) {
      codePages[number >>> 6] |= 1L << number;
      cpu().memory.codeAdded(page);
    }
  }

  @Override
  public boolean holdsCode(long gpa) {
    long number = gpa >>> 12;
    return (codePages[(int) (number >>> 6)] >>> number & 1) != 0;
  }

  @Override
  public void written(long gpa, long byteSize) {
    for (long page = gpa & PAGE_MASK; page < gpa + byteSize; page += 4096) {
      List<Block> blocks = blocksByPage.get(page);
      if (blocks != null) {
        dropOverlapping(blocks, page, gpa, gpa + byteSize);
      }
    }
  }

  private void dropOverlapping(List<Block> blocks, long page, long start, long end) {
    boolean any = false;
    for (int i = blocks.size() - 1; i >= 0; i--) {
      Block block = blocks.get(i);
      boolean crossing = block.lastPage != (block.gpa & PAGE_MASK);
      if (crossing || (block.gpa < end && start < block.endGpa())) {
        blocks.remove(i);
        unlink(block);
        any = true;
      }
    }
    if (blocks.isEmpty()) {
      blocksByPage.remove(page);
      int number = (int) (page >>> 12);
      codePages[number >>> 6] &= ~(1L << number);
    }
    if (any) {
      dropped = true;
      cpu().memory.codeDropped();
    }
  }

  private void unlink(Block block) {
    if (!block.valid) {
      return;
    }
    block.valid = false;
    blockCount--;
    int bucket = bucket(block.gpa);
    Block previous = null;
    for (Block other = buckets[bucket]; other != null; other = other.chain) {
      if (other == block) {
        if (previous == null) {
          buckets[bucket] = block.chain;
        } else {
          previous.chain = block.chain;
        }
        break;
      }
      previous = other;
    }
  }

  /** Returns whether blocks were dropped since the last call. */
  boolean takeDropped() {
    boolean result = dropped;
    dropped = false;
    return result;
  }

  /** Drops all blocks whose bytes the monitor may have changed behind the processor's back. */
  void clear() {
    for (List<Block> blocks : blocksByPage.values()) {
      for (Block block : blocks) {
        block.valid = false;
      }
    }
    blocksByPage.clear();
    Arrays.fill(buckets, null);
    Arrays.fill(recent, null);
    Arrays.fill(codePages, 0);
    blockCount = 0;
    dropped = true;
    cpu().memory.codeDropped();
  }
}
