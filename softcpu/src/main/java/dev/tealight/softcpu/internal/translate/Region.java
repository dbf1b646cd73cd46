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

  /** What an access of memory costs the JIT beyond its instruction: checks, and a way out. */
  private static final int ACCESS_COST = 3;

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

    /** Returns where an indirect jump or call at its end has led lately. */
    List<Long> targets() {
      return switch (Flow.of(last())) {
        case INDIRECT_JUMP, INDIRECT_CALL -> block.targets();
        default -> List.of();
      };
    }
  }

  private record Key(long rip, @Nullable Frame frame) {}

  /** All that the method of a region depends on. */
  record Content(List<Part> parts) {
    /**
     * A node.
     *
     * @param targets where an indirect jump or call at the end has led lately
     */
    record Part(List<Insn> insns, @Nullable Frame frame, List<Long> targets) {}
  }

  private final Blocks blocks;
  private final int maxCost;
  private final long epoch;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<Key, Node> byKey = new HashMap<>();
  private final List<Insn> insns = new ArrayList<>();
  private final List<Integer> remaining = new ArrayList<>();
  private int cost;

  Region(Block root, Blocks blocks, int maxCost, long epoch) {
    this.blocks = blocks;
    this.maxCost = maxCost;
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
    int blockCost = cost(block);
    if (!nodes.isEmpty() && (cost + blockCost > maxCost || nodes.size() == MAX_NODES)) {
      return;
    }
    cost += blockCost;
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

  /** Returns how much work the JIT has with a block, in simple instructions. */
  private static int cost(Block block) {
    int cost = block.insns.length;
    for (Insn insn : block.insns) {
      if (accessesMemory(insn)) {
        cost += ACCESS_COST;
      }
    }
    return cost;
  }

  private static boolean accessesMemory(Insn insn) {
    return switch (insn.mnemonic()) {
      case "PUSH", "POP", "CALL", "RET", "LEAVE" -> true;
      case "LEA", "NOP" -> false;
      default -> insn.hasMemory();
    };
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
        for (long target : node.targets()) {
          reach(target, node.frame, open);
        }
      }
      case INDIRECT_CALL -> {
        Frame frame = called(node, last);
        if (frame != null) {
          for (long target : node.targets()) {
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

  Content content() {
    return new Content(
        nodes.stream()
            .map(node -> new Content.Part(List.of(node.block.insns), node.frame, node.targets()))
            .toList());
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
