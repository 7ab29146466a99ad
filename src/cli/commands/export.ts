import { Command } from 'commander'
import { exportSnapshot } from '../../verbs/export.js'
import { checkByteOutput, examples, globalsOf, lookOptions } from '../command.js'
import { readCompression } from '../compression.js'
import { printJson, reportLosses, reportWarnings } from '../output.js'

interface Options {
  readonly output?: string
  readonly bare?: boolean
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly compress?: string
  readonly platform?: string
}

const again = (value: string, all: readonly string[]) => [...all, value]

export const command = (): Command =>
  new Command('export')
    .description(
      'Write the file tree of an image or a container as one flat tar, layers merged, nothing unpacked. Its config is carried along in a header that other tools pass over. A running container stands still while what it has changed is read.',
    )
    .argument('<place>', 'A path, -, a place, a name in the store, or a container')
    .option('-o, --output <file>', 'The tar; standard output if absent')
    .option('--bare', 'Carry no metadata: what docker export gives')
    .option('--include <glob>', 'Only what matches, with its folders (again and again)', again, [])
    .option('--exclude <glob>', 'Not what matches, nor what is below it (again and again)', again, [])
    .option('--compress <how>', 'none, gzip or zstd, with :LEVEL if wanted', 'none')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText(
      'after',
      examples(
        'lading export -o rootfs.tar app:1',
        'lading export --bare app.tar | docker import -',
        'lading export -o web.tar container:web',
        "lading export --exclude 'usr/share/doc' --compress gzip -o rootfs.tar.gz app:1",
      ),
    )
    .action(
      async (
        place: string,
        { output = '-', bare, include, exclude, compress, platform }: Options,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        checkByteOutput('export', output, globals)
        const { algorithm, ...level } = readCompression(compress ?? 'none')
        const { losses, warnings, ...rest } = await exportSnapshot({
          ...(await lookOptions(place, globals, platform)),
          ...{ output, include, exclude },
          ...(bare && { bare }),
          ...(algorithm !== 'none' && { compress: { algorithm, ...level } }),
        })
        reportWarnings(warnings)
        reportLosses(losses)
        if (globals.json) printJson({ ...rest, warnings, loss: losses })
      },
    )
