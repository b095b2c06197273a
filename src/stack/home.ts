import { createHash, randomUUID } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { SYSTEM_CLOCK } from "../clock.ts";
import { TradetapeError } from "../errors.ts";
import { writeOwnFile } from "../own-file.ts";
import { type RunAs, startMarkOf } from "./launch.ts";

const portNumber = z.number().int().min(1).max(65_535);

const stateSchema = z.object({
  launcher: z.enum(["containers", "processes"]),
  ports: z.object({
    postgres: portNumber,
    registry: portNumber,
    brokers: z
      .array(z.object({ client: portNumber, controller: portNumber }))
      .min(1)
      .readonly(),
  }),
  /** Processes only, in the order of their start. Empty after `down`: launcher and data remain. */
  programs: z.array(
    z.object({
      name: z.string(),
      pid: z.number().int().min(1),
      startMark: z.string(),
      startedAt: z.string(),
      logFile: z.string(),
      stopSignal: z.string().transform((signal) => signal as NodeJS.Signals),
    }),
  ),
});

/** What `<home>/stack.json` remembers. The launcher stays known after a stop, because the data are that launcher's. */
export type StackState = z.output<typeof stateSchema>;

/** What a purge removes; anything else in a home is somebody else's and stays. */
const OURS = [
  "logs",
  "postgres",
  "new",
  "postgres-password",
  "postgres-password.new",
  "kafka",
  "registry",
  // Last: a purge that is cut short can be run again only while the home is known for a stack's.
  "stack.json",
];

/**
 * Opens the home to PostgreSQL's own user, which has its data in it, where that isn't the caller: to enter, not to
 * read. Only a home without data is changed (mkdtemp makes them 0700); later on its mode is the user's business.
 */
export function admitToHome(home: string, user: RunAs | undefined): void {
  // The tape is nobody else's business; PostgreSQL's own folder is closed by itself.
  for (const name of ["logs", "kafka", "registry"]) mkdirSync(join(home, name), { recursive: true, mode: 0o700 });
  if (user && !existsSync(join(home, "postgres"))) chmodSync(home, 0o711);
  // What starts that were killed had begun to make.
  rmSync(join(home, "new"), { recursive: true, force: true });
  mkdirSync(join(home, "new"));
  if (user) chmodSync(join(home, "new"), 0o711);
}

/**
 * An empty folder in which data are made before they get their name. No other start ever gets the same one: initdb or
 * Kafka's tool may outlive a start that was killed, and would go on writing into it.
 */
export const freshFolder = (home: string): string => mkdtempSync(join(home, "new", "data-"));

export function readState(home: string): StackState | undefined {
  const file = join(home, "stack.json");
  if (!existsSync(file)) return undefined;
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new TradetapeError("stack_failed", `${file} can't be read as the state of a stack`, {
      next: "It is written by `tradetape up` only: end what still runs by hand, then remove the file.",
      cause,
    });
  }
}

/** Replaces the file whole: half a state would orphan running programs. */
export function writeState(home: string, state: StackState): void {
  const beside = join(home, "stack.json.new");
  writeOwnFile(beside, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(beside, join(home, "stack.json"));
}

/**
 * Writes the first state of a stack into its home.
 * @throws TradetapeError stack_unavailable when files of somebody else bear the names of ours: a stack would take them
 * for its data, and a purge would remove them.
 */
export function claimHome(home: string, state: StackState): void {
  const strangers = existsSync(join(home, "stack.json")) ? [] : OURS.filter((name) => existsSync(join(home, name)));
  if (strangers.length > 0) {
    throw new TradetapeError("stack_unavailable", `${home} holds ${strangers.join(", ")} and no stack's state`, {
      next: "Set TRADETAPE_HOME to a new folder.",
    });
  }
  writeState(home, state);
}

/** Removes data, password and logs of a stopped stack, which `readState` must have found. */
export function purgeHome(home: string): void {
  for (const name of OURS) rmSync(join(home, name), { recursive: true, force: true });
}

function removeIfEmpty(home: string): void {
  if (existsSync(home) && readdirSync(home).length === 0) rmdirSync(home);
}

/** A name for what must differ between homes, such as a compose project. */
export const homeId = (home: string) => createHash("sha256").update(resolve(home)).digest("hex").slice(0, 8);

const LOCK_POLL_MS = 200;

/**
 * Runs `action` while no other process starts or stops the stack of this home. The lock names its holder with its
 * start mark, so that one that was killed doesn't block for ever.
 */
export async function withHomeLock<T>(
  home: string,
  onWait: (line: string) => void,
  action: () => Promise<T>,
): Promise<T> {
  const lock = join(home, "lock");
  const own = { pid: process.pid, startMark: startMarkOf(process.pid) };
  for (let waits = 0; !takeLock(home, lock, JSON.stringify(own)); waits++) {
    const holder = existsSync(lock) ? JSON.parse(readFileSync(lock, "utf8")) : own;
    if (startMarkOf(holder.pid) !== holder.startMark) rmSync(lock, { force: true });
    else if (waits === 0) onWait(`process ${holder.pid} is starting or stopping the stack in ${home}: waiting for it`);
    await SYSTEM_CLOCK.sleep(LOCK_POLL_MS);
  }
  try {
    return await action();
  } finally {
    rmSync(lock, { force: true });
    removeIfEmpty(home);
  }
}

/** A link appears with its content, where a file that is created and then written can be seen empty. */
function takeLock(home: string, lock: string, content: string): boolean {
  const beside = `${lock}.${process.pid}.${randomUUID()}`;
  try {
    mkdirSync(home, { recursive: true });
    writeOwnFile(beside, content, "create");
  } catch (cause) {
    // A purge may remove the folder between the two calls; the next round makes it again.
    if ((cause as NodeJS.ErrnoException).code === "ENOENT" && !existsSync(home)) return false;
    throw new TradetapeError("stack_unavailable", `${home} can't be written: ${(cause as Error).message}`, {
      next: "Set TRADETAPE_HOME to a folder of yours.",
      cause,
    });
  }
  try {
    linkSync(beside, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(beside);
  }
}
