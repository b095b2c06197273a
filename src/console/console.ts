import { randomBytes } from "node:crypto";
import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Config } from "../config.ts";
import { TradetapeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { Acts } from "./acts.ts";
import { auditRoutes } from "./audit-routes.ts";
import { guardHost, guardToken, refused } from "./guard.ts";
import { letterRoutes } from "./letter-routes.ts";
import { failure, Live } from "./live.ts";
import { marketRoutes, traceRoutes } from "./market-routes.ts";
import { servePage } from "./page-files.ts";
import { Pipeline } from "./pipeline.ts";
import { Reader } from "./reader.ts";
import { replayRoutes } from "./replay-routes.ts";
import { sessionRoutes } from "./session-routes.ts";

/** Who stands at another machine has no way to it. */
const HOST = "127.0.0.1";
const BODY_BYTES_MAX = 64 * 1024;
const TOKEN_BYTES = 24;

interface ConsoleOptions {
  readonly config: Config;
  readonly log: Log;
  /** 0 takes one that is free. */
  readonly port: number;
  /** Whether letters may be acted on. */
  readonly acts: boolean;
}

/** A console that is open. */
export interface Console {
  /** With the token behind its #, which a browser sends to nobody. */
  readonly url: string;
  /** Rejects over a bug. */
  readonly failure: Promise<never>;
  /** Ends streams, stops a running act between two events, and closes. */
  close(): Promise<void>;
}

/** Opens the console. @throws TradetapeError input_invalid where the port is taken */
export async function openConsole({ config, log, port, acts }: ConsoleOptions): Promise<Console> {
  const over = new AbortController();
  const bug = Promise.withResolvers<never>();
  bug.promise.catch(() => undefined);
  const reader = new Reader(config);
  const live = new Live(new Pipeline(config, log), over.signal, bug.reject);
  const told = { changed: () => live.tell("acts", acting?.acts ?? []), bug: bug.reject };
  const acting = acts ? new Acts(config, log, told) : undefined;
  told.changed();

  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const hosts = new Set<string>();
  const app = new Hono();
  app.use(guardHost(hosts));
  servePage(app);
  app.use("/api/*", guardToken(token, hosts));
  app.use("/api/*", bodyLimit({ maxSize: BODY_BYTES_MAX }));
  app.get("/api/live", (c) => live.stream(c));
  app.get("/api/console", (c) => c.json({ allowsActions: acts, namespace: config.namespace }));
  app.route("/api/letters", letterRoutes({ config, reader, acts: acting }));
  app.route("/api/market", marketRoutes(reader));
  app.route("/api/audit", auditRoutes(reader));
  app.route("/api/replays", replayRoutes(reader));
  app.route("/api/sessions", sessionRoutes(reader));
  app.route("/api/trace", traceRoutes(reader));
  app.notFound((c) => c.json(refused("not_found", "there is no such page"), 404));
  app.onError((error, c) => {
    if (error instanceof TradetapeError) return c.json(failure(error), error.code === "input_invalid" ? 400 : 503);
    bug.reject(error);
    return c.json(refused("bug", "a bug in tradetape ends this console"), 500);
  });

  const server = createAdaptorServer({ fetch: app.fetch });
  const at = await listen(server, port);
  for (const name of [HOST, "localhost"]) hosts.add(`${name}:${at}`);
  const [own] = hosts;
  return {
    url: `http://${own}/#token=${token}`,
    failure: bug.promise,
    close: async () => {
      over.abort();
      await acting?.close();
      const closed = new Promise((resolve) => server.close(resolve));
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
      await live.close();
      await reader.close();
    },
  };
}

/** @returns the port */
function listen(server: ServerType, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === "EADDRINUSE" ? "another program has it" : cause.message;
      const next = "Give it another one: --port 0 takes one that is free.";
      reject(new TradetapeError("input_invalid", `port ${port} of ${HOST} can't be used: ${reason}`, { cause, next }));
    });
    server.listen(port, HOST, () => resolve((server.address() as { port: number }).port));
  });
}
