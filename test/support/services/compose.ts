import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** What the tests read of a service in docker-compose.yml; variables are filled in. */
export interface ComposeService {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** "host address:host port:container port" */
  readonly ports: readonly string[];
  readonly user: string | undefined;
  readonly healthcheck: readonly string[];
  readonly volumes: readonly string[];
}

export type ComposeServices = Readonly<Record<"postgres" | "kafka" | "registry", ComposeService>>;

/** The services of docker-compose.yml, with `${NAME:-default}` taken from `variables`, else the default. */
export function composeServices(variables: Readonly<Record<string, string>> = {}): ComposeServices {
  const text = readFileSync(new URL("../../../docker-compose.yml", import.meta.url), "utf8").replace(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, standard: string) => variables[name] ?? standard,
  );
  const { services } = parse(text) as { services: Record<string, Record<string, unknown>> };
  const service = (name: string): ComposeService => {
    const raw = services[name];
    if (raw === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    const environment = Object.entries((raw.environment ?? {}) as Record<string, unknown>);
    return {
      image: String(raw.image),
      command: (raw.command ?? []) as string[],
      environment: Object.fromEntries(environment.map(([key, value]) => [key, String(value)])),
      ports: raw.ports as string[],
      user: raw.user as string | undefined,
      healthcheck: (raw.healthcheck as { test: string[] }).test,
      volumes: raw.volumes as string[],
    };
  };
  return { postgres: service("postgres"), kafka: service("kafka"), registry: service("registry") };
}
