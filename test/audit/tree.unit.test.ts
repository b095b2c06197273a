import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { GrowingTree, inclusionPath, rootFrom, rootOf } from "../../src/audit/tree.ts";
import fc from "../support/random/fast-check.ts";

/** The leaves and roots that Certificate Transparency's own implementations test with. */
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const leavesOf = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => createHash("sha256").update(String(i)).digest()));

describe("the Merkle tree", () => {
  test("has the roots of RFC 9162's tree, at every size on the way", () => {
    const tree = new GrowingTree();
    expect(tree.root().toString("hex")).toBe(ROOTS[0]);
    for (const [i, leaf] of LEAVES.entries()) {
      tree.add(Buffer.from(leaf, "hex"));
      expect(tree.root().toString("hex")).toBe(ROOTS[i + 1]);
    }
  });

  test("proves each leaf of a tree of any size by one path, which fits no other place", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (size, n) => {
        const index = n % size;
        const leaves = leavesOf(size);
        const leaf = leaves.subarray(index * 32, index * 32 + 32);
        const path = inclusionPath(leaves, index);
        const root = rootOf(leaves).toString("hex");
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
        expect(rootFrom(leaf, index, size, path)?.toString("hex")).toBe(root);
        expect(rootFrom(leaf, (index + 1) % size, size, path)?.toString("hex") === root).toBe(size === 1);
        expect(rootFrom(leaf, index, size, [...path, leaf])?.toString("hex")).not.toBe(root);
        expect(rootFrom(leaf, index, size, path.slice(1)) === undefined || path.length === 0).toBe(true);
        expect(rootFrom(leaf, size, size, path)).toBe(undefined);
      }),
    );
  });
});
