import { CONSUMERS } from "../../../consumers/all.ts";
import type { Config } from "../../config.ts";
import { count, TradetapeError } from "../../errors.ts";
import { namedBy, ROLES } from "../../settings/role-names.ts";
import { diskFacts, otherEngine, type ServerFacts, serverFacts } from "../../table/checks/server-facts.ts";
import { Connection } from "../../table/connection.ts";
import { addressOf } from "../../table/database-url.ts";
import type { Ahead } from "../../table/login/needs.ts";
import { lostOf, requireMigrated } from "../../table/migrate.ts";
import { listDays } from "../../table/upkeep/day-partitions.ts";
import { type Diagnosis, diagnosisOf, looked } from "./diagnosis.ts";

const ABOUT = "database";
/** What this program is tried with. */
const VERSIONS = { least: 15, most: 18 };

/** Looks at PostgreSQL: reach, engine, version, shape, rights, clock, days. */
export async function lookAtDatabase({ databaseUrl, daysAhead }: Config): Promise<readonly Diagnosis[]> {
  if (databaseUrl === undefined)
    return [{ about: ABOUT, severity: "told", says: "DATABASE_URL is not set, so it isn't looked at" }];
  return looked(ABOUT, async () => {
    const beforeMs = Date.now();
    const connection = await Connection.open(databaseUrl, { name: "doctor" });
    try {
      const openedMs = Date.now();
      const facts = await serverFacts(connection);
      const seen = { beforeMs: openedMs, afterMs: Date.now() };
      const engine = engineFindings(addressOf(databaseUrl), facts, openedMs - beforeMs);
      if (engine.some(({ severity }) => severity === "wrong")) return engine;
      const shape = await looked(ABOUT, async () => {
        const ahead = await requireMigrated(connection, databaseUrl);
        const shape = ahead ? [aheadFinding(ahead)] : await lostFindings(connection);
        return [...shape, ...(await dayFindings(connection, daysAhead))];
      });
      const rights = await rightsOf(databaseUrl, connection);
      const disk = await looked("disk", () => diskFindings(connection));
      return [...engine, clockFinding("database", facts.nowMs, seen), ...shape, ...rights, ...disk];
    } finally {
      await connection.close();
    }
  });
}

/** @param openMs how long the login took */
export function engineFindings(place: string, facts: ServerFacts, openMs: number): Diagnosis[] {
  const engine = otherEngine(facts);
  if (engine !== undefined) {
    const says = `${place} is ${engine.name}, which lacks ${engine.lacks}: ${facts.version}`;
    return [{ about: ABOUT, severity: "wrong", says, next: "Let DATABASE_URL lead to PostgreSQL 15 to 18." }];
  }
  const major = Math.floor(facts.versionNumber / 10_000);
  const says = `${place}: ${facts.version}, ${count(facts.bytes)} bytes, a session to itself after ${openMs} ms`;
  const isKnown = major >= VERSIONS.least && major <= VERSIONS.most;
  return [{ about: ABOUT, severity: "told", says }, ...(isKnown ? [] : [oddVersion(major)])];
}

const oddVersion = (major: number): Diagnosis => ({
  about: ABOUT,
  severity: major < VERSIONS.least ? "wrong" : "doubtful",
  says: `PostgreSQL ${major}: tradetape is tried with ${VERSIONS.least} to ${VERSIONS.most}`,
  next: `Use PostgreSQL ${VERSIONS.least} to ${VERSIONS.most}.`,
});

/** Between two clocks of one network. Of revisions the broker's clock decides, and nothing by less than this. */
const SKEW_MS_MAX = 1000;

/** @param whose clock; `nowMs` is what it said between two moments of ours */
export function clockFinding(whose: string, nowMs: number, seen: { beforeMs: number; afterMs: number }): Diagnosis {
  const ahead = nowMs > seen.afterMs ? nowMs - seen.afterMs : nowMs < seen.beforeMs ? nowMs - seen.beforeMs : 0;
  const about = "clocks";
  if (Math.abs(ahead) <= SKEW_MS_MAX)
    return { about, severity: "good", says: `the ${whose}'s clock is this machine's` };
  const seconds = (Math.abs(ahead) / 1000).toFixed(1);
  const says = `the ${whose}'s clock is ${seconds} s ${ahead > 0 ? "ahead of" : "behind"} this machine's`;
  return {
    about,
    severity: "doubtful",
    says,
    next: "Run `timedatectl status` on both: one of them isn't synchronised.",
  };
}

/** What a newer program gave and took since, only a newer one can compare. */
const aheadFinding = ({ has, knows }: Ahead): Diagnosis => ({
  about: "tables",
  severity: "doubtful",
  says: `the database has migration ${has}, this program knows ${knows} and may work beside it; rights aren't compared`,
  next: "Roll on to the version of the program that migrated it: docs/upgrade.md.",
});

/** What the migrations gave and is gone: without rights something fails, without comments or an index it doesn't. */
async function lostFindings(connection: Connection): Promise<Diagnosis[]> {
  const { lost, gone } = await lostOf(connection, false);
  const repair =
    "`tradetape migrate --repair --dry-run` prints what gives it back, `tradetape migrate --repair` does it.";
  return [
    ...lost.map(
      ({ what, says }): Diagnosis => ({
        about: "rights",
        severity: what === "comment" ? "doubtful" : "wrong",
        says,
        next: repair,
      }),
    ),
    ...gone.map(
      (says): Diagnosis => ({
        about: "tables",
        severity: "wrong",
        says,
        next: "Make it again as its migration in schemas/sql does.",
      }),
    ),
  ];
}

/** As which role the login may work. That it has one of them is enough: ops/sql/roles.sql gives each login its own. */
async function rightsOf(databaseUrl: string, login: Connection): Promise<Diagnosis[]> {
  const findings: Diagnosis[] = [];
  const may: string[] = [];
  for (const role of ROLES) {
    try {
      const connection = await Connection.open(databaseUrl, { name: "doctor", role });
      await connection.close();
      may.push(namedBy(login.rolePrefix, role));
    } catch (error) {
      if (!(error instanceof TradetapeError)) throw error;
      findings.push(diagnosisOf("rights", error, "told"));
    }
  }
  if (may.length > 0) {
    return [{ about: "rights", severity: "good", says: `${login.user} may work as ${may.join(", ")}` }, ...findings];
  }
  return findings.map((finding) => ({ ...finding, severity: "wrong" as const }));
}

/** What is left of the disk PostgreSQL doesn't tell; what fills it up unseen it does. */
async function diskFindings(connection: Connection): Promise<Diagnosis[]> {
  const { tablespace, bytes, heldBy } = await diskFacts(connection);
  const size = bytes === null ? "is hidden from this login" : `has ${count(bytes)} bytes`;
  const room: Diagnosis = {
    about: "disk",
    severity: "told",
    says: `the tablespace ${tablespace} ${size}; PostgreSQL doesn't tell what its disk has left`,
    next: "Run `df -h` on the database's machine.",
  };
  const held = heldBy.map(
    ({ slot, bytes: kept }): Diagnosis => ({
      about: "disk",
      severity: "doubtful",
      says: `nobody reads the replication slot ${slot}, which has the server keep ${count(kept)} bytes of its log and more`,
      next: `Start its reader, or run \`SELECT pg_drop_replication_slot('${slot}')\` in psql.`,
    }),
  );
  return [room, ...held];
}

/** Consumers make the days that they need; a day that is half dropped nobody ends by itself. */
async function dayFindings(connection: Connection, daysAhead: number): Promise<Diagnosis[]> {
  const today = new Date().toISOString().slice(0, 10);
  const findings: Diagnosis[] = [];
  for (const { topic, landing, partitionedByDay } of CONSUMERS) {
    if (!partitionedByDay) continue;
    const days = await listDays(connection, landing.table);
    const ahead = days.filter(({ day, state }) => state === "attached" && day > today).length;
    const says = `${landing.table} has partitions for ${ahead} days ahead; consumers make ${daysAhead}`;
    findings.push({ about: "days", severity: "told", says });
    for (const { day, state } of days.filter((one) => one.state !== "attached")) {
      findings.push({
        about: "days",
        severity: "wrong",
        says: `${landing.table}: the day ${day} is ${state}, since somebody began to drop it`,
        next: `Run \`tradetape partitions list --topic ${topic}\`; \`tradetape partitions drop\` goes on with it.`,
      });
    }
  }
  return findings;
}
