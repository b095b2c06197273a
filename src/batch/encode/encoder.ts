import type { EventReader } from "../../event/codec.ts";
import type { Rule } from "../../event/rules.ts";
import type { Early1970 } from "../../event/time/range.ts";
import type { Signer } from "../../signature/known-keys.ts";
import type { RowEncoder } from "../../table/rows/row-encoder.ts";
import type { RawRecord } from "../../topic/fetch/records.ts";
import type { Consumer } from "../consumer.ts";
import type { EventFilter } from "./event-filter.ts";
import type { KnownDays } from "./known-days.ts";
import type { Transcoders } from "./transcoders.ts";

/** What turning one consumer's records into rows and letters takes; made once a group. */
export interface Encoder {
  readonly consumer: Consumer;
  readonly reader: EventReader;
  readonly rowEncoder: RowEncoder;
  readonly transcoders: Pick<Transcoders, "of">;
  readonly eventBytesMax: number;
  readonly early1970: Early1970;
  /** The first rule that an event breaks, if it does. */
  readonly judge: (event: Readonly<Record<string, unknown>>) => Rule | undefined;
  /** Whose the entry of a record with a signature is, by its actor and its time; undefined where no signature is looked at. */
  readonly signerOf: ((record: RawRecord, actor: string, publishedAtMs: number) => Signer) | undefined;
  readonly newDaysPerBatchMax: number;
  readonly filter: EventFilter;
  readonly days: KnownDays;
}
