import { ask, follow, takeToken } from "./ask.js";
import { Audit } from "./audit.js";
import { Letter, LetterKinds, LettersOf } from "./letters.js";
import { Market } from "./market.js";
import { Overview } from "./overview.js";
import { html, render, useEffect, useLayoutEffect, useState } from "./preact.js";
import { Replays } from "./replays.js";
import { Compared, Sessions } from "./sessions.js";
import { Trace } from "./trace.js";

/** The words behind the address's #, as `#/letters/ticks/invalid`. */
const words = () => location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);

function useWords() {
  const [at, setAt] = useState(words());
  // Not useEffect: it comes after the page is painted, and a turn of the address before that would be lost.
  useLayoutEffect(() => {
    const turn = () => {
      setAt(words());
      document.querySelector("main")?.focus();
    };
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);
  return at;
}

function Page({ at, live }) {
  const [room, ...rest] = at;
  if (room === "letter") return html`<${Letter} key=${rest.join("/")} place=${rest} />`;
  if (room === "market") return html`<${Market} name=${rest[0] ?? ""} session=${rest[1] ?? ""} />`;
  if (room === "sessions" && rest.length === 2) return html`<${Compared} a=${rest[0]} b=${rest[1]} />`;
  if (room === "sessions") return html`<${Sessions} />`;
  if (room === "audit") return html`<${Audit} />`;
  if (room === "replays") return html`<${Replays} />`;
  if (room === "trace") return html`<${Trace} id=${rest[0] ?? ""} asOf=${rest[1] ?? ""} />`;
  if (room !== "letters") return html`<${Overview} overview=${live.overview} />`;
  if (rest.length < 2) return html`<${LetterKinds} live=${live} />`;
  return html`<${LettersOf} key=${rest.join("/")} topic=${rest[0]} reason=${rest[1]} live=${live} />`;
}

function App() {
  const at = useWords();
  const [live, setLive] = useState({ overview: undefined, acts: [], allowsActions: false });
  const [state, setState] = useState("connecting");
  useEffect(() => {
    const over = new AbortController();
    const onPiece = (name, value) => setLive((before) => ({ ...before, [name]: value }));
    void follow(over.signal, onPiece, setState);
    ask("/api/console").then(
      (known) => setLive((before) => ({ ...before, ...known })),
      // What `follow` meets is the same, and is shown.
      () => undefined,
    );
    return () => over.abort();
  }, []);
  const link = (room, text, also) => html`<a
    href=${`#/${room}`}
    aria-current=${room === at[0] || also === at[0] ? "page" : undefined}
    >${text}</a
  >`;
  return html`
    <a class="skip" href="#main">To the content</a>
    <header>
      <strong>tradetape</strong>
      <nav aria-label="Pages">
        ${link("overview", "Overview")}${link("letters", "Letters", "letter")}${link("market", "Market", "trace")}
        ${link("sessions", "Sessions")}${link("replays", "Replays")}${link("audit", "Audit")}
      </nav>
      <span class="state" role="status">${state}</span>
    </header>
    <main id="main" tabindex="-1">
      ${
        state === "no token"
          ? html`<div class="notice bad" role="alert">
            This page has no token. Open the address that <code>tradetape console</code> printed.
          </div>`
          : html`<${Page} at=${at} live=${live} />`
      }
    </main>
  `;
}

takeToken();
render(html`<${App} />`, document.getElementById("app"));
