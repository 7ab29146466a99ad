import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type ErrorCode, LadingError } from '../../spec/errors.js'
import type { Container } from './record.js'

/** What a supervisor says while it starts its container: lines of JSON on descriptor 3, which it closes then. */
export type SupervisorWord =
  | { readonly is: 'step'; readonly step: string }
  | { readonly is: 'note'; readonly note: string }
  | { readonly is: 'started' }
  | {
      readonly is: 'failed'
      readonly code?: ErrorCode
      readonly message: string
      readonly data?: Readonly<Record<string, unknown>>
    }

export interface SupervisorListener {
  readonly onStep?: (step: string) => void
  readonly onNote?: (note: string) => void
}

const program = fileURLToPath(new URL('./supervisor.js', import.meta.url))

/**
 * Start a container in the background, with a process of its own that watches it and outlives this one. Resolves when the
 * container's program runs; throws why it does not.
 */
export const startSupervisor = async (
  { all, settings, places }: Container,
  { onStep, onNote }: SupervisorListener = {},
): Promise<void> => {
  // A defect of it is told somewhere.
  const complaints = openSync(join(places.folder, 'supervisor.log'), 'a', 0o600)
  const child = spawn(process.execPath, [program, all.store, settings.id], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', complaints, complaints, 'pipe'],
  })
  closeSync(complaints)
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const words = child.stdio[3] as Readable
  let rest = ''
  let last: SupervisorWord | undefined
  for await (const chunk of words.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const word = JSON.parse(line) as SupervisorWord
      if (word.is === 'step') onStep?.(word.step)
      else if (word.is === 'note') onNote?.(word.note)
      else last = word
    }
  }
  if (last?.is === 'started') return child.unref()
  await ended
  if (last?.is === 'failed' && last.code !== undefined)
    throw new LadingError(last.code, last.message, last.data ? { data: last.data } : {})
  throw new Error(
    `The process that watches ${settings.name} ended early: ${last?.is === 'failed' ? last.message : `see ${places.folder}/supervisor.log`}`,
  )
}
