import { Command } from 'commander'
import { killWith } from '../../runtime/container/stop.js'
import { examples } from '../command.js'
import { forEachContainer } from '../container-command.js'

export const command = (): Command =>
  new Command('kill')
    .description('Send a signal to containers: SIGKILL, unless another is said.')
    .argument('<container...>', 'Names, IDs, or beginnings of IDs')
    .option('-s, --signal <signal>', 'A name or a number', 'KILL')
    .addHelpText('after', examples('lading kill web', 'lading kill -s HUP web'))
    .action((queries: readonly string[], { signal }: { signal: string }, command: Command) =>
      forEachContainer(command, queries, container => killWith(container, signal)),
    )
