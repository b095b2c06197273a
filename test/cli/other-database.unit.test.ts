import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { otherDatabase } from "../../src/cli/services.ts";
import { readConfig } from "../../src/config.ts";
import { readTransport } from "../../src/settings/transport.ts";
import { databaseHosts } from "../../src/settings/urls.ts";
import { currentUrl } from "../../src/table/database-url.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-other-"));
afterAll(() => rmSync(folder, { recursive: true }));

const URL_IN_CLEAR = "postgres://db/fresh?sslmode=disable";

/** A file that holds a text. */
function holding(text: string): string {
  const path = join(folder, "a url & co");
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const read = (given: { readonly url?: string; readonly file?: string }, allowPlaintext = "false") =>
  otherDatabase(readConfig({ allowPlaintext }, {}), { flag: "--into", url: given.url, file: given.file });

/** By TLS or in clear, as a session would be opened. */
const waysTo = (url: string) => databaseHosts(currentUrl(url)).urls.map((one) => readTransport(one, {}));

describe.each([
  ["a flag", (text: string) => ({ url: text })],
  ["a file", (text: string) => ({ file: holding(`${text}\n`) })],
])("a database that %s names", (_, given) => {
  it("is reached in clear where the settings allow it, and not otherwise", () => {
    expect(waysTo(read(given(URL_IN_CLEAR))!)).toMatchObject([{ ways: [] }]);
    expect(waysTo(read(given(URL_IN_CLEAR), "true")!)).toMatchObject([{ ways: [false] }]);
  });

  it("is refused where it has no URL, and the text isn't told", () => {
    const told = () => read(given("s3cr3t@nowhere"));
    expect(told).toThrow(expect.objectContaining({ code: "input_invalid" }));
    expect(told).toThrow(/--into(-file)?\b/);
    expect(told).not.toThrow("s3cr3t");
  });
});

it("there is none without the flags, and both of them or a file that isn't there are refused by name", () => {
  expect(read({})).toBeUndefined();
  expect(() => read({ url: URL_IN_CLEAR, file: holding(URL_IN_CLEAR) })).toThrow("--into beside --into-file");
  expect(() => read({ file: "/nowhere/url" })).toThrow(/^--into-file: ENOENT.*\/nowhere\/url/);
});
