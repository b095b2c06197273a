import { z } from "zod";

/**
 * Every setting, declared once: the environment variable, the flag that beats it, unit, default and limits. Help text
 * and docs/settings.md are made from here, and `readConfig` reports every problem at once.
 */
export interface Setting<T extends z.ZodType> {
  readonly env: string;
  /** The commander flag that overrides the variable; settings without one are for the environment only. */
  readonly flag?: string;
  readonly doc: string;
  readonly unit?: string;
  readonly schema: T;
  /** A secret may also come from the file that `<env>_FILE` names, and is never printed. */
  readonly secret?: boolean;
}

export const setting = <T extends z.ZodType>(s: Setting<T>): Setting<T> => s;

export const flagBoolean = z
  .enum(["true", "false", "1", "0"])
  .transform((v) => v === "true" || v === "1")
  .default(false);
