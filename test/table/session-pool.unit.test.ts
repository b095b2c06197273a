import { describe, expect, it } from "vitest";
import type { Connection } from "../../src/table/connection.ts";
import { SessionPool, type SessionSource } from "../../src/table/pool/session-pool.ts";
import { ConnectionSlot } from "../../src/table/pool/slot.ts";

/** A pool whose sessions are named by their number, in the order in which they were opened. */
function poolOf(size: number) {
  const opened: string[] = [];
  const open = async (_: string, { name }: { readonly name: string }) => {
    opened.push(name);
    return { name, isOpen: true, close: async () => {}, drop: () => {} } as unknown as Connection;
  };
  const pool = new SessionPool(size, (index) => new ConnectionSlot("postgres://one/tape", { name: `s${index}` }, open));
  return { pool, opened };
}

/** Work that goes on until it is let go, and says on which session. */
function begin(sessions: SessionSource) {
  const begun = Promise.withResolvers<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = sessions.use(async (connection) => {
    begun.resolve((connection as Connection & { readonly name: string }).name);
    await promise;
  });
  let at: string | undefined;
  void begun.promise.then((name) => {
    at = name;
  });
  return {
    begun: begun.promise,
    get at() {
      return at;
    },
    end: () => {
      resolve();
      return done;
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("a pool of sessions", () => {
  it("opens no more than it may, none before it is needed, and makes the rest wait in their order", async () => {
    const { pool, opened } = poolOf(2);
    expect(opened).toEqual([]);
    const works = Array.from({ length: 4 }, () => begin(pool.share(1)));
    await turn();
    expect([opened, works.map(({ at }) => at)]).toEqual([
      ["s0", "s1"],
      ["s0", "s1", undefined, undefined],
    ]);
    await works[1]!.end();
    expect(await works[2]!.begun).toBe("s1");
    await works[0]!.end();
    expect(await works[3]!.begun).toBe("s0");
    await Promise.all([works[2]!.end(), works[3]!.end()]);
    expect(opened).toHaveLength(2);
  });

  it("gives nobody more than its share, so that who waits for locks leaves sessions to the others", async () => {
    const { pool } = poolOf(3);
    const stuck = pool.share(2);
    const works = Array.from({ length: 5 }, () => begin(stuck));
    await turn();
    expect(works.map(({ at }) => at !== undefined)).toEqual([true, true, false, false, false]);
    const other = begin(pool.share(1));
    expect(await other.begun).toBe("s2");
    await works[0]!.end();
    expect(await works[2]!.begun).toBe("s0");
    for (const work of [other, ...works.slice(1)]) await work.end();
  });

  it("gives whoever comes back the session that it had, where that is free", async () => {
    const { pool, opened } = poolOf(3);
    const shares = [pool.share(1), pool.share(1), pool.share(1)];
    const on = async (which: number) => {
      const work = begin(shares[which]!);
      const name = await work.begun;
      await work.end();
      return name;
    };
    expect([await on(0), await on(1), await on(0), await on(1), await on(2), await on(0)]).toEqual([
      ...["s0", "s1", "s0", "s1", "s2", "s0"],
    ]);
    const holds = begin(shares[0]!);
    const others = [begin(pool.share(1)), begin(pool.share(1))];
    await Promise.all([holds, ...others].map(({ begun }) => begun));
    await holds.end();
    // Its own is taken: any other one is better than to wait.
    expect(await on(1)).toBe("s0");
    for (const other of others) await other.end();
    expect(opened).toHaveLength(3);
  });

  it("opens no more sessions for who has several at once than it has", async () => {
    const { pool, opened } = poolOf(8);
    const share = pool.share(2);
    for (let n = 0; n < 5; n++) {
      const both = [begin(share), begin(share)];
      await Promise.all(both.map(({ begun }) => begun));
      for (const work of n % 2 ? both : both.reverse()) await work.end();
    }
    expect(opened).toEqual(["s0", "s1"]);
  });

  it("goes on after work that failed, and after a session that couldn't be opened", async () => {
    const open = async () => {
      throw new Error("too many clients");
    };
    const pool = new SessionPool(1, () => new ConnectionSlot("postgres://one/tape", { name: "s" }, open));
    const share = pool.share(1);
    const failing = [1, 2, 3].map(() => share.use(async () => {}));
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(Array(3).fill("rejected"));
  });

  it("that is closed lets end what is at work, fails what waits, and opens no session any more", async () => {
    const { pool, opened } = poolOf(2);
    const work = begin(pool.share(1));
    await work.begun;
    const share = pool.share(1);
    const last = begin(share);
    await last.begun;
    const waits = [share, pool.share(1)].map((sessions) => sessions.use(async () => "never"));
    const closing = pool.close();
    await Promise.all([work.end(), last.end(), closing]);
    for (const wait of waits)
      await expect(wait).rejects.toMatchObject({ code: "database_unreachable", canRetry: true });
    expect(opened).toHaveLength(2);
  });

  it("that is closed before all of its sessions were needed opens none of the rest", async () => {
    const { pool, opened } = poolOf(3);
    const [first, second] = [begin(pool.share(1)), pool.share(1)];
    await first.begun;
    const closing = pool.close();
    const late = second.use(async () => "never");
    await first.end();
    await closing;
    await expect(late).rejects.toMatchObject({ code: "database_unreachable", canRetry: true });
    expect(opened).toEqual(["s0"]);
  });
});
