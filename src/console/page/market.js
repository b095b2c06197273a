import { hrefOf, query, useAsked } from "./asked.js";
import { Chart } from "./chart.js";
import { count, Grid, shown, Trouble, When } from "./parts.js";
import { html, useState } from "./preact.js";

/** Candles of any instrument, and what was predicted, decided and executed of it. */
export function Market({ name, session }) {
  const [typed, setTyped] = useState(name);
  const { value: suggested } = useAsked(`/api/market/symbols?${query({ begin: typed })}`);
  const { value: of, error } = useAsked(name === "" ? null : `/api/market/of?${query({ symbol: name, session })}`);
  const onSubmit = (event) => {
    event.preventDefault();
    location.hash = hrefOf("market", typed.trim());
  };
  return html`
    <h1>${name === "" || !of ? "Market" : shown(of.symbol.ticker)}</h1>
    <form class="row" onSubmit=${onSubmit}>
      <label>Symbol <input type="text" list="symbols" value=${typed} onInput=${(e) => setTyped(e.target.value)} /></label>
      <datalist id="symbols">
        ${(suggested ?? []).map((one) => html`<option value=${one.ticker}>${shown(one.exchange ?? "")}</option>`)}
      </datalist>
      <button class="does" disabled=${typed.trim() === ""}>Show</button>
    </form>
    ${name === "" && suggested?.length === 0 ? html`<p>No symbol has landed.</p>` : ""}
    ${error ? html`<${Trouble} error=${error} />` : ""}
    ${of && !error ? html`<${SymbolView} key=${`${of.symbol.id} ${session}`} of=${of} session=${session} />` : ""}
  `;
}

/** What can be drawn: each series of bars, and of ticks each length that they are put together to. */
const choicesOf = ({ series, tickIntervals }) =>
  series.flatMap((one) => (one.kind === "bars" ? [one] : tickIntervals.map((interval) => ({ ...one, interval }))));

const titleOf = ({ kind, interval, source }) => `${interval}, ${kind} of ${shown(source)}`;

/** A second behind the newest row: that is counted in. */
const behind = ({ newest }) => new Date(Date.parse(newest) + 1000).toISOString();

function SymbolView({ of, session }) {
  const choices = choicesOf(of);
  const [chosen, setChosen] = useState(0);
  const [until, setUntil] = useState(null);
  const choice = choices[chosen];
  const choose = (event) => {
    setChosen(Number(event.target.value));
    setUntil(null);
  };
  const turn = (event) => {
    location.hash = hrefOf("market", of.symbol.ticker, ...(event.target.value === "" ? [] : [event.target.value]));
  };
  return html`
    <div class="row">
      <label>Candles <select onChange=${choose} disabled=${choices.length === 0}>
        ${choices.map((one, n) => html`<option value=${n} selected=${n === chosen}>${titleOf(one)}</option>`)}
      </select></label>
      <label>Decisions of <select onChange=${turn}>
        <option value="" selected=${session === ""}>live trading</option>
        ${of.sessions.map(
          ({ id, kind, name }) =>
            html`<option value=${id} selected=${id === session}>${kind} ${shown(name ?? "")} ${id.slice(0, 8)}</option>`,
        )}
      </select></label>
    </div>
    ${
      choice
        ? html`<${Drawn} key=${`${chosen} ${until}`} of=${of} session=${session} choice=${choice} until=${until} onUntil=${setUntil} />`
        : html`<p>Neither bars nor ticks of it have landed.</p>`
    }
  `;
}

function Drawn({ of, session, choice, until, onUntil }) {
  const { kind, interval, source } = choice;
  const at = { symbol: of.symbol.id, session, kind, interval, source };
  const path = `/api/market/candles?${query({ ...at, until: until ?? behind(choice), latest: until === null })}`;
  const { value: drawn, error } = useAsked(path);
  if (error) return html`<${Trouble} error=${error} />`;
  if (!drawn) return html`<p class="quiet">Looking…</p>`;
  const { since, isCut, candles, marks } = drawn;
  const label = `${candles.length} candles of ${shown(of.symbol.ticker)}, ${titleOf(choice)}; the tables below have its figures`;
  return html`
    <div class="row">
      <button onClick=${() => onUntil(since)}>Older</button>
      <button disabled=${until === null} onClick=${() => onUntil(null)}>Newest</button>
      <span class="quiet">from <${When} at=${since} />${until ? html` to <${When} at=${until} />` : ""}, UTC</span>
    </div>
    ${isCut ? html`<div class="notice">There are more ticks in this time than are put together at once: it begins later.</div>` : ""}
    <${Chart} label=${label} candles=${candles} marks=${marks} onMark=${(id) => (location.hash = hrefOf("trace", id))} />
    <${Marks} marks=${marks} />
    <${Figures} candles=${candles} />
  `;
}

const iso = (micros) => new Date(micros / 1000).toISOString();

function Marks({ marks }) {
  if (marks.length === 0) return html`<p>Nothing was predicted, decided or executed in this time.</p>`;
  return html`<${Grid}
    caption="Predictions, decisions and fills, the newest first; each leads to what was known"
    columns=${[["time"], ["what"], ["action"], ["size", "n few"], ["price", "n few"], ["about", "detail few"]]}
    rows=${marks
      .toReversed()
      .map((mark) => [
        html`<${When} at=${iso(mark.at)} />`,
        html`<a href=${hrefOf("trace", mark.id)}>${mark.kind}</a>`,
        mark.action === null ? "–" : `${mark.action}${mark.kind === "decision" && !mark.isDone ? ", refused" : ""}`,
        count(mark.size),
        count(mark.price),
        shown(mark.what),
      ])}
  />`;
}

/** As many as a person reads. */
const FIGURES = 50;

function Figures({ candles }) {
  return html`<details>
    <summary>The newest candles as a table</summary>
    <${Grid}
      caption="Candles, the newest first"
      columns=${[["begin"], ["open", "n few"], ["high", "n"], ["low", "n"], ["close", "n"], ["volume", "n few"]]}
      rows=${candles
        .slice(-FIGURES)
        .reverse()
        .map(([at, ...figures]) => [html`<${When} at=${iso(at)} />`, ...figures.map(count)])}
    />
  </details>`;
}
