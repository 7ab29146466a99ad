import { Command } from 'commander'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { print, printJson, reportLosses, reportWarnings } from '../output.js'

export const command = (): Command =>
  new Command('restore')
    .description(
      'Make a container of a snapshot again, with its files, settings and volumes; start runs it. What it gets of this host is told.',
    )
    .argument('<file>', 'What lading snapshot wrote, or -')
    .option('--name <name>', 'The one that it had, if absent')
    .addHelpText(
      'after',
      examples(
        'lading restore web.snapshot.tar',
        'lading restore --name web2 web.snapshot.tar',
        'lading start $(lading restore web.snapshot.tar)',
      ),
    )
    .action(async (file: string, { name }: { name?: string }, command: Command) => {
      const globals = globalsOf(command)
      const { restoreContainer } = await import('../../runtime/snapshot/restore.js')
      const { container, losses, warnings } = await restoreContainer({
        ...{ all: containersOf(globals), file },
        ...(name !== undefined && { name }),
      })
      reportWarnings(warnings)
      reportLosses(losses)
      const { id, name: given } = container.settings
      if (globals.json) printJson({ id, name: given, warnings, loss: losses })
      else print(id)
    })
