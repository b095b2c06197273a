import { BlockList, isIP } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Whether what is sent to a host stays on this machine: a loopback address, localhost, or the folder of a Unix socket. */
export function isLocalHost(host: string): boolean {
  const name = host.replace(/^\[(.+)\]$/, "$1").toLowerCase();
  if (name.startsWith("/") || name === "localhost") return true;
  const family = isIP(name);
  return family !== 0 && LOOPBACK.check(name, family === 4 ? "ipv4" : "ipv6");
}
