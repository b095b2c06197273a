/**
 * Asks the registry that npm is set up with for known vulnerabilities of what somebody who installs tradetape gets. Ends with
 * 0 where it knows of none, with 1 where it knows of some, and with 2 where it couldn't be asked: that is no clean bill.
 */
import { spawnSync } from "node:child_process";
import { ROOT } from "./lock.ts";

interface Answer {
  readonly metadata?: { readonly vulnerabilities?: { readonly total?: number } };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

export interface Verdict {
  readonly code: 0 | 1 | 2;
  readonly text: string;
}

/** What an answer of `npm audit --json` comes to. */
export function verdictOf(stdout: string, stderr: string): Verdict {
  const answer = parsed(stdout);
  const total = answer?.metadata?.vulnerabilities?.total;
  if (total === 0) return { code: 0, text: "the registry knows of no vulnerability of the production packages" };
  if (total !== undefined) {
    const found = Object.entries(answer?.vulnerabilities ?? {});
    const lines = found.map(([name, { severity, range }]) => `  ${severity}: ${name} ${range}`);
    return { code: 1, text: [`the registry knows of ${total} vulnerabilities:`, ...lines].join("\n") };
  }
  const why = answer?.message ?? (answer?.error?.summary || stderr.trim().split("\n")[0]) ?? "";
  const next = "Ask another one: npm run audit --registry=URL.";
  return { code: 2, text: `not audited, the registry can't be asked: ${why || "it gave no answer"}\n${next}` };
}

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const { stdout, stderr } = spawnSync("npm", ["audit", "--omit=dev", "--json"], { cwd: ROOT, encoding: "utf8" });
  const { code, text } = verdictOf(stdout ?? "", stderr ?? "");
  process.stdout.write(`${text}\n`);
  process.exitCode = code;
}
