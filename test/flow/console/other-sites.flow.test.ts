import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Console, openConsole } from "../../../src/console/console.ts";
import { openLog } from "../../../src/log.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { openBrowser } from "./browser.ts";

let tape: TestTape;
let browser: Browser;
let console: Console;
let port: string;
let other: Server;
let page = "";

beforeAll(async () => {
  tape = await openTestTape();
  const { config } = tape;
  console = await openConsole({ config, log: openLog(config), port: 0, acts: true });
  port = new URL(console.url).port;
  await tape.raw("fills", [{ value: Buffer.from("no event") }]);
  await tape.land("fills");
  other = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(page));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  // A name that a stranger's DNS leads to this machine once the page has been loaded.
  browser = await openBrowser(["--host-resolver-rules=MAP evil.test 127.0.0.1"]);
});
afterAll(async () => {
  await browser?.close();
  await console?.close();
  await new Promise((resolve) => other.close(resolve));
  await tape.stop();
});

const asked = () =>
  JSON.stringify({
    kind: "discard",
    topic: tape.name("fills"),
    reason: "not_avro",
    note: "of a stranger",
    dryRun: false,
  });

/** What a page of another site, which this browser shows, gets by its script. */
async function fromElsewhere(html: string, script: string): Promise<unknown> {
  page = `<!doctype html><title>elsewhere</title>${html}`;
  const context = await browser.newContext();
  context.setDefaultTimeout(0);
  const shown = await context.newPage();
  // The owner has the console open beside it.
  const own = await context.newPage();
  await own.goto(console.url);
  await own.getByText("live").waitFor();
  await shown.goto(`http://evil.test:${(other.address() as AddressInfo).port}/`);
  const got = await shown.evaluate(script);
  await context.close();
  return got;
}

const letters = () => tape.query("SELECT state, note FROM tradetape.dead_letter");
const untouched = async () => expect(await letters()).toEqual([{ state: "open", note: null }]);

test("another site's form changes nothing", async () => {
  const form = `<form id="f" method="post" enctype="text/plain" target="t" action="http://127.0.0.1:${port}/api/letters/acts">
    <input name='${asked().slice(0, -1)},"x":"' value='"}'></form><iframe name="t" id="t"></iframe>`;
  const loaded = `new Promise((resolve) => {
    document.getElementById("t").onload = () => resolve("answered");
    document.getElementById("f").submit();
  })`;
  expect(await fromElsewhere(form, loaded)).toBe("answered");
  await untouched();
});

test("another origin's fetch reads nothing and changes nothing", async () => {
  const url = `http://127.0.0.1:${port}`;
  const script = `Promise.all([
    fetch("${url}/api/letters").then((r) => r.text(), String),
    fetch("${url}/api/letters", { credentials: "include" }).then((r) => r.text(), String),
    fetch("${url}/api/letters", { headers: { Authorization: "Bearer x" } }).then((r) => r.text(), String),
    fetch("${url}/").then((r) => r.text(), String),
    fetch("${url}/api/letters/acts", { method: "POST", mode: "no-cors", body: ${JSON.stringify(asked())} })
      .then((r) => r.type, String),
  ])`;
  const got = (await fromElsewhere("", script)) as string[];
  expect(got.slice(0, 4)).toEqual(Array(4).fill(expect.stringContaining("Failed to fetch")));
  await untouched();
});

test("another site can't frame it, nor load its script's insides", async () => {
  const html = `<iframe id="t" src="http://127.0.0.1:${port}/"></iframe>`;
  const script = `new Promise((resolve) => setTimeout(() => {
    try {
      resolve(document.getElementById("t").contentWindow.document?.body?.textContent ?? "nothing");
    } catch (e) {
      resolve("nothing");
    }
  }, 500))`;
  expect(await fromElsewhere(html, script)).toBe("nothing");
});

test("a name that was led here is told nothing", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(0);
  const shown = await context.newPage();
  for (const path of ["/", "/app.js", "/api/letters"]) {
    const answer = await shown.goto(`http://evil.test:${port}${path}`);
    expect([answer?.status(), await answer?.text()]).toEqual([421, expect.stringContaining("wrong_host")]);
  }
  await context.close();
});

test("a wrong token is told nothing, and the page says what to do", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(0);
  const shown = await context.newPage();
  await shown.goto(`http://127.0.0.1:${port}/#token=guessed`);
  await shown.getByText("This page has no token").waitFor();
  expect(await shown.locator("table").count()).toBe(0);
  await context.close();
});
