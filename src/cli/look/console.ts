import { aborted } from "../../clock.ts";
import { requireReading, requireServices } from "../../config.ts";
import { openConsole } from "../../console/console.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wholeFlag, wrong } from "../flags.ts";

const PORT = 9465;
const PORT_MAX = 65_535;

interface ConsoleOptions {
  readonly port?: string;
  readonly allowActions?: boolean;
}

export const consoleCommand: CommandSpec<ConsoleOptions> = {
  name: "console",
  summary:
    "a page on this machine: groups and lag as it goes on, charts, letters; with --allow-actions, redrive and discard",
  examples: [
    "tradetape console                           prints the address to open; Ctrl-C ends it",
    "tradetape console --allow-actions --port 0  letters may be redriven and discarded; on a port that is free",
  ],
  isService: true,
  declare: (command) => {
    command.option("--port <n>", "of 127.0.0.1; 0 takes one that is free", String(PORT));
    command.option("--allow-actions", "letters may be redriven and discarded, by a session with an operator's rights");
  },
  run: async ({ config, log, out, signal }, _args, { port: text, allowActions }) => {
    const port = wholeFlag("--port", text, 0)!;
    if (port > PORT_MAX) throw wrong(`--port ${port}`, `a port, 0 to ${PORT_MAX}`);
    if (allowActions) requireServices(config, "databaseUrl", "kafkaBrokers", "schemaRegistryUrl");
    else requireReading(config, "kafkaBrokers");
    const acts = allowActions === true;
    const console = await openConsole({ config, log, port, acts });
    try {
      const what = acts ? "letters may be acted on" : "it only shows; --allow-actions lets letters be acted on";
      out.result({ url: console.url, allowsActions: acts }, () => `${console.url}\n${what}; Ctrl-C ends it`);
      await Promise.race([aborted(signal), console.failure]);
    } finally {
      await console.close();
    }
    return EXIT.good;
  },
};
