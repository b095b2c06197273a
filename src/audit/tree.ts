import { createHash } from "node:crypto";

/**
 * The Merkle tree of RFC 9162, section 2.1 (RFC 6962's): over the hashes of a log's entries, so that one entry is proved
 * by as many hashes as the tree is high, 20 for a million entries. By the chain alone a proof is all entries behind it.
 */
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
const HASH_BYTES = 32;

const leafHash = (leaf: Buffer): Buffer => createHash("sha256").update(LEAF).update(leaf).digest();

const nodeHash = (left: Buffer, right: Buffer): Buffer =>
  createHash("sha256").update(NODE).update(left).update(right).digest();

/** Grows a tree leaf by leaf and keeps only the roots of its whole subtrees: 20 hashes for a million leaves. */
export class GrowingTree {
  readonly #subtrees: Buffer[] = [];
  #size = 0;

  add(leaf: Buffer): void {
    let hash = leafHash(leaf);
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) hash = nodeHash(this.#subtrees.pop()!, hash);
    this.#subtrees.push(hash);
    this.#size++;
  }

  root(): Buffer {
    if (this.#subtrees.length === 0) return createHash("sha256").digest();
    return this.#subtrees.reduceRight((right, left) => nodeHash(left, right));
  }
}

/** The largest power of two below n: how many leaves are in the left half of a tree of n. */
function leftLeaves(n: number): number {
  let half = 1;
  while (half * 2 < n) half *= 2;
  return half;
}

/**
 * The hashes that lead from a leaf to the root, lowest first.
 * @param leaves 32 bytes each, one behind the other
 * @param index from 0
 */
export function inclusionPath(leaves: Buffer, index: number): Buffer[] {
  const size = leaves.length / HASH_BYTES;
  if (size <= 1) return [];
  const half = leftLeaves(size);
  const left = leaves.subarray(0, half * HASH_BYTES);
  const right = leaves.subarray(half * HASH_BYTES);
  return index < half
    ? [...inclusionPath(left, index), rootOf(right)]
    : [...inclusionPath(right, index - half), rootOf(left)];
}

/** @param leaves 32 bytes each, one behind the other */
export function rootOf(leaves: Buffer): Buffer {
  const tree = new GrowingTree();
  for (let at = 0; at < leaves.length; at += HASH_BYTES) tree.add(leaves.subarray(at, at + HASH_BYTES));
  return tree.root();
}

/**
 * The root that a path leads to, or undefined when it is too long or too short for a tree of that size.
 * @param index the leaf's, from 0
 */
export function rootFrom(leaf: Buffer, index: number, size: number, path: readonly Buffer[]): Buffer | undefined {
  if (index < 0 || index >= size) return undefined;
  if (size === 1) return path.length === 0 ? leafHash(leaf) : undefined;
  const sibling = path.at(-1);
  if (sibling === undefined) return undefined;
  const half = leftLeaves(size);
  const below = path.slice(0, -1);
  if (index < half) {
    const left = rootFrom(leaf, index, half, below);
    return left && nodeHash(left, sibling);
  }
  const right = rootFrom(leaf, index - half, size - half, below);
  return right && nodeHash(sibling, right);
}
