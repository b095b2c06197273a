import type { Config } from "../config.ts";
import { requireServices } from "../config.ts";
import type { Connection } from "../table/connection.ts";
import { openMigrated } from "../table/migrate.ts";

/** The console's one session that may only read: kept, because a page asks often, and opened anew when it broke. */
export class Reader {
  readonly #databaseUrl: string;
  #session: Connection | undefined;
  /** What was asked last: questions are asked one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(config: Config) {
    this.#databaseUrl = requireServices(config, "databaseUrl").databaseUrl;
  }

  /** @throws TradetapeError database_unreachable, not_migrated, permission_denied */
  ask<R>(question: (connection: Connection) => Promise<R>): Promise<R> {
    const answer = this.#last.then(async () => question(await this.#open()));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #open(): Promise<Connection> {
    if (this.#session?.isOpen) return this.#session;
    await this.#session?.close();
    this.#session = undefined;
    this.#session = await openMigrated(this.#databaseUrl, { name: "console", role: "tradetape_reader" });
    return this.#session;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#session?.close();
  }
}
