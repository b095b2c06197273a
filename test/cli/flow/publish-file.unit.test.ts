import { expect, test } from "vitest";
import { unlessStopped } from "../../../src/cli/flow/publish-file.ts";
import { plainProgress } from "../../../src/cli/progress.ts";

test("a feed that nothing comes from isn't waited for, also where the signal came before", async () => {
  const stop = new AbortController();
  const session = {
    progress: plainProgress(
      () => {},
      () => 0,
    ),
    signal: stop.signal,
  };
  const waiting = unlessStopped(new Promise(() => {}), true, session);
  stop.abort();
  await expect(waiting).resolves.toBeUndefined();
  await expect(unlessStopped(new Promise(() => {}), true, session)).resolves.toBeUndefined();
});
