import { Command } from 'commander'
import { openOutput } from '../../transports/archive/output.js'
import { cat } from '../../verbs/cat.js'
import { examples, globalsOf, lookOptions } from '../command.js'

export const command = (): Command =>
  new Command('cat')
    .description('Print a file of an image, byte for byte.')
    .argument('<place>', 'A path, -, a place, or a name in the store')
    .argument('<path>', 'A file in the image')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText(
      'after',
      examples('lading cat app.tar /etc/os-release', 'lading cat app:1 /usr/bin/app > app'),
    )
    .action(async (place: string, path: string, { platform }: { platform?: string }, command: Command) => {
      const output = await openOutput('-')
      await cat({
        ...(await lookOptions(place, globalsOf(command), platform)),
        path,
        write: stream => output.write(stream),
      })
    })
