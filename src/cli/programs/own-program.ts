import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { TradetapeError } from "../../errors.ts";
import { isProgram } from "../../stream/define-program.ts";
import type { Program } from "../../stream/program.ts";

/** Whether the name of a program is that of a file. */
export const isFile = (name: string): boolean => /^(\.{1,2})?\//.test(name) || /\.(ts|mts|js|mjs)$/.test(name);

/**
 * The program that a file exports by default.
 * @param taken names that it can't have
 * @throws TradetapeError input_invalid: no such file, one that can't be loaded, one that exports something else
 */
export async function loadProgram(path: string, taken: readonly string[]): Promise<Program> {
  if (!existsSync(path))
    throw refused(`there is no file ${path}`, "Name the file of a program, or write one: docs/agents.md.");
  const { default: program } = await load(path);
  if (!isProgram(program)) {
    const what = program === undefined ? "nothing" : "something else";
    const next = "Let it end in `export default defineProgram({ ... })`: docs/agents.md shows a whole one.";
    throw refused(`${path} has to export a program by default, and exports ${what}`, next);
  }
  if (!taken.includes(program.name)) return program;
  const next = "Name it otherwise in its definition. To run it in the place of ours, leave ours out of the command.";
  throw refused(`${path} defines a program ${program.name}, as one of tradetape's own is named`, next);
}

async function load(path: string): Promise<{ readonly default?: unknown }> {
  // A program is to be defined by the library that runs it, also where it lies beside another copy, or beside none.
  const library = import.meta.url.replace(/\/cli\/programs\/own-program\.(\w+)$/, "/tradetape.$1");
  const hooks = registerHooks({
    resolve: (name, context, next) =>
      name === "tradetape" ? { url: library, shortCircuit: true } : next(name, context),
  });
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as { readonly default?: unknown };
  } catch (error) {
    throw unloadable(path, error);
  } finally {
    hooks.deregister();
  }
}

/** @param error what the file, or one that it imports, threw while it was loaded, or why it can't be */
function unloadable(path: string, error: unknown): TradetapeError {
  if (error instanceof TradetapeError) return error;
  const { name, message, stack = "", code } = error as NodeJS.ErrnoException;
  // Node tells where an error of syntax is to nobody but the terminal.
  const isSyntax = name === "SyntaxError";
  const at = isSyntax ? undefined : /\bfile:[^\s)]+/.exec(stack)?.[0];
  const mend = isSyntax ? `Mend the file: \`node ${path}\` shows the line.` : "Mend the file, and run it again.";
  const next =
    code === "ERR_MODULE_NOT_FOUND"
      ? "Install what it imports, or mend the import's path, which ends in the file's extension."
      : mend;
  return refused(`${path} can't be loaded: ${name}: ${message}${at === undefined ? "" : `, at ${at}`}`, next, error);
}

const refused = (message: string, next: string, cause?: unknown): TradetapeError =>
  new TradetapeError("input_invalid", message, { next, cause });
