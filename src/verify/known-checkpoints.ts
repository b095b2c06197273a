import { type Checkpoint, readCheckpoint } from "../audit/checkpoint.ts";
import { TradetapeError } from "../errors.ts";
import type { Connection } from "../table/connection.ts";
import { checkpointEntries } from "../table/landing/chain.ts";
import { databaseId } from "../table/landing/landed.ts";
import type { KnownCheckpoint } from "./chain-walk.ts";

/** The checkpoints in a log that are of this log. The topic has those of other databases' logs, too: they are left out. */
export async function ownCheckpoints(connection: Connection): Promise<KnownCheckpoint[]> {
  const own = await databaseId(connection);
  const entries = await checkpointEntries(connection);
  return entries.flatMap(({ id, payload }) => {
    const checkpoint = readCheckpoint(payload);
    return checkpoint?.database_id === own ? [{ checkpoint, from: `entry ${id}` }] : [];
  });
}

/**
 * The checkpoints of a file, one JSON document a line.
 * @throws TradetapeError input_invalid that names the line
 */
export function checkpointsOfFile(text: string, name: string): KnownCheckpoint[] {
  const lines = text.split("\n").map((line, i) => ({ line, from: `${name}:${i + 1}` }));
  return lines
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, from }) => ({ checkpoint: parsed(line, from), from }));
}

function parsed(line: string, from: string): Checkpoint {
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = readCheckpoint(JSON.parse(line));
  } catch {
    checkpoint = undefined;
  }
  if (checkpoint !== undefined) return checkpoint;
  throw new TradetapeError("input_invalid", `${from} is no checkpoint`, {
    next: "Give the file that `tradetape audit checkpoint --out` wrote.",
  });
}
