import type { TestProject } from "vitest/node";
import type { StackUrls } from "../../../src/stack/stack.ts";
import { startTestStack } from "./stack.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The services of this run; a test file takes a database and a namespace of its own from `isolate`. */
    stack: StackUrls;
  }
}

/** Runs once before the first flow test, and what it returns after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startTestStack();
  process.stdout.write(`flow tests run against ${stack.description}\n`);
  project.provide("stack", stack.urls);
  return stack.end;
}
