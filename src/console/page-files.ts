import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";

const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

/** What the page is made of, by the path that it is asked for by: files of this package, and of packages that it depends on. */
const FILES: Readonly<Record<string, URL>> = {
  "/": page("console.html"),
  "/icon.svg": page("icon.svg"),
  "/style.css": page("style.css"),
  "/app.js": page("app.js"),
  "/ask.js": page("ask.js"),
  "/asked.js": page("asked.js"),
  "/parts.js": page("parts.js"),
  "/overview.js": page("overview.js"),
  "/letters.js": page("letters.js"),
  "/market.js": page("market.js"),
  "/chart.js": page("chart.js"),
  "/audit.js": page("audit.js"),
  "/sessions.js": page("sessions.js"),
  "/replays.js": page("replays.js"),
  "/colours.js": page("colours.js"),
  "/trace.js": page("trace.js"),
  // The package names its module without what it needs itself; beside it lies the one that is whole.
  "/lightweight-charts.js": new URL(
    "lightweight-charts.standalone.production.mjs",
    import.meta.resolve("lightweight-charts"),
  ),
  "/preact.js": new URL(import.meta.resolve("htm/preact/standalone")),
};

function page(name: string): URL {
  return new URL(`page/${name}`, import.meta.url);
}

/** Serves the page's files. They hold nothing of anybody's, so that they need no token. */
export function servePage(app: Hono): void {
  for (const [path, url] of Object.entries(FILES)) {
    const file = fileURLToPath(url);
    const body = readFileSync(file);
    const type = TYPES[file.slice(file.lastIndexOf(".") + 1).replace("mjs", "js") as keyof typeof TYPES];
    app.get(path, (c) => c.body(new Uint8Array(body), 200, { "Content-Type": type }));
  }
}
