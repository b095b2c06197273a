import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TradetapeError } from "../../src/errors.ts";
import { Subjects } from "../../src/event/http/subjects.ts";
import { openRegistry } from "../../src/event/registry.ts";
import { EVENT_SCHEMAS } from "../../src/event/schemas.ts";

type Answer = { status: number; body: unknown; to?: string };

/** What the stub was asked, as "GET /path"; what it answers is the test's. */
let asked: string[] = [];
let logins: (string | undefined)[] = [];
let server: Server | undefined;

async function registryAnswering(answer: (line: string, body: string) => Answer): Promise<string> {
  asked = [];
  logins = [];
  server = createServer(async (request: IncomingMessage, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const line = `${request.method} ${request.url}`;
    asked.push(line);
    logins.push(request.headers.authorization);
    const { status, body: answered, to } = answer(line, body);
    const location = to === undefined ? {} : { location: to };
    response.writeHead(status, { "content-type": "application/vnd.schemaregistry.v1+json", ...location });
    response.end(typeof answered === "string" ? answered : JSON.stringify(answered));
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
}

afterEach(async () => {
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  server = undefined;
});

const TICK_SCHEMA = EVENT_SCHEMAS.tick.json;
const found = (schema: string, more = {}): Answer => ({ status: 200, body: { schema, ...more } });
const notFound: Answer = { status: 404, body: { error_code: 40403, message: "Schema not found" } };

async function fault(promise: Promise<unknown>): Promise<TradetapeError> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(TradetapeError);
  return error as TradetapeError;
}

describe("fetching a writer's schema", () => {
  it("asks once per id, also when asked twice at a time, and then answers synchronously", async () => {
    const registry = openRegistry({ schemaRegistryUrl: await registryAnswering(() => found(TICK_SCHEMA)) });
    expect(registry.writer(5)).toBeUndefined();
    expect(registry.isStale(5)).toBe(true);
    await Promise.all([registry.fetch(5), registry.fetch(5)]);
    await registry.fetch(5);
    expect(asked).toEqual(["GET /api/schemas/ids/5"]);
    expect(registry.isStale(5)).toBe(false);
    expect(registry.writer(5)).toMatchObject({ type: { name: "tradetape.tick" } });
  });

  it("remembers for a while that there is no such schema", async () => {
    const registry = openRegistry({ schemaRegistryUrl: await registryAnswering(() => notFound) });
    expect(await registry.fetch(5)).toEqual({ reason: "the registry has no schema 5" });
    const times = asked.length;
    for (let i = 0; i < 1000; i++) await registry.fetch(5);
    expect(asked).toHaveLength(times);
    expect(registry.isStale(5)).toBe(false);
  });

  it("takes a 404 that isn't the registry's own for a fault, not for an answer", async () => {
    const registry = openRegistry({
      schemaRegistryUrl: await registryAnswering(() => ({ status: 404, body: { message: "no route" } })),
    });
    const { code, canRetry } = await fault(registry.fetch(5));
    expect({ code, canRetry }).toEqual({ code: "registry_unreachable", canRetry: false });
    expect(registry.writer(5)).toBeUndefined();
  });

  it.each([
    ["a portal's page", 200, "<html><body>Please log in</body></html>"],
    ["nothing at all", 200, ""],
    ["somebody else's JSON", 200, { status: "ok", id: 5 }],
    ["a null", 200, "null"],
  ])("takes %s for a fault that passes, not for a schema that can't be used", async (_, status, body) => {
    let isAway = false;
    const url = await registryAnswering(() => (isAway ? found(TICK_SCHEMA) : { status, body }));
    const registry = openRegistry({ schemaRegistryUrl: url });
    const { code, canRetry, message } = await fault(registry.fetch(5));
    expect({ code, canRetry }).toEqual({ code: "registry_unreachable", canRetry: true });
    expect(message).toBe(`${url}: what answers /schemas/ids/5 is no schema registry`);
    isAway = true;
    expect(await registry.fetch(5)).toHaveProperty("type");
  });

  it.each([301, 302, 307, 308])(
    "says of a redirect (%i) where to, without following it or what a token may be",
    async (status) => {
      const elsewhere = "elsewhere.example";
      const to = `https://${elsewhere}/CANARYTO/schemas?token=CANARYQUERY`;
      const url = await registryAnswering(() => ({ status, body: "", to }));
      const said = `${url}: what answers there redirects to https://${elsewhere} (status ${status})`;
      const refused = {
        code: "registry_unreachable",
        message: said,
        next: expect.stringMatching("SCHEMA_REGISTRY_URL"),
      };
      expect(await fault(openRegistry({ schemaRegistryUrl: url }).fetch(5))).toMatchObject(refused);
      expect(await fault(openRegistry({ schemaRegistryUrl: url }).register("ticks", "ticks"))).toMatchObject(refused);
      expect(await fault(new Subjects({ schemaRegistryUrl: url }).guard("ticks"))).toMatchObject(refused);
    },
  );

  it.each([
    ["a token in the path", "/CANARYPATH/apis/ccompat/v7", "/***/apis/ccompat/v7"],
    ["one that has to be escaped", "/CANARY%20PATH/v1", "/***/v1"],
    ["one behind", "/api/CANARYPATH", "/api/***"],
  ])("shows nothing of %s, whatever is wrong", async (_, path, shown) => {
    const answers: ((line: string) => Answer)[] = [
      (line) => ({ status: 404, body: `nothing at ${line} (${decodeURIComponent(line)})` }),
      (line) => ({ status: 409, body: { error_code: 409, message: line } }),
      (line) => ({ status: 302, body: line, to: line }),
      (line) => ({ status: 200, body: line }),
    ];
    let answer = answers[0]!;
    const url = (await registryAnswering((line) => answer(line))).replace("/api", path);
    const asks: (() => Promise<unknown>)[] = [
      () => openRegistry({ schemaRegistryUrl: url }).fetch(5),
      () => openRegistry({ schemaRegistryUrl: url }).register("ticks", "ticks"),
      () => new Subjects({ schemaRegistryUrl: url }).guard("ticks"),
    ];
    for (answer of answers) {
      for (const ask of asks) {
        const told = await ask().catch((error: TradetapeError) => `${error.message} ${error.next} ${error.cause}`);
        expect(inspect(told, { depth: 9 })).not.toContain("CANARY");
      }
    }
    const error = await fault(openRegistry({ schemaRegistryUrl: `http://127.0.0.1:1${path}` }).fetch(5));
    expect(error.message).toMatch(`http://127.0.0.1:1${shown}: `);
    expect(inspect(error, { depth: 9 })).not.toContain("CANARY");
  });

  it.each([
    [500, "registry_unreachable", true, /runs/],
    [503, "registry_unreachable", true, /runs/],
    [401, "login_refused", false, /user and password/],
    [403, "acl_missing", false, /administrator/],
    [404, "registry_unreachable", false, /path of the registry's API/],
    [307, "registry_unreachable", false, /where the registry itself answers/],
  ])(
    "says of an answer %i what it is, and waits only where that helps: once it has answered, always",
    async (...row) => {
      const [status, code, mayPass, next] = row;
      let isUp = false;
      const url = await registryAnswering(() => (isUp ? found(TICK_SCHEMA) : { status, body: { message: "down" } }));
      const registry = openRegistry({ schemaRegistryUrl: url });
      const said = { code, next: expect.stringMatching(next) };
      expect(await fault(registry.fetch(5))).toMatchObject({ ...said, canRetry: mayPass });
      isUp = true;
      expect(await registry.fetch(5)).toHaveProperty("type");
      isUp = false;
      expect(await fault(registry.fetch(6))).toMatchObject({ ...said, canRetry: true });
    },
  );

  it("throws an error that can be retried when nobody listens, without the password", async () => {
    const error = await fault(openRegistry({ schemaRegistryUrl: "http://me:s3cret@127.0.0.1:1/api" }).fetch(5));
    expect(error).toMatchObject({ code: "registry_unreachable", canRetry: true });
    expect(`${error.message} ${error.next} ${JSON.stringify(error.cause)}`).not.toContain("s3cret");
  });

  it("doesn't wait for ever for the rest of an answer that was cut off", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const cut = Promise.withResolvers<void>();
    server = createServer((_, response) => {
      response.writeHead(200, { "content-length": 500 });
      response.write('{"schema":', () => response.destroy());
      response.on("close", cut.resolve);
    });
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    const asking = fault(
      openRegistry({ schemaRegistryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }).fetch(5),
    );
    await cut.promise;
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(await asking).toMatchObject({ code: "registry_unreachable", canRetry: true });
  });

  it.each([
    ["isn't JSON", found("{"), /can't be used/],
    ["no Avro", found(JSON.stringify({ type: "string" })), /isn't an Avro record/],
    ["of another kind", found("{}", { schemaType: "JSON" }), /isn't an Avro record/],
    ["of a kind nobody knows", found("{}", { schemaType: "XML" }), /can't be used/],
  ])("says that a schema that %s is unusable", async (_, answer, reason) => {
    const registry = openRegistry({ schemaRegistryUrl: await registryAnswering(() => answer) });
    expect(await registry.fetch(5)).toEqual({ reason: expect.stringMatching(reason) });
  });

  it("keeps what two registries of one process say apart", async () => {
    const first = openRegistry({ schemaRegistryUrl: await registryAnswering(() => found(TICK_SCHEMA)) });
    await first.fetch(5);
    const second = openRegistry({ schemaRegistryUrl: "http://127.0.0.1:1/other" });
    expect(second.writer(5)).toBeUndefined();
  });

  it("logs in with the user and password of the URL", async () => {
    const url = await registryAnswering(() => notFound);
    await openRegistry({ schemaRegistryUrl: url.replace("//", "//me:p%40ss@") }).fetch(5);
    expect(new Set(logins)).toEqual(new Set([`Basic ${Buffer.from("me:p@ss").toString("base64")}`]));
  });
});

describe("registering a topic's schema", () => {
  const CONFIG = "/api/config/paper.ticks-value";
  const VERSIONS = "/api/subjects/paper.ticks-value/versions";
  const full: Answer = { status: 200, body: { compatibilityLevel: "FULL_TRANSITIVE" } };
  /** A registry that doesn't know the subject, until its compatibility is set. */
  const registers = (...answers: [Answer, ...Answer[]]) => {
    let isSet = false;
    return (line: string): Answer => {
      if (line === `GET ${CONFIG}`) return isSet ? full : { status: 404, body: { error_code: 40401 } };
      if (line.startsWith("POST")) return answers.length > 1 ? answers.shift()! : answers[0];
      isSet = true;
      return full;
    };
  };

  it("sets a new subject's compatibility to FULL_TRANSITIVE before its first version, once", async () => {
    const bodies: string[] = [];
    const answer = registers({ status: 200, body: { id: 12 } });
    const url = await registryAnswering((line, body) => {
      if (body !== "") bodies.push(body);
      return answer(line);
    });
    const registry = openRegistry({ schemaRegistryUrl: url });
    expect(await registry.register("paper.ticks", "ticks")).toBe(12);
    expect(await registry.register("paper.ticks", "ticks")).toBe(12);
    expect(asked).toEqual([`GET ${CONFIG}`, `PUT ${CONFIG}`, `GET ${CONFIG}`, `POST ${VERSIONS}`]);
    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      { compatibility: "FULL_TRANSITIVE" },
      { schema: TICK_SCHEMA },
    ]);
  });

  it("says that an incompatible change was refused, by whom and for which subject", async () => {
    const answer = registers({ status: 409, body: { error_code: 409, message: "close changed its type" } });
    const url = await registryAnswering(answer);
    const error = await fault(openRegistry({ schemaRegistryUrl: url }).register("paper.ticks", "ticks"));
    expect(error).toMatchObject({ code: "registry_refused", canRetry: false });
    expect(error.message).toBe(`${url} refused this program's schema for paper.ticks-value: close changed its type`);
  });

  it("asks again when another process made the same subject at this moment", async () => {
    const taken: Answer = { status: 409, body: { error_code: 409, message: "already exists" } };
    const url = await registryAnswering(registers(taken, taken, { status: 200, body: { id: 12 } }));
    expect(await openRegistry({ schemaRegistryUrl: url }).register("paper.ticks", "ticks")).toBe(12);
  });

  it.each(["BACKWARD", "NONE", "forward_transitive"])(
    "leaves a subject that is %s as somebody has set it",
    async (level) => {
      const url = await registryAnswering((line) =>
        line.startsWith("GET")
          ? { status: 200, body: { compatibilityLevel: level } }
          : { status: 200, body: { id: 4 } },
      );
      expect(await openRegistry({ schemaRegistryUrl: url }).register("paper.ticks", "ticks")).toBe(4);
      expect(asked).toEqual([`GET ${CONFIG}`, `GET ${CONFIG}`, `POST ${VERSIONS}`]);
    },
  );

  it("tries again after a failure", async () => {
    let isUp = false;
    const answer = registers({ status: 200, body: { id: 3 } });
    const registry = openRegistry({
      schemaRegistryUrl: await registryAnswering((line) => (isUp ? answer(line) : { status: 500, body: {} })),
    });
    expect(await fault(registry.register("paper.ticks", "ticks"))).toMatchObject({ code: "registry_unreachable" });
    isUp = true;
    expect(await registry.register("paper.ticks", "ticks")).toBe(3);
  });
});

describe("a topic's subject", () => {
  it("is told, with its compatibility or without one, and set", async () => {
    let level: string | undefined;
    const url = await registryAnswering((line, body) => {
      if (line.startsWith("PUT")) level = JSON.parse(body).compatibility;
      if (level === undefined) return { status: 404, body: { error_code: 40408 } };
      return { status: 200, body: { compatibilityLevel: level } };
    });
    const subjects = new Subjects({ schemaRegistryUrl: url });
    expect(await subjects.compatibility("paper.ticks")).toBeNull();
    level = "BACKWARD";
    expect(await subjects.compatibility("paper.ticks")).toBe("BACKWARD");
    await subjects.guard("paper.ticks");
    expect(await subjects.compatibility("paper.ticks")).toBe("FULL_TRANSITIVE");
    expect(asked).toContain("PUT /api/config/paper.ticks-value");
  });

  it("is a fault to be tried again where the registry doesn't answer", async () => {
    const asking = fault(
      new Subjects({ schemaRegistryUrl: "http://me:s3cret@127.0.0.1:1/api" }).compatibility("ticks"),
    );
    expect(await asking).toMatchObject({ code: "registry_unreachable", canRetry: true });
  });
});
