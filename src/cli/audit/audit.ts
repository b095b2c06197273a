import type { Command } from "commander";
import { addCommand } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { checkpointCommand } from "./audit-checkpoint.ts";
import { exportCommand } from "./audit-export.ts";
import { proveCommand } from "./audit-prove.ts";
import { auditVerifyCommand } from "./audit-verify.ts";

/** `audit` with its commands. */
export function addAudit(program: Command, done: (code: ExitCode) => void): void {
  const group = program.command("audit").description("the audit log: verify, checkpoint, export, prove");
  addCommand(group, auditVerifyCommand, done);
  addCommand(group, checkpointCommand, done);
  addCommand(group, exportCommand, done);
  addCommand(group, proveCommand, done);
}
