import { release } from 'node:os'
import { Command } from 'commander'
import { listContainers } from '../../runtime/container/list.js'
import { describeHost } from '../../runtime/container/describe-host.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('info')
    .description('Say what this host can do for containers, and why not more; and what the store holds.')
    .addHelpText('after', examples('lading info', 'lading info --json'))
    .action(async (_: unknown, command: Command) => {
      const globals = globalsOf(command)
      const all = containersOf(globals)
      const listed = await listContainers(all, { all: true })
      const count = (status: string) => listed.filter(each => each.status === status).length
      const found = {
        store: all.store,
        containers: {
          all: listed.length,
          running: count('running'),
          paused: count('paused'),
          stopped: listed.length - count('running') - count('paused'),
        },
        kernel: release(),
        ...(await describeHost(all)),
      }
      if (globals.json) return printJson(found)
      const { containers, rootfs, runtimes } = found
      print(`Store              ${found.store}`)
      print(
        `Containers         ${containers.all}: ${containers.running} running, ${containers.paused} paused, ${containers.stopped} stopped`,
      )
      print(`Kernel             ${found.kernel}`)
      print(`Control groups     ${found.controlGroups}`)
      print(`Root file systems  ${rootfs.kind}: ${rootfs.why}`)
      print(`Runtimes           ${runtimes.map(({ name, why }) => `${name}${why ? ` (${why})` : ''}`).join(', ')}`)
    })
