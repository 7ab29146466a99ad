import { Command } from 'commander'
import { writeBundle } from '../../runtime/bundle/write-bundle.js'
import { visible } from '../../spec/escape.js'
import { parsePlatform } from '../../spec/platform.js'
import { examples, globalsOf, storeDirectoryOf } from '../command.js'
import { addContainerOptions, type ContainerOptions, flagsOf } from '../container-options.js'
import { print, printJson } from '../output.js'

interface Options extends ContainerOptions {
  readonly output: string
}

export const command = (): Command =>
  addContainerOptions(new Command('bundle'))
    .description(
      'Write a container of an image as an OCI bundle: its files, and a config.json for runc, crun and their like. Nothing is run.',
    )
    .argument('<image>', 'A path, a place, or a name in the store')
    .argument('[program...]', "The program and its arguments, in place of the image's")
    .requiredOption('-o, --output <folder>', 'A folder that is empty or not there')
    .addHelpText(
      'after',
      examples(
        'lading bundle -o web nginx:1 && runc run --bundle web web',
        'lading bundle -o job --read-only -v /srv/in:/in:ro app.tar convert /in',
      ),
    )
    .action(async (reference: string, program: readonly string[], options: Options, command: Command) => {
      const globals = globalsOf(command)
      const { output, ...given } = options
      await writeBundle({
        reference,
        storeDirectory: storeDirectoryOf(globals),
        flags: flagsOf(given, program),
        folder: output,
        ...(given.platform !== undefined && { platform: parsePlatform(given.platform) }),
      })
      if (globals.json) printJson({ bundle: output })
      else print(visible(output))
    })
