import { release } from 'node:os'
import { Command } from 'commander'
import { describeHost } from '../../runtime/container/describe-host.js'
import { listContainers } from '../../runtime/container/list.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { examples, globalsOf, storeDirectoryOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { enterForContainers } from '../ordinary-user.js'
import { print, printJson } from '../output.js'

/** For an ordinary user, begin again where containers can be looked into; what is in the way of that. */
const enterOrSay = async (store: string): Promise<string | undefined> => {
  try {
    await enterForContainers(store)
    return undefined
  } catch (error) {
    if (error instanceof LadingError) return `not possible: ${error.message}`
    throw error
  }
}

export const command = (): Command =>
  new Command('info')
    .description('Say what this host can do for containers, and why not more; and what the store holds.')
    .addHelpText('after', examples('lading info', 'lading info --json'))
    .action(async (_: unknown, command: Command) => {
      const globals = globalsOf(command)
      const all = containersOf(globals)
      const obstacle = await enterOrSay(storeDirectoryOf(globals))
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
        ...(obstacle === undefined ? await describeHost(all) : { rootless: obstacle }),
      }
      if (globals.json) return printJson(found)
      const { containers } = found
      print(`Store              ${found.store}`)
      print(
        `Containers         ${containers.all}: ${containers.running} running, ${containers.paused} paused, ${containers.stopped} stopped`,
      )
      print(`Kernel             ${found.kernel}`)
      print(`Rootless           ${visible(found.rootless)}`)
      if (!('rootfs' in found)) return
      const { rootfs, runtimes } = found
      print(`Control groups     ${found.controlGroups}`)
      print(`Root file systems  ${rootfs.kind}: ${rootfs.why}`)
      print(`Network            ${found.network}`)
      print(`Seccomp            ${found.seccomp}`)
      print(`CRIU               ${visible(found.criu)}`)
      print(
        `Runtimes           ${runtimes.map(({ name, why }) => `${name}${why ? ` (${why})` : ''}`).join(', ')}`,
      )
    })
