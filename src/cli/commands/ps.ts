import { Command } from 'commander'
import { type ListedContainer, listContainers } from '../../runtime/container/list.js'
import { visible } from '../../spec/escape.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { portText, statusText } from '../container-text.js'
import { formatAge } from '../format.js'
import { print, printJson } from '../output.js'
import { formatTable } from '../table.js'

interface Options {
  readonly all?: boolean
  readonly quiet?: boolean
  readonly trunc: boolean
  readonly filter?: readonly string[]
}

export const command = (): Command =>
  new Command('ps')
    .description('List containers: those that run, or all.')
    .option('-a, --all', 'Also those that do not run')
    .option('-q, --quiet', 'Only IDs')
    .option('--no-trunc', 'Nothing cut short')
    .option(
      '-f, --filter <name=value>',
      'id, name, status, label, exited, ancestor, network or volume',
      (value: string, all: readonly string[] | undefined) => [...(all ?? []), value],
    )
    .addHelpText(
      'after',
      examples(
        'lading ps -a',
        'lading ps -aq --filter status=exited',
        'lading ps --json --filter label=team=web',
      ),
    )
    .action(async ({ quiet, trunc, ...options }: Options, command: Command) => {
      const globals = globalsOf(command)
      const listed = await listContainers(containersOf(globals), options)
      if (globals.json) return printJson(listed.map(asJson))
      const idOf = ({ container }: ListedContainer) => container.settings.id.slice(0, trunc ? 12 : 64)
      if (quiet) for (const each of listed) print(idOf(each))
      else for (const line of table(listed, idOf, trunc)) print(line)
    })

const asJson = ({ container: { settings, state }, status }: ListedContainer) => ({
  id: settings.id,
  name: settings.name,
  image: settings.image.reference,
  imageId: settings.image.id,
  command: settings.process.args,
  created: settings.created,
  status,
  exitCode: state.exitCode,
  ...(state.startedAt !== undefined && { startedAt: state.startedAt }),
  ...(state.finishedAt !== undefined && { finishedAt: state.finishedAt }),
  ...(state.process && { pid: state.process.pid }),
  ...(state.address && { address: state.address.ip }),
  ports: state.ports ?? [],
  labels: settings.labels,
})

const table = (
  listed: readonly ListedContainer[],
  idOf: (each: ListedContainer) => string,
  trunc: boolean,
): readonly string[] =>
  formatTable(
    ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'],
    listed.map(each => {
      const { settings, state } = each.container
      const program = settings.process.args.join(' ')
      const shown = trunc && program.length > 20 ? `${program.slice(0, 19)}…` : program
      return [
        idOf(each),
        visible(settings.image.reference),
        `"${visible(shown)}"`,
        formatAge(settings.created),
        statusText(each),
        (state.ports ?? []).map(portText).join(', '),
        visible(settings.name),
      ]
    }),
  )
