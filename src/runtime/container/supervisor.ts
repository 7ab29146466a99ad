/**
 * The process that watches one container in the background: `supervisor.js STORE ID`. It starts the container, keeps its
 * input and output, writes its log, lets others attach, passes on what comes to its published ports, and notes its end.
 * With it, the container dies.
 */
import { closeSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { LadingError } from '../../spec/errors.js'
import { type AttachServer, serveAttached } from './attach-server.js'
import { LogFile, type LogStream } from './log-file.js'
import { containersPlaces } from './places.js'
import { type Container, claim, readRecord } from './record.js'
import { removeFiles } from './remove.js'
import type { SupervisorWord } from './start-supervisor.js'
import { supervisedStreams } from './supervised-streams.js'
import { watch } from './watch.js'

const listener = 3

const tell = (word: SupervisorWord): void => {
  try {
    writeSync(listener, `${JSON.stringify(word)}\n`)
  } catch {
    // Whoever started us is gone; the container runs all the same.
  }
}

const supervise = async (container: Container): Promise<void> => {
  const { settings, places } = container
  const log = new LogFile(places.log)
  let server: AttachServer | undefined
  const streams = supervisedStreams(settings, (stream: LogStream, bytes: Buffer) => {
    log.write(stream, bytes)
    server?.say(stream, bytes)
  })
  try {
    server = await serveAttached(places, streams)
    const watched = await watch(container, {
      ...streams.watch,
      onStep: step => tell({ is: 'step', step }),
    })
    streams.connect(watched.running)
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => watched.running.kill(constants.signals[signal]))
    process.on('SIGHUP', () => {})
    for (const note of watched.notes) tell({ is: 'note', note })
    await watched.running.started()
    watched.release()
    const early = await Promise.race([watched.running.end, undefined])
    if (early?.failure === undefined) tell({ is: 'started' })
    else
      tell({
        is: 'failed',
        code: 'UNSUPPORTED',
        message: `Cannot start ${settings.name}: ${early.failure}`,
        data: { exitCode: early.exitCode },
      })
    closeSync(listener)
    const end = await watched.end
    await streams.done()
    log.close()
    if (settings.autoRemove) await removeFiles(container, { volumes: true })
    await server.end(end.exitCode)
  } catch (error) {
    if (settings.autoRemove) await removeFiles(container, { volumes: true })
    throw error
  }
}

const main = async ([store = '', id = '']: readonly string[]): Promise<void> => {
  try {
    const container = readRecord(containersPlaces(store), id)
    if (!container) throw new LadingError('NOT_FOUND', `No such container: ${id}`)
    await supervise(await claim(container, process.ppid))
    process.exit(0)
  } catch (error) {
    const { message } = error as Error
    tell(
      error instanceof LadingError
        ? { is: 'failed', code: error.code, message, data: error.data }
        : { is: 'failed', message },
    )
    process.stderr.write(`${(error as Error).stack}\n`)
    process.exit(1)
  }
}

void main(process.argv.slice(2))
