import { Command } from 'commander'
import { pauseContainer } from '../../runtime/container/pause.js'
import { examples } from '../command.js'
import { forEachContainer } from '../container-command.js'

export const command = (): Command =>
  new Command('pause')
    .description('Stop every process of containers where it is; they go on with unpause.')
    .argument('<container...>', 'Names, IDs, or beginnings of IDs')
    .addHelpText('after', examples('lading pause web', 'lading pause $(lading ps -q)'))
    .action((queries: readonly string[], _: unknown, command: Command) =>
      forEachContainer(command, queries, pauseContainer),
    )
