import { createReadStream, type ReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { TradetapeError } from "../errors.ts";

/** Large enough that a chunk holds thousands of lines, small enough that a few of them are nothing. */
const READ_BYTES = 256 * 1024;

/** A file's unpacked bytes, with the names that lead to them. */
export interface FeedInput {
  /** As the person named it; "standard input" for `-`. */
  readonly file: string;
  /** Path and, for a zip, its entry's name: where tickers and dates are looked for. Empty for standard input. */
  readonly names: readonly string[];
  readonly compression: "zip" | "gzip" | undefined;
  readonly chunks: AsyncIterable<Buffer>;
  progress(): { read: number; total: number | null };
  /** Also while `chunks` are read: then they end. */
  close(): void;
}

const refuse = (message: string, next: string, cause?: unknown) =>
  new TradetapeError("input_invalid", message, { next, cause });

/**
 * Opens a file for streaming; `-` is standard input.
 * @throws TradetapeError input_invalid when it can't be opened or unpacked; damage further on is thrown while reading.
 */
export async function openInput(file: string): Promise<FeedInput> {
  if (file === "-") return openStandardInput();
  const { magic, bytes } = await peek(file);
  if (magic.subarray(0, 2).toString("latin1") === "PK") return openZip(file, bytes);
  const raw = createReadStream(file, { highWaterMark: READ_BYTES });
  const packed = isGzip(magic);
  const stream = packed ? raw.pipe(createGunzip({ chunkSize: READ_BYTES })) : raw;
  if (packed) raw.on("error", (error) => stream.destroy(error));
  return {
    file,
    names: [packed ? file.replace(/\.gz$/i, "") : file],
    compression: packed ? "gzip" : undefined,
    chunks: readable(file, stream),
    progress: () => ({ read: raw.bytesRead, total: bytes }),
    close: () => closeBoth(raw, stream),
  };
}

const isGzip = (magic: Buffer) => magic[0] === 0x1f && magic[1] === 0x8b;

function closeBoth(raw: ReadStream, stream: Readable): void {
  stream.destroy();
  raw.destroy();
}

async function peek(file: string): Promise<{ magic: Buffer; bytes: number }> {
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch (cause) {
    throw refuse(
      `${file} can't be opened: ${(cause as Error).message}`,
      "Check its name and your rights to it.",
      cause,
    );
  }
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) throw refuse(`${file} is a folder`, "Name a file in it.");
    if (!stat.isFile()) throw refuse(`${file} is no regular file`, "Pipe it in, and name it `-`.");
    if (stat.size === 0) throw refuse(`${file} is empty`, "Check how it was made.");
    const magic = Buffer.alloc(4);
    await handle.read(magic, 0, magic.length, 0);
    return { magic, bytes: stat.size };
  } finally {
    await handle.close();
  }
}

function openStandardInput(): FeedInput {
  const { stdin } = process;
  let read = 0;
  async function* chunks() {
    for await (const chunk of readable("standard input", stdin)) {
      if (read === 0 && (isGzip(chunk) || chunk.subarray(0, 4).toString("latin1") === "PK\u0003\u0004")) {
        throw refuse(
          "standard input is packed",
          "Unpack it on the way, as in `gunzip -c FILE | tradetape publish ... -`.",
        );
      }
      read += chunk.length;
      yield chunk;
    }
  }
  return {
    file: "standard input",
    names: [],
    compression: undefined,
    chunks: chunks(),
    progress: () => ({ read, total: null }),
    close: () => void stdin.destroy(),
  };
}

/** Turns what a stream throws while it is read (a damaged archive, a disk) into one clear error; `close` just ends it. */
async function* readable(file: string, stream: Readable): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (cause) {
    // Only `close` destroys a stream without saying why.
    if ((cause as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE") return;
    throw refuse(
      `${file} can't be read to its end: ${(cause as Error).message}`,
      "The events before the damage may have been sent; publish the whole file again, which repeats nothing.",
      cause,
    );
  }
}

async function openZip(file: string, bytes: number): Promise<FeedInput> {
  const { zip, entry, stream } = await openOnlyEntry(file).catch((cause: unknown) => {
    if (cause instanceof TradetapeError) throw cause;
    throw refuse(`${file} is no readable zip: ${(cause as Error).message}`, "Check that it arrived whole.", cause);
  });
  let unpacked = 0;
  async function* chunks() {
    for await (const chunk of readable(file, stream)) {
      unpacked += chunk.length;
      yield chunk;
    }
  }
  // yauzl doesn't say how far it is in the packed file; the share unpacked says the same.
  const share = () => (entry.uncompressedSize > 0 ? unpacked / entry.uncompressedSize : 1);
  return {
    file,
    names: [file, `${file}/${basename(entry.fileName)}`],
    compression: "zip",
    chunks: chunks(),
    progress: () => ({ read: Math.round(Math.min(share(), 1) * bytes), total: bytes }),
    close: () => {
      stream.destroy();
      zip.close();
    },
  };
}

const isData = (entry: Entry) => !entry.fileName.endsWith("/") && !entry.fileName.startsWith("__MACOSX/");

async function openOnlyEntry(file: string): Promise<{ zip: ZipFile; entry: Entry; stream: Readable }> {
  const zip = await yauzl.openPromise(file, { autoClose: false });
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) {
      if (isData(entry)) entries.push(entry);
      if (entries.length > 1) break;
    }
    const [entry] = entries;
    if (entry === undefined) throw refuse(`${file} is a zip without a file`, "Check how it was made.");
    if (entries.length > 1) {
      const both = entries.map((e) => e.fileName).join(", ");
      throw refuse(`${file} is a zip of several files (${both}, ...)`, "Unpack it and name one of them.");
    }
    return { zip, entry, stream: await zip.openReadStreamPromise(entry) };
  } catch (error) {
    zip.close();
    throw error;
  }
}
