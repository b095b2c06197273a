import { expect, it } from "vitest";
import { readConfig, underSettings } from "../../src/config.ts";
import { readTransport } from "../../src/settings/transport.ts";

it("a database that a flag names has its roles by the prefix of the settings, unless it names one itself", () => {
  const under = (rolePrefix: string, url: string) => underSettings(readConfig({ rolePrefix }, {}), url);
  expect(under("paper_", "postgres://db/fresh")).toBe("postgres://db/fresh?role_prefix=paper_");
  expect(under("paper_", "postgres://db/fresh?a=b")).toBe("postgres://db/fresh?a=b&role_prefix=paper_");
  expect(under("paper_", "postgres://db/fresh?role_prefix=")).toBe("postgres://db/fresh?role_prefix=");
  expect(under("", "postgres://db/fresh")).toBe("postgres://db/fresh");
  expect(() => readConfig({ rolePrefix: "Paper;" }, {})).toThrow("small letters");
});

it("a database that a flag names is reached in clear where the settings allow it, and not otherwise", () => {
  const url = "postgres://db/fresh?sslmode=disable";
  const ways = (allowPlaintext: string) => readTransport(underSettings(readConfig({ allowPlaintext }, {}), url), {});
  expect(ways("false")).toMatchObject({ ways: [] });
  expect(ways("true")).toMatchObject({ ways: [false] });
  expect(underSettings(readConfig({ allowPlaintext: "true" }, {}), `${url}&allow_plaintext=true`)).toBe(
    `${url}&allow_plaintext=true`,
  );
});
