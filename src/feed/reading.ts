import type { EventOfTopic } from "../event/events.ts";
import { brokenRule, NO_RULES_OFF, type RulesOff } from "../event/rules.ts";
import { type EventTopic, TIME_FIELDS } from "../event/schemas.ts";
import { type Early1970, wrongTime } from "../event/time/range.ts";
import type { FeedBatch, FeedOptions, Rejection, Warning } from "./feed.ts";
import type { Conversion } from "./format.ts";
import type { LineBlock } from "./lines.ts";
import { type MarketEvent, Neighbours } from "./neighbours.ts";
import { SameIds } from "./same-ids.ts";

/** Turns one file's lines into events, and looks at each beside the ones before it. */
export class Reading<T extends EventTopic> {
  readonly #conversion: Conversion<T>;
  readonly #topic: T;
  readonly #isStrict: boolean;
  readonly #early1970: Early1970;
  readonly #rulesOff: RulesOff;
  readonly #neighbours: Neighbours | undefined;
  readonly #ids: SameIds | undefined;
  #headToCome: number;
  #leftOut = 0;
  /** When the lines that are being read came, in microseconds. */
  #nowUs = 0;

  constructor(
    topic: T,
    conversion: Conversion<T>,
    { strict = false, early1970 = "refuse", rulesOff = NO_RULES_OFF }: FeedOptions,
  ) {
    const isMarketData = topic === "ticks" || topic === "quotes" || topic === "bars";
    this.#conversion = conversion;
    this.#topic = topic;
    this.#isStrict = strict;
    this.#early1970 = early1970;
    this.#rulesOff = rulesOff;
    this.#neighbours = isMarketData ? new Neighbours() : undefined;
    this.#ids = isMarketData && conversion.isOnce ? new SameIds() : undefined;
    this.#headToCome = conversion.head;
  }

  /** What these lines give. */
  batch({ firstLine, texts, rejections }: LineBlock): FeedBatch<T> {
    const { convert } = this.#conversion;
    this.#nowUs = Date.now() * 1000;
    const events: EventOfTopic[T][] = [];
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i] ?? null;
      if (text === null || text.trim() === "") continue;
      if (this.#headToCome > 0) {
        this.#headToCome -= 1;
        continue;
      }
      const outcome = convert(text);
      const line = firstLine + i;
      if (outcome === null) this.#leftOut += 1;
      else if (Array.isArray(outcome)) for (const one of outcome) this.#add(one, line, text, events, rejections);
      else this.#add(outcome, line, text, events, rejections);
    }
    rejections.sort((a, b) => a.line - b.line);
    return { events, rejections, symbols: this.#conversion.found?.() ?? [] };
  }

  /** Lines that the map or a flag left out so far. */
  leftOut(): number {
    return this.#leftOut;
  }

  warnings(): Warning[] {
    return this.#neighbours?.warnings() ?? [];
  }

  #add(
    made: EventOfTopic[T] | string,
    line: number,
    text: string,
    events: EventOfTopic[T][],
    rejections: Rejection[],
  ): void {
    const reason =
      typeof made === "string" ? made : (this.#wrongItself(made) ?? this.#wrong(made as MarketEvent, line));
    if (reason !== null) rejections.push({ line, reason, text });
    else events.push(made as EventOfTopic[T]);
  }

  #wrongItself(event: EventOfTopic[T]): string | null {
    const wrong = wrongTime(TIME_FIELDS[this.#topic], event, this.#early1970, this.#nowUs);
    return wrong?.detail ?? brokenRule(this.#topic, event, this.#rulesOff)?.says ?? null;
  }

  /** Only market data have the objects that look at them, so `event` is one of these where it is used. */
  #wrong(event: MarketEvent, line: number): string | null {
    const other = this.#ids?.lineOfOther(event, line) ?? 0;
    if (other > 0) {
      const same = "open" in event ? "symbol and start" : "quote_id" in event ? "sequence" : "trade id";
      return `line ${other} has the same ${same} and says otherwise`;
    }
    const odd = this.#neighbours?.look(event, line) ?? null;
    return this.#isStrict ? odd : null;
  }
}
