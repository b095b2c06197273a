import { TradetapeError } from "../errors.ts";

export interface StackUrls {
  readonly databaseUrl: string;
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
}

export interface Stack {
  readonly launcher: "containers" | "processes";
  readonly urls: StackUrls;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly home: string;
  readonly ports: "standard" | "random";
  readonly launcher?: "containers" | "processes";
  readonly onProgress?: (line: string) => void;
  readonly detached: boolean;
}

export async function startStack(_options: StackOptions): Promise<Stack> {
  throw new TradetapeError("stack_unavailable", "not built yet");
}

export async function stopStack(_home: string, _options: { purge: boolean }): Promise<"stopped" | "nothing ran"> {
  throw new TradetapeError("stack_unavailable", "not built yet");
}
