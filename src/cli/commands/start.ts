import { Command } from 'commander'
import { findContainer } from '../../runtime/container/find.js'
import { claim } from '../../runtime/container/record.js'
import { LadingError } from '../../spec/errors.js'
import { examples, globalsOf } from '../command.js'
import { containersOf, flush, forEachContainer, reportRunFailure, warnOfEnd } from '../container-command.js'
import { warn } from '../output.js'

interface Options {
  readonly attach?: boolean
  readonly interactive?: boolean
}

export const command = (): Command =>
  new Command('start')
    .description('Run containers that are there: in the background, or one with its input and output here.')
    .argument('<container...>', 'Names, IDs, or beginnings of IDs')
    .option('-a, --attach', 'In the foreground; its exit status is passed on')
    .option('-i, --interactive', 'In the foreground, with our input')
    .addHelpText('after', examples('lading start web', 'lading start -ai shell'))
    .action(async (queries: readonly string[], { attach, interactive }: Options, command: Command) => {
      const globals = globalsOf(command)
      if (!attach && !interactive) {
        const { startSupervisor } = await import('../../runtime/container/start-supervisor.js')
        const { isActive } = await import('../../runtime/container/state.js')
        return forEachContainer(command, queries, async container => {
          // Already done, as docker has it.
          if (!isActive(container.state)) await startSupervisor(container, { onNote: warn })
        })
      }
      try {
        if (queries.length > 1)
          throw new LadingError('USAGE', 'You cannot start and attach multiple containers at once')
        const { runInForeground } = await import('../../runtime/container/foreground.js')
        const container = await claim(findContainer(containersOf(globals), queries[0]!))
        const end = await runInForeground(container, { input: interactive ?? false, onNote: warn })
        warnOfEnd(container.settings.name, end)
        process.exitCode = end.exitCode
      } catch (error) {
        reportRunFailure(error, globals)
      }
      await flush()
      process.exit()
    })
