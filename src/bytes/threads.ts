/**
 * Threads for work on bytes: reading, hashing, inflating, copying. A job is a module with a function; a thread
 * takes one at a time, by descriptors and plain values, so nothing large passes between threads but what is
 * handed over whole. The main thread stays free for progress and signals. Threads are started when there is a
 * job for them and kept until the process ends, which they do not hold up.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import type { ErrorCode } from '../spec/errors.js'
import { LadingError } from '../spec/errors.js'

/** How many jobs run side by side; more wait for their turn, first come, first served. */
export const threadCount = availableParallelism()

/** Below this many bytes a thread costs more than it saves: the caller does the work itself. */
export const worthAThread = 8 << 20

/** From here on two threads may share one piece of work. */
export const worthTwoThreads = 64 << 20

/** What a job may do besides its work. */
export interface JobContext {
  /** Tell that `bytes` more are done. */
  advance(bytes: number): void
  /** Throws ABORTED when nobody wants the result any more; to be asked now and then. */
  check(): void
}

/** What the module of a job exports as `job`. Input and output are copied between threads, except what is in `transfer`. */
export type Job<Input, Output> = (
  input: Input,
  context: JobContext,
) => JobResult<Output> | Promise<JobResult<Output>>

export interface JobResult<Output> {
  readonly output: Output
  /** Memory that the thread gives away with it. */
  readonly transfer?: readonly ArrayBuffer[]
}

/** Tells all jobs that were given it to stop, at once, whatever their threads are doing. */
export class StopFlag {
  readonly memory: SharedArrayBuffer
  readonly #raised: Int32Array

  constructor(memory = new SharedArrayBuffer(4)) {
    this.memory = memory
    this.#raised = new Int32Array(memory)
  }

  raise(): void {
    Atomics.store(this.#raised, 0, 1)
  }

  get raised(): boolean {
    return Atomics.load(this.#raised, 0) === 1
  }
}

export interface JobOptions {
  readonly onBytes?: (bytes: number) => void
  readonly stop?: StopFlag
  /** Memory in the input that is handed over instead of copied: the caller has it no more. */
  readonly transfer?: readonly ArrayBuffer[]
}

/** From a thread, by the number of the job. */
export type JobMessage =
  | { readonly kind: 'advance'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'done'; readonly id: number; readonly output: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PassedError }

/** To a thread. */
export interface JobRequest {
  readonly id: number
  /** Of the job's module. */
  readonly url: string
  readonly input: unknown
  /** Of a StopFlag. */
  readonly stop: SharedArrayBuffer
}

/** An error between threads: the class and the fields of a LadingError do not survive by themselves. */
export interface PassedError {
  readonly message: string
  readonly code?: string
  readonly data?: Readonly<Record<string, unknown>>
  readonly fields?: Readonly<Record<string, unknown>>
  readonly stack?: string
}

interface Pending {
  readonly request: JobRequest
  readonly options: JobOptions
  resolve(output: unknown): void
  reject(error: unknown): void
}

interface Thread {
  readonly worker: Worker
  job: Pending | undefined
}

const threads = new Set<Thread>()
const waiting: Pending[] = []
let count = 0

/**
 * Run the job whose module is `url` in a thread. Throws what the job throws. Descriptors in `input` must stay
 * open until this is settled, also when another job has failed: whoever starts several waits for all of them.
 */
export const inThread = <Input, Output>(url: URL, input: Input, options: JobOptions = {}): Promise<Output> =>
  new Promise<Output>((resolve, reject) => {
    const { memory: stop } = options.stop ?? new StopFlag()
    const request = { id: count++, url: url.href, input, stop }
    waiting.push({ request, options, resolve: output => resolve(output as Output), reject })
    dispatch()
  })

/**
 * Say that jobs on so many bytes will come: where that is worth it the threads are started now, which takes as
 * long as finding out what there is to do.
 */
export const expectWork = (bytes: number): void => {
  if (bytes >= 4 * worthAThread) while (threads.size < threadCount) start()
}

const dispatch = (): void => {
  while (waiting.length > 0) {
    const thread = [...threads].find(({ job }) => job === undefined) ?? start()
    if (thread === undefined) return
    const job = waiting.shift()!
    thread.job = job
    thread.worker.ref()
    thread.worker.postMessage(job.request, [...(job.options.transfer ?? [])])
  }
}

const start = (): Thread | undefined => {
  if (threads.size >= threadCount) return undefined
  // Loaded only here: most commands pass through this file, and few have a thread to start.
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  const worker = new Worker(new URL('./thread.js', import.meta.url))
  const thread: Thread = { worker, job: undefined }
  threads.add(thread)
  const gone = (error: unknown) => {
    threads.delete(thread)
    thread.job?.reject(error)
    thread.job = undefined
    dispatch()
  }
  worker.on('error', gone)
  worker.on('exit', code => gone(new Error(`A thread ended with ${code} in the middle of its work`)))
  worker.on('message', (message: JobMessage) => {
    const { job } = thread
    if (job === undefined || message.id !== job.request.id) return
    if (message.kind === 'advance') return job.options.onBytes?.(message.bytes)
    thread.job = undefined
    worker.unref()
    if (message.kind === 'done') job.resolve(message.output)
    else job.reject(revive(message.error))
    dispatch()
  })
  worker.unref()
  return thread
}

const revive = ({ message, code, data, fields, stack }: PassedError): Error => {
  const error = data
    ? new LadingError(code as ErrorCode, message, { data })
    : Object.assign(new Error(message), fields)
  if (stack !== undefined) error.stack = stack
  return error
}
