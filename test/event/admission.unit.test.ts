import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../src/config.ts";
import { TradetapeError } from "../../src/errors.ts";
import { Admission } from "../../src/event/admission.ts";
import { EventReader } from "../../src/event/codec.ts";
import { Refusal } from "../../src/event/letter.ts";
import { openRegistry } from "../../src/event/registry.ts";
import { EVENT_BY_TOPIC, EVENT_SCHEMAS, EVENT_TOPICS } from "../../src/event/schemas.ts";

const admissionOf = (admittedSubjects: string, warn = vi.fn()) =>
  new Admission(readConfig({ admittedSubjects }, {}), { warn });

describe("a topic admits a schema", () => {
  const RECORD = "com.acme.tick";
  it.each([
    ["of no subject any more", []],
    ["of its own subject", ["ticks-value"]],
    ["of its own subject in a namespace", ["paper.ticks-value"]],
    ["of its own subject in namespaces", ["east.paper.ticks-value"]],
    ["of its own subject in a registry's context", [":.lab:paper.ticks-value"]],
    ["of its own name, as a simple strategy calls it", ["paper.ticks"]],
    ["of the record's name", ["com.acme.tick"]],
    ["of the record's name without its namespace", ["tick"]],
    ["of its name and the record's", ["paper.ticks-com.acme.tick"]],
    ["of others' subjects, too", ["fills-value", "zed", "ticks-value"]],
  ])("%s: %j", (_, subjects) => {
    expect(admissionOf("").refusal("ticks", RECORD, subjects)).toBeUndefined();
  });

  it.each([
    ["of another topic's", ["fills-value"]],
    ["of two others'", ["fills-value", "paper.bars-value"]],
    ["of its keys", ["ticks-key"]],
    ["of a name that ends like its own", ["outticks-value"]],
    ["of a name that begins like its own", ["ticks-value-2"]],
    ["of another record's", ["com.acme.ticker"]],
    ["of another record's where a dot stands for anything", ["comXacmeXtick"]],
    ["of its name and another record's", ["ticks-com.acme.bar"]],
    ["of a context that is its name", [":.ticks-value:zed"]],
    ["of nothing that it knows", ["evil"]],
    ["of an empty name", [""]],
  ])("not %s: %j", (_, subjects) => {
    const why = admissionOf("").refusal("ticks", RECORD, subjects);
    expect(why).toContain(`is of the subject ${subjects.join(", ")}`);
    expect(why).toContain("TRADETAPE_ADMITTED_SUBJECTS");
  });

  it("of its own subject alone, whichever topic it is", () => {
    for (const topic of EVENT_TOPICS) {
      const { name } = JSON.parse(EVENT_SCHEMAS[EVENT_BY_TOPIC[topic]].json) as { name: string };
      const admitted = EVENT_TOPICS.filter(
        (other) => admissionOf("").refusal(topic, name, [`${other}-value`]) === undefined,
      );
      expect(admitted).toEqual([topic]);
    }
  });

  it.each([
    ["vendor-ticks", "vendor-ticks", true],
    ["vendor-*", "vendor-ticks", true],
    ["ticks=vendor-*", "vendor-ticks", true],
    ["zed, ticks=vendor-*", "vendor-ticks", true],
    ["*", "vendor-ticks", true],
    ["ticks=*", "vendor-ticks", true],
    ["bars=vendor-*", "vendor-ticks", false],
    ["vendor", "vendor-ticks", false],
    ["vendor.ticks", "vendor-ticks", false],
    ["endor-*", "vendor-ticks", false],
  ])("by the setting %s: %s, %s", (setting, subject, isAdmitted) => {
    expect(admissionOf(setting).refusal("ticks", RECORD, [subject]) === undefined).toBe(isAdmitted);
  });

  it.each(["tick=vendor", "ticks=", "=x", "a=b=c", "ticks=a b"])("and the setting %s is refused", (setting) => {
    expect(() => admissionOf(setting)).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  it("and doesn't put names of any length or number into a letter", () => {
    const many = Array.from({ length: 1000 }, (_, n) => `${n}-${"x".repeat(10_000)}`);
    const why = admissionOf("").refusal("ticks", RECORD, many)!;
    expect([why.length < 1000, why]).toEqual([true, expect.stringContaining("and 995 more")]);
  });
});

describe("a registry that is asked which subjects a schema is of", () => {
  let server: Server | undefined;
  let asked: string[] = [];
  /** @param answer of the question for subjects; the schema itself it has */
  async function registryAnswering(
    answer: () => { readonly status?: number; readonly body: unknown },
  ): Promise<string> {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url!);
      const isSchema = request.url === "/schemas/ids/7";
      const { status = 200, body } = isSchema ? { body: { schema: EVENT_SCHEMAS.tick.json } } : answer();
      response.writeHead(status, { "content-type": "application/vnd.schemaregistry.v1+json" });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  afterEach(async () => {
    vi.restoreAllMocks();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
    server = undefined;
  });

  const VALUE = Buffer.from([0, 0, 0, 0, 7]);
  const readBy = (reader: EventReader) => {
    const read = reader.read(VALUE);
    return read instanceof Refusal ? read.reason : "read";
  };

  it("is asked once, and a foreign schema's events are letters until it is of a subject of the topic's, too", async () => {
    // The answer gets old by this clock alone, however long a thousand reads take.
    const now = performance.now();
    const clock = vi.spyOn(performance, "now").mockReturnValue(now);
    const subjects = ["zed"];
    const url = await registryAnswering(() => ({ body: subjects.map((subject) => ({ subject, version: 1 })) }));
    const registry = openRegistry({ schemaRegistryUrl: url }, admissionOf(""));
    const reader = new EventReader("ticks", registry);
    await registry.fetch(7);
    for (let n = 0; n < 1000; n++) {
      for (const id of reader.missing([VALUE])) await registry.fetch(id);
      expect(readBy(reader)).toBe("foreign_schema");
    }
    const QUESTION = "/schemas/ids/7/versions?deleted=true";
    expect(asked).toEqual(["/schemas/ids/7", QUESTION]);
    subjects.push("ticks-value");
    clock.mockReturnValue(now + 60_000);
    expect(reader.missing([VALUE])).toEqual([7]);
    await registry.fetch(7);
    // The value holds no event, but is read by the schema.
    expect(readBy(reader)).toBe("undecodable");
    expect([reader.missing([VALUE]), asked]).toEqual([[], ["/schemas/ids/7", QUESTION, QUESTION]]);
  });

  it.each([404, 405, 501])("and has no such question (%i) is told of once, and nothing is refused", async (status) => {
    const warn = vi.fn();
    const url = await registryAnswering(() => ({ status, body: { error_code: status, message: "no such path" } }));
    const registry = openRegistry({ schemaRegistryUrl: url }, admissionOf("", warn));
    for (let n = 0; n < 3; n++) expect(await registry.fetch(7)).toHaveProperty("type");
    expect(readBy(new EventReader("ticks", registry))).toBe("undecodable");
    expect(warn.mock.calls).toEqual([
      [{ registry: url }, expect.stringContaining("events by any schema are admitted")],
    ]);
  });

  const FAULTS: Readonly<Record<number, string>> = { 401: "login_refused", 403: "acl_missing" };
  it.each([
    ["is in trouble", { status: 500, body: { error_code: 50001 } }],
    ["has lost the schema in between", { status: 404, body: { error_code: 40403 } }],
    ["asks for another login", { status: 401, body: "" }],
    ["may not say", { status: 403, body: { error_code: 40301 } }],
    ["is a gateway without one", { status: 502, body: "" }],
    ["answers with a page", { body: "<html>" }],
    ["answers with something else", { body: { subjects: [] } }],
    ["answers with what are no subjects", { body: [null] }],
    ["answers with names of subjects alone", { body: ["ticks-value"] }],
  ])("and %s is a fault that is tried again, and no letter", async (_, answer) => {
    let isWell = false;
    const url = await registryAnswering(() => (isWell ? { body: [{ subject: "ticks-value", version: 1 }] } : answer));
    const registry = openRegistry({ schemaRegistryUrl: url }, admissionOf(""));
    const error = await registry.fetch(7).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TradetapeError);
    expect(error).toMatchObject({
      code: FAULTS[("status" in answer && answer.status) || 0] ?? "registry_unreachable",
      canRetry: true,
    });
    isWell = true;
    await registry.fetch(7);
    expect(readBy(new EventReader("ticks", registry))).toBe("undecodable");
  });

  it("isn't asked where every subject is admitted, nor by who only publishes", async () => {
    const url = await registryAnswering(() => ({ status: 500, body: "" }));
    await openRegistry({ schemaRegistryUrl: url }, admissionOf("*")).fetch(7);
    await openRegistry({ schemaRegistryUrl: url }).fetch(7);
    expect(asked).toEqual(["/schemas/ids/7", "/schemas/ids/7"]);
  });
});
