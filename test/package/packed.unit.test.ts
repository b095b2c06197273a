import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listFiles, ROOT } from "../support/source-tree.ts";

interface Packed {
  readonly path: string;
  readonly size: number;
}

/** Everything that a package is made of; what isn't one of these is in it by mistake. */
const SHAPES = [
  /^(package\.json|LICENSE|(README|CHANGELOG|ARCHITECTURE|SECURITY)\.md)$/,
  /^docs\/([\w-]+\/)*[\w-]+\.md$/,
  /^ops\/(acl\/(\w+\.acl|apply\.sh)|sql\/roles\.sql|prometheus\/(alerts|prometheus)\.yml|grafana\/tradetape\.json)$/,
  /^ops\/(k8s\/\w+\/[\w-]+\.yaml|systemd\/[\w-]+\.service)$/,
  /^dist\/(src|producers|consumers)\/([\w-]+\/)*[\w-]+\.(js|d\.ts)$/,
  /^dist\/schemas\/([\w-]+\.avsc|sql\/\d{4}_\w+\.sql|(ids|rules|exchanges\/calendars)\.json)$/,
  /^dist\/schemas\/catalog\/(shape\.txt|established\.jsonl)$/,
  /^dist\/(docker-compose\.yml|sbom\.cdx\.json|src\/([\w-]+\/)*[\w-]+\.(xml|sql|properties))$/,
  /^dist\/src\/console\/page\/\w+\.(html|css|js|svg)$/,
];
const NO_PART =
  /(^|\/)(tests?|spec|node_modules)\/|\.(test|spec)\.|\.(key|pem|p12|crt|env|csv|gz|zip|zst|parquet|db|log)$/;
/** As a key file has it; a source that looks for one has no line break behind it. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n/;
const BYTES_MAX = 1024 * 1024;

/** What git would ship, packed in a folder of its own: a build empties dist/, which somebody may be using. */
let folder: string;
let packed: readonly Packed[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-pack-"));
  for (const path of listFiles()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const said = execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: folder, encoding: "utf8" });
  // What prepack prints stands before it.
  const answer: unknown = JSON.parse(said.slice(said.search(/^[[{]/m)));
  const [one] = Object.values(answer as object) as { files: readonly Packed[] }[];
  packed = one!.files;
});
afterAll(() => rmSync(folder, { recursive: true }));

const textOf = (path: string) => readFileSync(join(folder, path), "utf8");

test("a package has what it is made of and nothing else: no tests, no keys, no data", () => {
  const paths = packed.map(({ path }) => path);
  expect(paths.length).toBeGreaterThan(300);
  expect(paths.filter((path) => !SHAPES.some((shape) => shape.test(path)) || NO_PART.test(path))).toEqual([]);
  expect(packed.filter(({ size }) => size > BYTES_MAX)).toEqual([]);
  expect(paths.filter((path) => PRIVATE_KEY.test(textOf(path)))).toEqual([]);
});

test("a package has its command, its library, every schema and migration, and the bill of materials", () => {
  const paths = new Set(packed.map(({ path }) => path));
  const needed = listFiles()
    .filter((path) => /^schemas\/.*\.(avsc|sql)$/.test(path))
    .map((path) => `dist/${path}`);
  const entries = ["dist/src/cli/main.js", "dist/src/tradetape.js", "dist/src/tradetape.d.ts", "dist/sbom.cdx.json"];
  const page = listFiles().flatMap((path) => (path.startsWith("src/console/page/") ? [`dist/${path}`] : []));
  expect(page.length).toBeGreaterThan(5);
  expect([...entries, ...page, ...needed].filter((path) => !paths.has(path))).toEqual([]);
});

test("every file that a module reads from where it lies is in the package", () => {
  const paths = packed.map(({ path }) => path);
  const isInside = (path: string) => paths.some((one) => one === path || one.startsWith(path));
  const read = paths
    .filter((path) => /^dist\/.*\.js$/.test(path))
    .flatMap((module) => {
      const text = textOf(module);
      const beside = [...text.matchAll(/new URL\(["'`]([^"'`$]+)["'`], import\.meta\.url\)/g)];
      const ofPackage = [...text.matchAll(/new URL\(["'`]([^"'`$]+)["'`], import\.meta\.resolve\("tradetape\//g)];
      return [
        ...beside.map(([, file]) => ({ module, file: normalize(join(dirname(module), file!)) })),
        ...ofPackage.map(([, file]) => ({ module, file: normalize(file!) })),
      ];
    });
  expect(read.length).toBeGreaterThan(5);
  expect(read.filter(({ file }) => !isInside(file))).toEqual([]);
});

test("every file that the README and the manual link to is in the package", () => {
  const paths = packed.map(({ path }) => path);
  const isInside = (path: string) => paths.some((one) => one === path || one.startsWith(`${path.replace(/\/$/, "")}/`));
  const links = paths
    .filter((path) => path.endsWith(".md"))
    .flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target!.split("#")[0]!)
        .filter((file) => file !== "")
        .map((file) => ({ page, file: normalize(join(dirname(page), file)) })),
    );
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(({ file }) => !isInside(file))).toEqual([]);
  expect(links.filter(({ file }) => !existsSync(join(folder, file)))).toEqual([]);
});
