import { AsyncLocalStorage } from "node:async_hooks";
import type { Call, CallLinks } from "./call.ts";

/** What calls are made for, and from where. */
interface Scope {
  readonly prediction_id: string | null;
  readonly decision_id: string | null;
  /** The tool in which they are made. */
  readonly tool: Call | null;
  /** The last call of a model that has been answered here: the one that a tool is used for. */
  model: Call | null;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Does a piece of work whose calls lead to a prediction, a decision, or both; what is called in it knows so. */
export function leadingTo<R>(ids: Pick<Scope, "prediction_id" | "decision_id">, work: () => R): R {
  return scopes.run({ ...ids, tool: scopes.getStore()?.tool ?? null, model: null }, work);
}

/** Does a tool's work: what is called in it is the tool's. */
export function withinTool<R>(tool: Call, work: () => R): R {
  const { prediction_id = null, decision_id = null } = scopes.getStore() ?? {};
  return scopes.run({ prediction_id, decision_id, tool, model: null }, work);
}

/** Where a call stands that is made now. */
export function linksHere(kind: Call["question"]["kind"]): CallLinks {
  const { prediction_id = null, decision_id = null, tool = null, model = null } = scopes.getStore() ?? {};
  return { prediction_id, decision_id, parent: kind === "TOOL" ? (model ?? tool) : tool };
}

/** @returns what notes that a model's call has been answered, wherever that is noticed */
export function noteModel(): (call: Call) => void {
  const scope = scopes.getStore();
  return (call) => {
    if (scope !== undefined) scope.model = call;
  };
}
