import { CHAIN_FIELD_NAMES } from "../audit/chain.ts";
import type { ChainEntry } from "../table/landing/chain.ts";

/** Entries of the audit log that nobody signed, by one actor. */
interface UnsignedActor {
  /** The first characters of it, where it is longer. */
  readonly actor: string;
  readonly entries: number;
  /** How many of them came after an entry of this actor that was signed: somebody else's words, or a key that isn't set. */
  readonly afterSigned: number;
  /** The newest of them. */
  readonly seq: number;
  readonly logId: string;
}

/** How many entries each key signed, by its name, and whose nobody did. */
export interface Signing {
  readonly signed: Readonly<Record<string, number>>;
  readonly unsigned: number;
  /** Those with the most that came after signed ones first; entries of further actors are counted in `others`. */
  readonly actors: readonly UnsignedActor[];
  readonly others: number;
}

/** Any writer of a topic makes up actors: more of them, and more of one, than a person looks at aren't remembered. */
const ACTORS_MAX = 1000;
const ACTOR_CHARACTERS_MAX = 200;

const [ACTOR, SIGNED_BY] = [CHAIN_FIELD_NAMES.indexOf("actor"), CHAIN_FIELD_NAMES.indexOf("signed_by")];

/** Tells the entries of the audit log apart that a known key signed, as they landed. */
export class SignedEntries {
  readonly #signed = new Map<string, number>();
  readonly #signedActors = new Set<string>();
  readonly #unsigned = new Map<string, { entries: number; afterSigned: number; seq: number; logId: string }>();
  #others = 0;

  look({ seq, id, fields }: ChainEntry): void {
    const actor = fields[ACTOR]!.slice(0, ACTOR_CHARACTERS_MAX);
    const key = fields[SIGNED_BY] ?? null;
    if (key !== null) {
      this.#signed.set(key, (this.#signed.get(key) ?? 0) + 1);
      if (this.#signedActors.size < ACTORS_MAX) this.#signedActors.add(actor);
      return;
    }
    const found = this.#unsigned.get(actor) ?? { entries: 0, afterSigned: 0, seq, logId: id };
    if (found.entries === 0 && this.#unsigned.size === ACTORS_MAX) {
      this.#others++;
      return;
    }
    const afterSigned = found.afterSigned + (this.#signedActors.has(actor) ? 1 : 0);
    this.#unsigned.set(actor, { entries: found.entries + 1, afterSigned, seq, logId: id });
  }

  found(): Signing {
    const actors = [...this.#unsigned].map(([actor, told]): UnsignedActor => ({ actor, ...told }));
    actors.sort((a, b) => b.afterSigned - a.afterSigned || b.entries - a.entries || b.seq - a.seq);
    return {
      signed: Object.fromEntries([...this.#signed].sort(([a], [b]) => a.localeCompare(b))),
      unsigned: actors.reduce((sum, { entries }) => sum + entries, this.#others),
      actors,
      others: this.#others,
    };
  }
}
