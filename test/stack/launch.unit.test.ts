import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  awaitReady,
  isRunning,
  launch,
  type RunningProgram,
  type StackProgram,
  startMarkOf,
  stopProgram,
} from "../../src/stack/launch.ts";

let folder: string;
let started: RunningProgram[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tradetape-launch-"));
  started = [];
});
afterEach(async () => {
  for (const program of started) await stopProgram(program, () => {}, 100);
  rmSync(folder, { recursive: true });
});

const shell = (script: string, isReady: () => Promise<boolean> = async () => false): StackProgram => ({
  name: "probe",
  command: "/bin/sh",
  args: ["-c", script],
  cwd: folder,
  logFile: join(folder, "probe.log"),
  runAs: undefined,
  stopSignal: "SIGTERM",
  isReady,
});

async function start(program: StackProgram): Promise<RunningProgram> {
  const running = await launch(program, true);
  started.push(running);
  return running;
}

const neverAborted = new AbortController().signal;

describe("a program that is started", () => {
  it("is running until it is stopped, and says so", async () => {
    const running = await start(shell("exec sleep 3600"));
    expect(isRunning(running)).toBe(true);
    const lines: string[] = [];
    await stopProgram(running, (line) => lines.push(line));
    expect(isRunning(running)).toBe(false);
    expect(lines).toEqual(["probe: stopped"]);
  });

  it("that ends while starting is an error with its last words", async () => {
    const program = shell("echo port already in use; exit 3");
    const ready = awaitReady(program, await start(program), neverAborted);
    await expect(ready).rejects.toMatchObject({
      code: "stack_failed",
      message: expect.stringContaining("port already in use"),
      next: expect.stringContaining("probe.log"),
    });
  });

  it("that doesn't exist is an error that names it", async () => {
    const program = { ...shell(""), command: join(folder, "absent") };
    await expect(launch(program, true)).rejects.toMatchObject({ code: "stack_failed" });
  });

  it("is no longer waited for once another one has failed", async () => {
    const program = shell("exec sleep 3600");
    const abort = new AbortController();
    const ready = awaitReady(program, await start(program), abort.signal);
    abort.abort(new Error("another one failed"));
    await expect(ready).rejects.toThrow("another one failed");
  });

  it("keeps the log of the run before beside its own", async () => {
    const done = async () => readFileSync(join(folder, "probe.log"), "utf8") !== "";
    for (const word of ["first", "second"]) {
      const program = shell(`echo ${word}; exec sleep 3600`, done);
      const running = await start(program);
      await awaitReady(program, running, neverAborted);
      await stopProgram(running, () => {});
    }
    expect(readFileSync(join(folder, "probe.log"), "utf8")).toBe("second\n");
    expect(readFileSync(join(folder, "probe.log.previous"), "utf8")).toBe("first\n");
  });
});

describe("a program of a process that ends without stopping it", () => {
  async function startIn(detached: boolean, end = "process.exit(0)"): Promise<RunningProgram> {
    const module = new URL("../../src/stack/launch.ts", import.meta.url);
    const source = `const { launch } = await import(${JSON.stringify(module.href)});
      const program = { name: "probe", command: "sleep", args: ["3600"], cwd: "/", stopSignal: "SIGTERM" };
      const logFile = ${JSON.stringify(join(folder, "probe.log"))};
      console.log(JSON.stringify(await launch({ ...program, logFile }, ${detached})));
      ${end};`;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", source], { encoding: "utf8" });
    const running = JSON.parse(child.stdout) as RunningProgram;
    started.push(running);
    return running;
  }

  it("ends with it when it is attached, and outlives it when it is detached", async () => {
    const detached = await startIn(true);
    const attached = await startIn(false);
    await expect.poll(() => isRunning(attached)).toBe(false);
    expect(isRunning(detached)).toBe(true);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])(
    "ends with it, too, where that is ended by %s",
    async (signal) => {
      const attached = await startIn(false, `process.kill(process.pid, "${signal}"); await new Promise(() => {})`);
      await expect.poll(() => isRunning(attached)).toBe(false);
    },
  );

  it("doesn't keep it from ending by itself", async () => {
    expect(isRunning(await startIn(true, ""))).toBe(true);
    const attached = await startIn(false, "");
    await expect.poll(() => isRunning(attached)).toBe(false);
  });
});

describe("stopping", () => {
  it("kills what ignores its signal, and says so", async () => {
    const program = shell("trap '' TERM; echo trapped; while :; do sleep 1; done", async () => {
      return readFileSync(join(folder, "probe.log"), "utf8") === "trapped\n";
    });
    const running = await start(program);
    await awaitReady(program, running, neverAborted);
    const lines: string[] = [];
    await stopProgram(running, (line) => lines.push(line), 200);
    expect(isRunning(running)).toBe(false);
    expect(lines).toEqual([expect.stringContaining("killed")]);
  });

  it("leaves a stranger alone who has got the same pid since", async () => {
    const stranger = await start(shell("exec sleep 3600"));
    const remembered = { ...stranger, startMark: `${stranger.startMark}0` };
    expect(isRunning(remembered)).toBe(false);
    await stopProgram(remembered, () => {});
    expect(isRunning(stranger)).toBe(true);
  });
});

describe("a start mark", () => {
  it("stays the same while the process lives, and differs between processes", async () => {
    const running = await start(shell("exec sleep 3600"));
    expect(startMarkOf(running.pid)).toBe(running.startMark);
    expect(startMarkOf(process.pid)).not.toBe(running.startMark);
  });

  it("is none for a pid that nobody has", () => {
    expect(startMarkOf(2 ** 22 + 1)).toBeUndefined();
  });
});
