import { Command } from 'commander'
import { cp } from '../../verbs/cp.js'
import { checkByteOutput, examples, globalsOf, lookOptions } from '../command.js'
import { printJson, reportLosses } from '../output.js'

interface Options {
  readonly archive?: boolean
  readonly platform?: string
}

export const command = (): Command =>
  new Command('cp')
    .description('Copy a file, or a folder with all that is in it, out of an image, a snapshot or a folder.')
    .argument('<place>', 'A path, a place, or a name in the store')
    .argument('<path>', 'A file or folder in it')
    .argument('<destination>', 'A folder, a new name, or - for a tar on standard output')
    .option('-a, --archive', 'Keep owners and extended attributes')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText(
      'after',
      examples(
        'lading cp app.tar /etc/nginx .',
        'lading cp -a app:1 /srv - | tar -tv',
        'lading cp rootfs:old.tar /etc/passwd passwd.old',
      ),
    )
    .action(
      async (
        place: string,
        path: string,
        destination: string,
        { archive, platform }: Options,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        checkByteOutput('copy', destination, globals)
        const losses = await cp({
          ...(await lookOptions(place, globals, platform)),
          ...{ path, destination },
          ...(archive && { archive }),
        })
        reportLosses(losses)
        if (globals.json) printJson({ loss: losses })
      },
    )
