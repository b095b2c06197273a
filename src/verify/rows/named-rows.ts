import { hasherOf } from "../../batch/consumer.ts";
import { readRowsOfParts } from "../../table/checks/rows-of-parts.ts";
import type { Connection } from "../../table/connection.ts";
import { type PickedRow, RowPicker } from "../../table/rows/row-picker.ts";
import type { OffsetRange } from "../../topic/read-ranges.ts";
import type { EventLog, TakeRow } from "./event-log.ts";
import { IdTally } from "./id-tally.ts";
import { type NamedRows, RowComparison, type ToldRow, type Unnamed } from "./row-comparison.ts";

/** So many ids are tallied at a time for each row that is held in full. */
const IDS_PER_ROW = 10;

/**
 * Names the rows of parts of time that aren't what the log says. What the log says is encoded anew and held against what is there
 * now by the hash of each row: first all, by their ids and hashes, which sets the odd ids apart; then the odd ones in full. Of
 * more than fit at once the log is read several times.
 * @param onRead called now and then with how many offsets have been read, and of how many
 * @throws TradetapeError when the log can't be read
 */
export async function nameRows(
  connection: Connection,
  eventLog: EventLog,
  unnamed: Unnamed,
  onRead: (done: number, total: number) => void,
): Promise<NamedRows> {
  const { parts, ranges, partOf } = unnamed;
  const held = new Map<string, OffsetRange[]>();
  const gone: { partition: string; from: number; to: number }[] = [...unnamed.cut];
  for (const [topic, own] of ranges) {
    const found = await eventLog.held(topic, own);
    held.set(topic, found.held);
    gone.push(...found.gone.map(({ partition, from, to }) => ({ partition: `${topic}/${partition}`, from, to })));
  }
  const names = new Set(parts.map(({ part }) => part));
  const isHour = (hour: string) => names.has(partOf(hour));
  const most = parts.reduce((sum, { rows, landed }) => sum + Math.max(rows, landed), 0);
  const tallies = slicesOf(most, IDS_PER_ROW * eventLog.rowsAtOnce);
  const offsets = [...held.values()].flat().reduce((sum, { from, to }) => sum + to - from, 0);
  // One reading for each tally, and until it is known how many odd rows there are, one for these.
  let readings = 2 * tallies;
  let read = 0;
  const readLog = async (take: (topic: string) => TakeRow) => {
    for (const [topic, own] of held) {
      await eventLog.read(
        connection,
        { consumer: unnamed.consumer, topic, ranges: own, isHour },
        take(topic),
        (count) => {
          read += count;
          onRead(read, readings * offsets);
        },
      );
    }
  };
  const comparison = new RowComparison(unnamed, gone.length > 0);
  for (let slice = 0; slice < tallies; slice++) {
    const isOwn = (view: DataView, at: number) => sliceOf(view, at) % tallies === slice;
    const tally = new IdTally(partOf);
    await readTable(connection, unnamed, isHour, (picker, view, start) => {
      const at = picker.idAt(view, start);
      if (isOwn(view, at)) tally.addRow(view, at, picker);
    });
    await readLog(() => (picker, view, start) => {
      const at = picker.idAt(view, start);
      if (isOwn(view, at)) tally.addEvent(view, at, picker);
    });
    comparison.addAlike(tally.alike());
    const { odd } = tally;
    const steps = odd === 0 ? 0 : slicesOf(odd, eventLog.rowsAtOnce);
    readings += steps - 1;
    for (let step = 0; step < steps; step++) {
      const isWanted = (view: DataView, at: number) =>
        isOwn(view, at) && Math.floor(sliceOf(view, at) / tallies) % steps === step && tally.isOdd(view, at);
      const here = new Map<string, PickedRow[]>();
      await readTable(connection, unnamed, isHour, (picker, view, start, end) => {
        if (isWanted(view, picker.idAt(view, start))) keep(here, picker.row(view, start, end));
      });
      const told = new Map<string, ToldRow[]>();
      await readLog((topic) => (picker, view, start, end, { partition, offset }) => {
        if (!isWanted(view, picker.idAt(view, start))) return;
        keep(told, { ...picker.row(view, start, end), place: `${topic}/${partition}@${offset}` });
      });
      comparison.add(here, told);
    }
  }
  return { ...comparison.result(), gone };
}

const slicesOf = (count: number, atOnce: number): number => Math.max(1, Math.ceil(count / atOnce));

/** A number made of an id, by which ids are sliced. */
const sliceOf = (view: DataView, idAt: number): number => (view.getUint32(idAt) ^ view.getUint32(idAt + 12)) >>> 0;

function keep<R extends PickedRow>(rows: Map<string, R[]>, row: R): void {
  const own = rows.get(row.id);
  if (own === undefined) rows.set(row.id, [row]);
  else own.push(row);
}

/** Reads the rows of the parts in the table. */
async function readTable(
  connection: Connection,
  { consumer, parts }: Unnamed,
  isHour: (hour: string) => boolean,
  take: (picker: RowPicker, view: DataView, start: number, end: number) => void,
): Promise<void> {
  const { landing, time } = consumer;
  const picker = new RowPicker(landing, hasherOf(consumer)!, isHour);
  const names = parts.map(({ part }) => part);
  await readRowsOfParts(connection, landing, time!, names, (view, start) => {
    const end = picker.look(view, start);
    if (picker.isWanted) take(picker, view, start, end);
    return end;
  });
}
