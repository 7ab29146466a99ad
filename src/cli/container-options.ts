import { type Command, Option } from 'commander'
import type { ContainerFlags } from '../runtime/container/flags.js'

/** What `create` and `run` take, by docker's names. Options end where the image stands: what follows is the program's. */
export const addContainerOptions = (command: Command): Command => {
  const many = (value: string, all: readonly string[] | undefined) => [...(all ?? []), value]
  return (
    command
      .passThroughOptions()
      // -h is the host name, as docker has it.
      .helpOption('--help', 'Print help')
      .option('--name <name>', 'A name for it; without one, some two words')
      .option('-i, --interactive', 'Keep its input open, and pass on ours')
      .option('-t, --tty', 'Give it a terminal')
      .option('--rm', 'Remove it, and its volumes without a name, when it ends')
      .option('-e, --env <name=value>', 'Set a variable; a name alone takes the value from here', many)
      .option('--env-file <file>', 'A file of such lines', many)
      .option('-u, --user <user>', 'NAME|UID[:GROUP|GID]')
      .option('--group-add <group>', 'One more group', many)
      .option('-w, --workdir <path>', 'Where it starts')
      .option('--entrypoint <program>', "In place of the image's; '' for none")
      .option(
        '-v, --volume <spec>',
        '[SOURCE:]TARGET[:ro]: a path of the host, or the name of a volume',
        many,
      )
      .option('--tmpfs <spec>', 'TARGET[:OPTIONS]: a folder in memory', many)
      .option('--read-only', 'It cannot write to its root file system')
      .option('-h, --hostname <name>', 'Instead of the beginning of its ID')
      .option('--network <mode>', 'bridge, none or host; of an ordinary user none or host')
      .addOption(new Option('--net <mode>').hideHelp())
      .option(
        '-p, --publish <spec>',
        '[[IP:]PORT:]PORT[/udp]: a port of the host that leads to one of its',
        many,
      )
      .option('-P, --publish-all', 'Every port that the image exposes, on ports that are free')
      .option('--add-host <name:ip>', 'A line for its /etc/hosts', many)
      .option('--dns <ip>', 'A name server', many)
      .option('-m, --memory <size>', 'At most so much memory, such as 64m')
      .option('--memory-swap <size>', 'Memory and swap together; -1 for any')
      .option('--cpus <number>', 'At most so many processors, such as 0.5')
      .option('-c, --cpu-shares <number>', 'Its weight beside others, 1024 for the usual')
      .option('--cpuset-cpus <list>', 'Only these processors, such as 0-1')
      .option('--pids-limit <number>', 'At most so many processes')
      .option('--ulimit <name=soft:hard>', 'A limit of setrlimit(2), such as nofile=1024:2048', many)
      .option('--cap-add <capability>', 'One more capability, or ALL', many)
      .option('--cap-drop <capability>', 'One fewer, or ALL', many)
      .option('--security-opt <option>', 'seccomp=unconfined, seccomp=FILE, no-new-privileges=false', many)
      .option('--privileged', 'All capabilities, all devices, nothing masked')
      .option('--init', 'An init in front of it that reaps processes and passes on signals')
      .option('--stop-signal <signal>', 'What stop sends')
      .option('--stop-timeout <seconds>', 'How long stop waits; -1 for ever')
      .option('-l, --label <name=value>', 'Something to remember', many)
      .option('--cidfile <file>', 'Write its ID to a file that is not there yet')
      .option('--platform <platform>', 'Of an index, the image for this platform')
      .option('--runtime <runtime>', 'launcher, runc or crun')
      .option('--rootfs <kind>', 'erofs, overlay or copy')
      .addOption(new Option('--pull <when>', 'missing or never').choices(['missing', 'never']))
  )
}

/** What commander makes of them. */
export interface ContainerOptions extends ContainerFlags {
  readonly net?: string
  readonly cidfile?: string
  readonly platform?: string
  readonly pull?: string
}

export const flagsOf = (
  { net, cidfile: _, platform: __, pull: ___, ...flags }: ContainerOptions,
  program: readonly string[],
): ContainerFlags => ({
  ...flags,
  ...(net !== undefined && flags.network === undefined && { network: net }),
  command: program,
})
