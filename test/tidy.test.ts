import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { publicExports } from "../scripts/docs/api-reference.ts";
import { DOC_TABLES, withTables } from "../scripts/docs/doc-tables.ts";
import { MADE } from "../scripts/generate.ts";
import { LAYERS, mayImport, standingOf } from "../scripts/rooms.ts";
import { lackingIntegrity, lockedPackages, missingOptional } from "../scripts/supply/lock.ts";
import { ERROR_CODES } from "../src/errors.ts";
import { OWN_ID } from "../src/event/identity.ts";
import { EVENT_TOPICS } from "../src/event/schemas.ts";
import * as library from "../src/tradetape.ts";
import { testsWithoutAssertion } from "./support/assertions.ts";
import { listFiles, parseSource, ROOT, readText, type SourceFile } from "./support/source-tree.ts";

const files = listFiles();
const sources = files.filter((path) => path.endsWith(".ts")).map((path) => parseSource(path, readText(path)));
const product = sources.filter(({ path }) => /^(src|producers|consumers)\//.test(path));
const GENERATED = new Set(Object.keys(MADE));

/** Files of one folder that can be taken in at a glance; the manual's pages are found by README's list, by kind of reader. */
const filesMax = (folder: string) => (folder === "docs" ? 24 : 16);

const DECLARATIONS = ["src/settings.ts", "src/errors/runbook.ts", "scripts/rooms.ts"];

/** A test reads case by case and these declarations entry by entry; the rest is to be held in one head. */
const linesMax = (path: string) => (path.startsWith("test/") || DECLARATIONS.includes(path) ? 350 : 200);

/** Where something stands, so that a failing test names every place at once. */
const places = (all: readonly SourceFile[], find: (s: SourceFile) => readonly { line: number; what: string }[]) =>
  all.flatMap((s) => find(s).map(({ line, what }) => `${s.path}:${line}: ${what}`));

type Arrows = ReadonlyMap<string, readonly { readonly target: string }[]>;

/** Each circle of imports once, as the files on it. */
function circles(next: Arrows): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(" > "));
    if (trail.includes(path) || done.has(path)) return;
    for (const { target } of next.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) walk(path, []);
  return found;
}

describe("imports", () => {
  test("go one way between the rooms, and between the parts of a room", () => {
    const wrong = product.flatMap(({ path, imports }) => {
      const from = standingOf(path);
      if (from === undefined || from.part === -1) return [`${path}: no room of scripts/rooms.ts`];
      return imports
        .filter(({ own, target }) => own && !mayImport(from, standingOf(target)!))
        .map(({ target }) => `${path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test("never lead in a circle, not even by types", () => {
    const next = new Map(product.map((s) => [s.path, s.imports.filter((i) => i.own)]));
    expect(circles(next)).toEqual([]);
  });

  test("keep each package in the one room, or the parts of a room, that know it", () => {
    const homes = LAYERS.flat().flatMap(({ path, alone = [], parts = [] }) => [
      ...alone.map((name) => ({ home: path, name })),
      ...parts.flatMap((part) => (part.alone ?? []).map((name) => ({ home: `${path}/${part.name}`, name }))),
    ]);
    const isOf = (target: string, name: string) => target === name || target.startsWith(`${name}/`);
    const isIn = (path: string, home: string) => path === `${home}.ts` || path.startsWith(`${home}/`);
    const wrong = product.flatMap(({ path, imports }) =>
      imports.flatMap(({ own, target }) => {
        const known = own ? [] : homes.filter(({ name }) => isOf(target, name));
        const isHome = known.length === 0 || known.some(({ home }) => isIn(path, home));
        return isHome ? [] : [`${path} imports ${target}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("leave kafkajs behind its door: a host program's own is never loaded, and ours is opened by openKafka alone", () => {
    const door = "src/topic/kafkajs/open-kafka.ts";
    const behind = (path: string) => /^src\/topic\/(patch|kafkajs)\//.test(path);
    const wrong = product.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target === "kafkajs" || (behind(target) && target !== door && !behind(path)))
        .map(({ target }) => `${path} imports ${target}`),
    );
    const opener = product
      .find(({ path }) => path === door)!
      .lines.find((line) => line.includes("function openKafka("));
    expect([...wrong, opener]).toEqual(["export function openKafka(config: Config, log: Log): LogClient {"]);
  });

  test("have properties draw their inputs by one seed", () => {
    const seeded = "test/support/random/fast-check.ts";
    const drawing = sources.filter(({ imports }) => imports.some(({ target }) => target === "fast-check"));
    expect(drawing.map(({ path }) => path)).toEqual([seeded]);
  });

  test("use every export of the product, but for the package's own", () => {
    const usedBy = (users: readonly SourceFile[]) =>
      new Set(users.flatMap((s) => s.imports.flatMap((i) => i.names.map((n) => `${i.target}: ${n}`))));
    const [byAll, byProduct] = [usedBy(sources), usedBy(sources.filter(({ path }) => !path.startsWith("test/")))];
    const unused = product
      .filter(({ path }) => path !== "src/tradetape.ts" && !byProduct.has(`${path}: *`))
      .flatMap(({ path, exports, mentions }) =>
        exports
          .map((name) => ({ one: `${path}: ${name}`, isUsedWithin: mentions.get(name)! > 1 }))
          // What a file needs itself may be exported for its test; what tests alone use would be kept alive by them.
          .filter(({ one, isUsedWithin }) => !byProduct.has(one) && !(isUsedWithin && byAll.has(one)))
          .map(({ one }) => one),
      );
    expect(unused).toEqual([]);
  });

  test("reach every source file from the package's entries", () => {
    const next = new Map(product.map((s) => [s.path, s.imports.filter((i) => i.own).map((i) => i.target)]));
    const reached = new Set<string>();
    const open = ["src/cli/main.ts", "src/tradetape.ts"];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      open.push(...(next.get(path) ?? []));
    }
    expect(product.map((s) => s.path).filter((path) => !reached.has(path))).toEqual([]);
  });
});

describe("sources", () => {
  test("stay within 200 lines a file (tests and declarations 350), 130 columns and 70 lines a function", () => {
    const written = sources.filter(({ path }) => !GENERATED.has(path));
    const long = written
      .filter(({ path, lines }) => lines.length - 1 > linesMax(path))
      .map(({ path, lines }) => `${path}: ${lines.length - 1} lines`);
    // The formatter keeps code to 120; of what it leaves alone (SQL, texts, comments) a little more is no reason to cut.
    const wide = places(written, (s) =>
      s.lines.map((l, i) => ({ line: i + 1, what: `${l.length} columns` })).filter((_, i) => s.lines[i]!.length > 130),
    );
    const functions = places(written, (s) =>
      s.functions.filter((f) => f.length > 70).map((f) => ({ line: f.line, what: `${f.length} lines` })),
    );
    expect([...long, ...wide, ...functions]).toEqual([]);
  });

  test("stand in folders of 16 files at most, but for the manual and for migrations, of which none ever goes", () => {
    const folders = Map.groupBy(files, (path) => dirname(path));
    folders.delete("schemas/sql");
    const full = [...folders].filter(([folder, own]) => own.length > filesMax(folder));
    expect(full.map(([folder, own]) => `${folder}: ${own.length} files`)).toEqual([]);
  });

  test("give each exported name one meaning: no two files export the same one", () => {
    // ticks.ts of consumers/ and of producers/ are two declarations about one kind of event, and named after it.
    const isOfKind = (path: string, name: string) => path === `consumers/${name}.ts` || path === `producers/${name}.ts`;
    const exported = product.flatMap(({ path, exports }) => exports.map((name) => ({ path, name })));
    const byName = Map.groupBy(
      exported.filter(({ path, name }) => !isOfKind(path, name)),
      ({ name }) => name,
    );
    const twice = [...byName].filter(([, all]) => all.length > 1);
    expect(twice.map(([name, all]) => `${name}: ${all.map(({ path }) => path).join(", ")}`)).toEqual([]);
  });

  test("have names that say what is inside", () => {
    const banned = /(^|\/)(utils?|helpers?|common|lib|misc|types?|interfaces?|index|shared|core)(\.[^/]*)?(\/|$)/;
    expect(files.filter((path) => banned.test(path))).toEqual([]);
  });

  test("leave nothing behind: no reminders, no debugger, no test alone or left out without a reason", () => {
    const reminders = places(sources, (s) => s.comments.filter((c) => /\b(TODO|FIXME|XXX|HACK)\b/.test(c.what)));
    const silenced = places(sources, (s) => s.comments.filter((c) => /@ts-(ignore|nocheck|expect-error)/.test(c.what)));
    const calls = places(sources, (s) => s.findings.filter((f) => /debugger|\.(only|skip|todo)$/.test(f.what)));
    expect([...reminders, ...silenced, ...calls]).toEqual([]);
  });

  test("assert something in every test: one that only has to end says nothing when it is broken", () => {
    const tests = sources.filter(({ path }) => path.endsWith(".test.ts"));
    expect(places(tests, ({ path, lines }) => testsWithoutAssertion(path, lines.join("\n")))).toEqual([]);
  });

  test("say what a value is: no any, and in the product no cast by way of unknown", () => {
    expect(places(sources, (s) => s.findings.filter((f) => f.what === "any"))).toEqual([]);
    expect(places(product, (s) => s.findings.filter((f) => f.what === "as unknown as"))).toEqual([]);
  });

  test("write to the console in the command line only", () => {
    const quiet = product.filter(({ path }) => !path.startsWith("src/cli/"));
    expect(places(quiet, (s) => s.findings.filter((f) => f.what === "console"))).toEqual([]);
  });
});

describe("what is made by a script or stated twice", () => {
  test.each(Object.entries(MADE))("%s is what its declarations make", (path, source) => {
    expect(readText(path)).toBe(source());
  });

  test.each([...new Set(DOC_TABLES.map(({ file }) => file))])("the tables of %s are as declared", (file) => {
    expect(readText(file)).toBe(withTables(file, readText(file)));
  });

  test("every error code is thrown somewhere", () => {
    const text = product.filter((s) => !/^src\/errors[./]/.test(s.path)).map((s) => s.lines.join("\n"));
    expect(Object.keys(ERROR_CODES).filter((code) => !text.some((t) => t.includes(`"${code}"`)))).toEqual([]);
  });
});

describe("documents", () => {
  const pages = files.filter((path) => path.endsWith(".md"));
  /** As a browser makes them of a heading: lower case, no punctuation, hyphens for spaces. */
  const anchorsOf = (path: string) =>
    [...readText(path).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );

  test.each([
    ["README.md", 150],
    ["ARCHITECTURE.md", 200],
  ])("%s can be read in one sitting: %i lines at most", (path, most) => {
    expect(readText(path).trimEnd().split("\n").length).toBeLessThanOrEqual(most);
  });

  const links = pages.flatMap((path) =>
    [...readText(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => {
      const [file = "", anchor] = target!.split("#");
      return { path, target, anchor, file: file === "" ? path : normalize(join(dirname(path), file)) };
    }),
  );

  test("link to what is there", () => {
    const wrong = links.filter(
      ({ file, anchor }) =>
        !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor)),
    );
    expect(wrong.map(({ path, target }) => `${path}: ${target}`)).toEqual([]);
  });

  test("name files, folders and tests that there are", () => {
    const isThere = (name: string): boolean => {
      if (/\.(unit|flow|fault)$/.test(name)) return files.some((file) => file.endsWith(`/${name}.test.ts`));
      const pattern = name.replace(/\/$/, "").replaceAll(".", "\\.").replaceAll("*", "[^/]*");
      const asFile = new RegExp(`(^|/)${pattern}(\\.ts)?$`);
      const asFolder = new RegExp(`^${pattern}/`);
      return files.some((file) => asFile.test(file) || asFolder.test(file));
    };
    const looksLikeOne = [
      /^[\w*/-]+[\w.*/-]*\.(ts|sql|avsc|py|md|txt)$/,
      /^(src|test|scripts|consumers|producers|schemas|docs|python)(\/[\w.-]+)*\/?$/,
      /^[\w-]+\.(unit|flow|fault)$/,
    ];
    const wrong = pages.flatMap((path) =>
      [...readText(path).matchAll(/`([^`\n]+)`/g)]
        .map(([, text]) => text!)
        .filter((text) => looksLikeOne.some((shape) => shape.test(text)) && !isThere(text))
        .map((text) => `${path}: ${text}`),
    );
    expect(wrong).toEqual([]);
  });

  test("name every export of the library, and each export says what it is", () => {
    const named = publicExports().map(({ name }) => name);
    expect(Object.keys(library).filter((name) => !named.includes(name))).toEqual([]);
    expect(publicExports().filter(({ doc }) => doc === "")).toEqual([]);
  });

  test("name in docs/feeds.md every kind that `publish` reads, and every kind whose id is made where it is missing", () => {
    const page = readText("docs/feeds.md").replaceAll("\n", " ");
    const [, read] = /`tradetape publish KIND FILE\.\.\.` reads ([^.]+)\./.exec(page)!;
    const [, made] = / Ids of ([^.]+) are made where they are missing\./.exec(page)!;
    const kinds = files.flatMap((path) => /^producers\/(.+)\.ts$/.exec(path)?.[1] ?? []);
    const completed = EVENT_TOPICS.filter((topic) => OWN_ID[topic].made !== null);
    expect(read!.split(/, | and /).toSorted()).toEqual(kinds.toSorted());
    expect(
      made!
        .replaceAll(/ with a `\w+`/g, "")
        .split(/, | and /)
        .toSorted(),
    ).toEqual(completed.toSorted());
  });

  test("go with the package, and link to nothing that doesn't", () => {
    const shipped = ["README.md", ...(JSON.parse(readText("package.json")) as { files: string[] }).files];
    const isShipped = (path: string) => shipped.some((entry) => path === entry || path.startsWith(`${entry}/`));
    expect(pages.filter((path) => !isShipped(path))).toEqual([]);
    expect(links.filter(({ file }) => !isShipped(file)).map(({ path, target }) => `${path}: ${target}`)).toEqual([]);
  });
});

test("scripts/figures.ts finds its way from the command to COPY", () => {
  const printed = execFileSync(process.execPath, ["scripts/figures.ts"], { cwd: ROOT, encoding: "utf8" });
  expect(printed).toContain("src/table/copy.ts");
});

describe("files that leave this machine", () => {
  // A host that isn't known here is a mirror, a registry or somebody's machine, until a person adds it.
  const HOSTS = [
    /^(127\.0\.0\.1|localhost|\[::1\]|host|fresh|other|registry|[\w.-]+\.test)$/,
    /^\$\{?[\w.]+\}?$/,
    /^(www|maven)\.apache\.org$|^www\.w3\.org$/,
    // Whose chart the console shows, and who asks to be named.
    /^www\.tradingview\.com$/,
  ];

  test("name no folder of the machine they were written on", () => {
    const own = files.filter((path) => path !== "test/tidy.test.ts" && path !== "package-lock.json");
    const wrong = own.flatMap((path) =>
      readText(path)
        .split("\n")
        .flatMap((text, i) =>
          /(^|[\s"'`(=:])\/(work|root|tmp)\/\w/.test(text) ? [`${path}:${i + 1}: ${text.trim()}`] : [],
        ),
    );
    expect(wrong).toEqual([]);
  });

  test("name no host but loopback and those of published formats", () => {
    const wrong = files
      .filter((path) => path !== "package-lock.json" && path !== "LICENSE")
      .flatMap((path) =>
        [...readText(path).matchAll(/https?:\/\/(?:[^\s/@"'`]*@)?([^\s/:"'`<>)]+)/g)].map((m) => [path, m[1]]),
      )
      .filter(([, host]) => !HOSTS.some((known) => known.test(host ?? "")))
      .map(([path, host]) => `${path}: ${host}`);
    expect(wrong).toEqual([]);
  });

  test("the lockfile leaves the registry to the machine that installs", () => {
    const lock = JSON.parse(readText("package-lock.json")) as { packages: Record<string, { resolved?: string }> };
    const named = Object.entries(lock.packages).filter(([, p]) => p.resolved?.startsWith("http"));
    expect(named.map(([name]) => name)).toEqual([]);
  });
});

test("the lockfile has the optional packages of every platform, or npm ci refuses it", () => {
  expect(missingOptional(lockedPackages())).toEqual([]);
});

test("the lockfile says of every package what has to be in it", () => {
  expect(lackingIntegrity(lockedPackages())).toEqual([]);
});
