import { CHAIN_FIELD_NAMES } from "../audit/chain.ts";
import { judgeOf } from "../batch/encode/judge.ts";
import { NO_RULES_OFF } from "../event/rules.ts";
import type { RuleBreaks } from "../table/checks/rule-breaks.ts";
import type { ChainEntry } from "../table/landing/chain.ts";

const EXAMPLES_MAX = 5;

/** Entries of the audit log that only tradetape may write, and that carry no id of its making. */
export class ReservedEntries {
  readonly #judge = judgeOf("audit", NO_RULES_OFF);
  readonly #byRule = new Map<string, { rows: number; examples: string[] }>();

  look({ id, fields }: ChainEntry): void {
    const rule = this.#judge(Object.fromEntries(CHAIN_FIELD_NAMES.map((name, i) => [name, fields[i]])));
    if (rule === undefined) return;
    const found = this.#byRule.get(rule.name) ?? { rows: 0, examples: [] };
    found.rows += 1;
    if (found.examples.length < EXAMPLES_MAX) found.examples.push(id);
    this.#byRule.set(rule.name, found);
  }

  found(): readonly RuleBreaks[] {
    return [...this.#byRule].map(([rule, { rows, examples }]) => ({ rule, topic: "audit", rows, examples }));
  }
}
