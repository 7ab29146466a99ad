import { Command } from 'commander'
import { removeContainer } from '../../runtime/container/remove.js'
import { examples } from '../command.js'
import { forEachContainer } from '../container-command.js'

export const command = (): Command =>
  new Command('rm')
    .description('Remove containers with all that they have written.')
    .argument('<container...>', 'Names, IDs, or beginnings of IDs')
    .option('-f, --force', 'Also one that runs: it is killed')
    .option('-v, --volumes', 'With its volumes that have no name')
    .addHelpText('after', examples('lading rm web', 'lading rm -fv $(lading ps -aq)'))
    .action((queries: readonly string[], options: { force?: boolean; volumes?: boolean }, command: Command) =>
      forEachContainer(command, queries, container => removeContainer(container, options), {
        absentIsFine: options.force ?? false,
      }),
    )
