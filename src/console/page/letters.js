import { ask } from "./ask.js";
import { hrefOf, query, useAsked } from "./asked.js";
import { Ask, count, Facts, Grid, shown, Trouble, When } from "./parts.js";
import { html, useEffect, useState } from "./preact.js";

const isRunning = ({ state }) => state === "running";

/** Letters by topic and reason. */
export function LetterKinds({ live }) {
  const [all, setAll] = useState(false);
  const { value: kinds, error } = useAsked(`/api/letters?all=${all}`, live.acts.filter(isRunning).length);
  return html`
    <h1>Letters</h1>
    <p class="quiet">Events that could not land, with the bytes that they came in. Nothing of them is lost.</p>
    <${Running} live=${live} />
    <label><input type="checkbox" checked=${all} onChange=${() => setAll(!all)} /> also those that were acted on</label>
    ${error ? html`<${Trouble} error=${error} />` : ""}
    ${kinds?.length === 0 ? html`<p class="good">There are none.</p>` : ""}
    ${
      kinds?.length > 0
        ? html`<${Grid}
            caption="Letters by topic and reason"
            columns=${[["topic"], ["reason"], ["open", "n"], ["redriven", "n few"], ["discarded", "n few"], ["last", "few"], ["the newest says", "detail"]]}
            rows=${kinds.map((k) => [
              shown(k.topic),
              html`<a href=${hrefOf("letters", k.topic, k.reason)}>${k.reason}</a>`,
              count(k.open),
              count(k.redriven),
              count(k.discarded),
              html`<${When} at=${k.lastAt} />`,
              shown(k.detail),
            ])}
          />`
        : ""
    }
  `;
}

/** Acts that run, and the last ones that ended. */
function Running({ live }) {
  return live.acts.slice(0, 3).map(
    (act) => html`<div class="notice ${act.state === "failed" ? "bad" : ""}" role="status" data-act=${act.state}>
      <strong>${act.kind}</strong> of ${shown(act.topic)}, ${act.reason}, by ${shown(act.by)}:${" "}
      ${count(act.done)} of ${count(act.planned)}, ${act.state}
      ${isRunning(act) ? html`<progress aria-label="acknowledged" max=${act.planned} value=${act.done}></progress>` : ""}
      ${isRunning(act) ? html`<button onClick=${() => ask("/api/letters/acts/stop", {})}>Stop</button>` : ""}
      ${act.outcome ? html`<div>${outcomeText(act.outcome)}</div>` : ""} ${act.error ? html`<div>${shown(act.error)}</div>` : ""}
    </div>`,
  );
}

const SAID = {
  written: "landed",
  replaced: "were or met an older revision",
  duplicate: "had landed before",
  landedAmongOthers: "landed in batches with others",
  filtered: "were filtered",
  parked: "wait for their parents",
  onTheWay: "are still on the way",
};

function outcomeText({ died, ...counts }) {
  const said = Object.entries(counts).map(([name, n]) => [n, SAID[name]]);
  const again = Object.entries(died).map(([reason, n]) => [n, `died again: ${reason}`]);
  return [...said, ...again]
    .filter(([n]) => n > 0)
    .map(([n, what]) => `${count(n)} ${what}`)
    .join(", ");
}

const PAGE = 50;

/** The letters of one topic and reason, and what can be done with them. */
export function LettersOf({ topic, reason, live }) {
  const [skip, setSkip] = useState(0);
  const [asked, setAsked] = useState(null);
  const path = `/api/letters/of?${query({ topic, reason, all: false, skip })}`;
  const { value: letters, error } = useAsked(path, live.acts.filter(isRunning).length);
  const isBusy = live.acts.some(isRunning);
  return html`
    <p><a href="#/letters">All letters</a></p>
    <h1>${shown(topic)}: ${shown(reason)}</h1>
    <${Running} live=${live} />
    ${
      live.allowsActions
        ? html`<div class="row">
          <button class="does" disabled=${isBusy} onClick=${() => setAsked("redrive")}>Redrive…</button>
          <button disabled=${isBusy} onClick=${() => setAsked("discard")}>Discard…</button>
        </div>`
        : html`<p class="quiet">This console only shows. Start it with --allow-actions to redrive or discard.</p>`
    }
    ${asked ? html`<${Confirm} kind=${asked} topic=${topic} reason=${reason} onClose=${() => setAsked(null)} />` : ""}
    ${error ? html`<${Trouble} error=${error} />` : ""}
    ${letters?.length === 0 ? html`<p>${skip > 0 ? "There are no more." : "None is open."}</p>` : ""}
    ${
      letters?.length > 0
        ? html`<${Grid}
            caption="Open letters, the newest first"
            columns=${[["letter"], ["set aside", "few"], ["redriven", "n few"], ["detail", "detail"]]}
            rows=${letters.map((l) => [
              html`<a href=${hrefOf("letter", l.topic, l.partition, l.offset, l.rewind)}>${l.partition}/${l.offset}</a>`,
              html`<${When} at=${l.deadAt} />`,
              count(l.attempts),
              shown(l.detail),
            ])}
          />`
        : ""
    }
    <div class="row">
      <button disabled=${skip === 0} onClick=${() => setSkip(skip - PAGE)}>Newer</button>
      <button disabled=${!(letters?.length === PAGE)} onClick=${() => setSkip(skip + PAGE)}>Older</button>
    </div>
  `;
}

/** Says what an act would do before it is done. */
function Confirm({ kind, topic, reason, onClose }) {
  const [note, setNote] = useState("");
  const [plan, setPlan] = useState(undefined);
  const [error, setError] = useState(undefined);
  const what = { kind, topic, reason, note };
  useEffect(() => {
    ask("/api/letters/acts", { ...what, dryRun: true }).then(setPlan, setError);
  }, []);
  const act = () => ask("/api/letters/acts", { ...what, dryRun: false }).then(onClose, setError);
  const title = kind === "redrive" ? "Redrive letters" : "Discard letters";
  return html`<${Ask} title=${title} onClose=${onClose}>
    ${error ? html`<${Trouble} error=${error} />` : ""}
    ${
      plan
        ? html`<p data-plan=${plan.letters}>
          ${count(plan.letters)} events of ${shown(topic)}, ${shown(reason)},
          ${kind === "redrive" ? " are published again, byte for byte" : " are given up; their bytes stay"}.
          ${plan.worn > 0 ? ` ${count(plan.worn)} have been redriven too often and stay as they are.` : ""}
          ${" "}Nothing has been done yet.
        </p>`
        : html`<p>Counting…</p>`
    }
    ${
      kind === "discard"
        ? html`<label>Why <input type="text" maxlength="500" value=${note} onInput=${(e) => setNote(e.target.value)} /></label>`
        : ""
    }
    <div class="row">
      <button class="does" disabled=${!plan?.letters || (kind === "discard" && note.trim() === "")} onClick=${act}>
        ${kind === "redrive" ? "Redrive" : "Discard"}
      </button>
      <button onClick=${onClose}>Cancel</button>
    </div>
  <//>`;
}

/** One letter: what is wrong with it, and beside that its event and its bytes. */
export function Letter({ place: [topic, partition, offset, rewind] }) {
  const { value: letter, error } = useAsked(`/api/letters/one?${query({ topic, partition, offset, rewind })}`);
  const head = html`<p><a href="#/letters">All letters</a></p>
    <h1>${shown(topic)}/${shown(partition)}/${shown(offset)}</h1>`;
  if (error) return html`${head}<${Trouble} error=${error} />`;
  if (!letter) return html`${head}<p class="quiet">Looking…</p>`;
  const facts = [
    ["reason", letter.reason],
    ["detail", shown(letter.detail)],
    ["column", letter.column ?? "–"],
    ["published", html`<${When} at=${letter.publishedAt} />`],
    ["set aside", html`<${When} at=${letter.deadAt} />`],
    [
      "state",
      `${letter.state}${letter.actedBy ? ` by ${shown(letter.actedBy)}` : ""}${letter.note ? `: ${shown(letter.note)}` : ""}`,
    ],
    ["redriven", `${count(letter.attempts)} times`],
    ["key", letter.key === null ? "none" : shown(letter.key)],
    ...Object.entries(letter.headers).map(([name, value]) => [`header ${name}`, shown(value)]),
  ];
  return html`
    ${head}
    <${Facts} facts=${facts} />
    <h2>Event</h2>
    ${
      letter.event
        ? html`<${Facts}
            facts=${Object.entries(letter.event).map(([name, value]) => [
              name,
              value === null ? "–" : shown(typeof value === "object" ? JSON.stringify(value) : value),
              name === letter.column,
            ])}
          />`
        : html`<div class="notice wait">It can't be read: ${shown(letter.unreadable)}</div>`
    }
    <h2>Bytes</h2>
    ${
      letter.valueHex === null
        ? html`<p>It has no value.</p>`
        : html`<p class="quiet">${count(letter.valueBytes)} bytes${letter.valueHex.length / 2 < letter.valueBytes ? ", the first of them" : ""}</p>
      <pre>${letter.valueHex.replace(/(..)/g, "$1 ")}</pre>`
    }
  `;
}
