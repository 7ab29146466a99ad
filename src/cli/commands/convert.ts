import { Command, Option } from 'commander'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { parsePlatform } from '../../spec/platform.js'
import { familiarName } from '../../spec/reference.js'
import { convert } from '../../verbs/convert.js'
import type { HistoryPolicy } from '../../verbs/rewrite-image.js'
import { examples, globalsOf, progressOf, storeDirectoryOf } from '../command.js'
import { readCompression } from '../compression.js'
import { lazyContainers } from '../containers.js'
import { print, printJson, reportLosses, reportWarnings } from '../output.js'

interface Options {
  readonly flatten?: boolean
  readonly squash?: string
  readonly history: HistoryPolicy
  readonly change: readonly string[]
  readonly platform?: string
  readonly compress?: string
  readonly preserveDigests?: boolean
}

export const command = (): Command =>
  new Command('convert')
    .description(
      'Any place into any other: as it is, or with layers made one, the config changed, layers re-encoded. What that loses is said.',
    )
    .argument('<source>', 'A path, -, a place, or a name in the store')
    .argument(
      '<destination>',
      'A path (OCI layout and docker archive in one), docker-archive:FILE, oci-archive:FILE, oci:DIR, store:NAME',
    )
    .option('--flatten', 'Make all layers one')
    .option('--squash <n..m>', 'Make these layers one, 1 for the base; the others stay byte for byte')
    .addOption(
      new Option('--history <policy>', 'Of layers that become one')
        .choices(['keep', 'collapse', 'drop'])
        .default('collapse'),
    )
    .option(
      '-c, --change <instruction>',
      'As in import (again and again)',
      (value: string, all: readonly string[]) => [...all, value],
      [],
    )
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .option('--compress <how>', 'Store layers as none, gzip or zstd, with :LEVEL if wanted')
    .option('--preserve-digests', 'Fail, rather than change a digest')
    .addHelpText(
      'after',
      examples(
        'lading convert --flatten app.tar flat.tar',
        'lading convert --squash 2..4 --history keep app:1 store:app:squashed',
        'lading convert docker-archive:app.tar oci:layout:app',
      ),
    )
    .action(async (source: string, destination: string, options: Options, command: Command) => {
      const globals = globalsOf(command)
      const { flatten, squash, history, change, platform, compress, preserveDigests } = options
      if (flatten && squash !== undefined)
        throw new LadingError('USAGE', 'Give --flatten or --squash, not both')
      const { images, losses, warnings } = await convert({
        ...{
          source,
          destination,
          history,
          changes: change,
          storeDirectory: storeDirectoryOf(globals),
          containers: lazyContainers(storeDirectoryOf(globals)),
          progress: await progressOf(globals),
        },
        ...(flatten && { flatten }),
        ...(squash !== undefined && { squash: readRange(squash) }),
        ...(platform !== undefined && { platform: parsePlatform(platform) }),
        ...(compress !== undefined && { compress: readCompression(compress) }),
        ...(preserveDigests && { preserveDigests }),
      })
      reportWarnings(warnings)
      reportLosses(losses)
      if (globals.json)
        return printJson({
          images: images.map(({ names, digest }) => ({ names: names.map(familiarName), digest })),
          warnings,
          loss: losses,
        })
      for (const { names, digest } of images)
        print(`${digest}${names.length > 0 ? `  ${names.map(familiarName).map(visible).join(', ')}` : ''}`)
    })

const readRange = (text: string): { from: number; to: number } => {
  const [, from, to] = /^(\d{1,4})\.\.(\d{1,4})$/.exec(text) ?? []
  if (from === undefined)
    throw new LadingError('USAGE', `Bad --squash ${JSON.stringify(text)}: wanted N..M, as in 2..4`)
  return { from: Number(from), to: Number(to) }
}
