/** Of a process's PostgreSQL sessions so many don't land: they are for questions, new days, the outbox and locks. */
export const OTHER_SESSIONS = 4;

/** @returns what is wrong where one big topic's group alone would have too few sessions to land on */
export function tooFewSessions(databaseSessionsMax: number, landingConnections: number): string | undefined {
  // One more is for its small batches, which land together.
  const least = OTHER_SESSIONS + landingConnections + 1;
  return databaseSessionsMax < least
    ? `TRADETAPE_DATABASE_SESSIONS_MAX must be at least ${least}, with TRADETAPE_LANDING_CONNECTIONS at ${landingConnections}`
    : undefined;
}
