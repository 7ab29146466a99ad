import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { LadingError } from '../../spec/errors.js'
import type { PublishedPort } from '../settings.js'
import { everyAddress } from './ports.js'
import { createTcpProxy, type Target } from './tcp-proxy.js'
import { proxyUdp } from './udp-proxy.js'

export interface Published {
  /** What was bound: with the port that the system chose, and 0.0.0.0 and :: in place of every address. */
  readonly bound: readonly PublishedPort[]
  /** Stop listening and drop all connections. */
  close(): Promise<void>
}

interface Bound {
  readonly port: PublishedPort
  close(): Promise<void>
}

/** How often another port is tried when the one chosen by the system is taken for IPv6. */
const choices = 20

/**
 * Listen on the host and pass on to the container, in this process, for as long as it lives or until closed.
 * All ports or none. Throws NETWORK with the port, address and errno's name in `data` when one cannot be had.
 */
export const publish = async (ports: readonly PublishedPort[], containerIp: string): Promise<Published> => {
  const bound: Bound[] = []
  const close = async (): Promise<void> => {
    await Promise.all(bound.map(one => one.close()))
  }
  try {
    for (const port of ports) bound.push(...(await bindPort(port, containerIp)))
  } catch (error) {
    await close()
    throw error
  }
  return { bound: bound.map(one => one.port), close }
}

const bindPort = async (port: PublishedPort, containerIp: string): Promise<readonly Bound[]> => {
  if (port.hostIp !== everyAddress) return [await bind(port, containerIp)]
  for (let choice = 1; ; choice++) {
    const first = await bind({ ...port, hostIp: '0.0.0.0' }, containerIp)
    try {
      return [first, await bind({ ...first.port, hostIp: '::' }, containerIp)]
    } catch (error) {
      const errno = (error as LadingError).data?.errno
      if (errno === 'EAFNOSUPPORT' || errno === 'EADDRNOTAVAIL') return [first]
      await first.close()
      if (port.hostPort !== 0 || choice === choices) throw error
    }
  }
}

const bind = async (port: PublishedPort, containerIp: string): Promise<Bound> => {
  const target = { host: containerIp, port: port.containerPort }
  try {
    return port.protocol === 'tcp' ? await bindTcp(port, target) : await bindUdp(port, target)
  } catch (error) {
    throw refusal(port, error as NodeJS.ErrnoException)
  }
}

const bindTcp = async (port: PublishedPort, target: Target): Promise<Bound> => {
  const { server, close } = createTcpProxy(target)
  server.listen({ host: port.hostIp, port: port.hostPort, ipv6Only: true })
  await once(server, 'listening')
  // A connection that cannot be accepted is its client's trouble.
  server.on('error', () => {})
  const address = server.address()
  const hostPort = typeof address === 'object' && address ? address.port : port.hostPort
  return { port: { ...port, hostPort }, close }
}

const bindUdp = async (port: PublishedPort, target: Target): Promise<Bound> => {
  const type = port.hostIp.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  socket.bind({ address: port.hostIp, port: port.hostPort, exclusive: true })
  await once(socket, 'listening')
  const hostPort = socket.address().port
  // A send that fails is a lost datagram, as on the wire.
  socket.on('error', () => {})
  const forgetAll = proxyUdp(socket, target)
  const close = async () => {
    forgetAll()
    await new Promise<void>(resolve => socket.close(resolve))
  }
  return { port: { ...port, hostPort }, close }
}

const refusal = (
  { hostIp, hostPort, protocol }: PublishedPort,
  error: NodeJS.ErrnoException,
): LadingError => {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${hostPort} of ${hostIp} is already in use`,
    EADDRNOTAVAIL: `${hostIp} is no address of this host`,
    EACCES: `port ${hostPort} of ${hostIp} is for root only`,
  }
  const errno = error.code ?? ''
  return new LadingError(
    'NETWORK',
    `Cannot publish ${protocol} port ${hostPort}: ${reasons[errno] ?? error.message}`,
    { data: { hostIp, hostPort, protocol, errno }, cause: error },
  )
}
