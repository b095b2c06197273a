import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ISocketFactoryArgs } from "kafkajs";

/** A broker whose machine is gone is noticed by the requests' own time limit long before this. */
const KEEP_ALIVE_MS = 60_000;

/**
 * A connection to a broker, for kafkajs. With every failed try to reach a broker kafkajs unrefs that broker's other
 * socket as well, which ended when the broker did: on a socket without a handle Node takes that for a wish to be kept
 * until it connects, a listener each time, and warns of a leak at the eleventh. One that is gone needs no such wish.
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
