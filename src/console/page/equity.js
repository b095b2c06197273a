import { colours, layoutOf, MadeBy } from "./colours.js";
import { createChart, LineSeries } from "./lightweight-charts.js";
import { html, useEffect, useRef } from "./preact.js";

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
