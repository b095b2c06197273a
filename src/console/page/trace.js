import { hrefOf, query, useAsked } from "./asked.js";
import { shown, Trouble, When } from "./parts.js";
import { html } from "./preact.js";

/** Why it was bought: what was known, prediction, decision, fills and audit entries, as trees. */
export function Trace({ id }) {
  const { value: found, error } = useAsked(`/api/trace?${query({ id, asOf: "" })}`);
  const head = html`<h1>Trace of ${shown(id)}</h1>`;
  if (error) return html`${head}<${Trouble} error=${error} />`;
  if (!found) return html`${head}<p class="quiet">Looking…</p>`;
  if (found.kind === null) return html`${head}<p>Nothing that landed has this id.</p>`;
  if (found.traces.length === 0) return html`${head}<p>No decision or prediction rests on this ${found.kind}.</p>`;
  return html`
    ${head}
    <p class="quiet">
      Above a prediction or decision stands what was known when it was made; what is marked with ◂ is what was asked for.
    </p>
    ${found.traces.map(({ traceId, steps }) => html`<${Tree} key=${traceId} steps=${steps} asked=${found.by} />`)}
    ${found.more ? html`<p>There are more trees: these are the first.</p>` : ""}
  `;
}

function Tree({ steps, asked }) {
  const ids = new Set(steps.map((step) => step.id));
  const roots = steps.filter(({ parentId }) => parentId === null || !ids.has(parentId));
  return html`<ul class="tree">
    ${roots.map((step) => html`<${Step} step=${step} steps=${steps} asked=${asked} />`)}
  </ul>`;
}

function Step({ step, steps, asked }) {
  const below = steps.filter(({ parentId }) => parentId === step.id);
  const times = [
    ["of", step.timestamp],
    ["known", step.knownAt],
    ["published", step.publishedAt],
    ["landed", step.landedAt],
  ].filter(([, at]) => at !== null);
  return html`<li>
    <strong class=${asked.includes(step.id) ? "good" : ""}>${step.step}</strong>
    ${" "}<a href=${hrefOf("trace", step.id)}>${step.id.slice(0, 8)}</a>${asked.includes(step.id) ? " ◂" : ""}
    ${" "}${shown(step.what)} ${step.note === null ? "" : html`<span class="wait">${shown(step.note)}</span>`}
    <div class="quiet small">${times.map(([word, at], n) => html`${n > 0 ? ", " : ""}${word} <${When} at=${at} />`)}</div>
    ${
      below.length > 0
        ? html`<ul>
          ${below.map((one) => html`<${Step} step=${one} steps=${steps} asked=${asked} />`)}
        </ul>`
        : ""
    }
  </li>`;
}
