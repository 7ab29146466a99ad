import { Command } from 'commander'
import { findContainer } from '../../runtime/container/find.js'
import { listProcesses } from '../../runtime/container/top.js'
import { visible } from '../../spec/escape.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { print, printJson } from '../output.js'
import { formatTable } from '../table.js'

export const command = (): Command =>
  new Command('top')
    .description('List the processes of a container, by the numbers of the host.')
    .argument('<container>', 'A name, an ID, or the beginning of one')
    .addHelpText('after', examples('lading top web', 'lading top --json web'))
    .action(async (query: string, _: unknown, command: Command) => {
      const globals = globalsOf(command)
      const processes = await listProcesses(findContainer(containersOf(globals), query))
      if (globals.json) return printJson(processes)
      const rows = processes.map(({ uid, pid, parent, state, seconds, command }) => [
        ...[uid, pid, parent].map(String),
        state,
        timeText(seconds),
        visible(command),
      ])
      for (const line of formatTable(['UID', 'PID', 'PPID', 'STATE', 'TIME', 'CMD'], rows, [0, 1, 2]))
        print(line)
    })

/** `00:01:05`, as ps has it. */
const timeText = (seconds: number): string =>
  [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map(part => String(Math.floor(part)).padStart(2, '0'))
    .join(':')
