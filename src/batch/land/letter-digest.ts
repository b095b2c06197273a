import { schemaIdOf } from "../../event/codec.ts";
import type { LetterKind } from "../../table/checks/group-states.ts";
import type { EncodedBatch, Letter } from "../encode/encoded-batch.ts";
import { storableDetail } from "./aside-rows.ts";

/** Enough to see what letters have in common, few enough to read. */
const EXAMPLES_MAX = 3;
/** A library's message may quote all of the bad data. */
const DETAIL_CHARACTERS_MAX = 200;

/** Counts letters by reason, with the first examples of each. */
export class LetterDigest {
  readonly #topicName: string;
  readonly #kinds = new Map<string, { letters: number; examples: LetterKind["examples"][number][] }>();
  readonly #schemas = new Map<number, number>();
  #letters = 0;

  constructor(topicName: string) {
    this.#topicName = topicName;
  }

  add({ partition, records }: Pick<EncodedBatch, "partition" | "records">, letters: readonly Letter[]): void {
    this.#letters += letters.length;
    for (const { index, reason, detail, column = null } of letters) {
      const schemaId = schemaIdOf(records.record(index).value);
      if (schemaId !== undefined) this.#schemas.set(schemaId, (this.#schemas.get(schemaId) ?? 0) + 1);
      const kind = this.#kinds.get(reason) ?? { letters: 0, examples: [] };
      this.#kinds.set(reason, kind);
      kind.letters++;
      if (kind.examples.length === EXAMPLES_MAX) continue;
      const at = `${this.#topicName}/${partition}/${records.offsetOf(index)}`;
      kind.examples.push({ at, column, detail: storableDetail(detail, DETAIL_CHARACTERS_MAX) });
    }
  }

  /** Most letters first. */
  get kinds(): readonly LetterKind[] {
    const kinds = [...this.#kinds].map(([reason, kind]) => ({ reason, ...kind }));
    return kinds.sort((a, b) => b.letters - a.letters);
  }

  /** The schema that most of the letters' events say they are written with, if there is one. */
  get schemaId(): number | undefined {
    for (const [schemaId, letters] of this.#schemas) if (2 * letters > this.#letters) return schemaId;
    return undefined;
  }
}

/** The kinds as lines of a message. */
export const kindsText = (kinds: readonly LetterKind[]): string =>
  kinds
    .flatMap(({ reason, letters, examples }) => [
      `${letters.toLocaleString("en-US")} ${reason}, as`,
      ...examples.map(({ at, column, detail }) => `  ${at}: ${column === null ? "" : `${column}: `}${detail}`),
    ])
    .join("\n");
