import chromium from "@sparticuz/chromium";
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
  // Chromium is unpacked here, because two files of tests that unpack it at the same time start what the other still writes.
  await chromium.executablePath();
  const stack = await startTestStack();
  process.stdout.write(`flow tests run against ${stack.description}\n`);
  project.provide("stack", stack.urls);
  return stack.end;
}
