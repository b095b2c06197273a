import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRegistry } from "../../../src/event/registry.ts";
import { EVENT_SCHEMAS } from "../../../src/event/schemas.ts";
import { environmentOf, landBy } from "../../support/landing.ts";
import { ledgerFaults } from "../../support/ledger.ts";
import { symbol } from "../../support/samples.ts";
import { type RegistryFront, startRegistryFront } from "../../support/services/registry-front.ts";
import { openTestTape, type TestTape } from "../../support/tape.ts";
import { tradetape } from "../../support/tradetape.ts";

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
  const ids = await Promise.all(
    Array.from({ length: 12 }, () => openRegistry({ schemaRegistryUrl: registryUrl }).register(name, "ticks")),
  );
  expect(new Set(ids).size).toBe(1);
  // Asked so, the registry itself may make two versions of one text; what is read by is the id of the text.
  expect(await asked(`/subjects/${name}-value/versions/latest`)).toMatchObject({ id: ids[0] });
  expect(await asked(`/config/${name}-value`)).toEqual({ compatibilityLevel: "FULL_TRANSITIVE" });
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
    await expect(openRegistry({ schemaRegistryUrl: front.url }).register(name, "ticks")).rejects.toMatchObject({
      code: "registry_unreachable",
    });
    expect(cuts).toBe(1);
    const id = await openRegistry({ schemaRegistryUrl: registryUrl }).register(name, "ticks");
    expect(await asked(`/subjects/${name}-value/versions/1`)).toMatchObject({ id });
    expect(await asked(`/config/${name}-value`)).toEqual({ compatibilityLevel: "FULL_TRANSITIVE" });
  },
);

interface Schema {
  namespace: string;
  fields: { name: string; type: unknown; default?: unknown }[];
}
const CHANGES: readonly [string, number, (schema: Schema) => void][] = [
  ["a field that is dropped", 409, ({ fields }) => void fields.splice(at(fields, "volume"), 1)],
  [
    "a field that may be null",
    409,
    ({ fields }) => replace(fields, "close", { type: ["null", "double"], default: null }),
  ],
  ["a field under another name", 409, ({ fields }) => replace(fields, "volume", { name: "size" })],
  ["a field of another type", 409, ({ fields }) => replace(fields, "close", { type: "string" })],
  ["a new field without a default", 409, ({ fields }) => void fields.push({ name: "lot", type: "int" })],
  ["a new field with a default", 200, ({ fields }) => void fields.push({ name: "lot", type: "int", default: 0 })],
];
const at = (fields: Schema["fields"], name: string) => fields.findIndex((field) => field.name === name);
const replace = (fields: Schema["fields"], name: string, by: object) => {
  fields[at(fields, name)] = { ...fields[at(fields, name)]!, ...by };
};

test.each(CHANGES)("of a topic's subject, the registry answers %s with %i", async (_, status, change) => {
  const name = freshTopic();
  await openRegistry({ schemaRegistryUrl: registryUrl }).register(name, "ticks");
  const schema = JSON.parse(EVENT_SCHEMAS.tick.json) as Schema;
  change(schema);
  const response = await fetch(`${registryUrl}/subjects/${name}-value/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  expect(response.status).toBe(status);
});

test("`topics` tells which subjects take other changes, and --set-compatibility has them refuse these", async () => {
  const subject = `${tape.name("ticks")}-value`;
  await openRegistry({ schemaRegistryUrl: registryUrl }).register(tape.name("ticks"), "ticks");
  const headers = { "content-type": "application/vnd.schemaregistry.v1+json" };
  const body = JSON.stringify({ compatibility: "BACKWARD" });
  await fetch(`${registryUrl}/config/${subject}`, { method: "PUT", headers, body });
  const env = environmentOf(tape.config);
  const [before, , after] = [
    await tradetape(["topics"], env),
    await tradetape(["topics", "--set-compatibility"], env),
    await tradetape(["topics"], env),
  ];
  expect(before.stdout).toContain(`Warning, ${subject}: is BACKWARD`);
  expect([before.code, after.stdout.includes("BACKWARD")]).toEqual([0, false]);
  expect(await asked(`/config/${subject}`)).toEqual({ compatibilityLevel: "FULL_TRANSITIVE" });
});

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
