import { lacksOf } from "../decide/columns.ts";
import type { FeedDraft } from "../decide/draft.ts";
import type { Layout } from "../decide/layout.ts";
import { proposedMap } from "../decide/proposal.ts";
import { settleFeed } from "../decide/settle.ts";
import { CSV_LINE_BYTES_MAX, type Format, type Opening, refusal } from "../format.ts";
import type { MapKind } from "../map/fields.ts";
import { readMap } from "../map/file.ts";
import type { FeedMap } from "../map/schema.ts";
import { compile } from "../rows/compile.ts";
import { cellsOf, delimiterOf, normalName } from "../text/cells.ts";

/** A format that a map can say, but for what its rows and names decide. */
export interface MappedFormat {
  readonly name: string;
  readonly about: string;
  readonly sample: readonly string[];
  readonly asks: string;
  /** The map of the format: everything that its rows have in common. */
  readonly map: Omit<FeedMap, "version" | "kind">;
  readonly among?: FeedDraft["among"];
  detects(lines: readonly string[]): boolean;
  /** Why the layout could be another program's: then --format has to name it. */
  readonly unsure?: string;
  /** What the file's names say. */
  named?(opening: Opening): NonNullable<FeedDraft["named"]>;
  /** What the format's rules say once the rows are cut. */
  refine?(opening: Opening, layout: Layout, draft: FeedDraft): FeedDraft;
}

/**
 * For formats that programs of any vendor write: two vendors' bars of one name would get the same ids and overwrite each
 * other, so what the data set is called is asked.
 */
export const NO_SOURCE = { source: undefined } as const;

/** The format of a kind that a map says. */
export function mapped<T extends MapKind>(kind: T, spec: MappedFormat): Format<T> {
  const { name, about, sample, asks, among, unsure, refine } = spec;
  const map: FeedMap = { version: 1, kind, source: name, ...spec.map };
  return {
    name,
    about,
    sample,
    asks,
    lineBytesMax: CSV_LINE_BYTES_MAX,
    detects: spec.detects,
    open(opening) {
      const named = spec.named?.(opening);
      if (unsure !== undefined && opening.options.format === undefined) {
        const why = `the file looks like ${name}, but ${unsure}`;
        opening.decisions.ask({ what: "format", why, flag: `--format ${name} if it is that` }, undefined);
      }
      const draft = { map, by: "the format", ...(among ? { among } : {}), ...(named ? { named } : {}) };
      return opened(kind, opening, draft, refine && ((layout, given) => refine(opening, layout, given)));
    },
  };
}

function opened<T extends MapKind>(
  kind: T,
  opening: Opening,
  draft: FeedDraft,
  refine?: (layout: Layout, draft: FeedDraft) => FeedDraft,
) {
  const settled = settleFeed(opening, draft, refine);
  const map = proposedMap(settled, opening.decisions.questions);
  return { ...compile(kind, settled, opening.options.session ?? null), map };
}

/** The format that a map file says. @throws TradetapeError input_invalid when it isn't one of this kind */
export const byMap =
  <T extends MapKind>(kind: T) =>
  (path: string): Format<T> => {
    const map = readMap(path);
    if (map.kind !== kind)
      throw refusal(`--map ${path} says how ${map.kind} are written, not ${kind}`, `Publish ${map.kind}.`);
    return {
      name: "map",
      about: `what ${path} says`,
      sample: [],
      asks: "",
      lineBytesMax: CSV_LINE_BYTES_MAX,
      encoding: map.encoding,
      detects: () => true,
      open: (opening) => opened(kind, opening, { map, by: "--map" }),
    };
  };

/** Banners stand before headers. */
const HEADER_AMONG = 6;

/** Whether one of the first lines is a header with all of these names. */
export const hasColumns =
  (...names: readonly string[]) =>
  (lines: readonly string[]): boolean =>
    lines.slice(0, HEADER_AMONG).some((line) => {
      const cells = cellsOf(line, delimiterOf(line) ?? ",");
      if (typeof cells === "string") return false;
      const own = new Set(cells.map(normalName));
      return names.every((name) => own.has(normalName(name)));
    });

/** Columns that --column can still name: a header that lacks no more is one. */
const LACKING_MAX: Readonly<Record<MapKind, number>> = { ticks: 1, quotes: 1, bars: 2 };

/** Whether one of the first lines names all but a few of what a kind needs. */
export const hasHeaderOf =
  (kind: MapKind, lackingMax = LACKING_MAX[kind]) =>
  (lines: readonly string[]): boolean =>
    lines.slice(0, HEADER_AMONG).some((line) => {
      const cells = cellsOf(line, delimiterOf(line) ?? ",");
      return typeof cells !== "string" && lacksOf(kind)(cells).length <= lackingMax;
    });

/** Whether the first line, or the one after a header, is a row like this. */
export const hasRow =
  (row: RegExp, last = 1) =>
  (lines: readonly string[]): boolean =>
    lines.slice(0, last).some((line) => row.test(line));
