import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findCompose } from "../../src/stack/containers.ts";
import { missingForProcesses } from "../../src/stack/machine.ts";
import { choosePorts, requireFree } from "../../src/stack/ports.ts";
import { allFetched, kafkaJars, registryJar } from "../../src/stack/programs.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-machine-"));
  // A machine with nothing on it but what a test puts there.
  mkdirSync(join(folder, "bin"));
  vi.stubEnv("PATH", join(folder, "bin"));
  vi.stubEnv("JAVA_HOME", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function install(name: string, script: string): void {
  const file = join(folder, "bin", name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

const cache = () => join(folder, "cache");
const silent = () => {};

describe("what a machine lacks", () => {
  it("is told all at once", async () => {
    const missing = await missingForProcesses(cache());
    expect(missing).toContainEqual(expect.stringMatching(/^Java 17 or later/));
    expect(missing).toContainEqual(expect.stringMatching(/^Maven/));
  });

  it("includes a Java that is too old, with its version", async () => {
    install("java", `echo 'openjdk version "11.0.2" 2019-01-15' >&2`);
    expect(await missingForProcesses(cache())).toContain("Java 17 or later (java is 11)");
    install("java", `echo 'java version "1.8.0_402"' >&2`);
    expect(await missingForProcesses(cache())).toContain("Java 17 or later (java is 8)");
  });

  it("is not Maven once everything was fetched", async () => {
    install("java", `echo 'openjdk version "21.0.1" 2023-10-17' >&2`);
    install("mvn", FAKE_MAVEN);
    await Promise.all([kafkaJars(cache(), silent), registryJar(cache(), silent)]);
    rmSync(join(folder, "bin", "mvn"));
    expect((await missingForProcesses(cache())).join()).not.toMatch(/Maven|Java/);
  });
});

// Takes -DoutputDirectory=... from its arguments and puts a file there, as the real one would.
const FAKE_MAVEN = `for a in "$@"; do case "$a" in -DoutputDirectory=*) echo jar > "\${a#*=}/some.jar";; esac; done`;

describe("fetched programs", () => {
  it("are fetched once, whole, by any number of starts at the same time", async () => {
    install("mvn", FAKE_MAVEN);
    const folders = await Promise.all([1, 2, 3].map(() => kafkaJars(cache(), silent)));
    expect(new Set(folders).size).toBe(1);
    expect(readdirSync(folders[0]!)).toEqual(["some.jar"]);
    expect(readdirSync(cache())).toHaveLength(1);
    install("mvn", "exit 1");
    expect(await kafkaJars(cache(), silent)).toBe(folders[0]);
  });

  it("are not there at all after a fetch that failed, and Maven's reason is told", async () => {
    install("mvn", "echo '[ERROR] Could not transfer artifact'; exit 1");
    await expect(kafkaJars(cache(), silent)).rejects.toMatchObject({
      code: "stack_failed",
      canRetry: true,
      message: expect.stringContaining("Could not transfer artifact"),
    });
    expect(readdirSync(cache())).toEqual([]);
    expect(allFetched(cache())).toBe(false);
  });

  it("say it when their folder can't be written", async () => {
    writeFileSync(cache(), "a file where the folder should be");
    await expect(kafkaJars(cache(), silent)).rejects.toMatchObject({ code: "stack_unavailable" });
  });
});

describe("the containers launcher", () => {
  it("is out of the question when the commands are there and no engine answers", async () => {
    install("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
    symlinkSync(join(folder, "bin", "docker"), join(folder, "bin", "docker-compose"));
    expect(await findCompose()).toBeUndefined();
  });

  it("takes the older command where Docker has no compose of its own", async () => {
    install("docker", "exit 125");
    install("docker-compose", "exit 0");
    expect(await findCompose()).toEqual(["docker-compose"]);
  });
});

describe("ports", () => {
  it("that are taken are named, each with who wants it, and the way out", async () => {
    const server = createServer();
    // Resolves also when somebody else has the port: it is taken either way.
    await new Promise((resolve) => server.once("error", resolve).listen(5432, "127.0.0.1", () => resolve(undefined)));
    await expect(choosePorts("standard")).rejects.toMatchObject({
      code: "stack_failed",
      message: expect.stringContaining("5432 (PostgreSQL)"),
      next: expect.stringContaining("--random-ports"),
    });
    server.close();
  });

  it("that a stranger took while the stack's program was dead are not taken for the stack's", async () => {
    const stranger = createServer();
    const { registry: port } = await choosePorts("random");
    await new Promise<void>((resolve) => stranger.listen(port, "127.0.0.1", resolve));
    await expect(requireFree("registry", port, false)).rejects.toMatchObject({
      code: "stack_failed",
      message: expect.stringContaining(`${port} (registry)`),
      next: expect.stringContaining("`tradetape down`"),
    });
    // One of the stack's own that was killed may take a moment to leave.
    const freed = requireFree("registry", port, true);
    await new Promise((resolve) => stranger.close(resolve));
    await expect(freed).resolves.toBeUndefined();
  });

  it("are the ones of before where they are free, and others where one of them isn't", async () => {
    const before = await choosePorts("random");
    expect(await choosePorts("random", 1, before)).toEqual(before);
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(before.registry, "127.0.0.1", resolve));
    expect((await choosePorts("random", 1, before)).registry).not.toBe(before.registry);
    await new Promise((resolve) => stranger.close(resolve));
  });

  it("by chance are all different, and lie below those of outgoing connections", async () => {
    const { postgres, registry, brokers } = await choosePorts("random");
    const all = [postgres, registry, ...brokers.flatMap((b) => [b.client, b.controller])];
    expect(new Set(all).size).toBe(4);
    for (const port of all) expect(port).toBeLessThan(32_768);
  });

  it("by chance are never chosen twice, because what they were chosen for may not have them yet", async () => {
    const all: number[] = [];
    for (let n = 0; n < 100; n++) {
      const { postgres, registry, brokers } = await choosePorts("random", 3);
      all.push(postgres, registry, ...brokers.flatMap(({ client, controller }) => [client, controller]));
    }
    expect(new Set(all).size).toBe(800);
  });
});
