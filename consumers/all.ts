import type { Consumer, ConsumerOf } from "../src/batch/consumer.ts";
import type { EventTopic } from "../src/event/schemas.ts";
import { audit } from "./audit.ts";
import { bars } from "./bars.ts";
import { calls } from "./calls.ts";
import { contents } from "./contents.ts";
import { decisions } from "./decisions.ts";
import { fills } from "./fills.ts";
import { indicators } from "./indicators.ts";
import { outcomes } from "./outcomes.ts";
import { performance } from "./performance.ts";
import { predictions } from "./predictions.ts";
import { quotes } from "./quotes.ts";
import { sessions } from "./sessions.ts";
import { symbols } from "./symbols.ts";
import { ticks } from "./ticks.ts";

/** The consumer group of every topic, in the order of landing: parents before children, and the audit trail last. */
export const CONSUMER_OF = {
  symbols,
  sessions,
  ticks,
  quotes,
  bars,
  indicators,
  predictions,
  decisions,
  fills,
  performance,
  outcomes,
  contents,
  calls,
  audit,
} satisfies { readonly [T in EventTopic]: ConsumerOf<T> };

/** All of them, in that order. */
export const CONSUMERS: readonly Consumer[] = Object.values(CONSUMER_OF);
