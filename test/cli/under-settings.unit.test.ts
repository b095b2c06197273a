import { expect, it } from "vitest";
import { underSettings } from "../../src/cli/services.ts";
import { readConfig } from "../../src/config.ts";
import { readTransport } from "../../src/settings/transport.ts";

it("a database that a flag names is reached in clear where the settings allow it, and not otherwise", () => {
  const url = "postgres://db/fresh?sslmode=disable";
  const ways = (allowPlaintext: string) => readTransport(underSettings(readConfig({ allowPlaintext }, {}), url), {});
  expect(ways("false")).toMatchObject({ ways: [] });
  expect(ways("true")).toMatchObject({ ways: [false] });
  expect(underSettings(readConfig({ allowPlaintext: "true" }, {}), `${url}&allow_plaintext=true`)).toBe(
    `${url}&allow_plaintext=true`,
  );
});
