import type { Config } from "../config.ts";
import { SETTING_NAMES, SETTINGS, type SettingName } from "../settings.ts";

/** A setting as anybody may see it: of a secret one, that it is set. */
export function shownSetting(config: Config, name: SettingName): unknown {
  const setting: { secret?: boolean } = SETTINGS[name];
  const value = config[name] ?? null;
  return setting.secret && value !== null ? "(set)" : value;
}

/** The settings that aren't as they are where nobody says anything, by their variables, as anybody may see them. */
export function changedSettings(config: Config): Readonly<Record<string, unknown>> {
  const changed = SETTING_NAMES.filter((name) => {
    const standard: unknown = SETTINGS[name].schema.safeParse(undefined).data;
    return JSON.stringify(config[name]) !== JSON.stringify(standard);
  });
  return Object.fromEntries(changed.map((name) => [SETTINGS[name].env, shownSetting(config, name)]));
}
