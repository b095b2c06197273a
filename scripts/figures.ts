/** Prints how a checkout reads, for a comparison of two: `node scripts/figures.ts [folder]`, this one by default. */
import { dirname } from "node:path";
import { listFiles, parseSource, ROOT, readText, type SourceFile } from "../test/support/source-tree.ts";

const root = process.argv[2] ?? ROOT;
const files = listFiles(root);
const read = (path: string) => readText(path, root);
const product = files
  .filter((path) => /^(src|producers|consumers)\/.*\.ts$/.test(path))
  .map((path) => parseSource(path, read(path)));

/** The files that each file imports. */
function arrowsOf(isCounted: (i: SourceFile["imports"][number]) => boolean): ReadonlyMap<string, readonly string[]> {
  const own = ({ imports }: SourceFile) => imports.filter((i) => i.own && isCounted(i)).map(({ target }) => target);
  return new Map(product.map((source) => [source.path, [...new Set(own(source))]]));
}

/** Every file that can be reached from one. */
function reachedFrom(start: string, arrows: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    for (const to of arrows.get(from) ?? []) {
      if (!reached.has(to)) open.push(to);
      reached.add(to);
    }
  }
  return reached;
}

/** Sets of files of which each reaches every other. */
function circlesOf(arrows: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const reached = new Map([...arrows.keys()].map((path) => [path, reachedFrom(path, arrows)]));
  const inCircle = [...arrows.keys()].filter((path) => reached.get(path)!.has(path));
  const together = (a: string) => inCircle.filter((b) => reached.get(a)!.has(b) && reached.get(b)!.has(a));
  return [...new Map(inCircle.map((path) => [together(path).join(), together(path)])).values()];
}

/** What runs, one after the other, from the command `consume` to COPY, and the room of each; `|` is an older name. */
const CALLS = {
  "src/cli": ["consumeCommand"],
  "src/batch": ["consume", "openGroup", "Group"],
  "src/topic": ["KafkaMember|GroupMember"],
  "src/batch/": [
    "Intake",
    "encodeBatch",
    "Lane",
    "LandingQueue",
    "JobRunner",
    "landBatch",
    "landDirect",
    "copyIsolated",
  ],
  "src/table": ["Connection", "copyRows"],
};

/** The files to open for that, each once. */
function wayToCopy(): readonly string[] {
  const declares = (room: string, name: string) => {
    const isIt = (exported: string) => name.split("|").includes(exported);
    const found = product.find(({ path, exports }) => path.startsWith(room) && exports.some(isIt));
    if (found === undefined) throw new Error(`scripts/figures.ts: no file of ${room} exports ${name} any more`);
    return found.path;
  };
  return [...new Set(Object.entries(CALLS).flatMap(([room, names]) => names.map((name) => declares(room, name))))];
}

const folders = [...Map.groupBy(files, (path) => dirname(path))].sort(([, a], [, b]) => b.length - a.length);
const all = arrowsOf(() => true);
const atRunTime = arrowsOf(({ typeOnly }) => !typeOnly);
const pairs = [...all].flatMap(([from, targets]) => targets.map((to) => [from, to] as const));
const isInside = ([from, to]: readonly [string, string]) => dirname(from) === dirname(to);
const inside = [...Map.groupBy(pairs.filter(isInside), ([from]) => dirname(from))].sort(
  ([, a], [, b]) => b.length - a.length,
);
const roomOf = (path: string) => /^(src\/)?[^/.]+/.exec(path)![0];
const between = new Set(
  pairs.map(([from, to]) => `${roomOf(from)} > ${roomOf(to)}`).filter((p) => !/^(.*) > \1$/.test(p)),
);
const lengths = product.flatMap(({ functions }) => functions.map(({ length }) => length)).sort((a, b) => a - b);
const quantile = (share: number) => lengths[Math.floor((lengths.length - 1) * share)];
const linesOf = (path: string) => read(path).split("\n").length - 1;
const words = (path: string) => read(path).split(/\s+/).filter(Boolean).length;
const way = wayToCopy();
const circles = circlesOf(all);

for (const [what, figure] of [
  ["files of the product, lines", `${product.length}, ${product.reduce((sum, { path }) => sum + linesOf(path), 0)}`],
  ["files in the largest folder", `${folders[0]![1].length} (${folders[0]![0]})`],
  ["imports inside one folder, at most", `${inside[0]![1].length} (${inside[0]![0]})`],
  ["rooms that import another one, pairs", between.size],
  ["from `consume` to COPY, files and lines", `${way.length}, ${way.reduce((sum, path) => sum + linesOf(path), 0)}`],
  ...way.map((path) => ["", `${path} (${linesOf(path)})`]),
  ["circles at run time", circlesOf(atRunTime).length],
  ["circles with types, files in them", `${circles.length}, ${circles.flat().length}`],
  ["casts by way of unknown", product.flatMap((s) => s.findings).filter((f) => f.what === "as unknown as").length],
  ["words of README, ARCHITECTURE", `${words("README.md")}, ${words("ARCHITECTURE.md")}`],
  ["lines of a function: median, p90, most", `${quantile(0.5)}, ${quantile(0.9)}, ${lengths.at(-1)}`],
] as const) {
  process.stdout.write(`${String(what).padEnd(42)}${figure}\n`);
}
