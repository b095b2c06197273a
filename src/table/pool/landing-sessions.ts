import type { Config } from "../../config.ts";
import { OTHER_SESSIONS } from "../../settings/sessions.ts";
import type { ConnectionOptions, OpenSession } from "../connection.ts";
import { SessionPool } from "./session-pool.ts";
import { ConnectionSlot, type SameServer } from "./slot.ts";

/** The sessions that all groups of a process share; with the services' `questions` they are all that it has. */
export interface LandingSessions {
  readonly landing: SessionPool;
  /** Makes day partitions, which other transactions of a landing wait for. */
  readonly days: ConnectionSlot;
  readonly outbox: ConnectionSlot;
  /** A session of the login user itself, which may end the sessions of owners that are gone. */
  readonly watch: ConnectionSlot;
  /**
   * Has all sessions opened anew before they are used again, because the stages and plans that they keep are made for the
   * tables as they were.
   */
  renew(): void;
  close(): Promise<void>;
}

/**
 * No session is opened before it is needed, and never more than `databaseSessionsMax` with the services' own.
 * @param server that of the services' own
 */
export function openLandingSessions(
  config: Config & { readonly databaseUrl: string },
  openSession: OpenSession,
  server: SameServer,
): LandingSessions {
  const slot = (options: ConnectionOptions) => new ConnectionSlot(config.databaseUrl, options, openSession, server);
  const lander = (name: string) =>
    slot({ name, role: "tradetape_lander", lockTimeoutMs: config.lockTimeoutMs, keepsPlans: true });
  const landing = new SessionPool(config.databaseSessionsMax - OTHER_SESSIONS, (index) => lander(`landing ${index}`));
  const [days, outbox, watch] = [lander("days"), lander("outbox"), slot({ name: "watch" })];
  const close = async () => {
    await Promise.all([landing, days, outbox, watch].map((one) => one.close()));
  };
  return { landing, days, outbox, watch, renew: () => server.renew(), close };
}
