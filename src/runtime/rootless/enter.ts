import { closeSync, openSync } from 'node:fs'
import { loadCLibrary } from '../../bytes/libc.js'
import { LadingError } from '../../spec/errors.js'
import { removeLauncherFile, writeLauncherFile } from '../launcher/launcher-file.js'
import { namespaces } from '../launcher/monitor-steps.js'
import type { CallStep, Program } from '../launcher/program.js'
import { call, close, label, Names } from '../launcher/steps.js'
import { userNamespacePlaces, withUserNamespace } from './user-namespace.js'

/**
 * Begin this very command again as root of the user namespace of the store's containers, with mounts of its own. It
 * keeps its number, its terminal, its input and output, so nothing has to be passed on. To be called before anything
 * was done. Does not return; throws UNSUPPORTED where an ordinary user cannot have containers.
 */
export const enterUserNamespace = async (store: string): Promise<never> => {
  const library = await loadCLibrary()
  const execve = library.bind('int execve(const char *path, const char **words, const char **env)')
  const ioctl = library.bind('int ioctl(int fd, unsigned long request)')
  return withUserNamespace(store, async pid => {
    const { folder } = userNamespacePlaces(store)
    const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
    // Root's own store would be another.
    const env = Object.entries({ ...process.env, LADING_STORE: store })
    const program = enteringSteps(
      pid,
      words,
      env.map(([name, value]) => `${name}=${value}`),
    )
    const path = writeLauncherFile(folder, program)
    const descriptor = openSync(path, 'r')
    removeLauncherFile(path)
    // Node has them closed by whatever is run.
    for (const standard of [0, 1, 2]) ioctl(standard, keepOnExec)
    execve(`/proc/self/fd/${descriptor}`, ['lading-launcher', null], [null])
    closeSync(descriptor)
    throw new LadingError('UNSUPPORTED', `Cannot run a launcher in ${folder}: error ${library.errno()}`)
  })
}

/** FIONCLEX of asm-generic/ioctls.h. */
const keepOnExec = 0x5450

const [recursive, isPrivate] = [0x4000, 0x4_0000]

/** The groups that the user is in besides stay: files may be readable by them alone. */
const enteringSteps = (pid: number, words: readonly string[], env: readonly string[]): Program => {
  const names = new Names()
  const holder = names.slot()
  return orSaySo(
    [
      call('hold the process that is in the user namespace', 'pidfd_open', [pid, 0], { save: holder }),
      call('enter the user namespace', 'setns', [holder, namespaces.user]),
      close(holder),
      call('become root of the user namespace', 'setresgid', [0, 0, 0]),
      call('become root of the user namespace', 'setresuid', [0, 0, 0]),
      call('make a mount namespace', 'unshare', [namespaces.mount]),
      call('make all mounts private', 'mount', [0, '/', 0, recursive | isPrivate, 0]),
      call('run this command again', 'execve', [words[0]!, { vector: words }, { vector: env }]),
    ],
    names,
  )
}

/** Nobody reads this program's reports: what fails is said on standard error. */
const orSaySo = (steps: readonly CallStep[], names: Names): Program => {
  const failures = steps.map(({ name }) => {
    const text = `lading: Cannot go where an ordinary user's containers are: cannot ${name}\n`
    return { at: names.label(name), text }
  })
  return [
    ...steps.map((step, index) => ({ ...step, onError: failures[index]!.at })),
    ...failures.flatMap(({ at, text }) => [
      label(at),
      call('say so', 'write', [2, text, Buffer.byteLength(text)], { onError: 'ignore' }),
      { kind: 'exit', status: 125 } as const,
    ]),
  ]
}
