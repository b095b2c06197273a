import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { guardHost, guardToken } from "../../src/console/guard.ts";

const HOSTS = new Set(["127.0.0.1:9465", "localhost:9465"]);
const TOKEN = "a-token-of-this-console";

const app = new Hono();
app.use(guardHost(HOSTS));
app.get("/", (c) => c.text("the page"));
app.use("/api/*", guardToken(TOKEN, HOSTS));
app.all("/api/thing", (c) => c.text("a secret"));

const ask = (path: string, headers: Record<string, string>, method = "GET") =>
  app.request(`http://127.0.0.1:9465${path}`, {
    method,
    headers: { host: "127.0.0.1:9465", authorization: `Bearer ${TOKEN}`, ...headers },
  });

describe("what stands before the console", () => {
  it.each([
    ["its own page", {}],
    ["its own page, by a browser", { origin: "http://127.0.0.1:9465", "sec-fetch-site": "same-origin" }],
    ["its other name", { host: "localhost:9465", origin: "http://localhost:9465" }],
    ["an address that a person entered", { "sec-fetch-site": "none" }],
  ])("lets through %s", async (_, headers) => {
    for (const method of ["GET", "POST"]) expect((await ask("/api/thing", headers, method)).status).toBe(200);
  });

  it.each([
    ["a name that somebody's DNS led here", { host: "evil.test:9465" }, 421],
    ["a name that ends as ours", { host: "x127.0.0.1:9465" }, 421],
    ["another port", { host: "127.0.0.1:80" }, 421],
    ["no name", { host: "" }, 421],
    ["another site's script", { origin: "https://evil.test" }, 403],
    ["another port's script", { origin: "http://127.0.0.1:8080" }, 403],
    ["a page without an origin, as in a sandbox", { origin: "null" }, 403],
    ["the same name by TLS, which is another origin", { origin: "https://127.0.0.1:9465" }, 403],
    ["another site's form", { "sec-fetch-site": "cross-site" }, 403],
    ["another port's form", { "sec-fetch-site": "same-site" }, 403],
    ["no token", { authorization: "" }, 401],
    ["a wrong token", { authorization: `Bearer ${TOKEN}x` }, 401],
    ["a part of the token", { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401],
    ["the token without its word", { authorization: TOKEN }, 401],
    ["the token as a cookie", { authorization: "", cookie: `token=${TOKEN}` }, 401],
  ])("refuses %s, whatever it asks", async (_, headers, status) => {
    for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await ask("/api/thing", headers, method);
      expect(answer.status).toBe(status);
      const text = await answer.text();
      expect(text).toContain('"error"');
      expect(text).not.toContain(TOKEN);
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  it("puts its policy on every answer, refusals among them", async () => {
    for (const [path, headers] of [
      ["/", {}],
      ["/api/thing", {}],
      ["/api/thing", { authorization: "" }],
      ["/nothing", {}],
      ["/", { host: "evil.test" }],
    ] as const) {
      const { headers: got } = await ask(path, headers);
      expect(got.get("content-security-policy")).toMatch(/^default-src 'none'.*frame-ancestors 'none'$/);
      expect(got.get("x-content-type-options")).toBe("nosniff");
      expect(got.get("cache-control")).toBe("no-store");
    }
  });
});
