import { expect, it } from "vitest";
import type { Connection } from "../../src/table/connection.ts";
import { ConnectionSlot, SameServer } from "../../src/table/pool/slot.ts";

/** Slots on one server, and how many sessions each has opened. */
function slotsOf(...names: readonly string[]) {
  const opened = new Map<string, number>();
  const open = async (_: string, { name }: { readonly name: string }) => {
    opened.set(name, (opened.get(name) ?? 0) + 1);
    const session = {
      isOpen: true,
      drop: () => {
        session.isOpen = false;
      },
      close: async () => {},
    };
    return session as unknown as Connection;
  };
  const server = new SameServer();
  const slots = names.map((name) => new ConnectionSlot("postgres://one/tape", { name }, open, server));
  return { slots, opened };
}

const fault = (code: string) => Object.assign(new Error(`state ${code}`), { code, severity: "ERROR" });
const failBy = (code: string) => async () => {
  throw fault(code);
};
const read = async () => "read";

it("what one session learns of a server that takes no writes, those that only read heed, once", async () => {
  const { slots, opened } = slotsOf("lands", "lands too", "reads");
  const [lands, too, reads] = slots as [ConnectionSlot, ConnectionSlot, ConnectionSlot];
  for (const slot of slots) await slot.use(read);
  // Both find it out before either has left.
  await Promise.allSettled([lands.use(failBy("25006")), too.use(failBy("25006"))]);
  for (let n = 0; n < 3; n++) for (const slot of slots) await slot.use(read);
  expect(Object.fromEntries(opened)).toEqual({ lands: 2, "lands too": 2, reads: 2 });
  await expect(reads.use(failBy("25006"))).rejects.toMatchObject({ code: "25006" });
  for (const slot of slots) await slot.use(read);
  expect(Object.fromEntries(opened)).toEqual({ lands: 3, "lands too": 3, reads: 3 });
});

it("another fault of the environment is one session's own affair, and one of the data's nobody's", async () => {
  const { slots, opened } = slotsOf("lands", "reads");
  const [lands] = slots as [ConnectionSlot];
  for (const code of ["53100", "22001", "55P03"]) {
    for (const slot of slots) await slot.use(read);
    await expect(lands.use(failBy(code))).rejects.toMatchObject({ code });
  }
  for (const slot of slots) await slot.use(read);
  expect(Object.fromEntries(opened)).toEqual({ lands: 2, reads: 1 });
});

it("a plain error on a session that is gone is the database's absence; on one that is there it is a bug", async () => {
  const { slots } = slotsOf("lands");
  const [lands] = slots as [ConnectionSlot];
  const bug = new Error("undefined is not a function");
  await expect(lands.use(() => Promise.reject(bug))).rejects.toBe(bug);
  const gone = lands.use(async (session) => {
    session.drop();
    throw new Error("read ECONNRESET");
  });
  await expect(gone).rejects.toMatchObject({ code: "database_unreachable", canRetry: true });
});
