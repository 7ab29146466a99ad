import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { waste } from '../../verbs/waste.js'
import { examples, globalsOf, lookOptions } from '../command.js'
import { formatSize } from '../format.js'
import { print, printJson } from '../output.js'
import { formatTable } from '../table.js'

export const command = (): Command =>
  new Command('waste')
    .description(
      'Show what lower layers hold that upper ones delete or replace, most bytes first, with the score that dive gives.',
    )
    .argument('<place>', 'A path, -, a place, or a name in the store')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText('after', examples('lading waste app.tar', 'lading waste --json app:1'))
    .action(async (place: string, { platform }: { platform?: string }, command: Command) => {
      const globals = globalsOf(command)
      const found = await waste(await lookOptions(place, globals, platform))
      if (globals.json) return printJson(found)
      const rows = found.paths.map(({ path, bytes, count, how, layers }) => [
        formatSize(bytes),
        String(count),
        how,
        layers.map(layer => layer + 1).join(','),
        visible(path),
      ])
      if (rows.length > 0)
        for (const line of formatTable(['BYTES', 'COUNT', 'HOW', 'LAYERS', 'PATH'], rows, [0, 1])) print(line)
      print(
        `${formatSize(found.wastedBytes)} of ${formatSize(found.totalBytes)} wasted; score ${(found.score * 100).toFixed(2)} %`,
      )
    })
