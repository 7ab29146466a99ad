import { Command } from 'commander'
import { attach } from '../../runtime/container/attach.js'
import { findContainer } from '../../runtime/container/find.js'
import { waitForContainer } from '../../runtime/container/wait.js'
import { examples, globalsOf } from '../command.js'
import { containersOf, flush } from '../container-command.js'
import { warn } from '../output.js'

export const command = (): Command =>
  new Command('attach')
    .description(
      'Connect to the program of a container in the background: its output from now on, and its input. ^C ends it; ^P ^Q on a terminal, SIGQUIT, or closing the terminal, only this command.',
    )
    .argument('<container>', 'A name, an ID, or the beginning of one')
    .option('--no-stdin', 'Only its output')
    .addHelpText('after', examples('lading attach shell', 'lading attach --no-stdin web'))
    .action(async (query: string, { stdin }: { stdin: boolean }, command: Command) => {
      const container = findContainer(containersOf(globalsOf(command)), query)
      const { terminal, openStdin } = container.settings.process
      let leave = () => {}
      let left = false
      const { ownSize, rawInput } = await import('../../runtime/container/terminal-streams.js')
      const { watchDetachKeys } = await import('../../runtime/container/detach-keys.js')
      const typed = () => process.stdin.pipe(watchDetachKeys(() => leave()))
      const attached = await attach(container, {
        output: process.stdout,
        error: process.stderr,
        ...(stdin && { input: terminal ? typed() : process.stdin }),
      })
      leave = () => {
        left = true
        attached.detach()
      }
      let restore = () => {}
      if (terminal) {
        if (stdin && openStdin) restore = rawInput()
        attached.resize(ownSize())
        process.on('SIGWINCH', () => attached.resize(ownSize()))
      } else {
        const { signalContainer } = await import('../../runtime/container/control.js')
        const { constants } = await import('node:os')
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
          process.on(signal, () => signalContainer(container, constants.signals[signal]))
      }
      const status = await attached.status
      restore()
      if (left) warn(`Left ${container.settings.name}, which goes on`)
      // Docker's 1: its end has not been seen.
      process.exitCode = left ? 1 : (status ?? (await waitForContainer(container)) ?? 1)
      await flush()
      process.exit()
    })
