import { connect, createServer, type Server, type Socket } from 'node:net'

export interface Target {
  readonly host: string
  readonly port: number
}

/** Milliseconds of silence after which a peer is asked whether it is still there: as Go has it, and so docker-proxy. */
const keepAlive = 15_000

/**
 * A server, not listening yet, that passes each connection on to `target`. Streams are piped, so who is slow
 * slows the other down; the end of one direction (FIN) ends it on the other side and leaves the way back open; a
 * reset, or a target that refuses, is a reset.
 */
export const createTcpProxy = (target: Target): { server: Server; close(): Promise<void> } => {
  const open = new Set<Socket>()
  const track = (socket: Socket): void => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.setNoDelay(true)
    // A peer that vanished would be kept for ever.
    socket.setKeepAlive(true, keepAlive)
  }
  const server = createServer({ allowHalfOpen: true }, client => {
    const upstream = connect({ ...target, allowHalfOpen: true })
    track(client)
    track(upstream)
    passOn(client, upstream)
    passOn(upstream, client)
  })
  return {
    server,
    close: async () => {
      for (const socket of open) socket.destroy()
      if (server.listening) await new Promise(resolve => server.close(resolve))
    },
  }
}

const passOn = (from: Socket, to: Socket): void => {
  from.pipe(to)
  // Neither side sees an orderly end that was none.
  from.on('error', () => to.resetAndDestroy())
  from.once('close', () => {
    if (!from.readableEnded) to.resetAndDestroy()
  })
}
