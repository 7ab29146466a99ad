import { Command } from 'commander'
import { createContainer } from '../../runtime/container/create.js'
import { parsePlatform } from '../../spec/platform.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { addContainerOptions, type ContainerOptions, flagsOf } from '../container-options.js'
import { print } from '../output.js'

export const command = (): Command =>
  addContainerOptions(new Command('create'))
    .description('Make a container of an image, to be started later; print its ID.')
    .argument('<image>', 'A path, a place, or a name in the store')
    .argument('[program...]', "The program and its arguments, in place of the image's")
    .addHelpText(
      'after',
      examples(
        'lading create --name job app:1 backup && lading start -a job',
        'lading create -it app.tar sh',
      ),
    )
    .action(
      async (reference: string, program: readonly string[], options: ContainerOptions, command: Command) => {
        const { container, image } = await createContainer({
          all: containersOf(globalsOf(command)),
          reference,
          flags: flagsOf(options, program),
          ...(options.platform !== undefined && { platform: parsePlatform(options.platform) }),
          ...(options.cidfile !== undefined && { cidfile: options.cidfile }),
        })
        await image[Symbol.asyncDispose]()
        print(container.settings.id)
      },
    )
