import { aborted } from "../../clock.ts";
import { requireServices } from "../../config.ts";
import { Reader } from "../../console/reader.ts";
import { TradetapeError } from "../../errors.ts";
import { installCommand } from "../../manifest.ts";
import type { CommandSpec } from "../command.ts";
import { EXIT } from "../exit.ts";

const SDK = "@modelcontextprotocol/sdk";

/** Loaded where it is asked for: the SDK brings a web server along, and only this command needs it. */
async function loadServer() {
  try {
    const { StdioServerTransport } = await import("@modelcontextprotocol/sdk/server/stdio.js");
    return { ...(await import("./server.ts")), StdioServerTransport };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new TradetapeError("input_invalid", `mcp needs ${SDK}, which isn't installed here`, {
      next: `Run \`${installCommand([SDK])}\`.`,
    });
  }
}

export const mcpCommand: CommandSpec<object> = {
  name: "mcp",
  summary:
    "answers the questions of a model's client about what has landed, by the Model Context Protocol, on stdin and stdout",
  examples: ["tradetape mcp                              as the command of a server in the client's settings"],
  isService: true,
  run: async ({ config, log, signal }) => {
    requireServices(config, "databaseUrl", "kafkaBrokers");
    const { serveTape, StdioServerTransport } = await loadServer();
    const reader = new Reader(config);
    const transport = new StdioServerTransport();
    const server = await serveTape({ reader, config, log }, transport);
    const closed = new Promise<void>((resolve) => {
      server.server.onclose = resolve;
      process.stdin.once("end", resolve);
    });
    await Promise.race([aborted(signal), closed]);
    await server.close();
    await reader.close();
    return EXIT.good;
  },
};
