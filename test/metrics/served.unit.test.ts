import { afterEach, expect, test } from "vitest";
import { TradetapeError } from "../../src/errors.ts";
import { Served } from "../../src/metrics/served.ts";

const open: Served[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});

async function serve(address = "0"): Promise<Served> {
  const served = await Served.open(address);
  open.push(served);
  return served;
}
const ask = async ({ url }: Served, path: string, method = "GET") => {
  const response = await fetch(`${url}${path}`, { method });
  return [response.status, await response.text()] as const;
};
const nothing = async () => {};

test.each(["0", "127.0.0.1:0"])("%s is of the loopback address", async (address) => {
  expect((await serve(address)).url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
});

test.each(["here", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536", ""])("%j is no address", async (address) => {
  await expect(Served.open(address)).rejects.toMatchObject({
    code: "input_invalid",
    next: expect.stringContaining("9464"),
  });
});

test("an address that somebody has already is refused by name", async () => {
  const { url } = await serve();
  const taken = url.replace("http://", "");
  await expect(Served.open(taken)).rejects.toMatchObject({
    code: "input_invalid",
    message: expect.stringContaining(taken),
  });
});

test("a process is alive from the first moment, and ready when its command has begun and everything answers", async () => {
  const served = await serve();
  expect(await ask(served, "/live")).toEqual([200, '{"live":true}\n']);
  expect(await ask(served, "/ready")).toEqual([503, '{"ready":false,"faults":["it is starting"]}\n']);
  let faults: string[] = [];
  const services = { broker: nothing };
  served.began({ faults: () => faults, services, status: async () => ({ rows: 3 }) });
  expect(await ask(served, "/ready")).toEqual([200, '{"ready":true,"faults":[]}\n']);
  expect(await ask(served, "/status")).toEqual([200, '{"rows":3}\n']);
  faults = ["ticks: stopped"];
  expect(await ask(served, "/ready")).toEqual([503, '{"ready":false,"faults":["ticks: stopped"]}\n']);
});

test("a service that is away is named, also where it answers nothing at all, and is asked once until it does", async () => {
  const served = await serve();
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  const database = () => {
    asked++;
    return promise;
  };
  const broker = () => Promise.reject(new TradetapeError("broker_unreachable", "Kafka: no connection"));
  served.began({ faults: () => [], services: { broker, database }, status: nothing });
  const away = [
    503,
    '{"ready":false,"faults":["broker: Kafka: no connection","database: no answer within 3000 ms"]}\n',
  ];
  expect(await Promise.all([ask(served, "/ready"), ask(served, "/ready")])).toEqual([away, away]);
  expect(asked).toBe(1);
  resolve();
  await expect.poll(() => ask(served, "/ready")).toEqual([503, expect.not.stringContaining("database")]);
});

test("figures come in Prometheus's format, and anything else is refused", async () => {
  const served = await serve();
  served.meters.group("ticks", "running");
  const [code, text] = await ask(served, "/metrics?name=x");
  expect([code, text]).toEqual([
    200,
    expect.stringContaining('tradetape_group_state{topic="ticks",state="running"} 1'),
  ]);
  expect((await ask(served, "/else"))[0]).toBe(404);
  expect((await ask(served, "/metrics", "POST"))[0]).toBe(405);
});

test("a status that can't be told says why", async () => {
  const served = await serve();
  const status = () => Promise.reject(new TradetapeError("database_unreachable", "PostgreSQL is away"));
  served.began({ faults: () => [], services: {}, status });
  expect(await ask(served, "/status")).toEqual([503, expect.stringContaining("database_unreachable")]);
});
