import { closeSync, openSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { frame, frameReader, fromClient, readSize, toClient } from './frames.js'
import type { LogStream } from './log-file.js'
import type { RecordPlaces } from './places.js'

export interface AttachHandlers {
  onInput(bytes: Buffer): void
  onInputEnd(): void
  onSize(size: { rows: number; columns: number }): void
}

export interface AttachServer {
  /** To everybody who is attached. */
  say(stream: LogStream, bytes: Buffer): void
  /** Tell the exit status and hang up. */
  end(status: number): Promise<void>
}

/** What is not taken in by who is attached is kept up to this; then it is cut off: a program must not wait for its watchers. */
const patience = 16 << 20

/**
 * The path of a record's socket by way of an open folder: a socket's path has at most 107 bytes, and a store may lie
 * anywhere. `close` when it has been bound or connected to.
 */
export const socketPath = (places: RecordPlaces): { path: string; close(): void } => {
  const folder = openSync(places.folder, 'r')
  return { path: `/proc/self/fd/${folder}/${places.socketName}`, close: () => closeSync(folder) }
}

/** Serve those who attach to a container, at the socket in its record: a folder of the owner's alone. */
export const serveAttached = async (
  places: RecordPlaces,
  handlers: AttachHandlers,
): Promise<AttachServer> => {
  const clients = new Set<Socket>()
  const server = createServer(client => {
    clients.add(client)
    const read = frameReader((kind, bytes) => {
      if (kind === fromClient.input) handlers.onInput(Buffer.from(bytes))
      else if (kind === fromClient.inputEnd) handlers.onInputEnd()
      else if (kind === fromClient.size) {
        const size = readSize(bytes)
        if (size) handlers.onSize(size)
      }
    })
    client.on('data', chunk => {
      if (!read(chunk)) client.destroy()
    })
    client.on('error', () => {})
    client.on('close', () => clients.delete(client))
  })
  await listen(server, places)
  return {
    say: (stream, bytes) => {
      for (const client of clients) {
        client.write(frame(toClient[stream], bytes))
        if (client.writableLength > patience) client.destroy()
      }
    },
    end: async status => {
      server.close()
      await Promise.all(
        [...clients].map(
          client =>
            new Promise<void>(resolve => {
              client.once('close', () => resolve())
              client.end(frame(toClient.exit, Buffer.of(status)))
              setTimeout(() => client.destroy(), 2000).unref()
            }),
        ),
      )
    },
  }
}

const listen = async (server: Server, places: RecordPlaces): Promise<void> => {
  const { path, close } = socketPath(places)
  // Of a watcher that was killed.
  rmSync(path, { force: true })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    close()
  }
}
