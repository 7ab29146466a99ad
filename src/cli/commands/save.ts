import { Command, Option } from 'commander'
import { parsePlatform } from '../../spec/platform.js'
import { familiarName } from '../../spec/reference.js'
import type { ArchiveFormat } from '../../transports/open-sink.js'
import { save } from '../../verbs/save.js'
import { checkByteOutput, examples, globalsOf, progressOf, storeDirectoryOf } from '../command.js'
import { readCompression } from '../compression.js'
import { lazyContainers } from '../containers.js'
import { printJson, reportLosses, reportWarnings } from '../output.js'

interface Options {
  readonly output?: string
  readonly format: ArchiveFormat
  readonly compress?: string
  readonly platform?: string
}

export const command = (): Command =>
  new Command('save')
    .description('Write images into one archive, blobs once, every digest as it is.')
    .argument('<place...>', 'Names or IDs in the store, or any place that holds images')
    .option('-o, --output <file>', 'The archive; standard output if absent')
    .addOption(
      new Option(
        '--format <format>',
        'both: OCI layout and docker archive in one; docker: as docker save up to 24; oci',
      )
        .choices(['both', 'docker', 'oci'])
        .default('both'),
    )
    .option(
      '--compress <how>',
      'Store layers as none, gzip or zstd, with :LEVEL if wanted; as they are if absent',
    )
    .option('--platform <platform>', 'Only the image for this platform of each index')
    .addHelpText(
      'after',
      examples(
        'lading save -o app.tar app:1',
        'lading save app:1 | docker load',
        'lading save --format oci --compress zstd:9 -o app.tar app:1',
      ),
    )
    .action(
      async (
        places: readonly string[],
        { output = '-', format, compress, platform }: Options,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        checkByteOutput('save', output, globals)
        const { images, losses, warnings } = await save({
          ...{
            places,
            output,
            format,
            storeDirectory: storeDirectoryOf(globals),
            containers: lazyContainers(storeDirectoryOf(globals)),
            progress: await progressOf(globals),
          },
          ...(compress !== undefined && { compress: readCompression(compress) }),
          ...(platform !== undefined && { platform: parsePlatform(platform) }),
        })
        reportWarnings(warnings)
        reportLosses(losses)
        if (globals.json)
          printJson({
            images: images.map(({ names, digest }) => ({ names: names.map(familiarName), digest })),
            warnings,
            loss: losses,
          })
      },
    )
