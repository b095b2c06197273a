/** Where two requests differ first. */
interface Difference {
  /** As in messages[2].content; `request` of texts that are no documents. */
  readonly path: string;
  /** An excerpt of each, as JSON, that begins a little before the difference. */
  readonly was: string;
  readonly is: string;
}

/** @param length how many characters of each are shown */
export function firstDifference(was: string, is: string, length: number): Difference {
  const [before, now] = [parsed(was), parsed(is)];
  const isDocument = isNested(before) && isNested(now);
  const found = isDocument ? differing(before, now, "") : undefined;
  // Documents that say the same, in another order or with other spaces, differ as texts.
  const { path, was: a, is: b } = found ?? { path: "request", was, is };
  return { path, ...excerpts(a, b, length) };
}

type Found = { readonly path: string; readonly was: unknown; readonly is: unknown };

const isNested = (value: unknown): value is object => typeof value === "object" && value !== null;

function differing(was: unknown, is: unknown, path: string): Found | undefined {
  if (Object.is(was, is)) return undefined;
  if (!isNested(was) || !isNested(is) || Array.isArray(was) !== Array.isArray(is)) return { path, was, is };
  const [before, now] = [new Map(Object.entries(was)), new Map(Object.entries(is))];
  for (const name of new Set([...before.keys(), ...now.keys()])) {
    const within = Array.isArray(was) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
    const found = differing(before.get(name), now.get(name), within);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of texts from a little before the place where they part; of other values, their beginnings. */
function excerpts(was: unknown, is: unknown, length: number): Pick<Difference, "was" | "is"> {
  const areTexts = typeof was === "string" && typeof is === "string";
  let at = 0;
  if (areTexts) while (at < was.length && was[at] === is[at]) at++;
  const from = Math.max(0, at - Math.floor(length / 3));
  const shown = (value: unknown) => {
    if (value === undefined) return "missing";
    if (areTexts) return JSON.stringify((value as string).slice(from, from + length).toWellFormed());
    return JSON.stringify(value).slice(0, length);
  };
  return { was: shown(was), is: shown(is) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
