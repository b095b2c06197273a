import { expect, it } from "vitest";
import { TradetapeError } from "../../src/errors.ts";
import { TARGETS } from "../../src/settings/urls.ts";
import { chooseHost } from "../../src/table/choose-host.ts";

/** What answers at a host: a server, or an error. */
const SERVERS = {
  primary: { pid: 1, isStandby: false, isReadOnly: false },
  /** A primary with default_transaction_read_only, as one is made that is to be left. */
  frozen: { pid: 1, isStandby: false, isReadOnly: true },
  standby: { pid: 1, isStandby: true, isReadOnly: true },
  away: Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
  starting: Object.assign(new Error("the database system is starting up"), { code: "57P03", severity: "FATAL" }),
  stranger: Object.assign(new Error("password authentication failed"), { code: "28P01", severity: "FATAL" }),
  pooler: new TradetapeError("pooler_transaction_mode", "a pooler"),
} as const;
type Server = keyof typeof SERVERS;

/** Opens by a URL whose hosts are called by what is there. */
async function choose(hosts: readonly Server[], target: string) {
  const asked: string[] = [];
  const closed: string[] = [];
  const open = async (url: string) => {
    const { host } = new URL(url);
    asked.push(host);
    const server = SERVERS[host as Server];
    if (server instanceof Error) throw server;
    return { host, standing: server, close: async () => void closed.push(host) };
  };
  const chosen = chooseHost(`postgres://ann:s3cr3t@${hosts.join(",")}/tape?target_session_attrs=${target}`, open);
  const outcome = await chosen.then(
    ({ host }) => host,
    (error: unknown) => error,
  );
  return { outcome, asked, closed };
}

const FITTING: Readonly<Record<(typeof TARGETS)[number], readonly Server[]>> = {
  any: ["primary", "frozen", "standby"],
  "read-write": ["primary"],
  "read-only": ["frozen", "standby"],
  primary: ["primary", "frozen"],
  standby: ["standby"],
  "prefer-standby": ["standby"],
};

it.each(TARGETS)("%s takes the first host that is it, and leaves no session on the others", async (target) => {
  const others = (["primary", "frozen", "standby"] as const).filter((server) => !FITTING[target].includes(server));
  for (const server of FITTING[target]) {
    const { outcome, closed } = await choose(["away", "starting", ...others, server, "primary", "standby"], target);
    expect([outcome, closed]).toEqual([server, others]);
  }
});

it("prefer-standby takes any where there is no standby", async () => {
  expect((await choose(["away", "frozen", "primary"], "prefer-standby")).outcome).toBe("frozen");
});

it("of none that is it each host's answer is told, and a later try may help", async () => {
  const { outcome } = await choose(["away", "standby", "frozen"], "read-write");
  expect(outcome).toMatchObject({
    code: "database_unreachable",
    canRetry: true,
    message:
      "PostgreSQL at away,standby,frozen/tape: away: connect ECONNREFUSED; standby is a standby, not read-write; " +
      "frozen is a primary that is read-only, not read-write",
  });
  expect((await choose(["primary"], "standby")).outcome).toMatchObject({ canRetry: true });
});

it.each([
  ["stranger", "login_refused", false],
  ["pooler", "pooler_transaction_mode", false],
] as const)("a %s ends the search: no later host is asked", async (server, code, canRetry) => {
  const { outcome, asked } = await choose(["away", server, "primary"], "read-write");
  expect(outcome).toMatchObject({ code, canRetry });
  expect(asked).toEqual(["away", server]);
});

it("no answer has the password in it", async () => {
  for (const hosts of [["away"], ["stranger"], ["away", "standby"]] as const) {
    const { outcome } = await choose(hosts, "read-write");
    expect(JSON.stringify([(outcome as Error).message, outcome])).not.toContain("s3cr3t");
  }
});
