import { Command } from 'commander'
import { stopContainer } from '../../runtime/container/stop.js'
import { LadingError } from '../../spec/errors.js'
import { examples } from '../command.js'
import { forEachContainer } from '../container-command.js'

export const command = (): Command =>
  new Command('stop')
    .description('Ask containers to end, and kill those that do not in time.')
    .argument('<container...>', 'Names, IDs, or beginnings of IDs')
    .option('-t, --time <seconds>', 'How long to wait, -1 for ever; its own stop timeout if absent')
    .addHelpText('after', examples('lading stop web', 'lading stop -t 2 $(lading ps -q)'))
    .action((queries: readonly string[], { time }: { time?: string }, command: Command) => {
      if (time !== undefined && !/^-?\d{1,9}$/.test(time))
        throw new LadingError('USAGE', `Bad --time ${JSON.stringify(time)}: wanted seconds`)
      return forEachContainer(command, queries, container =>
        stopContainer(container, time === undefined ? undefined : Number(time)),
      )
    })
