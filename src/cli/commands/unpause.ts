import { Command } from 'commander'
import { unpauseContainer } from '../../runtime/container/pause.js'
import { examples } from '../command.js'
import { forEachContainer } from '../container-command.js'

export const command = (): Command =>
  new Command('unpause')
    .description('Let containers go on that were paused.')
    .argument('<container...>', 'Names, IDs, or beginnings of IDs')
    .addHelpText('after', examples('lading unpause web', 'lading unpause $(lading ps -q)'))
    .action((queries: readonly string[], _: unknown, command: Command) =>
      forEachContainer(command, queries, unpauseContainer),
    )
