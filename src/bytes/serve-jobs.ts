/** In a thread of threads.ts: takes a job, does it, says how it went. */
import { parentPort } from 'node:worker_threads'
import { LadingError } from '../spec/errors.js'
import {
  type Job,
  type JobContext,
  type JobMessage,
  type JobRequest,
  type PassedError,
  StopFlag,
} from './threads.js'

/** Progress is told in steps of this many bytes. */
const step = 4 << 20

const tell = (message: JobMessage, transfer: readonly ArrayBuffer[] = []): void =>
  parentPort!.postMessage(message, [...transfer])

/** Do whatever jobs come, until the thread is ended. `load` gives the module of a job by its URL. */
export const serveJobs = (load: (url: string) => Promise<JobModule>): void => {
  parentPort!.on('message', (request: JobRequest) => void run(request, load))
}

interface JobModule {
  readonly job: Job<unknown, unknown>
}

const run = async (
  { id, url, input, stop }: JobRequest,
  load: (url: string) => Promise<JobModule>,
): Promise<void> => {
  const flag = new StopFlag(stop)
  let untold = 0
  const context: JobContext = {
    advance: bytes => {
      untold += bytes
      if (untold < step) return
      tell({ kind: 'advance', id, bytes: untold })
      untold = 0
    },
    check: () => {
      if (flag.raised) throw new LadingError('ABORTED', 'Other work has failed')
    },
  }
  try {
    const { job } = await load(url)
    context.check()
    const { output, transfer } = await job(input, context)
    if (untold > 0) tell({ kind: 'advance', id, bytes: untold })
    tell({ kind: 'done', id, output }, transfer)
  } catch (error) {
    tell({ kind: 'failed', id, error: passed(error as NodeJS.ErrnoException) })
  }
}

const passed = (error: NodeJS.ErrnoException): PassedError => {
  const { message, stack } = error
  const shared = { message, ...(stack !== undefined && { stack }) }
  if (error instanceof LadingError) return { ...shared, code: error.code, data: { ...error.data } }
  const { code, errno, syscall, path } = error
  return { ...shared, fields: { code, errno, syscall, path } }
}
