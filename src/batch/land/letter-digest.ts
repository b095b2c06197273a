import { count } from "../../errors.ts";
import { schemaIdOf } from "../../event/codec.ts";
import type { LetterKind, SchemaLetters } from "../../table/checks/group-states.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import { storableDetail } from "./aside-rows.ts";

/** Enough to see what letters have in common, few enough to read. */
const EXAMPLES_MAX = 3;
/** Garbage that happens to begin like the wire format names a schema of its own each time. */
const SCHEMAS_MAX = 10;
/** A library's message may quote all of the bad data. */
const DETAIL_CHARACTERS_MAX = 200;

interface Kind {
  letters: number;
  readonly schemas: Map<number | null, number>;
  readonly examples: LetterKind["examples"][number][];
}

/** Counts letters by reason and schema, with the first examples of each reason. */
export class LetterDigest {
  readonly #topicName: string;
  readonly #kinds = new Map<string, Kind>();

  constructor(topicName: string) {
    this.#topicName = topicName;
  }

  add({ partition, records }: Pick<EncodedBatch, "partition" | "records">, letters: readonly Letter[]): void {
    for (const { index, reason, detail, column = null } of letters) {
      const kind: Kind = this.#kinds.get(reason) ?? { letters: 0, schemas: new Map(), examples: [] };
      this.#kinds.set(reason, kind);
      kind.letters++;
      const schemaId = schemaIdOf(records.record(index).value) ?? null;
      kind.schemas.set(schemaId, (kind.schemas.get(schemaId) ?? 0) + 1);
      if (kind.examples.length === EXAMPLES_MAX) continue;
      const at = `${this.#topicName}/${partition}/${records.offsetOf(index)}`;
      kind.examples.push({ at, column, detail: storableDetail(detail, DETAIL_CHARACTERS_MAX) });
    }
  }

  /** Most letters first. */
  get kinds(): readonly LetterKind[] {
    return [...this.#kinds]
      .map(([reason, { letters, schemas, examples }]) => {
        const counts = [...schemas].map(([schemaId, letters]) => ({ schemaId, letters }));
        return { reason, letters, schemas: mostFirst(counts), examples };
      })
      .sort((a, b) => b.letters - a.letters);
  }
}

/** The schemas of all kinds together, most letters first. */
export const schemasOf = (kinds: readonly LetterKind[]): readonly SchemaLetters[] =>
  mostFirst(kinds.flatMap(({ schemas }) => schemas));

/** Adds up what there is of each schema, and gives those with the most letters. */
export function mostFirst(counts: readonly SchemaLetters[]): readonly SchemaLetters[] {
  const sums = new Map<number | null, number>();
  for (const { schemaId, letters } of counts) sums.set(schemaId, (sums.get(schemaId) ?? 0) + letters);
  return [...sums]
    .map(([schemaId, letters]) => ({ schemaId, letters }))
    .sort((a, b) => b.letters - a.letters)
    .slice(0, SCHEMAS_MAX);
}

/** The kinds as lines of a message. */
export const kindsText = (kinds: readonly LetterKind[]): string =>
  kinds
    .flatMap((kind) => [
      `${count(kind.letters)} ${kind.reason}${schemasText(kind)}, as`,
      ...kind.examples.map(({ at, column, detail }) => `  ${at}: ${column === null ? "" : `${column}: `}${detail}`),
    ])
    .join("\n");

function schemasText({ letters, schemas }: LetterKind): string {
  if (schemas.length === 0) return "";
  const named = schemas.map(({ schemaId, letters }) => `${schemaText(schemaId)}: ${count(letters)}`);
  const rest = schemas.reduce((left, schema) => left - schema.letters, letters);
  return ` (${[...named, ...(rest > 0 ? [`of other schemas: ${count(rest)}`] : [])].join(", ")})`;
}

export const schemaText = (schemaId: number | null): string =>
  schemaId === null ? "without a schema" : `schema ${schemaId}`;
