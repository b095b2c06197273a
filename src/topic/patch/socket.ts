import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ISocketFactoryArgs } from "tradetape-kafkajs";

/** Keeps an idle connection open through firewalls; a broker that is gone is noticed by the requests' own time limit. */
const KEEP_ALIVE_MS = 60_000;

/**
 * Opens a connection to a broker, for kafkajs. `unref` of a destroyed socket does nothing, because kafkajs calls it at
 * every failed try to reach the broker: Node would add a listener each time, to unref the socket when it connects, and
 * warn of a leak at the eleventh.
 */
export function openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const unref = socket.unref.bind(socket);
  socket.unref = () => (socket.destroyed ? socket : unref());
  return socket;
}
