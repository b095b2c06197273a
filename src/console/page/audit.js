import { hrefOf, query, useAsked } from "./asked.js";
import { count, Facts, Grid, shown, Trouble, When } from "./parts.js";
import { html, useState } from "./preact.js";

const NOTHING = { id: "", type: "", correlation: "", before: "" };
const PAGE = 50;

/** How the audit log's chain stands, and its entries. */
export function Audit() {
  const [typed, setTyped] = useState(NOTHING);
  const [asked, setAsked] = useState(NOTHING);
  const { value: entries, error } = useAsked(`/api/audit?${query(asked)}`);
  const field = (name, label) => html`<label>${label} <input
    type="text"
    value=${typed[name]}
    onInput=${(e) => setTyped({ ...typed, [name]: e.target.value })}
  /></label>`;
  const onSubmit = (event) => {
    event.preventDefault();
    setAsked({ ...typed, id: typed.id.trim() });
  };
  return html`
    <h1>Audit</h1>
    <${Chain} />
    <h2>Entries</h2>
    <form class="row" onSubmit=${onSubmit}>
      ${field("id", "Id")} ${field("type", "Type")} ${field("correlation", "Correlation")}
      <button class="does">Search</button>
    </form>
    ${error ? html`<${Trouble} error=${error} />` : ""}
    ${!error && entries?.length === 0 ? html`<p>There are none.</p>` : ""}
    ${!error && entries?.length > 0 ? html`<${Entries} entries=${entries} />` : ""}
    <div class="row">
      <button disabled=${asked.before === ""} onClick=${() => setAsked({ ...asked, before: "" })}>Newest</button>
      <button
        disabled=${entries?.length !== PAGE}
        onClick=${() => setAsked({ ...asked, before: String(entries.at(-1).seq) })}
      >Older</button>
    </div>
  `;
}

function Entries({ entries }) {
  return html`<${Grid}
    caption="Audit entries, the newest first"
    columns=${[["entry", "n"], ["time", "few"], ["type"], ["actor"], ["success", "few"], ["correlation", "few"], ["signed by", "few"], ["payload", "detail few"]]}
    rows=${entries.map((one) => [
      html`<a href=${hrefOf("trace", one.id)}>${count(one.seq)}</a>`,
      html`<${When} at=${one.at} />`,
      shown(one.type),
      shown(one.actor),
      one.success ? "yes" : "no",
      shown(one.correlation ?? "–"),
      shown(one.signedBy ?? "–"),
      html`<code>${shown(one.payload)}</code>`,
    ])}
  />`;
}

function Chain() {
  const { value: chain, error } = useAsked("/api/audit/chain");
  if (error) return html`<${Trouble} error=${error} />`;
  if (!chain) return html`<p class="quiet">Looking…</p>`;
  const { newest, from, checked, head, faults, checkpoints } = chain;
  if (newest === 0 && faults.length === 0) return html`<p>No entry has landed.</p>`;
  return html`
    ${faults.map(
      ({ seq, logId, detail }) => html`<div class="notice bad" role="alert">
        Entry ${count(seq)}${logId === null ? "" : html` (${shown(logId)})`} ${shown(detail)}.
      </div>`,
    )}
    <${Facts}
      facts=${[
        ["entries", count(newest)],
        ["recomputed now", `${count(checked)}, from entry ${count(from)} on; tradetape audit verify recomputes all`],
        ["they hold", faults.length === 0 ? "yes" : "no", faults.length > 0],
        ["newest hash", html`<code>${head ?? "–"}</code>`],
      ]}
    />
    ${
      checkpoints.length === 0
        ? html`<p>The log has no checkpoint of itself.</p>`
        : html`<${Grid}
            caption="Checkpoints in the log, the newest first"
            columns=${[["up to entry", "n"], ["made"], ["key", "few"]]}
            rows=${checkpoints
              .toReversed()
              .map(({ seq, at, key }) => [count(seq), html`<${When} at=${at} />`, key.slice(0, 16)])}
          />`
    }
  `;
}
