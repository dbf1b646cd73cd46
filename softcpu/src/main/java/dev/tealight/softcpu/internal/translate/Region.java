// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import dev.tealight.softcpu.internal.cpu.Insn;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The blocks that are translated together: those reached from the first by jumps, and by calls and
 * the returns that belong to them.
 *
 * <p>A function called from two places is there twice, so that each return has one place to go. The
 * only way in is the first block. Blocks that have never run are not part of it.
 */
public final class Region {
  private static final int MAX_NODES = 96;
  private static final int MAX_DEPTH = 4;

  /** Finds blocks that have been decoded. */
  @FunctionalInterface
  public interface Blocks {
    /** Returns the block at {@code rip}, or null; looks at nothing that the guest could notice. */
    @Nullable Block decoded(long rip);
  }

  /** A call inside the region: where it returns to. */
  record Frame(long returnRip, @Nullable Frame caller, int depth) {}

  /** A block in the region. */
  static final class Node {
    final Block block;
    final @Nullable Frame frame;

    /** Number of the block's first instruction in the region. */
    int first;

    Node(Block block, @Nullable Frame frame) {
      this.block = block;
      this.frame = frame;
    }

    Insn last() {
      return block.insns[block.insns.length - 1];
    }
  }

  private record Key(long rip, @Nullable Frame frame) {}

  private final Blocks blocks;
  private final int maxInsns;
  private final long epoch;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<Key, Node> byKey = new HashMap<>();
  private final List<Insn> insns = new ArrayList<>();
  private final List<Integer> remaining = new ArrayList<>();

  Region(Block root, Blocks blocks, int maxInsns, long epoch) {
    this.blocks = blocks;
    this.maxInsns = maxInsns;
    this.epoch = epoch;
    Queue<Node> open = new ArrayDeque<>();
    add(root, null, open);
    Node node;
    while ((node = open.poll()) != null) {
      grow(node, open);
    }
  }

  private void add(Block block, @Nullable Frame frame, Queue<Node> open) {
    int count = block.insns.length;
    if (!nodes.isEmpty() && (insns.size() + count > maxInsns || nodes.size() == MAX_NODES)) {
      return;
    }
    Node node = new Node(block, frame);
    node.first = insns.size();
    for (int i = 0; i < count; i++) {
      insns.add(block.insns[i]);
      remaining.add(count - i);
    }
    nodes.add(node);
    byKey.put(new Key(block.rip, frame), node);
    open.add(node);
  }

  private void grow(Node node, Queue<Node> open) {
    Insn last = node.last();
    switch (Flow.of(last)) {
      case CONDITIONAL -> {
        reach(last.immediate(), node.frame, open);
        reach(last.next(), node.frame, open);
      }
      case JUMP -> reach(last.immediate(), node.frame, open);
      case CALL -> {
        Frame frame = called(node, last);
        if (frame != null) {
          reach(last.immediate(), frame, open);
        }
      }
      case RETURN -> {
        if (node.frame != null) {
          reach(node.frame.returnRip(), node.frame.caller(), open);
        }
      }
      case INDIRECT_JUMP -> {
        for (long target : node.block.targets()) {
          reach(target, node.frame, open);
        }
      }
      case INDIRECT_CALL -> {
        Frame frame = called(node, last);
        if (frame != null) {
          for (long target : node.block.targets()) {
            reach(target, frame, open);
          }
        }
      }
      case NEXT -> reach(last.next(), node.frame, open);
      case ELSEWHERE -> {}
    }
  }

  /** Returns the frame of a call at the end of the node, or null if calls are nested too deep. */
  static @Nullable Frame called(Node node, Insn call) {
    int depth = node.frame == null ? 0 : node.frame.depth();
    return depth == MAX_DEPTH ? null : new Frame(call.next(), node.frame, depth + 1);
  }

  private void reach(long rip, @Nullable Frame frame, Queue<Node> open) {
    if (byKey.containsKey(new Key(rip, frame))) {
      return;
    }
    Block block = blocks.decoded(rip);
    if (block != null) {
      add(block, frame, open);
    }
  }

  /** Returns the node at {@code rip} in the frame, or null if that is outside the region. */
  @Nullable Node node(long rip, @Nullable Frame frame) {
    return byKey.get(new Key(rip, frame));
  }

  List<Node> nodes() {
    return nodes;
  }

  Insn[] insns() {
    return insns.toArray(Insn[]::new);
  }

  int[] remaining() {
    return remaining.stream().mapToInt(Integer::intValue).toArray();
  }

  long epoch() {
    return epoch;
  }

  /** Returns the blocks, each once. */
  public List<Block> distinctBlocks() {
    return nodes.stream().map(node -> node.block).distinct().toList();
  }
}
