import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { faultKindOf, isDatabaseFault } from "../../src/table/sqlstate.ts";
import type { Dice } from "./dice.ts";
import type { Services } from "./services.ts";

const AGAIN_MS = 300;
const CHANGED_MS = [2000, 8000] as const;

/**
 * As a person with all rights, whatever the database's settings say; tried until it works, because another fault may have
 * the server away.
 */
export async function asSuperuser<R extends pg.QueryResultRow>(
  { urls }: Services,
  sql: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  const options = "-c default_transaction_read_only=off -c statement_timeout=0 -c transaction_timeout=0";
  for (;;) {
    const client = new pg.Client({ connectionString: urls.databaseUrl, options });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query<R>(sql, [...values])).rows;
    } catch (error) {
      if (isDatabaseFault(error) && faultKindOf(error) !== "environment") throw error;
      await sleep(AGAIN_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Ends the sessions of all tradetape processes, as a failover or an administrator does. */
export const endSessions = (services: Services): Promise<unknown> =>
  asSuperuser(
    services,
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tradetape/%'",
  );

/** What an administrator may set for a database or a role, and sessions must not depend on. */
const SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ["datestyle", "'German, DMY'"],
  ["timezone", "'Asia/Kathmandu'"],
  ["intervalstyle", "'sql_standard'"],
  ["standard_conforming_strings", "off"],
  ["bytea_output", "'escape'"],
  ["extra_float_digits", "0"],
  ["search_path", "'nowhere'"],
  ["default_transaction_isolation", "'serializable'"],
  ["statement_timeout", "'1ms'"],
  ["lock_timeout", "'1ms'"],
  ["idle_in_transaction_session_timeout", "'1ms'"],
  ["idle_session_timeout", "'1ms'"],
];

/** Rights that a landing needs. */
const RIGHTS: readonly string[] = [
  "INSERT ON public.market_data_tick",
  "INSERT ON public.market_data_bar",
  "INSERT ON public.trade_execution",
  "SELECT ON public.symbol",
  "EXECUTE ON FUNCTION tradetape.lock_partitions",
  "EXECUTE ON FUNCTION tradetape.advance",
  "EXECUTE ON FUNCTION tradetape.link_entries",
  "INSERT, DELETE ON tradetape.outbox",
  "INSERT, UPDATE ON tradetape.beat",
  "USAGE ON SCHEMA tradetape",
];

/** Does `first`, and `then` a while later. */
async function forAWhile(services: Services, dice: Dice, first: string, then: string): Promise<void> {
  const endsSessions = dice.happens(0.7);
  await asSuperuser(services, first);
  // Without, sessions that are open keep what they have.
  if (endsSessions) await endSessions(services);
  await sleep(dice.between(...CHANGED_MS));
  await asSuperuser(services, then);
}

const targetOf = ({ urls }: Services, dice: Dice): string => {
  const { pathname, username } = new URL(urls.databaseUrl);
  const of = dice.pick([`DATABASE ${pg.escapeIdentifier(pathname.slice(1))}`, `ROLE ${pg.escapeIdentifier(username)}`]);
  return `ALTER ${of}`;
};

export async function changeSetting(services: Services, dice: Dice): Promise<void> {
  const [name, value] = dice.pick(SETTINGS);
  const alter = targetOf(services, dice);
  await forAWhile(services, dice, `${alter} SET ${name} = ${value}`, `${alter} RESET ${name}`);
}

export async function readOnlySpell(services: Services, dice: Dice): Promise<void> {
  const alter = targetOf(services, dice);
  const name = "default_transaction_read_only";
  await forAWhile(services, dice, `${alter} SET ${name} = on`, `${alter} RESET ${name}`);
}

export async function revokeRight(services: Services, dice: Dice): Promise<void> {
  const right = dice.pick(RIGHTS);
  const [revoke, grant] = [`REVOKE ${right} FROM tradetape_lander`, `GRANT ${right} TO tradetape_lander`];
  await forAWhile(services, dice, revoke, grant);
}
