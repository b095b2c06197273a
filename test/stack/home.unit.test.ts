import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimHome, homeId, readState, type StackState, withHomeLock, writeState } from "../../src/stack/home.ts";
import { clusterIdOf } from "../../src/stack/kafka-broker.ts";
import { startMarkOf } from "../../src/stack/launch.ts";
import { postgresPassword, removeStalePidFile } from "../../src/stack/postgres-server.ts";
import { stopStack } from "../../src/stack/stack.ts";

let parent: string;
let home: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "tradetape-home-"));
  home = join(parent, "stack");
});
afterEach(() => rmSync(parent, { recursive: true }));

const state: StackState = {
  launcher: "processes",
  ports: { postgres: 1, registry: 2, brokers: [{ client: 3, controller: 4 }] },
  programs: [],
};

describe("a home", () => {
  it("lets one process at a time start or stop its stack", async () => {
    const steps: string[] = [];
    const waits: string[] = [];
    // The first one goes on until the other has said that it waits.
    const slow = async (name: string) => {
      steps.push(`${name} begins`);
      await expect.poll(() => waits).toHaveLength(1);
      steps.push(`${name} ends`);
    };
    const lock = (name: string) =>
      withHomeLock(
        home,
        (line) => waits.push(line),
        () => slow(name),
      );
    await Promise.all([lock("a"), lock("b")]);
    const first = steps[0]?.[0];
    const second = first === "a" ? "b" : "a";
    expect(steps).toEqual([`${first} begins`, `${first} ends`, `${second} begins`, `${second} ends`]);
    expect(waits).toEqual([expect.stringContaining(String(process.pid))]);
  });

  it("is not blocked by a process that was killed while it had the lock", async () => {
    mkdirSync(home);
    writeFileSync(join(home, "lock"), JSON.stringify({ pid: process.pid, startMark: "before the reboot" }));
    expect(
      await withHomeLock(
        home,
        () => {},
        async () => "done",
      ),
    ).toBe("done");
  });

  it("gives the lock back when the work fails", async () => {
    const failing = withHomeLock(
      home,
      () => {},
      async () => Promise.reject(new Error("no")),
    );
    await expect(failing).rejects.toThrow("no");
    expect(existsSync(join(home, "lock"))).toBe(false);
  });

  it("that can't be made is an error of the environment with the way out", async () => {
    writeFileSync(join(parent, "file"), "");
    const made = withHomeLock(
      join(parent, "file", "stack"),
      () => {},
      async () => "done",
    );
    await expect(made).rejects.toMatchObject({
      code: "stack_unavailable",
      next: expect.stringContaining("TRADETAPE_HOME"),
    });
  });

  it("remembers a stack from one process to the next", () => {
    mkdirSync(home);
    expect(readState(home)).toBeUndefined();
    writeState(home, state);
    expect(readState(home)).toEqual(state);
  });

  it("says so when its state is not one", () => {
    mkdirSync(home);
    writeFileSync(join(home, "stack.json"), '{"launcher":"rockets"}');
    expect(() => readState(home)).toThrow(expect.objectContaining({ code: "stack_failed" }));
  });

  it("keeps its password readable by its owner only, and the same until a purge", () => {
    mkdirSync(home);
    const password = postgresPassword(home);
    expect(postgresPassword(home)).toBe(password);
    expect(statSync(join(home, "postgres-password")).mode & 0o777).toBe(0o600);
  });

  it("gives Kafka a cluster id of 16 bytes that stays, without a leading dash (to its tool an option)", () => {
    mkdirSync(home);
    const id = clusterIdOf(home);
    expect(clusterIdOf(home)).toBe(id);
    expect(id).toMatch(/^T/);
    expect(Buffer.from(id, "base64url").toString("base64url")).toBe(id);
    expect(Buffer.from(id, "base64url")).toHaveLength(16);
    rmSync(join(home, "postgres-password"));
    expect(clusterIdOf(home)).not.toBe(id);
  });

  it("has a name of its own wherever homes must not meet", () => {
    expect(homeId("/a")).not.toBe(homeId("/b"));
    expect(homeId("/a/../a/")).toBe(homeId("/a"));
  });
});

describe("a folder that is no stack's", () => {
  it("is not taken for a home when it holds files by our names", () => {
    mkdirSync(join(home, "postgres"), { recursive: true });
    expect(() => claimHome(home, state)).toThrow(expect.objectContaining({ code: "stack_unavailable" }));
    expect(readState(home)).toBeUndefined();
  });

  it("keeps everything through a purge", async () => {
    mkdirSync(join(home, "postgres"), { recursive: true });
    expect(await stopStack(home, { purge: true })).toBe("nothing ran");
    expect(existsSync(join(home, "postgres"))).toBe(true);
  });

  it("loses only a stack's own files when there was one", async () => {
    mkdirSync(home);
    claimHome(home, state);
    mkdirSync(join(home, "postgres"));
    writeFileSync(join(home, "notes.txt"), "mine");
    expect(await stopStack(home, { purge: true })).toBe("nothing ran");
    expect(existsSync(join(home, "postgres"))).toBe(false);
    expect(existsSync(join(home, "notes.txt"))).toBe(true);
  });
});

describe("the pid file of a PostgreSQL that was killed", () => {
  const pidFile = () => join(home, "postgres", "postmaster.pid");
  const server = (startMark: string) => ({
    name: "postgres",
    pid: process.pid,
    startMark,
    startedAt: "",
    logFile: "",
    stopSignal: "SIGINT" as const,
  });
  beforeEach(() => {
    mkdirSync(join(home, "postgres"), { recursive: true });
    writeFileSync(pidFile(), `${process.pid}\n/data\n`);
  });

  it("is removed when another program has got its pid", () => {
    removeStalePidFile(home, server("before the reboot"));
    expect(existsSync(pidFile())).toBe(false);
  });

  it("stays while that very server runs", () => {
    removeStalePidFile(home, server(startMarkOf(process.pid) ?? ""));
    expect(existsSync(pidFile())).toBe(true);
  });

  it("stays when it is a server's that we didn't start", () => {
    removeStalePidFile(home, { ...server("before the reboot"), pid: process.pid + 1 });
    removeStalePidFile(home, undefined);
    expect(existsSync(pidFile())).toBe(true);
  });
});
