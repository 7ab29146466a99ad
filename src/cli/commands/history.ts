import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { history } from '../../verbs/history.js'
import { examples, globalsOf, lookOptions } from '../command.js'
import { formatAge, formatSize, shortId } from '../format.js'
import { print, printJson } from '../output.js'
import { formatTable } from '../table.js'

export const command = (): Command =>
  new Command('history')
    .description('Show how an image was made, newest step first, each with the layer that it made.')
    .argument('<place>', 'A path, -, a place, or a name in the store')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .option('--no-trunc', 'Do not cut anything short')
    .addHelpText('after', examples('lading history app.tar', 'lading history --no-trunc app:1'))
    .action(
      async (place: string, { platform, trunc }: { platform?: string; trunc: boolean }, command: Command) => {
        const globals = globalsOf(command)
        const rows = await history(await lookOptions(place, globals, platform))
        if (globals.json) return printJson(rows)
        const cut = (text: string) => (trunc && text.length > 45 ? `${text.slice(0, 44)}…` : text)
        const lines = formatTable(
          ['LAYER', 'CREATED', 'CREATED BY', 'SIZE', 'FILES', 'COMMENT'],
          rows.map(({ layer, created, createdBy, comment }) => [
            layer ? (trunc ? shortId(layer.diffId) : layer.diffId) : '-',
            formatAge(created),
            cut(visible(createdBy ?? '').replaceAll('\\t', ' ')),
            layer ? formatSize(layer.size) : '0B',
            layer?.files === undefined ? '' : String(layer.files),
            cut(visible(comment ?? '')),
          ]),
          [3, 4],
        )
        for (const line of lines) print(line)
      },
    )
