import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  type Stats,
  writeFileSync,
} from "node:fs";

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** What becomes of a file that is there: it is added to, its content is replaced, or it is left alone and that is an error. */
export type FileUse = "append" | "replace" | "create";

const FLAGS = { append: O_APPEND, replace: 0, create: O_EXCL } as const;

/** Names of what this process has open already, such as a shell's `>(gzip > FILE)`: links that nobody else can lay. */
const OWN_DESCRIPTOR = /^\/dev\/(stdout|stderr|fd\/\d+)$|^\/proc\/self\/fd\/\d+$/;

const uid = () => process.geteuid?.();

/**
 * Opens a file to write into that only this program's user can read, made with mode 0600 or set to it. A file is refused
 * before a byte of it is touched where somebody else could have laid it, as in a folder that everybody writes to: a link, of
 * either kind, would have this program overwrite what it points at, and a file of another user's shows him what is written.
 * @throws Error whose message says why the file can't be written to
 */
export function openOwnFile(path: string, use: FileUse): number {
  if (OWN_DESCRIPTOR.test(path)) return openSync(path, O_WRONLY | O_APPEND);
  const descriptor = openUnlinked(path, O_WRONLY | O_CREAT | FLAGS[use]);
  try {
    const stats = fstatSync(descriptor);
    if (stats.isCharacterDevice()) return descriptor;
    if (stats.uid !== uid()) throw new Error(`${path} belongs to another user: name a file that isn't there yet`);
    if (!stats.isFile()) return descriptor;
    if (stats.nlink > 1) throw new Error(`${path} has another name as well (a hard link): name another file`);
    fchmodSync(descriptor, 0o600);
    if (use === "replace") ftruncateSync(descriptor);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openUnlinked(path: string, flags: number): number {
  try {
    return openSync(path, flags | O_NOFOLLOW, 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ELOOP") throw cause;
    throw new Error(`${path} is a symbolic link, and nothing is written through one: name the file itself`, { cause });
  }
}

/** Writes a whole file that only this program's user can read, and has the disk hold it. @throws Error as `openOwnFile` */
export function writeOwnFile(path: string, text: string, use: "replace" | "create" = "replace"): void {
  const descriptor = openOwnFile(path, use);
  try {
    writeFileSync(descriptor, text);
    if (fstatSync(descriptor).isFile()) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Bits of a mode that let somebody else read or write. Root's files may be its group's to read, as mounted secrets are. */
const openTo = ({ mode, uid: owner }: Stats) => mode & (owner === 0 && uid() !== 0 ? 0o037 : 0o077);

/**
 * Reads a private key.
 * @throws Error whose message says why it can't be read, also where somebody else could have read it: then it may be known
 */
export function readPrivateKey(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const stats = fstatSync(descriptor);
    if (stats.isFile() && openTo(stats) !== 0) {
      const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
      throw new Error(`${path} has mode ${mode}, so others than its owner can get at the key: chmod 600 it`);
    }
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}
