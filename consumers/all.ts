import type { Consumer } from "../src/batch/consumer.ts";
import { audit } from "./audit.ts";
import { bars } from "./bars.ts";
import { decisions } from "./decisions.ts";
import { fills } from "./fills.ts";
import { indicators } from "./indicators.ts";
import { performance } from "./performance.ts";
import { predictions } from "./predictions.ts";
import { sessions } from "./sessions.ts";
import { symbols } from "./symbols.ts";
import { ticks } from "./ticks.ts";

/** Every consumer group, parents before children and the audit trail last, as `consume` starts them. */
export const CONSUMERS = [
  symbols,
  sessions,
  ticks,
  bars,
  indicators,
  predictions,
  decisions,
  fills,
  performance,
  audit,
] as unknown as readonly Consumer[];
