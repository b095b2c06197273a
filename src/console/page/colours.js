import { html } from "./preact.js";

/** The page's colours, as they are by day or in the dark. */
export function colours() {
  const of = getComputedStyle(document.documentElement);
  const colour = (name) => of.getPropertyValue(`--${name}`).trim();
  return Object.fromEntries(
    ["ground", "text", "line", "good", "bad", "wait", "link", "quiet"].map((name) => [name, colour(name)]),
  );
}

/** How a chart looks in these colours. */
export const layoutOf = ({ ground, text, line }) => ({
  // Its logo brings a style sheet of its own, which the page's policy refuses; the page names who made it.
  layout: { background: { color: ground }, textColor: text, attributionLogo: false },
  grid: { vertLines: { color: line }, horzLines: { color: line } },
  timeScale: { borderColor: line, timeVisible: true, secondsVisible: true },
  rightPriceScale: { borderColor: line },
  // A browser's own may be one that no date can be written in, as of a system without a language; all else here is English.
  localization: { locale: "en-US" },
});

/** Who made the charts, as they ask to be named. */
export const MadeBy = () => html`<p class="quiet small">
  Chart by <a href="https://www.tradingview.com/" rel="noreferrer" target="_blank">TradingView Lightweight Charts</a>, ©
  TradingView, Inc.
</p>`;
