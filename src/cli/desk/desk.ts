import type { Command } from "commander";
import { addCommand } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { correctionsCommand } from "./corrections.ts";
import { feedDelayCommand, gapsCommand, stalenessCommand } from "./data.ts";
import { equityCommand } from "./equity.ts";
import { latencyCommand, slippageCommand } from "./execution.ts";
import { inputsCommand } from "./inputs.ts";
import { ordersCommand, refusedCommand } from "./orders.ts";
import { exposureCommand, pnlCommand } from "./pnl.ts";
import { positionsCommand } from "./positions.ts";
import { hitRateCommand, predictionErrorCommand } from "./predictions.ts";

/** `desk` with its commands. */
export function addDesk(program: Command, done: (code: ExitCode) => void): void {
  const group = program.command("desk").description("what a desk asks: positions, money, orders, predictions, data");
  addCommand(group, positionsCommand, done);
  addCommand(group, pnlCommand, done);
  addCommand(group, exposureCommand, done);
  addCommand(group, equityCommand, done);
  addCommand(group, ordersCommand, done);
  addCommand(group, refusedCommand, done);
  addCommand(group, slippageCommand, done);
  addCommand(group, latencyCommand, done);
  addCommand(group, hitRateCommand, done);
  addCommand(group, predictionErrorCommand, done);
  addCommand(group, inputsCommand, done);
  addCommand(group, gapsCommand, done);
  addCommand(group, stalenessCommand, done);
  addCommand(group, feedDelayCommand, done);
  addCommand(group, correctionsCommand, done);
}
