import type { Config } from "../../config.ts";
import { TradetapeError } from "../../errors.ts";
import { packageVersion } from "../../manifest.ts";
import { writeOwnFile } from "../../own-file.ts";
import { SETTINGS, type SettingName } from "../../settings.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { printable, table } from "../output.ts";
import { settingRows } from "../settings.ts";
import { shownSetting } from "../shown-setting.ts";
import { redacted } from "./bundle.ts";
import type { Diagnosis, Severity } from "./diagnosis.ts";
import { lookAtDatabase } from "./doctor-database.ts";
import { lookAtRegistry } from "./doctor-registry.ts";
import { lookAtTopics } from "./doctor-topics.ts";

interface DoctorOptions extends Readonly<Record<string, unknown>> {
  readonly bundle?: string;
}

export const doctorCommand: CommandSpec<DoctorOptions> = {
  name: "doctor",
  summary: "looks at everything that it needs, and says what is wrong and what to do; exit code 1 where something is",
  examples: [
    "tradetape doctor",
    "tradetape doctor --json | jq '.findings[] | select(.severity == \"wrong\")'",
    "tradetape doctor --bundle report.json   the same in a file for a bug report, without secrets",
  ],
  declare: (command) => {
    command.option("--bundle <file>", "write what was found to a file that only you can read, without secrets");
  },
  run: async ({ config, out, log, progress }, _args, options) => {
    const found = [
      ...(await lookAtDatabase(config)),
      ...(await lookAtTopics(config, log)),
      ...(await lookAtRegistry(config, log)),
    ];
    const findings = found.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
    const all = { at: new Date().toISOString(), versions: versions(), settings: settingsOf(config, options), findings };
    const report = redacted(all, config);
    if (options.bundle !== undefined) {
      writeBundle(options.bundle, `${JSON.stringify(report, null, 2)}\n`);
      progress.line(`written to ${options.bundle}: read it before you send it`);
    }
    out.result(report, () => reportText(report));
    return findings.some(({ severity }) => severity === "wrong") ? EXIT.foundWrong : EXIT.good;
  },
};

/** The worst first. */
const ORDER: readonly Severity[] = ["wrong", "doubtful", "good", "told"];

const versions = () => ({
  tradetape: packageVersion(),
  node: process.versions.node,
  platform: process.platform,
  arch: process.arch,
});

interface SettingReport {
  readonly setting: string;
  /** Null where it isn't set. */
  readonly value: unknown;
  readonly from: "flag" | "variable" | "file" | "default";
}

function settingsOf(config: Config, options: DoctorOptions): SettingReport[] {
  return settingRows().map(({ name, env }) => ({
    setting: env,
    value: shownSetting(config, name),
    from: fromOf(name, options),
  }));
}

function fromOf(name: SettingName, options: DoctorOptions): SettingReport["from"] {
  const { env } = SETTINGS[name];
  if (options[name] !== undefined) return "flag";
  if (process.env[env]) return "variable";
  return process.env[`${env}_FILE`] ? "file" : "default";
}

interface Report {
  readonly versions: ReturnType<typeof versions>;
  readonly settings: readonly SettingReport[];
  readonly findings: readonly Diagnosis[];
}

function reportText({ versions: { tradetape, node, platform, arch }, settings, findings }: Report): string {
  const set = settings.filter(({ from }) => from !== "default");
  const rows = set.map(({ setting, value, from }) => [setting, printable(String(value)), from]);
  return [
    `tradetape ${tradetape}, Node ${node}, ${platform} ${arch}`,
    ...(rows.length > 0 ? ["", table(["setting", "value", "from"], rows)] : []),
    "",
    ...findings.flatMap(findingLines),
    "",
    verdict(findings),
  ].join("\n");
}

function findingLines({ about, severity, code, says, next }: Diagnosis): string[] {
  const head = `${severity.padEnd(9)}${about}: ${code === undefined ? "" : `${code}: `}${says}`;
  return [
    ...head.split("\n"),
    ...(next === undefined ? [] : next.split("\n").map((line) => `         next: ${line}`)),
  ].map(printable);
}

function verdict(findings: readonly Diagnosis[]): string {
  const of = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const [wrong, doubtful] = [of("wrong"), of("doubtful")];
  return wrong + doubtful === 0 ? "Nothing is wrong." : `${wrong} wrong, ${doubtful} doubtful.`;
}

function writeBundle(path: string, text: string): void {
  try {
    writeOwnFile(path, text);
  } catch (cause) {
    throw new TradetapeError("input_invalid", `--bundle: ${(cause as Error).message}`, {
      cause,
      next: "Name a file in a folder of yours.",
    });
  }
}
