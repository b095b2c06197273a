import { Hono } from "hono";
import { z } from "zod";
import { inSnapshot } from "../table/checks/ledger-check.ts";
import type { Connection } from "../table/connection.ts";
import { findEntries, newestEntry } from "../table/desk/audit-entries.ts";
import { walkChain } from "../verify/chain-walk.ts";
import { ownCheckpoints } from "../verify/known-checkpoints.ts";
import { misread } from "./guard.ts";
import type { Reader } from "./reader.ts";

const ENTRIES_MAX = 50;
/** So many of the newest entries are recomputed for a page; `tradetape audit verify` does all. */
const CHECKED_MAX = 500;
const TEXT_CHARS_MAX = 200;

/** Empty asks for all. */
const all = z.literal("").transform(() => null);
const Text = z.union([all, z.string().max(TEXT_CHARS_MAX)]);

/** `/api/audit`: entries of the audit log, and how its chain stands. */
export function auditRoutes(reader: Reader): Hono {
  const Asked = z.object({
    id: z.union([all, z.guid()]),
    type: Text,
    correlation: Text,
    before: z.union([all, z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)]),
  });
  const app = new Hono();
  app.get("/", async (c) => {
    const asked = Asked.safeParse(c.req.query());
    if (!asked.success) return c.json(misread(asked.error), 400);
    return c.json(await reader.ask((connection) => findEntries(connection, { ...asked.data, most: ENTRIES_MAX })));
  });
  app.get("/chain", async (c) =>
    c.json(await reader.ask((connection) => inSnapshot(connection, () => chainOf(connection)))),
  );
  return app;
}

/** How many entries there are, whether the newest hold, and the checkpoints that the log itself has of them. */
async function chainOf(connection: Connection) {
  const newest = await newestEntry(connection);
  const from = Math.max(1, newest - CHECKED_MAX + 1);
  const checkpoints = await ownCheckpoints(connection);
  const { entries, faults, head } = await walkChain(connection, { from }, []);
  return {
    newest,
    from,
    checked: entries,
    head: head === undefined ? null : head.hash.toString("hex"),
    faults,
    checkpoints: checkpoints.map(({ checkpoint: { seq, made_at, key_sha256 }, from }) => ({
      seq,
      at: made_at,
      key: key_sha256,
      from,
    })),
  };
}
