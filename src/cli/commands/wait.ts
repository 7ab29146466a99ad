import { Command } from 'commander'
import { findContainer } from '../../runtime/container/find.js'
import { waitForContainer } from '../../runtime/container/wait.js'
import { LadingError } from '../../spec/errors.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('wait')
    .description('Wait until containers have ended; print their exit statuses.')
    .argument('<container...>', 'Names, IDs, or beginnings of IDs')
    .addHelpText('after', examples('lading wait job', 'test "$(lading wait job)" = 0'))
    .action(async (queries: readonly string[], _: unknown, command: Command) => {
      const globals = globalsOf(command)
      const containers = queries.map(query => findContainer(containersOf(globals), query))
      const statuses = await Promise.all(
        containers.map(async container => {
          const status = await waitForContainer(container)
          if (status !== undefined) return status
          throw new LadingError(
            'NOT_FOUND',
            `${container.settings.name} was removed before its end was known`,
          )
        }),
      )
      if (globals.json)
        return printJson(
          containers.map(({ settings: { id, name } }, at) => ({ id, name, exitCode: statuses[at] })),
        )
      for (const status of statuses) print(String(status))
    })
