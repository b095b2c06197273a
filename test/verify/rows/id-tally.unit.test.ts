import { expect, test } from "vitest";
import type { RowPicker } from "../../../src/table/rows/row-picker.ts";
import { IdTally } from "../../../src/verify/rows/id-tally.ts";
import fc from "../../support/random/fast-check.ts";

interface Row {
  readonly id: number;
  readonly hash: number;
  readonly hour: number;
}

/** An id of 16 bytes whose words differ in any one of them, as ids of somebody's choosing may. */
function idOf(n: number): DataView {
  const view = new DataView(new ArrayBuffer(20));
  view.setUint32(4 + 4 * (n % 4), 1 + n);
  return view;
}

const looked = ({ hash, hour }: Row) => ({ low: hash, high: -hash, hour: `2024-03-0${1 + hour}T00` }) as RowPicker;
const partOf = (hour: string) => hour.slice(0, 10);

/** What the tally has to say, from all rows of each id. */
function expected(rows: readonly Row[], events: readonly Row[]) {
  const ids = [...new Set([...rows, ...events].map(({ id }) => id))];
  const own = (list: readonly Row[], id: number) => list.filter((row) => row.id === id);
  const isAlike = (id: number) => {
    const [here, told] = [own(rows, id), own(events, id)];
    return here.length === 1 && told.length > 0 && told.every(({ hash }) => hash === here[0]!.hash);
  };
  const alike = new Map<string, { rows: number; hash: bigint }>();
  for (const id of ids.filter(isAlike)) {
    const { hash, hour } = own(rows, id)[0]!;
    const part = `2024-03-0${1 + hour}`;
    const sum = alike.get(part) ?? { rows: 0, hash: 0n };
    const whole = (BigInt(-hash >>> 0) << 32n) | BigInt(hash >>> 0);
    alike.set(part, { rows: sum.rows + 1, hash: BigInt.asUintN(64, sum.hash + whole) });
  }
  return { odd: ids.filter((id) => !isAlike(id)), alike };
}

const row = (ids: number) =>
  fc.record({ id: fc.nat(ids), hash: fc.integer({ min: -1, max: 1 }), hour: fc.integer({ min: 0, max: 2 }) });

test.each([6, 5000])("tells the ids whose one row all events say, of up to %i ids", (ids) => {
  const list = fc.array(row(ids), { maxLength: ids === 6 ? 12 : 3000, size: "max" });
  fc.assert(
    fc.property(list, list, (rows, events) => {
      const tally = new IdTally(partOf);
      for (const one of rows) tally.addRow(idOf(one.id), 4, looked(one));
      for (const one of events) tally.addEvent(idOf(one.id), 4, looked(one));
      const { odd, alike } = expected(rows, events);
      const known = [...new Set([...rows, ...events].map(({ id }) => id))];
      expect(known.filter((id) => tally.isOdd(idOf(id), 4))).toEqual(odd);
      expect(tally.odd).toBe(odd.length);
      expect(new Map([...tally.alike()].sort())).toEqual(new Map([...alike].sort()));
    }),
    { numRuns: ids === 6 ? 500 : 5 },
  );
});
