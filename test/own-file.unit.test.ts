import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { Rejects } from "../src/cli/flow/rejects.ts";
import { ResumeState } from "../src/cli/flow/resume-state.ts";
import { type FileUse, openOwnFile, readPrivateKey, writeOwnFile } from "../src/own-file.ts";
import { listFiles, parseSource, readText } from "./support/source-tree.ts";

const folders: string[] = [];
let path: string;
/** What somebody else would like to have overwritten. */
let victim: string;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "tradetape-own-file-"));
  folders.push(folder);
  path = join(folder, "written");
  victim = join(folder, "victim");
  writeFileSync(victim, "precious");
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);
const isRoot = process.geteuid?.() === 0;

describe.each<FileUse>(["append", "replace", "create"])("a file opened to %s", (use) => {
  test("is made for its user alone, whatever the umask lets through", () => {
    const before = process.umask(0);
    try {
      closeSync(openOwnFile(path, use));
    } finally {
      process.umask(before);
    }
    expect(modeOf(path)).toBe("600");
  });

  test.each<[string, () => void]>([
    ["a symbolic link", () => symlinkSync(victim, path)],
    ["a symbolic link to what isn't there", () => symlinkSync(`${victim}.new`, path)],
    ["a hard link", () => linkSync(victim, path)],
  ])("is refused where %s lies, and what that leads to stays as it is", (what, lay) => {
    lay();
    const says = use === "create" ? "EEXIST" : what.slice(2).split(" to ")[0];
    expect(() => openOwnFile(path, use)).toThrow(says);
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(existsSync(`${victim}.new`)).toBe(false);
  });

  // Only root can give a file to another user: whoever else runs this could not arrange it.
  test.runIf(isRoot)("is refused where a file of another user's lies: he would read what is written", () => {
    writeFileSync(path, "his");
    chmodSync(path, 0o666);
    chownSync(path, 65_534, 65_534);
    expect(() => openOwnFile(path, use)).toThrow(use === "create" ? "EEXIST" : "belongs to another user");
    expect([readFileSync(path, "utf8"), modeOf(path)]).toEqual(["his", "666"]);
  });
});

test.each<[FileUse, string]>([
  ["append", "before after"],
  ["replace", "after"],
])("%s of a file that everybody could read makes it its user's alone", (use, content) => {
  writeFileSync(path, "before ", { mode: 0o644 });
  const descriptor = openOwnFile(path, use);
  writeFileSync(descriptor, "after");
  closeSync(descriptor);
  expect([readFileSync(path, "utf8"), modeOf(path)]).toEqual([content, "600"]);
});

test("a device and a shell's pipe are written to as they are", () => {
  expect(() => writeOwnFile("/dev/null", "gone")).not.toThrow();
  const script = `import { writeOwnFile } from "./src/own-file.ts"; writeOwnFile("/dev/stdout", "piped");`;
  const shell = ["-c", '"$0" --input-type=module -e "$1" | cat', process.execPath, script];
  const { stdout } = spawnSync("/bin/sh", shell, { encoding: "utf8" });
  expect(stdout).toBe("piped");
  const descriptor = openSync(victim, "a");
  writeOwnFile(`/proc/self/fd/${descriptor}`, " and more");
  closeSync(descriptor);
  expect([readFileSync(victim, "utf8"), modeOf(victim)]).toEqual(["precious and more", "644"]);
});

test("--rejects and --resume write so", () => {
  const rejects = new Rejects(false, path);
  rejects.close();
  expect(modeOf(path)).toBe("600");
  symlinkSync(victim, `${path}.link`);
  expect(() => new Rejects(false, `${path}.link`)).toThrow(
    `--rejects: ${path}.link is a symbolic link, and nothing is written through one: name the file itself`,
  );
  const run = { topic: "ticks", cluster: "c1", flags: {} };
  const described = { file: "a.csv", format: "trades", about: "", decisions: [] };
  const state = join(path, "..", "state");
  const begin = () => ResumeState.open(state, run, () => {}).begin(described);
  begin();
  expect(modeOf(state)).toBe("600");
  rmSync(state);
  symlinkSync(victim, `${state}.tmp`);
  expect(begin).toThrow(`--resume: ${state}.tmp is a symbolic link`);
  expect(readFileSync(victim, "utf8")).toBe("precious");
});

describe("a private key", () => {
  test.each([0o600, 0o400])("of mode %o is read", (mode) => {
    writeFileSync(path, "key");
    chmodSync(path, mode);
    expect(readPrivateKey(path)).toBe("key");
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o660, 0o644, 0o666])("of mode %o is refused in a sentence", (mode) => {
    writeFileSync(path, "key");
    chmodSync(path, mode);
    const octal = mode.toString(8);
    const says = `${path} has mode 0${octal}, so others than its owner can get at the key: chmod 600 it`;
    expect(() => readPrivateKey(path)).toThrow(says);
  });

  test("is read through a link, as where secrets are mounted, by the mode of the file itself", () => {
    writeFileSync(victim, "key", { mode: 0o644 });
    symlinkSync(victim, path);
    expect(() => readPrivateKey(path)).toThrow("has mode 0644");
    chmodSync(victim, 0o600);
    expect(readPrivateKey(path)).toBe("key");
  });
});

/** What writes a file by its name. */
const WRITERS = /^(writeFile|appendFile|createWriteStream|open|copyFile|cp)(Sync)?$/;
/** A shared cache of public programs; reading a feed; a stream on a descriptor that `openOwnFile` gave. */
const NO_OWN_FILES = ["src/stack/programs.ts", "src/feed/input.ts", "src/cli/audit/audit-export.ts"];

test("no file of the product is written in another way", () => {
  const wrong = listFiles()
    .filter((file) => /^(src|producers|consumers)\/.*\.ts$/.test(file) && file !== "src/own-file.ts")
    .filter((file) => !NO_OWN_FILES.includes(file))
    .flatMap((file) =>
      parseSource(file, readText(file))
        .imports.filter(({ target }) => /^node:fs(\/promises)?$/.test(target))
        .flatMap(({ names }) => names.filter((name) => name === "*" || WRITERS.test(name)))
        .map((name) => `${file}: ${name}`),
    );
  expect(wrong).toEqual([]);
});
