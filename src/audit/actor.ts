import { userInfo } from "node:os";

/** Who acts, as the audit trail names them: the user of this machine. In a container that may be a number alone. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
