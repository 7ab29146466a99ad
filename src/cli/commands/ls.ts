import { Command } from 'commander'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { type ListedEntry, ls } from '../../verbs/ls.js'
import { examples, globalsOf, lookOptions } from '../command.js'
import { formatMode, formatTime } from '../format.js'
import { printJson, printLines } from '../output.js'
import { formatTable } from '../table.js'

interface Options {
  readonly long?: boolean
  readonly recursive?: boolean
  readonly layer?: string
  readonly platform?: string
}

export const command = (): Command =>
  new Command('ls')
    .description('List the files of an image: all layers merged, nothing unpacked.')
    .argument('<place>', 'A path, -, a place, or a name in the store')
    .argument('[path]', 'A folder or file in the image', '/')
    .option('-l, --long', 'Mode, owner, size, time')
    .option('-R, --recursive', 'Also what is below')
    .option('--layer <n>', 'Only this layer, 1 for the base, as it stands')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText(
      'after',
      examples('lading ls app.tar /etc', 'lading ls -lR app:1', 'lading ls --layer 3 app:1'),
    )
    .action(
      async (
        place: string,
        path: string,
        { long, recursive, layer, platform }: Options,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        const entries = await ls({
          ...(await lookOptions(place, globals, platform)),
          path,
          ...(recursive && { recursive }),
          ...(layer !== undefined && { layer: readLayer(layer) }),
        })
        if (globals.json) return printJson(entries)
        printLines(long ? longTable(entries) : entries.map(nameOf))
      },
    )

const readLayer = (text: string): number => {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text) - 1
  throw new LadingError('USAGE', `Bad --layer ${JSON.stringify(text)}: wanted a number from 1, the base`)
}

/** The path, a slash behind folders, an arrow behind links. */
export const nameOf = ({ path, type, target }: ListedEntry): string => {
  const name = visible(path).replace(/\/$/, '')
  if (type === 'directory') return `${name}/`
  return target === undefined ? name : `${name} ${type === 'hardlink' ? 'link to' : '->'} ${visible(target)}`
}

/** As `ls -l` and `tar tv` have it. */
export const longTable = (entries: readonly ListedEntry[]): readonly string[] =>
  formatTable(
    ['MODE', 'LINKS', 'OWNER', 'SIZE', 'TIME', 'NAME'],
    entries.map(entry => [
      formatMode(entry.type, entry.mode),
      String(entry.links),
      `${entry.uid}:${entry.gid}`,
      entry.devMajor === undefined ? String(entry.size) : `${entry.devMajor},${entry.devMinor}`,
      formatTime(entry.mtime),
      nameOf(entry),
    ]),
    [1, 3],
  )
