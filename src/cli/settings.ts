import type { Setting } from "../settings/setting.ts";
import { SETTING_NAMES, SETTINGS, type SettingName } from "../settings.ts";
import type { CommandSpec } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./output.ts";
import { shownSetting } from "./shown-setting.ts";

/** One setting as the help, docs/settings.md and `tradetape config` show it. */
interface SettingRow {
  readonly name: SettingName;
  readonly env: string;
  readonly flag: string | undefined;
  readonly standard: string;
  readonly unit: string | undefined;
  readonly doc: string;
}

/** Every setting in the order of its declaration. */
export function settingRows(): SettingRow[] {
  return SETTING_NAMES.map((name) => {
    const setting: Pick<Setting<never>, "env" | "flag" | "doc" | "unit" | "secret"> = SETTINGS[name];
    const file = setting.secret ? ` A secret: ${setting.env}_FILE may name the file that it stands in.` : "";
    return {
      name,
      env: setting.env,
      flag: setting.flag?.split(" ")[0],
      standard: name === "home" ? "~/.tradetape" : standardOf(name),
      unit: setting.unit,
      doc: `${setting.doc}${file}`,
    };
  });
}

function standardOf(name: SettingName): string {
  const value: unknown = SETTINGS[name].schema.safeParse(undefined).data;
  return value === undefined || value === "" ? "-" : String(value);
}

function settingsText(): string {
  const rows = settingRows().map((s) => [s.env, s.flag ?? null, s.standard, s.unit ?? null, s.doc]);
  return `${table(["variable", "flag", "default", "unit", "meaning"], rows)}

A flag beats its variable. A secret is never printed, and may also stand in a file, which is read at each login.
TRADETAPE_LOG_LEVEL is error, when unset, for commands that end by themselves: they say their own errors. It is info for a
service: consume and run, where they run until they are stopped and standard error is no terminal.`;
}

export const settings: CommandSpec<object> = {
  name: "config",
  summary: "the settings as they are now; with `help config`, what each means",
  examples: ["TRADETAPE_NAMESPACE=paper tradetape config"],
  declare: (command) => {
    command.addHelpText("after", () => `\n${settingsText()}`);
  },
  run: async ({ config, out }) => {
    const values = Object.fromEntries(settingRows().map((row) => [row.name, shownSetting(config, row.name)]));
    out.result(values, () =>
      table(
        ["variable", "value"],
        settingRows().map((row) => [row.env, values[row.name] === null ? "-" : String(values[row.name])]),
      ),
    );
    return EXIT.good;
  },
};
