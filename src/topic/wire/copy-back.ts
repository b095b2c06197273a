/** Up to here a loop is quicker than a call. */
const LOOPED_MAX = 32;

/**
 * Copies what stands `distance` bytes before `at` to there, as LZ4 and Snappy mean it: where it is longer than the distance, it
 * repeats itself.
 */
export function copyBack(out: Buffer, at: number, distance: number, length: number): void {
  if (length <= LOOPED_MAX) {
    for (let n = at; n < at + length; n++) out[n] = out[n - distance]!;
    return;
  }
  for (let done = 0; done < length; ) {
    const step = Math.min(distance + done, length - done);
    out.copyWithin(at + done, at - distance, at - distance + step);
    done += step;
  }
}

/** Copies bytes [from, to) to `at`. */
export function copyOver(out: Buffer, at: number, data: Buffer, from: number, to: number): void {
  if (to - from > LOOPED_MAX) data.copy(out, at, from, to);
  else for (let n = from; n < to; n++) out[at + n - from] = data[n]!;
}
