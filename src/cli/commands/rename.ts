import { Command } from 'commander'
import { findContainer } from '../../runtime/container/find.js'
import { renameContainer } from '../../runtime/container/rename.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'

export const command = (): Command =>
  new Command('rename')
    .description('Give a container another name.')
    .argument('<container>', 'A name, an ID, or the beginning of one')
    .argument('<name>', 'The new name')
    .addHelpText('after', examples('lading rename web web-old', 'lading rename 4bce12 job'))
    .action((query: string, name: string, _: unknown, command: Command) =>
      renameContainer(findContainer(containersOf(globalsOf(command)), query), name),
    )
