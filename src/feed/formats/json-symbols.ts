import { shown } from "../../errors.ts";
import { RowSymbols } from "../decide/symbols.ts";
import type { Opening } from "../format.ts";
import type { FeedSymbol } from "../symbol.ts";
import type { FieldStep } from "./json-fields.ts";

const FLAG = "--make-symbols";
const NOT_TOLD = `a line that names its symbol by ticker makes that symbol, which ${FLAG} allows`;

/**
 * Takes `ticker`, with an optional `exchange`, in place of `symbol_id`. The symbol is published before the event, because
 * nothing says that anybody else publishes it; so that has to be told.
 * @param only what --symbol says of every line
 */
export class TickerLines {
  readonly #symbols = new RowSymbols(undefined);
  readonly #mayMake: boolean;
  readonly #only: FeedSymbol | undefined;

  constructor({ options, decisions, lines, file }: Opening, only: FeedSymbol | undefined) {
    this.#mayMake = options.makeSymbols ?? false;
    this.#only = only;
    if (this.#mayMake) decisions.take("symbols", "made of the lines' tickers, where they name them", FLAG);
    else if (only === undefined && /"ticker"\s*:/.test(lines[0] ?? "")) {
      decisions.ask({ what: "symbols", why: `${file} names symbols by ticker`, flag: FLAG }, undefined);
    }
  }

  /** The symbols met since the last call. */
  found(): ReturnType<RowSymbols["found"]> {
    const found = this.#symbols.found();
    return this.#mayMake ? found : [];
  }

  /** Puts the id in the ticker's place. */
  readonly step: FieldStep = (fields) => {
    const { ticker, exchange = null } = fields;
    if ((ticker ?? null) === null) return null;
    if (typeof ticker !== "string") return "ticker must be text";
    if (exchange !== null && typeof exchange !== "string") return "exchange must be text";
    const symbol = this.#symbols.of(ticker, exchange ?? undefined);
    if (typeof symbol === "string") return symbol;
    const own = fields.symbol_id ?? null;
    if (own !== null && own !== symbol.id) return `symbol_id isn't that of the ticker ${shown(symbol.text)}`;
    if (own === null && !this.#mayMake && symbol.id !== this.#only?.id) return NOT_TOLD;
    fields.symbol_id = symbol.id;
    delete fields.ticker;
    delete fields.exchange;
    return null;
  };
}
