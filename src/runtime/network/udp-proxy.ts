import { createSocket, type Socket } from 'node:dgram'
import type { Target } from './tcp-proxy.js'

/** Milliseconds without a datagram after which a client is forgotten: as docker-proxy. */
const idleTimeout = 90_000
/** Clients at one time; addresses of senders can be made up, so the oldest gives way. */
const mostClients = 1024
/** Datagrams of a client that wait until its socket is connected. */
const mostWaiting = 64

interface Client {
  readonly upstream: Socket
  /** Until the socket is connected. */
  waiting: Buffer[] | undefined
  readonly timer: NodeJS.Timeout
}

/**
 * Pass the datagrams that come to `socket` on to `target`, each client's by a socket of its own, so that answers
 * find their way back. `idle` is in milliseconds. The result forgets all clients; the socket is the caller's.
 */
export const proxyUdp = (socket: Socket, target: Target, idle = idleTimeout): (() => void) => {
  const clients = new Map<string, Client>()

  const forget = (key: string): void => {
    const client = clients.get(key)
    if (!client) return
    clients.delete(key)
    clearTimeout(client.timer)
    client.upstream.close()
  }

  const welcome = (key: string, address: string, port: number): Client => {
    if (clients.size >= mostClients) forget(clients.keys().next().value!)
    const upstream = createSocket(target.host.includes(':') ? 'udp6' : 'udp4')
    // Restarted by datagrams in either direction; it does not keep the process alive.
    const timer = setTimeout(() => forget(key), idle).unref()
    const client: Client = { upstream, waiting: [], timer }
    clients.set(key, client)
    // Nothing listens there, or it is gone: as on the wire, the client hears nothing.
    upstream.on('error', () => {
      if (clients.get(key) === client) timer.refresh()
    })
    upstream.on('message', answer => {
      timer.refresh()
      socket.send(answer, port, address, () => {})
    })
    upstream.connect(target.port, target.host, () => {
      const waiting = client.waiting ?? []
      client.waiting = undefined
      if (clients.get(key) === client) for (const datagram of waiting) upstream.send(datagram, () => {})
    })
    return client
  }

  socket.on('message', (datagram, { address, port }) => {
    const key = `${address} ${port}`
    const client = clients.get(key) ?? welcome(key, address, port)
    client.timer.refresh()
    if (!client.waiting) client.upstream.send(datagram, () => {})
    else if (client.waiting.length < mostWaiting) client.waiting.push(datagram)
  })

  return () => {
    for (const key of [...clients.keys()]) forget(key)
  }
}
