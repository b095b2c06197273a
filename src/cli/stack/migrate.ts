import { Option } from "commander";
import { firstOf, type MigrationReport, migrate } from "../../table/migrate.ts";
import { hardenDatabase } from "../../table/upkeep/harden.ts";
import type { Whose } from "../../table/whose-database.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wrong } from "../flags.ts";
import { databaseOf } from "../services.ts";
import { repairDryRun, repairNow, repairText } from "./repair.ts";

interface MigrateOptions {
  readonly as?: Whose;
  readonly repair?: boolean;
  readonly dryRun?: boolean;
  readonly harden?: boolean;
}

export const migrateCommand: CommandSpec<MigrateOptions> = {
  name: "migrate",
  summary: "bring the database to this version's shape; safe to run again",
  examples: [
    "DATABASE_URL=postgres://... tradetape migrate",
    "tradetape migrate --as restored         it takes the place of the database that it was made from",
    "tradetape migrate --as copy             it is a second one, with consumer groups of its own",
    "tradetape migrate --repair              give back what a dump without owners or privileges has lost",
    "tradetape migrate --harden              close the database to whoever has none of its roles",
    "tradetape migrate --repair --dry-run    say what that is, as statements; exit code 1 when there is something",
  ],
  declare: (command) => {
    const whose: readonly Whose[] = ["restored", "copy"];
    command.addOption(new Option("--as <whose>", "what a database is that was made from another one").choices(whose));
    command.option("--repair", "also give back roles, owners, rights, settings and comments that are lost, audited");
    command.addOption(
      new Option("--dry-run", "with --repair: change nothing, and print the statements").conflicts("as"),
    );
    command.addOption(
      new Option(
        "--harden",
        "also take from everybody, and from other databases' roles, what they may do here",
      ).conflicts(["repair", "dryRun"]),
    );
  },
  run: async (session, _args, { as: whose, repair, dryRun, harden }) => {
    if (dryRun && !repair) throw wrong("--dry-run", "--repair beside it: migrations can't be tried");
    if (dryRun) return repairDryRun(session);
    const repaired = repair ? await repairNow(session) : undefined;
    // Said before it is asked whose the database is: what was given back is so.
    if (repaired && !whose) session.out.result(repaired, () => repairText(repaired));
    const report = await migrate(databaseOf(session.config), whose);
    if (repaired && whose) {
      session.out.result({ ...repaired, whose }, () => [repairText(repaired), migrationText(report)].join("\n"));
    }
    const taken = harden ? await hardenDatabase(databaseOf(session.config)) : undefined;
    if (!repaired)
      session.out.result({ ...report, taken }, () => [migrationText(report), ...takenText(taken)].join("\n"));
    return report.lost.length > 0 || (repaired?.gone.length ?? 0) > 0 ? EXIT.foundWrong : EXIT.good;
  },
};

export function migrationText({ database, lost, ...done }: MigrationReport): string {
  return [`${database}: ${whatWasDone(done)}`, ...lostText(lost)].join("\n");
}

function takenText(taken: readonly string[] | undefined): readonly string[] {
  if (taken === undefined) return [];
  return taken.length === 0 ? ["closed already to whoever has none of its roles"] : taken.map((one) => `taken: ${one}`);
}

function whatWasDone({ applied, already, ahead, whose }: Omit<MigrationReport, "database" | "lost">): string {
  if (whose === "copy") return "has an id and consumer groups of its own now";
  if (whose === "restored") return "takes the place of the database that it was made from";
  if (ahead) return `newer: it has migration ${ahead.has}, this program knows ${ahead.knows} and may work beside it`;
  if (applied.length === 0) return `up to date, ${already} migrations`;
  return `applied ${applied.join(", ")}${already > 0 ? `; ${already} were there` : ""}`;
}

function lostText(lost: readonly string[]): string[] {
  if (lost.length === 0) return [];
  return [`not as the migrations made it: ${firstOf(lost)}: run \`tradetape migrate --repair\``];
}
