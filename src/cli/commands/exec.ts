import { Command } from 'commander'
import { type ExecFlags, execInContainer } from '../../runtime/container/exec.js'
import { findContainer } from '../../runtime/container/find.js'
import { examples, globalsOf } from '../command.js'
import { checkTerminal, containersOf, flush, reportRunFailure } from '../container-command.js'
import { warn } from '../output.js'

export const command = (): Command => {
  const many = (value: string, all: readonly string[] | undefined) => [...(all ?? []), value]
  return new Command('exec')
    .description('Run one more program in a container that runs; its exit status is passed on.')
    .passThroughOptions()
    .argument('<container>', 'A name, an ID, or the beginning of one')
    .argument('<program...>', 'The program and its arguments')
    .option('-i, --interactive', 'Pass on our input')
    .option('-t, --tty', 'Give it a terminal')
    .option('-d, --detach', 'Do not wait for it')
    .option('-e, --env <name=value>', 'Set a variable; a name alone takes the value from here', many)
    .option('--env-file <file>', 'A file of such lines', many)
    .option('-u, --user <user>', 'NAME|UID[:GROUP|GID]')
    .option('-w, --workdir <path>', 'Where it starts')
    .option('--privileged', 'With all capabilities')
    .addHelpText(
      'after',
      examples(
        'lading exec -it web sh',
        'lading exec -u 1000 -w /tmp web touch x',
        'tar -c . | lading exec -i web tar -x',
      ),
    )
    .action(
      async (
        query: string,
        program: readonly string[],
        flags: Omit<ExecFlags, 'command'>,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        try {
          if (flags.tty && flags.interactive && !flags.detach) checkTerminal()
          const container = findContainer(containersOf(globals), query)
          const end = await execInContainer(container, { ...flags, command: program })
          if (end.failure !== undefined) warn(`Cannot run it in ${container.settings.name}: ${end.failure}`)
          // What kept the program from being run at all is 126, as docker exec has it.
          process.exitCode = end.failure !== undefined && end.exitCode === 125 ? 126 : end.exitCode
        } catch (error) {
          reportRunFailure(error, globals)
        }
        await flush()
        process.exit()
      },
    )
}
