import { hrefOf, query, useAsked } from "./asked.js";
import { Equity } from "./chart.js";
import { count, Grid, shown, Trouble, When } from "./parts.js";
import { html, useMemo, useState } from "./preact.js";

/** The sessions, of which two can be compared. */
export function Sessions() {
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState([]);
  const { value: sessions, error } = useAsked(`/api/sessions?${query({ all })}`);
  const turn = (id) =>
    setChosen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id].slice(-2)));
  return html`
    <h1>Sessions</h1>
    <label><input type="checkbox" checked=${all} onChange=${() => setAll(!all)} /> also those that were deleted</label>
    ${error ? html`<${Trouble} error=${error} />` : ""}
    ${sessions?.length === 0 ? html`<p>None has landed.</p>` : ""}
    <div class="row">
      <button
        class="does"
        disabled=${chosen.length !== 2}
        onClick=${() => {
          location.hash = hrefOf("sessions", ...chosen);
        }}
      >Compare two</button>
    </div>
    ${
      sessions?.length > 0
        ? html`<${Grid}
            caption="Sessions, the latest first"
            columns=${[["compare"], ["name"], ["kind"], ["status"], ["began", "few"], ["decisions", "n few"], ["fills", "n few"]]}
            rows=${sessions.map((one) => [
              html`<input
                type="checkbox"
                aria-label=${`compare ${shown(one.name ?? one.id)}`}
                checked=${chosen.includes(one.id)}
                onChange=${() => turn(one.id)}
              />`,
              html`${shown(one.name ?? "–")} <span class="quiet small">${one.id.slice(0, 8)}</span>`,
              one.kind,
              one.status,
              html`<${When} at=${one.startedAt} />`,
              count(one.decisions),
              count(one.fills),
            ])}
          />`
        : ""
    }
  `;
}

const nameOf = ({ session }) => `${shown(session.name ?? "")} ${session.backtest_session_id.slice(0, 8)}`;

/** Settings of which the two have different ones. */
function differing(a, b) {
  const settingsOf = ({ session }) => {
    const config = session.config === null ? {} : JSON.parse(session.config);
    return typeof config === "object" && config !== null ? config : { config };
  };
  const [inA, inB] = [settingsOf(a), settingsOf(b)];
  const names = [...new Set([...Object.keys(inA), ...Object.keys(inB)])].sort();
  return names
    .map((name) => [name, JSON.stringify(inA[name]), JSON.stringify(inB[name])])
    .filter(([, ofA, ofB]) => ofA !== ofB);
}

/** Two sessions beside each other: equity, figures, and the decisions that differ. */
export function Compared({ a: idOfA, b: idOfB }) {
  const { value: diff, error } = useAsked(`/api/sessions/diff?${query({ a: idOfA, b: idOfB })}`);
  const lines = useMemo(() => (diff ? linesOf(diff) : []), [diff]);
  const head = html`<p><a href="#/sessions">All sessions</a></p>
    <h1>Two sessions</h1>`;
  if (error) return html`${head}<${Trouble} error=${error} />`;
  if (!diff) return html`${head}<p class="quiet">Looking…</p>`;
  const { a, b, decisions } = diff;
  const facts = ["kind", "status", "code_version", "data_set"].map((name) => [
    name.replace("_", " "),
    shown(a.session[name] ?? "–"),
    shown(b.session[name] ?? "–"),
  ]);
  const settings = differing(a, b).map(([name, ofA, ofB]) => [shown(name), shown(ofA ?? "–"), shown(ofB ?? "–")]);
  const totals = Object.keys(a.totals).map((name) => [name, count(a.totals[name]), count(b.totals[name])]);
  const columns = [["figure"], [`a: ${nameOf(a)}`, "n"], [`b: ${nameOf(b)}`, "n"]];
  return html`
    ${head}
    <p><span class="key link"></span> a: ${nameOf(a)} <span class="key wait"></span> b: ${nameOf(b)}</p>
    <h2>Equity</h2>
    ${[a, b]
      .filter(({ curves }) => curves === null)
      .map(
        (side) => html`<div class="notice">
        ${nameOf(side)} has too many fills to draw it here: <code>tradetape desk equity --session ${side.session.backtest_session_id}</code>
      </div>`,
      )}
    ${
      lines.length > 0
        ? html`<${Equity} label="what each strategy had made by the end of each day; the table below has it" lines=${lines} />
            <${Days} lines=${lines} />`
        : html`<p>There is nothing to draw.</p>`
    }
    <h2>Figures</h2>
    <${Grid} caption="Figures of both" columns=${columns} rows=${[...facts, ...settings, ...totals]} />
    <h2>Decisions</h2>
    <p>
      ${count(decisions.same)} the same, ${count(decisions.differing)} differ, ${count(decisions.onlyA)} in a only,
      ${" "}${count(decisions.onlyB)} in b only.
    </p>
    ${
      decisions.pairs.length > 0
        ? html`<${Grid}
            caption="Decisions that differ, the first of them"
            columns=${[["time"], ["symbol"], ["a"], ["b"]]}
            rows=${decisions.pairs.map((pair) => [
              html`<${When} at=${pair.at} />`,
              shown(pair.symbol),
              sideText(pair.a),
              sideText(pair.b),
            ])}
          />`
        : ""
    }
  `;
}

const linesOf = ({ a, b }) =>
  [
    [a, "link", "a"],
    [b, "wait", "b"],
  ].flatMap(([side, colour, word]) =>
    (side.curves ?? [])
      .filter(({ days }) => days.length > 0)
      .map(({ strategyId, days }) => ({ colour, days, name: `${word}, ${strategyId?.slice(0, 8) ?? "no strategy"}` })),
  );

function Days({ lines }) {
  const days = [...new Set(lines.flatMap((line) => line.days.map(({ day }) => day)))].sort().reverse();
  return html`<details>
    <summary>The days as a table</summary>
    <${Grid}
      caption="What each strategy had made by the end of each day"
      columns=${[["day"], ...lines.map(({ name }) => [name, "n"])]}
      rows=${days.map((day) => [day, ...lines.map((line) => count(line.days.find((one) => one.day === day)?.pnl))])}
    />
  </details>`;
}

function sideText(side) {
  if (side === null) return "–";
  const { action, size, approved, filled, price } = side;
  const done = filled > 0 ? `, filled ${count(filled)} at ${count(price)}` : "";
  return action === "HOLD" ? action : `${action} ${count(size)}${approved ? "" : " refused"}${done}`;
}
