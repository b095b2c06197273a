import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { TradetapeError } from "../../errors.ts";
import { packageVersion } from "../../manifest.ts";
import { type AskedTape, TOOLS } from "./tools.ts";

const INSTRUCTIONS =
  "Answers come from what has landed in the database, and nothing can be changed. Cite ids, topics and offsets of an answer:" +
  " `tradetape trace ID` shows a row's tree, `tradetape tail TOPIC` its event, and `tradetape audit prove ENTRY` that the audit" +
  " log has its entry.";

/** Serves the questions of `TOOLS` until the transport is closed. What can't be answered is told to the asker as an error. */
export async function serveTape(tape: AskedTape, transport: Transport): Promise<McpServer> {
  const server = new McpServer({ name: "tradetape", version: packageVersion() }, { instructions: INSTRUCTIONS });
  for (const { name, description, input, ask } of TOOLS) {
    const declared = { description, inputSchema: input, annotations: { readOnlyHint: true, openWorldHint: false } };
    server.registerTool(name, declared, async (given: unknown) => {
      try {
        return { content: [{ type: "text" as const, text: JSON.stringify(await ask(tape, given as never)) }] };
      } catch (error) {
        if (!(error instanceof TradetapeError)) throw error;
        const text = [error.code, error.message, error.next].filter((part) => part).join(": ");
        return { content: [{ type: "text" as const, text }], isError: true };
      }
    });
  }
  await server.connect(transport);
  return server;
}
