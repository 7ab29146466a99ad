import type { ResolvedUser } from '../users.js'
import type { LogStream } from './log-file.js'
import { makeInputPipe, makeOutputPipe } from './pipes.js'

export interface PassedStream {
  /** The program's end. */
  readonly descriptor: number
  /** To be called when the program has it. */
  afterStart(): void
}

/** A pipe whose other end goes to our own output; `also` is told first what came. */
export const passOutput = async (
  stream: LogStream,
  user: ResolvedUser,
  also: (chunk: Buffer) => void = () => {},
): Promise<PassedStream & { readonly finished: Promise<void> }> => {
  const { write, output, closeWrite } = await makeOutputPipe(user)
  const target = process[stream]
  output.on('data', (chunk: Buffer) => {
    also(chunk)
    if (target.write(chunk)) return
    output.pause()
    target.once('drain', () => output.resume())
  })
  const finished = new Promise<void>(resolve => output.once('close', () => resolve()))
  return { descriptor: write, afterStart: closeWrite, finished }
}

/** A pipe that our own input goes into, to its end. */
export const passInput = async (user: ResolvedUser): Promise<PassedStream> => {
  const { read, input, closeRead } = await makeInputPipe(user)
  // A program need not read it.
  input.on('error', () => {})
  process.stdin.pipe(input)
  return { descriptor: read, afterStart: closeRead }
}
