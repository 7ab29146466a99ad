import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { formatPlatform } from '../../spec/platform.js'
import { familiarName } from '../../spec/reference.js'
import { images } from '../../verbs/images.js'
import { examples, globalsOf, openStoreOf } from '../command.js'
import { formatAge, formatSize, shortId } from '../format.js'
import { print, printJson } from '../output.js'
import { formatTable } from '../table.js'

export const command = (): Command =>
  new Command('images')
    .description('List the images of the store, newest first.')
    .option('-q, --quiet', 'Only IDs')
    .option('--no-trunc', 'Do not cut IDs short')
    .addHelpText('after', examples('lading images', 'lading images -q', 'lading images --json'))
    .action(async ({ quiet, trunc }: { quiet?: boolean; trunc: boolean }, command: Command) => {
      const globals = globalsOf(command)
      const found = await images(await openStoreOf(globals, true))
      if (globals.json)
        return printJson(found.map(image => ({ ...image, names: image.names.map(familiarName) })))
      const show = (digest: string) => (trunc ? shortId(digest) : digest)
      const rows = found.flatMap(({ names, ids, digest, platforms, created, size }) =>
        (names.length > 0 ? names.map(familiarName) : ['<none>']).map(name => [
          ...[
            visible(name),
            show(ids[0] ?? digest),
            show(digest),
            platforms.map(formatPlatform).map(visible).join(','),
          ],
          ...[formatAge(created), formatSize(size)],
        ]),
      )
      if (quiet) for (const id of new Set(rows.map(row => row[1]!))) print(id)
      else
        for (const line of formatTable(
          ['NAME', 'IMAGE ID', 'DIGEST', 'PLATFORM', 'CREATED', 'SIZE'],
          rows,
          [5],
        ))
          print(line)
    })
