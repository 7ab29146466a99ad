import { during, LadingError } from '../../spec/errors.js'
import { chooseCapabilities } from '../launcher/capabilities.js'
import { execSteps } from '../launcher/exec-steps.js'
import type { Stdio } from '../launcher/launch.js'
import { limitsOf } from '../launcher/rlimits.js'
import type { ProcessSettings } from '../settings.js'
import { type ResolvedUser, resolveUser } from '../users.js'
import { groupOf, runningProcess, statusOf } from './control.js'
import { processEnvironment, readEnvironment } from './environment.js'
import type { ProgramEnd } from './follow-program.js'
import { launchProgram } from './launch-container.js'
import { mayPassOn } from './own-streams.js'
import { ownAbilities, withHome } from './prepare-start.js'
import { type Container, reread } from './record.js'
import { readRunningFile } from './running-files.js'

/** What a user says about one more process, as words. */
export interface ExecFlags {
  readonly command: readonly string[]
  readonly env?: readonly string[]
  readonly envFile?: readonly string[]
  readonly user?: string
  readonly workdir?: string
  readonly interactive?: boolean
  readonly tty?: boolean
  readonly privileged?: boolean
  /** Do not wait for it. */
  readonly detach?: boolean
}

/**
 * Run one more program in a container that runs, with our input and output. Resolves with its end; with `detach` as soon as it
 * runs. Throws CONFLICT when the container does not run or is paused, and why the program cannot be started.
 */
export const execInContainer = async (
  container: Container,
  flags: ExecFlags,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ProgramEnd> => {
  const { settings, places } = container
  const pid = runningProcess(container)
  if ((await statusOf(reread(container))) === 'paused')
    throw new LadingError(
      'CONFLICT',
      `Container ${settings.name} is paused, unpause the container before exec`,
    )
  try {
    const settingsOfProcess = execSettings(settings.process, flags, env, settings.hostname)
    const read = readRunningFile(pid, places.programs)
    const user = await resolveUser(flags.user ?? settings.process.user, settings.process.groups, read)
    const own = ownAbilities()
    const program = execSteps(
      { ...settingsOfProcess, env: withHome(settingsOfProcess.env, user.home) },
      {
        pid,
        machine: process.arch === 'arm64' ? 'arm64' : 'x86-64',
        cgroup: groupOf(container)?.entry ?? { version: 'none' },
        user,
        limits: limitsOf(settings.process.rlimits, own),
        capabilities: own.capabilities,
        detached: flags.detach ?? false,
      },
    )
    const common = { program, command: flags.command[0]!, programs: places.programs, init: false }
    return flags.detach
      ? await inBackground(common)
      : flags.tty
        ? await onTerminal(common, flags)
        : await onPipes(common, flags, user)
  } catch (error) {
    throw notInvoked(during(`Cannot run ${flags.command[0]} in ${settings.name}`, error))
  }
}

/** Docker's 126 for every reason but the program itself: no such user, no such working directory. */
const notInvoked = (error: unknown): unknown =>
  error instanceof LadingError && error.data.exitCode === undefined
    ? new LadingError(error.code, error.message, {
        data: { ...error.data, exitCode: 126 },
        cause: error.cause,
      })
    : error

const execSettings = (
  container: ProcessSettings,
  flags: ExecFlags,
  host: NodeJS.ProcessEnv,
  hostname: string,
): ProcessSettings => {
  if (flags.command.length === 0) throw new LadingError('USAGE', 'No command specified')
  if (flags.workdir !== undefined && !flags.workdir.startsWith('/'))
    throw new LadingError('USAGE', `Cwd must be an absolute path: ${flags.workdir}`)
  const terminal = flags.tty ?? false
  const env = readEnvironment(flags.envFile ?? [], flags.env ?? [], host)
  return {
    ...container,
    args: flags.command,
    env: processEnvironment([...container.env, ...env], { hostname, terminal }),
    cwd: flags.workdir ?? container.cwd,
    terminal,
    ...(flags.privileged && {
      privileged: true,
      seccomp: 'unconfined',
      noNewPrivileges: false,
      capabilities: chooseCapabilities({ add: [], drop: [], privileged: true }),
    }),
  }
}

type Common = Pick<Parameters<typeof launchProgram>[0], 'program' | 'command' | 'programs' | 'init'>

const inBackground = async (common: Common): Promise<ProgramEnd> => {
  const running = await launchProgram({ ...common, stdio: ['ignore', 'ignore', 'ignore'] })
  await running.started()
  const ended = await Promise.race([running.end, undefined])
  return ended ?? { exitCode: 0 }
}

const onTerminal = async (common: Common, flags: ExecFlags): Promise<ProgramEnd> => {
  const { ownSize, showTerminal } = await import('./terminal-streams.js')
  const running = await launchProgram({
    ...common,
    stdio: ['ignore', 'ignore', 'ignore'],
    terminal: { size: ownSize() },
  })
  const shown = showTerminal(running.terminal!, { input: flags.interactive ?? false })
  try {
    const end = await running.end
    await shown.done
    return end
  } finally {
    shown.restore()
  }
}

const onPipes = async (common: Common, flags: ExecFlags, user: ResolvedUser): Promise<ProgramEnd> => {
  const { passOutput, passInput } = await import('./plain-streams.js')
  const afterStart: (() => void)[] = []
  const finished: Promise<void>[] = []
  const output = async (stream: 'stdout' | 'stderr', descriptor: 1 | 2): Promise<Stdio> => {
    if (mayPassOn(descriptor, user)) return descriptor
    const passed = await passOutput(stream, user)
    afterStart.push(passed.afterStart)
    finished.push(passed.finished)
    return passed.descriptor
  }
  const input = async (): Promise<Stdio> => {
    if (!flags.interactive) return 'ignore'
    if (mayPassOn(0, user)) return 0
    const passed = await passInput(user)
    afterStart.push(passed.afterStart)
    return passed.descriptor
  }
  const stdio = [await input(), await output('stdout', 1), await output('stderr', 2)] as const
  try {
    const running = await launchProgram({ ...common, stdio })
    for (const close of afterStart) close()
    const end = await running.end
    await Promise.all(finished)
    return end
  } finally {
    process.stdin.unref?.()
  }
}
