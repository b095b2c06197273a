import type { Connection } from "./connection.ts";

/** Runs `work` between BEGIN and COMMIT. */
export async function committed<R>(connection: Connection, work: () => Promise<R>): Promise<R> {
  await connection.query("BEGIN");
  try {
    const result = await work();
    await connection.commit();
    return result;
  } catch (error) {
    if (connection.isOpen) await connection.query("ROLLBACK");
    throw error;
  }
}
