import { type MigrationReport, migrate } from "../../table/migrate.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { databaseOf } from "../services.ts";

export const migrateCommand: CommandSpec<object> = {
  name: "migrate",
  summary: "bring the database to this version's shape; safe to run again",
  examples: ["DATABASE_URL=postgres://... tradetape migrate"],
  run: async ({ config, out }) => {
    const report = await migrate(databaseOf(config));
    out.result(report, () => migrationText(report));
    return EXIT.good;
  },
};

export function migrationText({ database, applied, already }: MigrationReport): string {
  if (applied.length === 0) return `${database}: up to date, ${already} migrations`;
  return `${database}: applied ${applied.join(", ")}${already > 0 ? `; ${already} were there` : ""}`;
}
