import { useAsked } from "./asked.js";
import { count, Grid, shown, Trouble, When } from "./parts.js";
import { html, useEffect, useState } from "./preact.js";

const AGAIN_MS = 2000;

/** The database writes a space between day and time, and the zone short. */
const iso = (at) => (at === null ? null : at.replace(" ", "T"));

/** The replays into this database, and how far one is that runs. */
export function Replays() {
  const [turn, setTurn] = useState(0);
  const { value: runs, error } = useAsked("/api/replays", turn);
  const isRunning = runs?.some(({ state }) => state !== "finished");
  useEffect(() => {
    // One that may begin is looked for, too, while this page is open.
    const timer = setTimeout(() => setTurn(turn + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [turn]);
  return html`
    <h1>Replays</h1>
    ${error ? html`<${Trouble} error=${error} />` : ""}
    ${runs?.length === 0 ? html`<p>None has filled this database.</p>` : ""}
    ${isRunning ? runs.filter(({ state }) => state !== "finished").map((run) => html`<${Running} run=${run} />`) : ""}
    ${
      runs?.length > 0
        ? html`<${Grid}
            caption="Replays, the latest first"
            columns=${[["run"], ["state"], ["of"], ["began", "few"], ["ended", "few"], ["checked"]]}
            rows=${runs.map((run) => [
              run.runId.slice(0, 8),
              run.state,
              run.whole ? "everything" : "a part",
              html`<${When} at=${iso(run.startedAt)} />`,
              html`<${When} at=${iso(run.finishedAt)} />`,
              run.isGood === null
                ? "–"
                : run.isGood
                  ? html`<span class="good">good</span>`
                  : html`<span class="bad">faults</span>`,
            ])}
          />`
        : ""
    }
  `;
}

function Running({ run }) {
  const sum = (name) => run.topics.reduce((all, topic) => all + topic[name], 0);
  return html`<div class="notice" role="status" data-run=${run.state}>
      <strong>${run.state}</strong>: ${count(sum("done"))} of ${count(sum("total"))} offsets landed
      <progress aria-label="offsets landed" max=${Math.max(1, sum("total"))} value=${sum("done")}></progress>
    </div>
    <${Grid}
      caption="Topics of the replay that hasn't ended"
      columns=${[["topic"], ["landed", "n"], ["of", "n"]]}
      rows=${run.topics.map(({ topic, done, total }) => [shown(topic), count(done), count(total)])}
    />`;
}
