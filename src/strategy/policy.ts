import { DAY_US } from "../event/day.ts";

/** What a decision rests on. */
interface Signal {
  /** Microseconds since 1970. */
  readonly timestamp: number;
  readonly probabilityUp: number;
  readonly confidence: number;
}

export interface PolicySettings {
  /** BUY at this chance of a rise or more, SELL at one minus it or less. */
  readonly entry: number;
  /** Shares of one order. */
  readonly size: number;
  readonly positionMax: number;
  readonly confidenceMin: number;
  /** Between two purchases, microseconds. */
  readonly cooldownUs: number;
}

/** What a policy remembers, as plain JSON values. */
export interface PolicyState {
  readonly position: number;
  /** When it last bought, microseconds since 1970; null is never. */
  readonly boughtUs: number | null;
}

interface PolicyDecision {
  readonly action: "BUY" | "SELL" | "HOLD";
  readonly size: number;
  readonly approved: boolean;
  readonly reason: string;
}

export const POLICY: PolicySettings = {
  entry: 0.55,
  size: 10,
  positionMax: 10,
  confidenceMin: 0.15,
  cooldownUs: 5 * DAY_US,
};

/**
 * Long or flat: buys when a rise is likely enough, sells all when a fall is. Risk filters, by name, then let it pass or
 * not: `position`, `confidence`, `cooldown`; the reason says which of them spoke, and with what numbers. It reckons with
 * the orders it let pass, not with their fills: a broker that refuses one refuses the sale of it, too.
 */
export class Policy {
  readonly #settings: PolicySettings;
  #position: number;
  #boughtUs: number;

  constructor(settings: PolicySettings = POLICY, saved: PolicyState = { position: 0, boughtUs: null }) {
    this.#settings = settings;
    this.#position = saved.position;
    this.#boughtUs = saved.boughtUs ?? Number.NEGATIVE_INFINITY;
  }

  save(): PolicyState {
    return { position: this.#position, boughtUs: this.#boughtUs === Number.NEGATIVE_INFINITY ? null : this.#boughtUs };
  }

  decide(signal: Signal): PolicyDecision {
    const { entry, size } = this.#settings;
    const p = signal.probabilityUp;
    if (p < entry && p > 1 - entry) {
      return { action: "HOLD", size: 0, approved: false, reason: `hold: a rise has ${percent(p)}` };
    }
    const action = p >= entry ? "BUY" : "SELL";
    const ordered = action === "SELL" && this.#position > 0 ? this.#position : size;
    const wanted = `${action.toLowerCase()}: a rise has ${percent(p)}`;
    const objections = action === "BUY" ? this.#againstBuying(signal) : this.#againstSelling();
    const approved = objections.length === 0;
    const decision = { action, size: ordered, approved, reason: [wanted, ...objections].join("; ") } as const;
    if (approved) this.#take(decision, signal.timestamp);
    return decision;
  }

  #againstBuying({ timestamp, confidence }: Signal): string[] {
    const { positionMax, size, confidenceMin, cooldownUs } = this.#settings;
    const objections: string[] = [];
    if (this.#position + size > positionMax) {
      objections.push(`position: ${this.#position} of ${positionMax} at most are held`);
    }
    if (confidence < confidenceMin) objections.push(`confidence: ${percent(confidence)} of ${percent(confidenceMin)}`);
    const waited = timestamp - this.#boughtUs;
    if (waited < cooldownUs) {
      objections.push(`cooldown: ${days(waited)} of ${days(cooldownUs)} days`);
    }
    return objections;
  }

  /** The way out is never barred by anything but having nothing. */
  #againstSelling(): string[] {
    return this.#position > 0 ? [] : ["position: nothing is held"];
  }

  #take({ action, size }: { action: "BUY" | "SELL"; size: number }, timestamp: number): void {
    this.#position += action === "BUY" ? size : -size;
    if (action === "BUY") this.#boughtUs = timestamp;
  }
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const days = (us: number) => (us / DAY_US).toFixed(1).replace(/\.0$/, "");
