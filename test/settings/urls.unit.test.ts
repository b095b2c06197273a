import pg from "pg";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { databaseHosts, readDatabaseUrl, TARGETS } from "../../src/settings/urls.ts";
import fc from "../support/random/fast-check.ts";

/** What pg makes of a URL of one host, the password among it. */
function asPgHasIt(connectionString: string) {
  const { host, port, user, password, database, ssl } = new pg.Client({ connectionString });
  return { host, port, user, password, database, ssl };
}

const ATTRS = "target_session_attrs=read-write";

describe("a database's URL of several hosts", () => {
  it("is one URL for each, in their order, with all that the whole one says", () => {
    const hosts = databaseHosts(`postgres://ann:p%2C%40ss@one:5432,two,[::1]:5434/tape?${ATTRS}&sslmode=no-verify`);
    expect(hosts.target).toBe("read-write");
    const same = { user: "ann", password: "p,@ss", database: "tape", ssl: { rejectUnauthorized: false } };
    expect(hosts.urls.map(asPgHasIt)).toEqual([
      { host: "one", port: 5432, ...same },
      { host: "two", port: 5432, ...same },
      { host: "::1", port: 5434, ...same },
    ]);
  });

  it("loses nothing of a user, a password or a database, whatever they are", () => {
    const part = fc.string({ unit: "grapheme", minLength: 1 });
    const database = fc.stringMatching(/^[a-z0-9_ @,%-]+$/);
    fc.assert(
      fc.property(part, part, database, fc.integer({ min: 1, max: 5 }), (user, password, name, hosts) => {
        const [login, path] = [`${encodeURIComponent(user)}:${encodeURIComponent(password)}`, encodeURIComponent(name)];
        const list = Array.from({ length: hosts }, (_, n) => `host${n}:${6000 + n}`).join(",");
        const { urls } = databaseHosts(`postgres://${login}@${list}/${path}?sslmode=disable&${ATTRS}`);
        expect(urls.map((url) => asPgHasIt(url))).toEqual(
          urls.map((_, n) => ({
            ...asPgHasIt(`postgres://${login}@host${n}:${6000 + n}/${path}?sslmode=disable`),
            host: `host${n}`,
            port: 6000 + n,
          })),
        );
        expect(asPgHasIt(urls[0]!)).toMatchObject({ user, password });
      }),
    );
  });

  it("keeps the parameters but for those that say which host, or how our sessions are called", () => {
    const { urls } = databaseHosts(`postgres://one,two/tape?application_name=mine&${ATTRS}&options=-c%20jit%3Doff`);
    expect(urls).toEqual(["one", "two"].map((host) => `postgres://${host}/tape?options=-c+jit%3Doff`));
    expect(databaseHosts("postgres://one/tape?options=-c%20jit%3Doff").urls).toEqual([
      "postgres://one/tape?options=-c%20jit%3Doff",
    ]);
  });

  it.each(TARGETS)("may ask for %s", (target) => {
    expect(readDatabaseUrl(`postgres://one,two/tape?target_session_attrs=${target}`)).toMatchObject({ target });
  });

  it("asks for any where one host is all", () => {
    expect(databaseHosts("postgresql://one/tape")).toEqual({ urls: ["postgresql://one/tape"], target: "any" });
  });
});

const SECRET = "s3cr3t";

describe("a database's URL is refused in words, none of them secret, when it", () => {
  it.each([
    [
      "lists hosts and doesn't say which",
      `ann:${SECRET}@one,two/tape`,
      /several hosts: add target_session_attrs=read-write/,
    ],
    ["asks for what there isn't", `ann:${SECRET}@one/tape?target_session_attrs=readwrite`, /may be any, read-write, /],
    ["asks for nothing", `ann:${SECRET}@one/tape?target_session_attrs=`, /may be any, read-write, /],
    ["asks twice", `ann:${SECRET}@one/tape?${ATTRS}&target_session_attrs=any`, /target_session_attrs twice/],
    ["has an empty host", `ann:${SECRET}@one,,two/tape?${ATTRS}`, /an empty host/],
    ["ends its list with a comma", `ann:${SECRET}@one,/tape?${ATTRS}`, /an empty host/],
    ["lists hosts as a parameter", `ann:${SECRET}@/tape?host=one,two&${ATTRS}`, /before the path/],
    ["lists hosts and a port for all", `ann:${SECRET}@one,two/tape?port=1&${ATTRS}`, /before the path/],
    ["has a port that is none", `ann:${SECRET}@one:5432,two:x/tape?${ATTRS}`, /is no URL/],
    ["has a # in the password", `ann:12#${SECRET}@one/tape`, /is no URL: .*%23/],
    ["has a ? in the password", `ann:12?${SECRET}@one/tape`, /is no URL: .*%3F/],
    ["has a / in the password", `ann:12/${SECRET}@one/tape`, /is no URL: .*%2F/],
    ["has a % in the password", `ann:${SECRET}%zz@one,two/tape?${ATTRS}`, /is no URL: .*%25/],
  ])("%s", (_, rest, words) => {
    const told = () => readConfig({ databaseUrl: `postgres://${rest}` }, {});
    expect(told).toThrow(expect.objectContaining({ code: "config_invalid", message: expect.stringMatching(words) }));
    expect(told).not.toThrow(SECRET);
  });

  it("is another database's", () => {
    const told = () => readConfig({ databaseUrl: `mysql://ann:${SECRET}@one/tape` }, {});
    expect(told).toThrow(/^--database-url <url>: must begin with postgres:\/\/$/);
  });
});
