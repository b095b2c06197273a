import { hrefOf, query, useAsked } from "./asked.js";
import { shown, Trouble, When } from "./parts.js";
import { html, useState } from "./preact.js";

/**
 * Why it was bought: what was known, prediction, decision, fills and audit entries, as trees.
 * @param asOf what the broker had by then, as the address has it: ISO 8601, UTC; empty is now
 */
export function Trace({ id, asOf }) {
  const { value: found, error } = useAsked(`/api/trace?${query({ id, asOf })}`);
  const head = html`
    <h1>Trace of ${shown(id)}</h1>
    <${AsOf} key=${`${id}/${asOf}`} id=${id} asOf=${asOf} />
  `;
  const then = asOf === "" ? "" : ` by ${asOf}`;
  if (error) return html`${head}<${Trouble} error=${error} />`;
  if (!found) return html`${head}<p class="quiet">Looking…</p>`;
  if (found.kind === null) return html`${head}<p>Nothing that landed has this id.</p>`;
  if (found.traces.length === 0)
    return html`${head}<p>${
      asOf === ""
        ? `No decision or prediction rests on this ${found.kind}.`
        : `Nothing was known then: the broker had no decision or prediction that rests on this ${found.kind}${then}.`
    }</p>`;
  return html`
    ${head}
    <p class="quiet">
      ${asOf === "" ? "" : `These trees are what the broker had${then}. `}Above a prediction or decision stands what was known when it
      was made; what is marked with ◂ is what was asked for.
    </p>
    ${found.traces.map(
      ({ traceId, steps }) => html`<${Tree} key=${traceId} steps=${steps} asked=${found.by} asOf=${asOf} />`,
    )}
    ${found.more ? html`<p>There are more trees: these are the first.</p>` : ""}
  `;
}

const traceHref = (id, asOf) => (asOf === "" ? hrefOf("trace", id) : hrefOf("trace", id, asOf));

/** A time as people write it, as the address has it: a blank for the T, and no Z, mean the same. */
function momentOf(text) {
  const written = text
    .trim()
    .replace(/^(\S+)\s+(\S+)$/, "$1T$2")
    .toUpperCase();
  return /T[\d:.]+$/.test(written) ? `${written}Z` : written;
}

function AsOf({ id, asOf }) {
  const [typed, setTyped] = useState(asOf);
  const onSubmit = (event) => {
    event.preventDefault();
    location.hash = traceHref(id, momentOf(typed));
  };
  return html`<form class="row" onSubmit=${onSubmit}>
    <label>Known at (UTC) <input
      type="text"
      placeholder="now"
      value=${typed}
      onInput=${(e) => setTyped(e.target.value)}
    /></label>
    <button class="does">Show</button>
    ${asOf === "" ? "" : html`<a href=${traceHref(id, "")}>As of now</a>`}
  </form>`;
}

function Tree({ steps, asked, asOf }) {
  const ids = new Set(steps.map((step) => step.id));
  const roots = steps.filter(({ parentId }) => parentId === null || !ids.has(parentId));
  return html`<ul class="tree">
    ${roots.map((step) => html`<${Step} step=${step} steps=${steps} asked=${asked} asOf=${asOf} />`)}
  </ul>`;
}

function Step({ step, steps, asked, asOf }) {
  const below = steps.filter(({ parentId }) => parentId === step.id);
  const times = [
    ["of", step.timestamp],
    ["known", step.knownAt],
    ["published", step.publishedAt],
    ["landed", step.landedAt],
  ].filter(([, at]) => at !== null);
  return html`<li>
    <strong class=${asked.includes(step.id) ? "good" : ""}>${step.step}</strong>
    ${" "}<a href=${traceHref(step.id, asOf)}>${step.id.slice(0, 8)}</a>${asked.includes(step.id) ? " ◂" : ""}
    ${" "}${shown(step.what)} ${step.note === null ? "" : html`<span class="wait">${shown(step.note)}</span>`}
    <div class="quiet small">${times.map(([word, at], n) => html`${n > 0 ? ", " : ""}${word} <${When} at=${at} />`)}</div>
    ${
      below.length > 0
        ? html`<ul>
          ${below.map((one) => html`<${Step} step=${one} steps=${steps} asked=${asked} asOf=${asOf} />`)}
        </ul>`
        : ""
    }
  </li>`;
}
