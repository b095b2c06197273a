import { Option } from "commander";
import { type MigrationReport, migrate } from "../../table/migrate.ts";
import type { Whose } from "../../table/whose-database.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { databaseOf } from "../services.ts";

export const migrateCommand: CommandSpec<{ readonly as?: Whose }> = {
  name: "migrate",
  summary: "bring the database to this version's shape; safe to run again",
  examples: [
    "DATABASE_URL=postgres://... tradetape migrate",
    "tradetape migrate --as restored    it takes the place of the database that it was made from",
    "tradetape migrate --as copy        it is a second one, with consumer groups of its own",
  ],
  declare: (command) => {
    const whose: readonly Whose[] = ["restored", "copy"];
    command.addOption(new Option("--as <whose>", "what a database is that was made from another one").choices(whose));
  },
  run: async ({ config, out }, _args, { as: whose }) => {
    const report = await migrate(databaseOf(config), whose);
    out.result(report, () => migrationText(report));
    return EXIT.good;
  },
};

export function migrationText({ database, applied, already, whose }: MigrationReport): string {
  if (whose === "copy") return `${database}: has an id and consumer groups of its own now`;
  if (whose === "restored") return `${database}: takes the place of the database that it was made from`;
  if (applied.length === 0) return `${database}: up to date, ${already} migrations`;
  return `${database}: applied ${applied.join(", ")}${already > 0 ? `; ${already} were there` : ""}`;
}
