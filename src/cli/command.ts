import type { Command } from 'commander'
import { type Progress, silent } from '../bytes/progress.js'
import { LadingError } from '../spec/errors.js'
import { parsePlatform } from '../spec/platform.js'
import { defaultStoreDirectory } from '../store/places.js'
import type { Store } from '../store/store.js'
import type { LookOptions } from '../verbs/open-image.js'
import { lazyContainers } from './containers.js'
import { warn } from './output.js'

/** What a file in commands/ exports. */
export interface CommandModule {
  command(): Command
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly store?: string
  readonly json?: boolean
  readonly progress: 'auto' | 'plain' | 'json' | 'none'
  readonly debug?: boolean
}

export const addGlobalOptions = (command: Command): Command =>
  command
    .option(
      '--store <dir>',
      'The store (LADING_STORE; else /var/lib/lading for root, else the XDG data folder)',
    )
    .option('--json', 'Print one JSON document')
    .option('--progress <how>', 'auto, plain, json or none', 'auto')
    .option('--debug', 'Print stack traces')

export const globalsOf = (command: Command): GlobalOptions => {
  const own = command.opts<GlobalOptions>()
  const outer = command.parent?.opts<GlobalOptions>()
  // A default must not hide what was said before the command's name.
  return { ...outer, ...own, progress: own.progress === 'auto' ? (outer?.progress ?? 'auto') : own.progress }
}

export const storeDirectoryOf = ({ store }: GlobalOptions): string => store ?? defaultStoreDirectory()

/** The store that the options name; what a power cut took from it is told. */
export const openStoreOf = async (globals: GlobalOptions, create = false): Promise<Store> => {
  // Loaded only here: every command passes through this file, and not every one has to do with the store.
  const { openStore } = await import('../store/store.js')
  const store = await openStore(storeDirectoryOf(globals), { create })
  for (const digest of store.lost.blobs)
    warn(`The blob ${digest} did not survive the last power cut and is gone from the store`)
  for (const { names, descriptor } of store.lost.roots)
    warn(
      `The image ${names.map(({ path, tag }) => `${path}:${tag}`).join(', ') || descriptor.digest} is gone with it: load it again`,
    )
  return store
}

/** Bars, lines or JSON on standard error. The library that draws is loaded where something is drawn. */
export const progressOf = async ({ progress }: GlobalOptions): Promise<Progress> => {
  if (progress === 'none' || (progress === 'auto' && !process.stderr.isTTY)) return silent
  const { barProgress, jsonProgress, plainProgress } = await import('./progress.js')
  return { auto: barProgress, plain: plainProgress, json: jsonProgress }[progress]()
}

/** What the verbs that look at one place are told. */
export const lookOptions = async (
  place: string,
  globals: GlobalOptions,
  platform?: string,
): Promise<LookOptions> => ({
  place,
  storeDirectory: storeDirectoryOf(globals),
  containers: lazyContainers(storeDirectoryOf(globals)),
  progress: await progressOf(globals),
  ...(platform !== undefined && { platform: parsePlatform(platform) }),
})

/** `Examples:` at the end of a command's help. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}`

/** Bytes are for files and pipes: throws USAGE where standard output would get them on a terminal, or beside JSON. */
export const checkByteOutput = (verb: string, output: string, { json }: GlobalOptions): void => {
  if (output !== '-') return
  if (process.stdout.isTTY)
    throw new LadingError(
      'USAGE',
      `Cannot ${verb} to a terminal: give a file with -o, or redirect standard output`,
    )
  if (json) throw new LadingError('USAGE', `Cannot print JSON where the bytes go: give a file with -o`)
}
