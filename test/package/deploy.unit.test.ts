import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { buildProgram } from "../../src/cli/program.ts";
import { readConfig } from "../../src/config.ts";
import { SETTING_NAMES, SETTINGS } from "../../src/settings.ts";
import { layoutsBy } from "../../src/topic/topic-layout.ts";
import { TOPIC_NAMES } from "../../src/topic/topics.ts";
import { ROOT, readText } from "../support/source-tree.ts";

const settings = SETTING_NAMES.map((name) => SETTINGS[name] as { env: string; secret?: boolean });
const commands = (await buildProgram(() => {})).commands.map((command) => command.name());
/** Variables that may stand in a manifest: no secret's own, but its file's. */
const VARIABLES = settings.map(({ env, secret }) => (secret ? `${env}_FILE` : env));

describe("the image", () => {
  const lines = readText("Dockerfile").split("\n");
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));

  it("runs on the Node that everything is tested on, as a user that isn't root, which Kubernetes can see", () => {
    const { devDependencies } = JSON.parse(readText("package.json"));
    const major = devDependencies.node.split(".")[0];
    const bases = lines.filter((line) => line.startsWith("FROM ")).map((line) => line.split(" ")[1]);
    expect(new Set(bases)).toEqual(new Set([`node:${major}-bookworm-slim`]));
    expect(last.filter((line) => line.startsWith("USER "))).toEqual(["USER 1000:1000"]);
  });

  it("is built of what its build reads and nothing else", () => {
    const [first, ...kept] = readText(".dockerignore")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect([first, kept.filter((line) => !line.startsWith("!"))]).toEqual(["*", []]);
    const names = kept.map((line) => line.slice(1));
    expect(names.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
    const { include } = JSON.parse(readText("tsconfig.build.json"));
    const read = [...include, "scripts", "schemas", "docker-compose.yml", "package.json", "package-lock.json"];
    expect(read.filter((name: string) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => /^(test|docs|\.git|node_modules|\.env)/.test(name))).toEqual([]);
  });
});

interface Service {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly [key: string]: unknown;
}

describe("the profile app of docker-compose.yml", () => {
  const { services } = parse(readText("docker-compose.yml"), { merge: true }) as { services: Record<string, Service> };
  const ours = Object.entries(services).filter(([, { image }]) => image === "tradetape");

  it("leaves the stack of `tradetape up` as it is: what isn't in the profile has no part in it", () => {
    const always = Object.keys(services).filter((name) => services[name]!.profiles === undefined);
    expect(always).toEqual(["postgres", "kafka", "registry"]);
    expect(ours.map(([name]) => name)).toEqual(["migrate", "topics", "consume", "console"]);
  });

  it.each(ours)("runs %s without rights, by a command and settings that there are", (_name, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
    expect(commands).toContain(service.command[0]);
    const known = settings.map(({ env }) => env);
    expect(Object.keys(service.environment).filter((name) => !known.includes(name))).toEqual([]);
    expect(service.ports ?? []).toEqual([]);
  });

  it("listens on loopback alone", () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(published.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Record<string, unknown>;
}

const manifests = (path: string): Manifest[] => parseAllDocuments(readText(path)).map((one) => one.toJS() as Manifest);
const BASE = "ops/k8s/base";
const base = readdirSync(join(ROOT, BASE))
  .filter((file) => file !== "kustomization.yaml")
  .flatMap((file) => manifests(`${BASE}/${file}`));

interface Pod {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly containers: readonly (Record<string, unknown> & { args: string[]; env: { name: string }[] })[];
    readonly volumes: readonly { name: string }[];
  };
}
const pods = base
  .filter(({ kind }) => kind === "Deployment" || kind === "Job")
  .map(({ metadata, spec }) => [metadata.name, spec!.template as Pod] as const);

describe("ops/k8s", () => {
  const settingsOf = (name: string) =>
    base.find((one) => one.kind === "ConfigMap" && one.metadata.name === name)!.data!;

  it("has every file of the base in its kustomization", () => {
    const { resources } = parse(readText(`${BASE}/kustomization.yaml`)) as { resources: string[] };
    expect([...resources, "kustomization.yaml"].toSorted()).toEqual(readdirSync(join(ROOT, BASE)).toSorted());
  });

  it("tells processes settings that there are, secrets by their files alone, and a layout that topics can have", () => {
    const told = settingsOf("tradetape");
    // A registry's address is a secret where a login stands in it.
    expect(told.SCHEMA_REGISTRY_URL).not.toContain("@");
    const known = [...VARIABLES, SETTINGS.schemaRegistryUrl.env];
    expect(Object.keys(told).filter((name) => !known.includes(name))).toEqual([]);
    const { "topics.yml": layout } = settingsOf("tradetape-topics");
    expect(Object.keys(parse(layout!).topics).filter((name) => !(TOPIC_NAMES as string[]).includes(name))).toEqual([]);
    expect(base.filter(({ kind }) => kind === "Secret")).toEqual([]);
  });

  it.each(pods)("runs %s as nobody, within bounds, by a command and settings that there are", (_name, { spec }) => {
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    const [container] = spec.containers;
    expect(container!.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container!.resources).toMatchObject({
      requests: { memory: expect.anything() },
      limits: { memory: expect.anything() },
    });
    expect(commands).toContain(container!.args[0]);
    expect(container!.env.filter(({ name }) => !VARIABLES.includes(name))).toEqual([]);
  });

  it.each(pods)("mounts in %s each file that its settings name", (_name, { spec }) => {
    const mounts = spec.containers[0]!.volumeMounts as { name: string; mountPath: string }[];
    const paths = Object.values(settingsOf("tradetape")).filter((value) => value.startsWith("/"));
    expect(paths.filter((path) => !mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`)))).toEqual([]);
    expect(mounts.map(({ name }) => name).toSorted()).toEqual(spec.volumes.map(({ name }) => name).toSorted());
  });

  it("has one label by which services, budgets and policies find the pods that they are for", () => {
    const selectors = base.flatMap(({ kind, metadata, spec }) => {
      const found = kind === "Service" ? spec!.selector : (spec?.selector ?? spec?.podSelector);
      const { matchLabels } = (found ?? {}) as { matchLabels?: Record<string, string> };
      return found === undefined
        ? []
        : [[`${kind} ${metadata.name}`, matchLabels ?? (found as Record<string, string>)] as const];
    });
    expect(selectors.length).toBe(5);
    const has = (pod: Pod, wanted: Record<string, string>) =>
      Object.entries(wanted).every(([name, value]) => pod.metadata.labels[name] === value);
    const lost = selectors.filter(([, wanted]) => !pods.some(([, pod]) => has(pod, wanted)));
    expect(lost).toEqual([]);
    expect(pods.filter(([, pod]) => pod.metadata.labels["tradetape/client"] !== "true")).toEqual([]);
  });

  it("scales by groups of topics that there are, to no more consumers than they have partitions", () => {
    const [scaled] = manifests("ops/k8s/keda/scale.yaml");
    const { triggers, maxReplicaCount } = scaled!.spec as {
      triggers: { metadata: { topic: string; consumerGroup: string } }[];
      maxReplicaCount: number;
    };
    const { "topics.yml": text } = settingsOf("tradetape-topics");
    const layout = parse(text!) as { topics: Record<string, { partitions: number }> };
    expect(layoutsBy(readConfig({}, {}))("ticks").partitions).toBeLessThan(maxReplicaCount);
    for (const { metadata } of triggers) {
      expect(metadata.consumerGroup).toMatch(new RegExp(`^tradetape\\.${metadata.topic}\\.[0-9a-f-]{36}$`));
      expect(layout.topics[metadata.topic]!.partitions).toBe(maxReplicaCount);
    }
  });
});

test("ops/systemd runs a command by settings that there are, with secrets by their files alone", () => {
  const lines = readText("ops/systemd/tradetape-consume.service").split("\n");
  const of = (key: string) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  expect(of("ExecStart")).toEqual(["/usr/local/bin/tradetape consume --http 127.0.0.1:9464"]);
  const given = of("Environment").map((one) => one.split("=") as [string, string]);
  expect(given.filter(([name]) => !VARIABLES.includes(name))).toEqual([]);
  const credentials = of("LoadCredential").map((one) => `%d/${one.split(":")[0]}`);
  expect(given.map(([, value]) => value).toSorted()).toEqual(credentials.toSorted());
  expect(of("DynamicUser")).toEqual(["yes"]);
});
