import { randomUUID } from "node:crypto";
import { recordRepair } from "../../operator/audit-entries.ts";
import { auditSchemaOf, opsOn } from "../../operator/ops.ts";
import { Connection } from "../../table/connection.ts";
import type { Lost } from "../../table/drift.ts";
import { type RepairReport, rehearseRepair, repairDatabase } from "../../table/upkeep/repair.ts";
import { topicName } from "../../topic/topics.ts";
import type { Session } from "../command.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { count } from "../progress.ts";
import { databaseOf } from "../services.ts";

/** Gives back what a dump lost; what it gave back is in the audit log. */
export async function repairNow({ config }: Session): Promise<RepairReport> {
  const databaseUrl = databaseOf(config);
  const schema = await auditSchemaOf(config);
  const connection = await Connection.open(databaseUrl, { name: "repair" });
  try {
    const actionId = randomUUID();
    const topic = topicName(config.namespace, "symbols");
    let round = 0;
    return await repairDatabase(connection, databaseUrl, async (given) => {
      round++;
      await recordRepair(await opsOn(connection, databaseUrl, schema), { actionId, round, topic, given });
    });
  } finally {
    await connection.close();
  }
}

/** Says what `repairNow` would do, in a form that a superuser may run in psql. */
export async function repairDryRun({ config, out }: Session): Promise<ExitCode> {
  const databaseUrl = databaseOf(config);
  const connection = await Connection.open(databaseUrl, { name: "repair" });
  try {
    const report = await rehearseRepair(connection, databaseUrl);
    out.result(report, () => dryRunText(report));
    return report.lost.length + report.gone.length > 0 ? EXIT.foundWrong : EXIT.good;
  } finally {
    await connection.close();
  }
}

const WORDS: readonly (readonly [Lost["what"], string])[] = [
  ["role", "role"],
  ["owner", "owner"],
  ["right", "right"],
  ["setting", "function"],
  ["comment", "comment"],
];

function countsText(lost: readonly Lost[]): string {
  const counted = WORDS.map(([what, word]) => ({ word, n: lost.filter((one) => one.what === what).length }));
  return counted
    .filter(({ n }) => n > 0)
    .map(({ word, n }) => `${count(n)} ${word}${n === 1 ? "" : "s"}`)
    .join(", ");
}

export function repairText({ database, applied, lost, gone, left }: RepairReport): string {
  return [
    ...(applied.length > 0 ? [`${database}: applied ${applied.join(", ")}`] : []),
    lost.length === 0 ? `${database}: nothing was lost` : `${database}: gave back ${countsText(lost)}`,
    ...notMended({ gone, left }),
  ].join("\n");
}

const notMended = ({ gone, left }: Pick<RepairReport, "gone" | "left">): string[] => [
  ...gone.map((what) => `not mended: ${what}; make it again as its migration in schemas/sql does`),
  ...left.map((what) => `left as it is: ${what}`),
];

function dryRunText(report: RepairReport): string {
  const { database, applied, lost } = report;
  return [
    `${database}: ${lost.length === 0 ? "nothing is lost" : `lost: ${countsText(lost)}`}; nothing was changed`,
    ...(applied.length > 0 ? [`to be applied: ${applied.join(", ")}`] : []),
    ...notMended(report),
  ]
    .map((line) => `-- ${line}`)
    .concat(lost.map(({ says, sql, what }) => (what === "comment" ? `${sql};` : `${sql}; -- ${says}`)))
    .join("\n");
}
