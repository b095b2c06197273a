/** Publishes agents' workflows as fast as it goes: a prediction, an approved decision and a fill each. */
import { readConfig } from "../../../src/config.ts";
import { openLog } from "../../../src/log.ts";
import { connectTape } from "../../../src/tradetape/connect-tape.ts";
import { WorkflowMaker } from "../workflow-maker.ts";
import { argsOf, print } from "./measure.ts";

const AT_ONCE = 500;

const { workflows } = argsOf<{ readonly workflows: number }>();
const tape = await connectTape(readConfig(), openLog({ logLevel: "error" }));
const maker = new WorkflowMaker();
await tape.publishAll("symbols", maker.symbols);
for (let from = 0; from < workflows; from += AT_ONCE) {
  const made = Array.from({ length: Math.min(AT_ONCE, workflows - from) }, (_, n) => maker.make(from + n));
  await tape.publishAll(
    "predictions",
    made.map(({ prediction }) => prediction),
  );
  await tape.publishAll(
    "decisions",
    made.map(({ decision }) => decision),
  );
  await tape.publishAll(
    "fills",
    made.map(({ fill }) => fill),
  );
}
await tape.close();
print({ workflows });
