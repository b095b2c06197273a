import { TradetapeError } from "../errors.ts";
import { isUuid } from "../event/field/checks.ts";
import { type EventTopic, hasField } from "../event/schemas.ts";
import type { SubscribeOptions } from "./subscription.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Which events a subscription asks for; undefined where it asks for all.
 * @throws TradetapeError input_invalid for an id that is none, and for a topic whose events have no such field
 */
export function wantedBy(
  topics: readonly EventTopic[],
  { symbol, session }: Pick<SubscribeOptions, "symbol" | "session">,
): ((event: Fields) => boolean) | undefined {
  if (symbol === undefined && session === undefined) return undefined;
  if (symbol !== undefined) requireField(topics, "symbol", "symbol_id");
  if (session !== undefined) requireField(topics, "session", "backtest_session_id");
  const symbols = symbol === undefined ? undefined : new Set(typeof symbol === "string" ? [symbol] : symbol);
  for (const id of symbols ?? []) requireId("symbol", id, 'symbolId("AAPL", "NASDAQ") makes one');
  if (typeof session === "string") requireId("session", session, "`tradetape sessions list` shows them");
  return (event) =>
    (symbols === undefined || symbols.has(event.symbol_id as string)) &&
    (session === undefined || event.backtest_session_id === session);
}

function requireField(topics: readonly EventTopic[], option: string, name: string): void {
  const without = topics.filter((topic) => !hasField(topic, name));
  if (without.length === 0) return;
  throw new TradetapeError("input_invalid", `${option}: events of ${without.join(", ")} have no ${name}`, {
    next: `Subscribe to ${without.join(", ")} without \`${option}\`.`,
  });
}

function requireId(option: string, id: unknown, where: string): void {
  if (isUuid(id)) return;
  throw new TradetapeError("input_invalid", `${option}: ${JSON.stringify(id)} is no UUID in lower case`, {
    next: `Give the id: ${where}.`,
  });
}
