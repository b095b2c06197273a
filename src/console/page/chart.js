import { colours, layoutOf, MadeBy } from "./colours.js";
import { CandlestickSeries, createChart, createSeriesMarkers, LineSeries } from "./lightweight-charts.js";
import { html, useEffect, useRef } from "./preact.js";

const SHAPES = { BUY: "arrowUp", SELL: "arrowDown" };

const candlesIn = ({ good, bad }) => ({
  upColor: good,
  downColor: bad,
  borderUpColor: good,
  borderDownColor: bad,
  wickUpColor: good,
  wickDownColor: bad,
});

/** Seconds since 1970 of the last candle that had begun then, or of the first one. */
function timeOf(candles, at) {
  let [low, high] = [0, candles.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (candles[middle][0] <= at) low = middle;
    else high = middle - 1;
  }
  return candles[low][0] / 1e6;
}

/** A prediction is a circle above, a decision an arrow or, where it holds or was refused, a grey one; a fill a square within. */
function markerOf({ kind, id, at, action, isDone }, candles, { good, bad, link, quiet }) {
  const colour = isDone === false ? quiet : action === "BUY" ? good : action === "SELL" ? bad : quiet;
  const one = { id, time: timeOf(candles, at), color: colour };
  if (kind === "prediction") return { ...one, color: link, shape: "circle", position: "aboveBar" };
  if (kind === "fill") return { ...one, shape: "square", position: "inBar" };
  const shape = SHAPES[action] ?? "circle";
  return { ...one, shape, position: action === "SELL" ? "aboveBar" : "belowBar" };
}

/** @param onMark is called with the id of a mark that is clicked */
export function Chart({ label, candles, marks, onMark }) {
  const place = useRef(null);
  useEffect(() => {
    const inColours = colours();
    const chart = createChart(place.current, { autoSize: true, ...layoutOf(inColours) });
    const series = chart.addSeries(CandlestickSeries, candlesIn(inColours));
    series.setData(candles.map(([at, open, high, low, close]) => ({ time: at / 1e6, open, high, low, close })));
    const markers = createSeriesMarkers(series, []);
    const dress = () => {
      const own = colours();
      chart.applyOptions(layoutOf(own));
      series.applyOptions(candlesIn(own));
      const shown = marks.map((mark) => markerOf(mark, candles, own));
      markers.setMarkers(candles.length > 0 ? shown.sort((a, b) => a.time - b.time) : []);
    };
    dress();
    chart.timeScale().fitContent();
    chart.subscribeClick(({ hoveredObjectId }) => hoveredObjectId !== undefined && onMark(hoveredObjectId));
    const isDark = matchMedia("(prefers-color-scheme: dark)");
    isDark.addEventListener("change", dress);
    const drawn = requestAnimationFrame(() => {
      place.current.dataset.candles = candles.length;
    });
    return () => {
      cancelAnimationFrame(drawn);
      isDark.removeEventListener("change", dress);
      chart.remove();
    };
  }, [candles, marks]);
  return html`<div class="chart" ref=${place} role="img" aria-label=${label}></div>
    <${MadeBy} />`;
}

/** @param lines each with a colour's name and its days; a day on which it isn't known leaves a gap */
export function Equity({ label, lines }) {
  const place = useRef(null);
  useEffect(() => {
    const inColours = colours();
    const chart = createChart(place.current, { autoSize: true, ...layoutOf(inColours) });
    const drawn = lines.map(({ colour, days }) => {
      const series = chart.addSeries(LineSeries, { color: inColours[colour], lineWidth: 2 });
      series.setData(days.map(({ day, pnl }) => (pnl === null ? { time: day } : { time: day, value: pnl })));
      return { series, colour };
    });
    const dress = () => {
      const own = colours();
      chart.applyOptions(layoutOf(own));
      for (const { series, colour } of drawn) series.applyOptions({ color: own[colour] });
    };
    chart.timeScale().fitContent();
    const isDark = matchMedia("(prefers-color-scheme: dark)");
    isDark.addEventListener("change", dress);
    const painted = requestAnimationFrame(() => {
      place.current.dataset.lines = lines.length;
    });
    return () => {
      cancelAnimationFrame(painted);
      isDark.removeEventListener("change", dress);
      chart.remove();
    };
  }, [lines]);
  return html`<div class="chart" ref=${place} role="img" aria-label=${label}></div>
    <${MadeBy} />`;
}
