import type { Connection } from "../connection.ts";
import { isoOf } from "../sql.ts";
import { inScope, type Scope, scopeValues } from "./scope.ts";

/** How many of a strategy's decisions say what they were made of. */
export interface InputCounts {
  readonly strategyId: string | null;
  readonly decisions: number;
  /** Those that name inputs, themselves or by their prediction. */
  readonly naming: number;
  /** Those that tell the newest information used. */
  readonly knownUntil: number;
  /** Those that name a digest of their features. */
  readonly digest: number;
  /** How many named inputs are of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

export function inputCounts(connection: Connection, scope: Scope): Promise<InputCounts[]> {
  const ofScope = inScope("d", ["d.strategy_id", "uuid"]);
  return connection.query<InputCounts & Record<string, unknown>>(
    `SELECT c.strategy_id AS "strategyId", decisions, coalesce(naming, 0) AS naming, "knownUntil", digest,
       coalesce(kinds, '{}') AS kinds
     FROM (SELECT d.strategy_id, count(*) AS decisions, count(coalesce(d.known_until, p.known_until)) AS "knownUntil",
         count(coalesce(d.features_sha256, p.features_sha256)) AS digest
       FROM public.trade_decision d LEFT JOIN public.model_prediction p ON p.prediction_id = d.model_reference
       WHERE ${ofScope} GROUP BY 1) c
     LEFT JOIN (SELECT d.strategy_id, count(DISTINCT d.decision_id) AS naming FROM public.decision_input d
       WHERE ${ofScope} GROUP BY 1) n ON n.strategy_id IS NOT DISTINCT FROM c.strategy_id
     LEFT JOIN (SELECT strategy_id, jsonb_object_agg(kind, items) AS kinds FROM (
         SELECT d.strategy_id, coalesce(d.kind, '?') AS kind, count(*) AS items FROM public.decision_input d
         WHERE ${ofScope} GROUP BY 1, 2) k GROUP BY 1) k ON k.strategy_id IS NOT DISTINCT FROM c.strategy_id
     ORDER BY 1`,
    scopeValues(scope),
  );
}

/** One input that a decision or its prediction names. */
export interface ToldInput {
  readonly toldBy: "decision" | "prediction";
  readonly kind: string | null;
  readonly id: string | null;
  /** The number that was used, as it was told. */
  readonly value: string | null;
  /** ISO 8601: which revision it was. */
  readonly knownAt: string | null;
}

export function toldInputs(connection: Connection, decisionId: string): Promise<ToldInput[]> {
  return connection.query<ToldInput & Record<string, unknown>>(
    `SELECT told_by AS "toldBy", kind, id, value, ${isoOf("known_at")} AS "knownAt"
     FROM public.decision_input WHERE decision_id = $1 ORDER BY told_by, n`,
    [decisionId],
  );
}
