import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { SETTINGS, type SettingName } from "../../src/settings.ts";
import { tradetape } from "../support/tradetape.ts";

describe("the command line", () => {
  test("a flag's name as commander makes it is the setting's own, so that none is silently ignored", async () => {
    const program = await buildProgram(() => {});
    const names = program.options.map((option) => option.attributeName());
    const withFlag = (Object.keys(SETTINGS) as SettingName[]).filter((name) => "flag" in SETTINGS[name]);
    expect(withFlag.filter((name) => !names.includes(name))).toEqual([]);
  });

  test("every command has a summary", async () => {
    const bare = (await buildProgram(() => {})).commands.filter((c) => c.description() === "");
    expect(bare.map((c) => c.name())).toEqual([]);
  });

  test("a line that begins with a command's name has that command alone, and any other line has all", async () => {
    const namesOf = async (first?: string) => (await buildProgram(() => {}, first)).commands.map((c) => c.name());
    const all = await namesOf();
    for (const name of all.filter((one) => one !== "help")) expect(await namesOf(name)).toEqual([name, "help"]);
    for (const first of ["help", "statsu", "--json", "constructor"]) expect(await namesOf(first)).toEqual(all);
  });

  test("help goes to standard output and is no error", async () => {
    const { code, stdout, stderr } = await tradetape(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("tradetape demo");
    expect((await tradetape(["help", "config"])).stdout).toContain("TRADETAPE_PUBLISH_LINGER_MS");
  });

  test("help of a command shows that command's, at every depth", async () => {
    const paths = (group: Command, above: readonly string[]): string[][] =>
      group.commands.flatMap((c) => [[...above, c.name()], ...paths(c, [...above, c.name()])]);
    const shown: string[] = [];
    const program = await buildProgram(() => {});
    const quiet = (command: Command): void => {
      command.configureOutput({ writeOut: (text) => shown.push(text) });
      for (const c of command.commands) quiet(c);
    };
    quiet(program);
    const all = paths(program, []).filter((path) => !path.includes("help"));
    for (const path of all) await program.parseAsync(["help", ...path], { from: "user" });
    const usages = shown
      .filter((text) => text.startsWith("Usage: "))
      .map((text) => /^Usage: ([\w -]+\w)/.exec(text)?.[1]);
    expect(usages).toEqual(all.map((path) => `tradetape ${path.join(" ")}`));
    expect(all).toContainEqual(["dead-letters", "redrive"]);
  });

  test.each([
    [["help", "statsu"], "help statsu", "demo, up, down"],
    [["help", "sessions", "remove"], "help sessions remove", "create, finish, list, show"],
    [["help", "status", "more"], "help status more", "status alone"],
  ])("%j is an error in words with exit code 2", async (argv, said, known) => {
    const { code, stdout, stderr } = await tradetape(argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`input_invalid: ${said} can't be used`);
    expect(stderr).toContain(`It can be: ${known}`);
  });

  test("an unknown command or flag is said once, on standard error, with exit code 2", async () => {
    const { code, stdout, stderr } = await tradetape(["statsu"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.match(/unknown command/g)).toHaveLength(1);
    expect((await tradetape(["config", "--nope"])).code).toBe(2);
  });

  test("every wrong setting is reported at once, and no secret's value with it", async () => {
    const { code, stderr } = await tradetape(["config", "--kafka-brokers", "nohost"], {
      DATABASE_URL: "mysql://me:hunter2@db/x",
      TRADETAPE_PUBLISH_LINGER_MS: "soon",
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/DATABASE_URL[\s\S]*--kafka-brokers[\s\S]*TRADETAPE_PUBLISH_LINGER_MS/);
    expect(stderr).not.toContain("hunter2");
  });

  test("a setting of an earlier version is refused, with what has taken its place", async () => {
    const retired = { TRADETAPE_TICK_DAYS_AHEAD: "3", TRADETAPE_TICK_RETENTION_DAYS: "30" };
    const { code, stderr } = await tradetape(["config"], retired);
    expect(code).toBe(2);
    expect(stderr).toMatch(/TICK_DAYS_AHEAD is read no longer: .*TRADETAPE_DAYS_AHEAD/);
    expect(stderr).toMatch(/TICK_RETENTION_DAYS is read no longer: .*retain --topic ticks --keep-days/);
  });

  test("the settings are shown without their secrets, and a flag beats its variable", async () => {
    const { code, stdout } = await tradetape(["config", "--json", "--namespace", "paper"], {
      DATABASE_URL: "postgres://me:hunter2@db/x",
      TRADETAPE_NAMESPACE: "live",
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ databaseUrl: "(set)", namespace: "paper", publishLingerMs: 5 });
    expect(stdout).not.toContain("hunter2");
  });
});
