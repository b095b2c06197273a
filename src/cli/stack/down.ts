import { stopStack } from "../../stack/stack.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";

export const downCommand: CommandSpec<{ purge?: boolean }> = {
  name: "down",
  summary: "stop the local stack; its data stay",
  examples: ["tradetape down", "tradetape down --purge    and remove its data"],
  declare: (command) => {
    command.option("--purge", "remove the stack's data, too");
  },
  run: async ({ config, out, progress }, _args, options) => {
    const purge = options.purge === true;
    const outcome = await stopStack(config.home, { purge, onProgress: progress.line });
    out.result({ outcome, home: config.home, purged: purge }, () =>
      purge ? `${outcome}; data of ${config.home} removed` : `${outcome}; data stay in ${config.home}`,
    );
    return EXIT.good;
  },
};
