import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { onTestFinished } from "vitest";
import type { EventOfTopic } from "../../../src/event/events.ts";
import type { EventTopic } from "../../../src/event/schemas.ts";
import type { Feed, FeedOptions, Producer, Rejection } from "../../../src/feed/feed.ts";

/** A file of this content in a folder of its own, which goes when the test ends. */
export function fileOf(name: string, content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-feed-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A zip archive with these entries. */
export function zipOf(entries: Readonly<Record<string, string>>): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(entries)) {
    const data = Buffer.from(text);
    const packed = deflateRawSync(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(centrals.length, 8);
  end.writeUInt16LE(centrals.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

export interface ReadFile<T extends EventTopic> {
  readonly feed: Feed<T>;
  readonly events: EventOfTopic[T][];
  /** Without the lines' texts. */
  readonly rejections: Pick<Rejection, "line" | "reason">[];
}

/** What was decided about a file, by what it is about. */
export const decidedOf = ({ description }: Feed<EventTopic>): Readonly<Record<string, string>> =>
  Object.fromEntries(description.decisions.map(({ what, value }) => [what, value]));

/** Everything a producer makes of a file. */
export async function readFile<T extends EventTopic>(
  producer: Producer<T>,
  path: string,
  options: FeedOptions = {},
): Promise<ReadFile<T>> {
  const feed = await producer.open(path, options);
  const events: EventOfTopic[T][] = [];
  const rejections: ReadFile<T>["rejections"] = [];
  for await (const batch of feed.batches()) {
    events.push(...batch.events);
    rejections.push(...batch.rejections.map(({ line, reason }) => ({ line, reason })));
  }
  return { feed, events, rejections };
}

/** The same for a file of this content. */
export const readText = <T extends EventTopic>(
  producer: Producer<T>,
  name: string,
  content: string | Buffer,
  options: FeedOptions = {},
) => readFile(producer, fileOf(name, content), options);
