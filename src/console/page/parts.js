import { html, useEffect, useRef } from "./preact.js";

export const count = (n) => (n === null || n === undefined ? "–" : n.toLocaleString("en-US"));

/** Seconds as a person says them. */
export function lasting(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${count(Math.round(seconds / 86_400))} d`;
}

/** Text of somebody else's: what moves a cursor or turns the direction of writing is shown as what it is. */
export const shown = (text) =>
  String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);

/** An ISO time, to the second, in UTC. */
export const When = ({ at }) =>
  at === null || at === undefined ? "–" : html`<time datetime=${at}>${at.slice(0, 19).replace("T", " ")}</time>`;

/** Why something can't be shown, and what to do. */
export const Trouble = ({ error }) =>
  html`<div class="notice bad" role="alert">${shown(error.message)}${error.next ? ` ${error.next}` : ""}</div>`;

export const Facts = ({ facts }) => html`
  <dl class="facts">
    ${facts.map(
      ([name, value, mark]) => html`<dt class=${mark ? "at" : ""}>${shown(name)}</dt>
        <dd class=${mark ? "at" : ""}>${value}</dd>`,
    )}
  </dl>
`;

/** @param columns pairs of a heading and how it is aligned: "n" of numbers, "few" where a narrow screen leaves it out */
export const Grid = ({ caption, columns, rows }) => html`
  <div class="wide" role="region" aria-label=${caption} tabindex="0">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(([name, kind]) => html`<th scope="col" class=${kind ?? ""}>${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) => html`<tr>
            ${cells.map((cell, n) => html`<td class=${columns[n][1] ?? ""}>${cell}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>
`;

/** A question that has to be answered first. */
export function Ask({ title, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} aria-label=${title} onClose=${onClose}>
    <h2>${title}</h2>
    ${children}
  </dialog>`;
}
