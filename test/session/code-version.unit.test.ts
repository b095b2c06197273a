import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { codeVersion } from "../../src/session/code-version.ts";

const folder = mkdtempSync(join(tmpdir(), "tradetape-code-"));
afterAll(() => rmSync(folder, { recursive: true }));

const git = (...args: string[]) =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], { cwd: folder });

test("the code's version is git's name for it, and none where git has none", async () => {
  expect(await codeVersion(folder)).toBeNull();
  git("init", "--quiet");
  expect(await codeVersion(folder)).toBeNull();
  writeFileSync(join(folder, "agent.ts"), "1");
  git("add", ".");
  git("commit", "--quiet", "-m", "an agent");
  expect(await codeVersion(folder)).toMatch(/^[0-9a-f]{7,}$/);
  git("tag", "v1");
  writeFileSync(join(folder, "agent.ts"), "2");
  expect(await codeVersion(folder)).toBe("v1-dirty");
});
