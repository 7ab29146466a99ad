import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type ContainersPlaces, containersPlaces } from '../runtime/container/places.js'
import type { Container } from '../runtime/container/record.js'
import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { type GlobalOptions, globalsOf, storeDirectoryOf } from './command.js'
import { reportFailure } from './failure.js'
import { print, warn } from './output.js'

/** Where the containers of the store are that the options name. */
export const containersOf = (globals: GlobalOptions): ContainersPlaces =>
  containersPlaces(resolve(storeDirectoryOf(globals)))

/**
 * Do something to each of the containers, the others too when one fails, as docker does: its name when it is done. Then the
 * exit status is 1; not for one that is not there with `absentIsFine`, which is told all the same.
 */
export const forEachContainer = async (
  command: Command,
  queries: readonly string[],
  work: (container: Container) => Promise<void>,
  { absentIsFine = false } = {},
): Promise<void> => {
  const globals = globalsOf(command)
  const { findContainer } = await import('../runtime/container/find.js')
  await Promise.all(
    queries.map(async query => {
      try {
        await work(findContainer(containersOf(globals), query))
        print(visible(query))
      } catch (error) {
        const status = reportFailure(error, globals.debug ?? false)
        const absent = error instanceof LadingError && error.code === 'NOT_FOUND'
        if (!absent || !absentIsFine) process.exitCode = status
      }
    }),
  )
}

/** Errors of run and its like end with docker's 125; with 126 or 127 where the program could not be run, or as they say. */
export const reportRunFailure = (error: unknown, globals: GlobalOptions): void => {
  reportFailure(error, globals.debug ?? false)
  process.exitCode = runStatus(error)
}

const runStatus = (error: unknown): number => {
  const told = error instanceof LadingError ? error.data.exitCode : undefined
  return told === 1 || told === 126 || told === 127 ? told : 125
}

/** Who asks for -it wants to type: throws USAGE where there is nobody to, as docker does, instead of waiting for it for ever. */
export const checkTerminal = (): void => {
  if (!process.stdin.isTTY)
    throw new LadingError(
      'USAGE',
      'The input device is not a TTY: leave -t away to pass on what is piped in',
      {
        data: { exitCode: 1 },
      },
    )
}

/** The words for a program that could not be run. */
export const warnOfEnd = (name: string, end: { readonly failure?: string }): void => {
  if (end.failure !== undefined) warn(`Cannot start ${name}: ${end.failure}`)
}

/** Both streams, before the process is ended by force: what is in pipes is written later. */
export const flush = async (): Promise<void> => {
  for (const stream of [process.stdout, process.stderr])
    if (stream.writableLength > 0)
      await new Promise<void>(resolve => {
        stream.write('', () => resolve())
      })
}
