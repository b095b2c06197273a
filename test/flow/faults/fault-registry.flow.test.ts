import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRegistry } from "../../../src/event/registry.ts";
import { landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { symbol } from "../../support/samples.ts";
import { type RegistryFront, startRegistryFront } from "../../support/services/registry-front.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";

let tape: TestTape;
let front: RegistryFront;
let registryUrl: string;

beforeAll(async () => {
  tape = await openTestTape();
  registryUrl = tape.config.schemaRegistryUrl!;
  front = await startRegistryFront(registryUrl);
});
afterAll(async () => {
  await front.close();
  await tape.stop();
});

const freshTopic = () => `${tape.config.namespace}.fresh-${randomUUID()}`;

async function asked(path: string): Promise<unknown> {
  return (await fetch(`${registryUrl}${path}`)).json();
}

test("twelve processes that register one new subject at once all get one id, and it takes no other change", async () => {
  const name = freshTopic();
  const ids = await Promise.all(Array.from({ length: 12 }, () => openRegistry(registryUrl).register(name, "ticks")));
  expect(new Set(ids).size).toBe(1);
  // Asked so, the registry itself may make two versions of one text; what is read by is the id of the text.
  expect(await asked(`/subjects/${name}-value/versions/latest`)).toMatchObject({ id: ids[0] });
  expect(await asked(`/config/${name}-value`)).toEqual({ compatibilityLevel: "BACKWARD" });
});

test.each([
  ["PUT", "before", "config"],
  ["PUT", "after", "config"],
  ["POST", "before", "versions"],
  ["POST", "after", "versions"],
] as const)(
  "a process that dies at its %s, cut off %s the registry has done it, leaves a subject that the next one completes",
  async (method, when, what) => {
    const name = freshTopic();
    let cuts = 0;
    front.handle((line) => {
      const isIt = line.startsWith(`${method} `) && line.includes(what);
      if (isIt) cuts++;
      return isIt ? `cut ${when}` : "pass";
    });
    await expect(openRegistry(front.url).register(name, "ticks")).rejects.toMatchObject({
      code: "registry_unreachable",
    });
    expect(cuts).toBe(1);
    const id = await openRegistry(registryUrl).register(name, "ticks");
    expect(await asked(`/subjects/${name}-value/versions/1`)).toMatchObject({ id });
    expect(await asked(`/config/${name}-value`)).toEqual({ compatibilityLevel: "BACKWARD" });
  },
);

test("while a portal answers in the registry's place nothing becomes a letter, and all lands when it is gone", async () => {
  await tape.publish("symbols", symbol());
  let pages = 0;
  front.handle((line) => {
    if (!line.startsWith("GET /schemas/ids/") || pages >= 4) return "pass";
    pages++;
    return { page: "<html><body>Please accept the terms of this network</body></html>" };
  });
  const [tally] = await landBy({ ...tape.config, schemaRegistryUrl: front.url }, ["symbols"]);
  expect(pages).toBe(4);
  expect(tally).toMatchObject({ read: 1, written: 1, dead: 0 });
  expect(await ledgerFaults(tape)).toEqual([]);
});
