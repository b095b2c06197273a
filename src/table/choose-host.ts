import { TradetapeError } from "../errors.ts";
import { databaseHosts, type Target } from "../settings/urls.ts";
import { reasonOf, unreachable } from "./database-url.ts";
import type { ServerStanding } from "./login/prepare-session.ts";
import { faultKindOf, isDatabaseFault } from "./sqlstate.ts";

type Fits = (standing: ServerStanding) => boolean;

/** What a server has to be, by target_session_attrs; where there are two, all hosts are asked for the first one before. */
const FITS: Readonly<Record<Target, readonly Fits[]>> = {
  any: [() => true],
  "read-write": [({ isReadOnly }) => !isReadOnly],
  "read-only": [({ isReadOnly }) => isReadOnly],
  primary: [({ isStandby }) => !isStandby],
  standby: [({ isStandby }) => isStandby],
  "prefer-standby": [({ isStandby }) => isStandby, () => true],
};

interface Candidate {
  readonly standing: ServerStanding;
  close(): Promise<void>;
}

/**
 * Opens a session on the first host that is what the URL asks for. A host that is away or something else is passed over; one
 * that refuses the login ends the search, as with libpq, because the others would refuse it, too.
 * @param open logs in to the one host of its URL
 * @throws TradetapeError database_unreachable with what each host said, and what `open` throws as one
 */
export async function chooseHost<C extends Candidate>(
  databaseUrl: string,
  open: (url: string) => Promise<C>,
): Promise<C> {
  const { urls, target } = databaseHosts(databaseUrl);
  const said: string[] = [];
  for (const fits of FITS[target]) {
    said.length = 0;
    for (const url of urls) {
      try {
        const candidate = await open(url);
        if (fits(candidate.standing)) return candidate;
        await candidate.close();
        said.push(`${hostOf(url)} is ${whatIs(candidate.standing)}, not ${target}`);
      } catch (error) {
        if (urls.length === 1 || endsSearch(error)) throw asOurs(url, error);
        said.push(`${hostOf(url)}: ${reasonOf(error)}`);
      }
    }
  }
  throw unreachable(databaseUrl, new Error(said.join("; ")));
}

const hostOf = (url: string): string => new URL(url).host;

const endsSearch = (error: unknown): boolean =>
  error instanceof TradetapeError ? !error.canRetry : isDatabaseFault(error) && faultKindOf(error) !== "environment";

const asOurs = (url: string, error: unknown): TradetapeError =>
  error instanceof TradetapeError ? error : unreachable(url, error);

function whatIs({ isStandby, isReadOnly }: ServerStanding): string {
  if (isStandby) return "a standby";
  return isReadOnly ? "a primary that is read-only" : "a primary";
}
