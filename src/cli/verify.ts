import { CONSUMERS } from "../../consumers/all.ts";
import { requireServices } from "../config.ts";
import { Connection } from "../table/connection.ts";
import { requireMigrated } from "../table/migrate.ts";
import { type Verification, verify } from "../verify/verify.ts";
import type { CommandSpec } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./output.ts";
import { count } from "./progress.ts";

interface VerifyOptions {
  readonly quiet?: boolean;
}

export const verifyCommand: CommandSpec<VerifyOptions> = {
  name: "verify",
  summary: "prove that the database holds what its ledger says: ranges, counts, letters, outbox, audit chain",
  examples: [
    "tradetape verify                    exit code 1 when something doesn't hold",
    "tradetape verify --quiet            nothing runs: the outbox must be empty, too",
  ],
  declare: (command) => {
    command.option("--quiet", "no consumer runs: nothing may wait to be published");
  },
  run: async ({ config, out }, _args, options) => {
    const { databaseUrl } = requireServices(config, "databaseUrl");
    const connection = await Connection.open(databaseUrl, { name: "verify", role: "tradetape_reader" });
    try {
      await requireMigrated(connection, databaseUrl);
      const result = await verify(connection, CONSUMERS, { quiet: options.quiet === true });
      out.result(result, () => verificationText(result));
      return result.ok ? EXIT.good : EXIT.foundWrong;
    } finally {
      await connection.close();
    }
  },
};

export function verificationText(result: Verification): string {
  const { rows, partitions, auditEntries } = result;
  const looked = `${count(rows)} rows, ${count(partitions)} partitions, ${count(auditEntries)} audit entries`;
  const lines = [result.ok ? `good: ${looked} are what the ledger says` : `not good: looked at ${looked}`];
  const findings = [
    ...result.problems.map((finding) => ["wrong", finding.check, finding.subject, finding.detail]),
    ...result.warnings.map((finding) => ["warning", finding.check, finding.subject, finding.detail]),
  ];
  if (findings.length > 0) lines.push(table(["", "check", "where", "what"], findings));
  return lines.join("\n");
}
