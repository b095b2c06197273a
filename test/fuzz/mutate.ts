import type { Dice } from "../chaos/dice.ts";

/** No mutant is longer: what is reached with more bytes is tested by name. */
const BYTES_MAX = 16 * 1024;

const WORDS = [0, 1, -1, 2, 7, 127, 128, -128, 255, 256, 32_767, -32_768, 65_535, 2 ** 20, 2 ** 31 - 1, -(2 ** 31)];

/** Zigzag numbers at the edges of what they may hold, longer than they need to be, and without an end. */
const NUMBERS = [
  "00",
  "01",
  "02",
  "03",
  "7f",
  "8001",
  "feffffff0f",
  "ffffffff0f",
  "feffffffffffffffff01",
  "ffffffffffffffffff01",
  "80808000",
  "ffffffffffffffffffffff",
  "808080808080808080808001",
].map((hex) => Buffer.from(hex, "hex"));

type Mutation = (bytes: Buffer, dice: Dice, others: readonly Buffer[]) => Buffer;

const placeIn = (bytes: Buffer, dice: Dice) => dice.between(0, Math.max(0, bytes.length - 1));

/** Replaces `length` bytes at `at`. */
const spliced = (bytes: Buffer, at: number, length: number, by: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(Math.min(bytes.length, at + length))]);

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, dice) {
    if (bytes.length > 0) bytes[placeIn(bytes, dice)]! ^= 1 << dice.between(0, 7);
    return bytes;
  },
  function setByte(bytes, dice) {
    if (bytes.length > 0)
      bytes[placeIn(bytes, dice)] = dice.pick([0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff, dice.between(0, 255)]);
    return bytes;
  },
  function addToByte(bytes, dice) {
    const at = placeIn(bytes, dice);
    if (bytes.length > 0) bytes[at] = bytes[at]! + dice.pick([1, -1, 2, -2, 16]);
    return bytes;
  },
  function setWord(bytes, dice) {
    const word = dice.pick(WORDS);
    const at = placeIn(bytes, dice);
    if (at + 4 <= bytes.length && dice.happens(0.7)) bytes.writeInt32BE(word | 0, at);
    else if (at + 2 <= bytes.length) bytes.writeUInt16BE(word & 0xffff, at);
    return bytes;
  },
  function setNumber(bytes, dice) {
    const number = dice.pick(NUMBERS);
    return spliced(bytes, placeIn(bytes, dice), dice.pick([0, 1, number.length]), number);
  },
  function cut(bytes, dice) {
    return dice.happens(0.5)
      ? bytes.subarray(0, placeIn(bytes, dice))
      : bytes.subarray(0, Math.max(0, bytes.length - dice.between(1, 8)));
  },
  function drop(bytes, dice) {
    return spliced(bytes, placeIn(bytes, dice), dice.between(1, 16), Buffer.alloc(0));
  },
  function repeat(bytes, dice) {
    const at = placeIn(bytes, dice);
    const part = bytes.subarray(at, at + dice.between(1, 64));
    return spliced(bytes, at, 0, Buffer.concat(Array<Buffer>(dice.between(1, 8)).fill(part)));
  },
  function splice(bytes, dice, others) {
    const other = dice.pick(others);
    const from = placeIn(other, dice);
    return spliced(bytes, placeIn(bytes, dice), dice.between(0, 64), other.subarray(from, from + dice.between(1, 256)));
  },
  function append(bytes, dice, others) {
    return Buffer.concat([bytes, dice.pick(others)]);
  },
  function fill(bytes, dice) {
    const at = placeIn(bytes, dice);
    return bytes.fill(dice.pick([0, 0x80, 0xff]), at, Math.min(bytes.length, at + dice.between(1, 32)));
  },
];

/** A few mutations of an input, one on the other. @param others inputs of the same door, for parts of them */
export function mutate(input: Buffer, dice: Dice, others: readonly Buffer[]): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let left = dice.pick([1, 1, 1, 2, 2, 3, 5]); left > 0; left--) {
    bytes = dice.pick(MUTATIONS)(bytes, dice, others);
    if (bytes.length > BYTES_MAX) bytes = bytes.subarray(0, BYTES_MAX);
  }
  return bytes;
}
