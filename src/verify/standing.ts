import type { Consumer } from "../batch/consumer.ts";
import { countEntries, type LandedPlace, landedPlaces } from "../table/checks/landed-places.ts";
import { both, type Pair } from "./difference.ts";

/** An offset of one partition in both databases; null where the partition has never landed. */
export interface PlaceApart {
  readonly topic: string;
  readonly partition: number;
  readonly here: number | null;
  readonly there: number | null;
}

/** How far both databases have landed, in their snapshots. */
export interface Standing {
  readonly partitions: number;
  /** The partitions that one has landed further than the other. */
  readonly apart: readonly PlaceApart[];
  /** Whether one of them has more parked events of some partition. */
  readonly parkedApart: boolean;
  /** Partitions that begin at different offsets: what lies between was lost to one of them. */
  readonly origins: readonly PlaceApart[];
  /** Entries of audit_log that tell what each database did itself, and aren't compared. */
  readonly ownEntries: { readonly here: number; readonly there: number };
}

/** A database may hold several namespaces: `ticks` and `paper.ticks` land in one table. */
export const isTopicOf = (consumer: Consumer, name: string): boolean =>
  name === consumer.topic || name.endsWith(`.${consumer.topic}`);

export async function standingOf(pair: Pair, consumers: readonly Consumer[]): Promise<Standing> {
  const isMeant = ({ topic }: LandedPlace) => consumers.some((consumer) => isTopicOf(consumer, topic));
  const [here, there] = await both(pair, async (connection) => {
    const places = (await landedPlaces(connection)).filter(isMeant);
    return new Map(places.map((place) => [`${place.topic}/${place.partition}`, place]));
  });
  const names = [...new Set([...here.keys(), ...there.keys()])].sort();
  const places = names.map((name) => [here.get(name), there.get(name)] as const);
  const [entriesHere, entriesThere] = await both(pair, countEntries);
  // The trail isn't waited for if only receipts and replays are missing: they are of one database, and the other may have
  // stopped before they came.
  const isTrailAlike = entriesHere.others === entriesThere.others;
  const isAudit = (name: string) => consumers.some((c) => c.landing.chained && isTopicOf(c, name));
  const apart = places
    .filter(([a, b]) => !isEquallyFar(a, b))
    .map(([a, b]) => offsetsOf(a, b, "nextOffset"))
    .filter(({ topic }) => !(isAudit(topic) && isTrailAlike));
  return {
    partitions: names.length,
    apart,
    parkedApart: places.some(([a, b]) => (a?.parked ?? 0) !== (b?.parked ?? 0)),
    origins: places.filter(([a, b]) => a && b && a.origin !== b.origin).map(([a, b]) => offsetsOf(a, b, "origin")),
    ownEntries: { here: entriesHere.own, there: entriesThere.own },
  };
}

/** A partition that was claimed and has landed nothing is as far as one that was never claimed. */
function isEquallyFar(a: LandedPlace | undefined, b: LandedPlace | undefined): boolean {
  if (a && b) return a.nextOffset === b.nextOffset;
  const only = (a ?? b)!;
  return only.nextOffset === only.origin;
}

function offsetsOf(a: LandedPlace | undefined, b: LandedPlace | undefined, of: "nextOffset" | "origin"): PlaceApart {
  const { topic, partition } = (a ?? b)!;
  return { topic, partition, here: a?.[of] ?? null, there: b?.[of] ?? null };
}
