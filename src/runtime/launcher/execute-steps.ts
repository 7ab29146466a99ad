import { LadingError } from '../../spec/errors.js'
import { report } from './monitor-steps.js'
import { launcherFds, type ProgramStep } from './program.js'
import { call, close, folderItself, here, label, type Names, open, words64 } from './steps.js'

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const executable = 1
const exists = 0
const enoent = 2

/** What shells say: the program could not be found, or not be run. */
export const exitStatus = { notFound: 127, notExecutable: 126 } as const

/**
 * Run the program; with a slash in its name from there, else from the first folder of PATH that has it as an
 * executable file, as Docker looks (Go's exec.LookPath), but that an empty element is not the current folder. When
 * that fails, −errno is reported, and the process ends with 127 when there is none, else 126.
 */
export const executeSteps = (
  plan: { readonly args: readonly string[]; readonly env: readonly string[] },
  names: Names,
): readonly ProgramStep[] => {
  const [program] = plan.args
  if (program === undefined) throw new LadingError('USAGE', 'No command specified')
  const args = { vector: plan.args }
  const env = { vector: plan.env }
  const error = names.slot()
  const execute = (path: string) =>
    call(`run ${path}`, 'execve', [path, args, env], { save: error, onError: 'ignore' })

  if (program.includes('/')) {
    const missing = names.label('no such file')
    return [
      execute(program),
      { ...report('report why it does not run', error), onError: 'ignore' },
      call(`look for ${program}`, 'faccessat', [here, program, exists], { onError: missing }),
      { kind: 'exit', status: exitStatus.notExecutable },
      label(missing),
      { kind: 'exit', status: exitStatus.notFound },
    ]
  }

  const broken = names.label('found, and not run')
  const candidates = program === '' ? [] : searchPath(plan.env).map(folder => `${folder}/${program}`)
  return [
    ...candidates.flatMap(path => {
      const next = names.label(`not ${path}`)
      const opened = names.slot()
      return [
        execute(path),
        call(`look for ${path}`, 'faccessat', [here, path, executable], { onError: next }),
        open(`see whether ${path} is a folder`, here, path, folderItself, opened, { onError: broken }),
        close(opened),
        label(next),
      ]
    }),
    call('report that it was not found', 'write', [launcherFds.reports, words64(-enoent), 8], {
      onError: 'ignore',
    }),
    { kind: 'exit', status: exitStatus.notFound },
    label(broken),
    { ...report('report why it does not run', error), onError: 'ignore' },
    { kind: 'exit', status: exitStatus.notExecutable },
  ]
}

const searchPath = (env: readonly string[]): readonly string[] =>
  (env.find(variable => variable.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath)
    .split(':')
    .filter(folder => folder !== '')

/** Docker's words for a program that could not be run; `errno` by name, as reported. */
export const executeFailure = (program: string, errno: string): string => {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: program.includes('/')
      ? `stat ${program}: no such file or directory`
      : 'executable file not found in $PATH',
    EACCES: 'permission denied',
    ENOEXEC: 'exec format error',
    ENOTDIR: 'not a directory',
  }
  return `exec: "${program}": ${reasons[errno] ?? errno}`
}
