import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { SETTING_NAMES } from "../../settings.ts";
import { stopStack } from "../../stack/stack.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";
import { UNSET_LINE } from "../services.ts";

export const downCommand: CommandSpec<{ purge?: boolean }> = {
  name: "down",
  summary: "stop the local stack; its data stay",
  examples: ["tradetape down", "tradetape down --purge    and remove its data"],
  declare: (command) => {
    command.option("--purge", "remove the stack's data, too");
  },
  fixed: () => SETTING_NAMES.filter((name) => name !== "home" && name !== "logLevel"),
  run: async ({ config, out, progress }, _args, options) => {
    const purge = options.purge === true;
    const home = resolve(config.home);
    const hadData = existsSync(home);
    const outcome = await stopStack(home, { purge, onProgress: progress.line });
    const data = purge ? "removed the data in" : "data stay in";
    out.result({ outcome, home, purged: purge, unset: UNSET_LINE }, () =>
      [
        `${outcome}; ${hadData ? data : "there are no data in"} ${home}`,
        `a shell that has its addresses forgets them by: ${UNSET_LINE}`,
      ].join("\n"),
    );
    return EXIT.good;
  },
};
