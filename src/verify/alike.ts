import { TradetapeError } from "../errors.ts";
import { hashProbe } from "../table/checks/digest.ts";
import { migrationsOf } from "../table/migrations.ts";
import { both, type Pair } from "./difference.ts";
import type { PlaceApart } from "./standing.ts";

/** @throws TradetapeError not_comparable unless both were made by the same migrations, on servers that hash alike */
export async function requireAlike(pair: Pair): Promise<void> {
  const [here, there] = await both(pair, migrationsOf);
  const other = [...new Set([...here.keys(), ...there.keys()])].filter((name) => here.get(name) !== there.get(name));
  if (other.length > 0) {
    throw new TradetapeError("not_comparable", `the two databases aren't of one shape: ${other.sort().join(", ")}`, {
      next: "Run `tradetape migrate` of the same version on both.",
    });
  }
  const [mine, theirs] = await both(pair, hashProbe);
  if (mine !== theirs) {
    throw new TradetapeError("not_comparable", "the two servers make different hashes of the same row", {
      next: "Compare on servers of the same major version and the same kind of processor.",
    });
  }
}

const NAMED_MAX = 10;

/** Partitions and their offsets in both, as one line. */
export function placesText(places: readonly PlaceApart[]): string {
  const named = places.slice(0, NAMED_MAX).map(({ topic, partition, here, there }) => {
    return `${topic}/${partition} at ${here ?? "nothing"} here and ${there ?? "nothing"} there`;
  });
  const more = places.length > NAMED_MAX ? [`${places.length - NAMED_MAX} more`] : [];
  return [...named, ...more].join(", ");
}

export function notEquallyFar(places: readonly PlaceApart[], waitMs: number): TradetapeError {
  const message = `after ${waitMs / 1000} s the two haven't landed equally far: ${placesText(places)}`;
  return new TradetapeError("not_comparable", message, {
    canRetry: true,
    next: "Land the rest on the one that is behind (`tradetape consume --until-caught-up`), or give it more --wait.",
  });
}
