import { describe, expect, test } from "vitest";
import { inTransaction } from "../../../src/batch/land/land.ts";
import { openBreakers } from "../../../src/batch/land/landing-plan.ts";
import { sampleOf } from "../../../src/batch/land/letter-breaker.ts";
import { judgeLetters } from "../../../src/batch/land/letter-verdict.ts";
import { TradetapeError } from "../../../src/errors.ts";
import type { Connection } from "../../../src/table/connection.ts";
import { recordsOf } from "../../support/landing.ts";

const headed = (schemaId: number) => {
  const value = Buffer.alloc(6);
  value.writeInt32BE(schemaId, 1);
  return value;
};

/** Lands a batch that is all letters, of schemas 5 and 17; schema 5 is this program's own. */
async function stopped(newest: () => Promise<number | undefined>) {
  const said: string[] = [];
  const connection = {
    isOpen: true,
    query: async (sql: string) => {
      said.push(/^\w+/.exec(sql)![0]);
      return [];
    },
    inOneTrip: <P extends readonly Promise<unknown>[]>(ask: () => P) => Promise.all(ask()),
  } as unknown as Connection;
  const newestSchema = () => {
    said.push("registry");
    return newest();
  };
  const plan = {
    ...openBreakers(0.5),
    topicName: "p.ticks",
    consumer: { topic: "ticks" },
    publishes: true,
    encoder: { reader: { isOwn: (id: number) => id === 5 } },
    newestSchema,
  } as unknown as Parameters<typeof judgeLetters>[1];
  const values = Array.from({ length: 1200 }, (_, n) => headed(n % 3 === 0 ? 17 : 5));
  const batch = { partition: 0, records: recordsOf(values, 0) };
  const letters = values.map((_, index) => ({ index, reason: "invalid", detail: "wrong" }) as const);
  const work = async () => {
    await judgeLetters(
      connection,
      plan,
      batch,
      sampleOf({ records: values.length, parked: 0 }, batch, letters),
      letters,
    );
    return { kind: "landed" } as const;
  };
  const error = await inTransaction(connection, work).catch((thrown: unknown) => thrown);
  return { said, error };
}

const unreachable = new TradetapeError("registry_unreachable", "nobody answers", { canRetry: true });

describe("letters that stop a group", () => {
  test("are told when the transaction is rolled back: the registry is asked while no lock is held", async () => {
    const { said, error } = await stopped(async () => 17);
    expect(said).toEqual(["BEGIN", "SELECT", "ROLLBACK", "registry"]);
    expect(error).toMatchObject({ code: "too_many_letters", facts: { letters: [{ letters: 1200 }] } });
    const { next } = error as TradetapeError;
    expect(next).toMatch(/skip-schema ticks 17 --every-writer/);
    expect(next).not.toContain("couldn't be asked");
  });

  test("stop it with all of the answers where the registry doesn't answer, too", async () => {
    const { error } = await stopped(() => Promise.reject(unreachable));
    expect(error).toMatchObject({ code: "too_many_letters", canRetry: false, facts: { letters: [{ letters: 1200 }] } });
    const { next } = error as TradetapeError;
    expect(next).toMatch(/skip-schema ticks 5 --every-writer/);
    expect(next).toMatch(
      /schema 17 .*skip-schema ticks 17 --reason-text .*couldn't be asked whether that schema is the topic's/,
    );
  });

  test("leave a bug a crash", async () => {
    const { error } = await stopped(() => Promise.reject(new TypeError("x")));
    expect(error).toBeInstanceOf(TypeError);
  });
});
