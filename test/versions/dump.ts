import { execFileSync } from "node:child_process";
import { databaseShape } from "../../scripts/shape.ts";
import { Connection } from "../../src/table/connection.ts";
import { migrate } from "../../src/table/migrate.ts";
import { repairDatabase } from "../../src/table/upkeep/repair.ts";
import { type Cluster, startCluster } from "../support/services/cluster.ts";
import type { DumpProof } from "./verdict.ts";

const FLAGS = ["--no-owner", "--no-privileges", "--no-comments"];

async function withConnection<R>(url: string, use: (connection: Connection) => Promise<R>): Promise<R> {
  const connection = await Connection.open(url, { name: "dump" });
  return use(connection).finally(() => connection.close());
}

/**
 * Dumps a migrated database by pg_dump itself, restores it as a plain user on the same server and on one where the roles don't
 * exist, and has both repaired. It takes a pg_dump of the server's version or a newer one.
 */
export async function proveDump(server: Cluster, packageFolder: string): Promise<DumpProof> {
  const majorOf = (text: string) => Number.parseInt(/(\d+)/.exec(text)![1]!, 10);
  const dumper = pgDumpVersion();
  const [row] = await server.run<{ version: string }>(
    "postgres",
    "SELECT current_setting('server_version') AS version",
  );
  if (dumper === undefined) return { isProven: false, says: "NOT tried: there is no pg_dump" };
  if (majorOf(dumper) < majorOf(row!.version)) {
    return { isProven: false, says: `NOT tried: pg_dump is ${majorOf(dumper)}` };
  }
  await server.run("postgres", "CREATE DATABASE dumped");
  await migrate(server.urlOf("dumped"));
  const asMade = await withConnection(server.urlOf("dumped"), databaseShape);
  const dump = execFileSync("pg_dump", [...FLAGS, server.urlOf("dumped")], { maxBuffer: 1 << 28 });
  const elsewhere = await startCluster(packageFolder);
  try {
    const said: string[] = [];
    let isProven = true;
    for (const [where, target] of [
      ["same server", server],
      ["no roles", elsewhere],
    ] as const) {
      await target.addUser("restorer", "CREATEROLE");
      await target.run("postgres", "CREATE DATABASE restored OWNER restorer");
      execFileSync("psql", ["-q", "-v", "ON_ERROR_STOP=1", target.urlOf("restored", "restorer")], {
        input: dump,
        stdio: ["pipe", "ignore", "pipe"],
      });
      const url = target.urlOf("restored");
      const { gone } = await withConnection(url, (connection) => repairDatabase(connection, url, async () => {}));
      const isAsMade = gone.length === 0 && (await withConnection(url, databaseShape)) === asMade;
      isProven &&= isAsMade;
      said.push(`${where}: ${isAsMade ? "repaired" : "NOT as made"}`);
    }
    return { isProven, says: said.join("; ") };
  } finally {
    await elsewhere.stop();
  }
}

function pgDumpVersion(): string | undefined {
  try {
    return execFileSync("pg_dump", ["--version"], { encoding: "utf8" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
