import type { Readable } from 'node:stream'
import type { Program } from './program.js'
import { type LaunchFailure, readReportWord } from './report-words.js'

/** One 8-byte number that a step wrote to the reports descriptor. */
export type Report = number

export interface Reports {
  /**
   * In their order, from the first that nobody has taken yet: a loop that is left may be taken up by another. Ends
   * when every process of the program has closed the descriptor.
   */
  readonly reports: AsyncIterable<Report>
  /** The step that failed first; undefined when the descriptor was closed without one. Never rejects. */
  readonly failure: Promise<LaunchFailure | undefined>
}

/** Read what comes, whether somebody waits for it or not. */
export const readReports = (program: Program, stream: Readable): Reports => {
  const waiting: Report[] = []
  let rest: Buffer = Buffer.alloc(0)
  let ended = false
  let wake = () => {}
  let fail: (failure: LaunchFailure | undefined) => void
  const failure = new Promise<LaunchFailure | undefined>(resolve => {
    fail = resolve
  })

  stream.on('data', (chunk: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let at = 0
    for (; at + 8 <= bytes.length; at += 8) {
      const word = readReportWord(program, bytes, at)
      if ('failure' in word) fail(word.failure)
      else waiting.push(word.report)
    }
    rest = bytes.subarray(at)
    wake()
  })
  // After an error too: a program that ended early resets its end of the socket.
  stream.on('close', () => {
    ended = true
    fail(undefined)
    wake()
  })

  async function* take(): AsyncGenerator<Report, void> {
    for (;;) {
      const next = waiting.shift()
      if (next !== undefined) yield next
      else if (ended) return
      else
        await new Promise<void>(resolve => {
          wake = resolve
        })
    }
  }
  return { reports: { [Symbol.asyncIterator]: take }, failure }
}
