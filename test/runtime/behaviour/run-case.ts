import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { attemptLater, has, ladingProgram, type Outcome } from '../../helpers/programs.js'
import type { Case, ProgramName, Step } from './case.js'
import { readDocker, readLading } from './inspected.js'
import { type Own, outcomeText } from './outcome.js'
import { wordsOf } from './words.js'

/** How a program is called. */
export interface Caller {
  readonly name: ProgramName
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export const dockerCaller = (env: Readonly<Record<string, string>>): Caller => ({
  ...{ name: 'docker', command: ['docker'], env },
})
export const ladingCaller = (store: string): Caller => ({
  name: 'lading',
  command: [process.execPath, ladingProgram],
  env: { LADING_STORE: store, NODE_EXTRA_CA_CERTS: '' },
})

export const noTerminal = has('script') ? undefined : 'script is not installed'

/** Containers have no network, unless the case is about it. */
const withoutNetwork = (words: readonly string[]): readonly string[] =>
  (words[0] === 'run' || words[0] === 'create') && !words.includes('--network')
    ? [words[0], '--network', 'none', ...words.slice(1)]
    : words

/** Do what a case says with one of the programs: what came of each step that is looked at. */
export const runCase = async (
  { name, steps }: Case,
  caller: Caller,
  { image, number, folder }: { image: string; number: number; folder: string },
): Promise<readonly string[]> => {
  const dir = join(folder, `${caller.name}-${number}`)
  mkdirSync(dir, { recursive: true })
  const own: Own = { IMAGE: image, DIR: dir, NAME: `case-${number}`, OTHER: `other-${number}` }
  const filled = (line: string) => line.replace(/\b(?:IMAGE|DIR|NAME|OTHER)\b/g, word => own[word]!)
  const full = (line: string) => [...caller.command, ...withoutNetwork(wordsOf(filled(line)))]
  const call = (line: string, input?: string) => {
    const [program, ...args] = line.startsWith('$ ')
      ? ['sh', '-c', `cd ${dir} && ${filled(line.slice(2))}`]
      : full(line)
    const env = {
      ...caller.env,
      RUN_OF: caller.command.join(' '),
      RUN: full('run').join(' '),
      TZ_OF_CASE: 'host',
    }
    return attemptLater(program!, args, { env, seconds: 40, ...(input !== undefined && { input }) })
  }
  let started: Started | undefined
  const outcomes: string[] = []
  const note = (outcome: Outcome) => outcomes.push(outcomeText(outcome, own))
  const play = async (step: Step): Promise<unknown> => {
    if (typeof step === 'string') {
      if (!step.startsWith('- ')) return note(await call(step))
      const { status, stdout, stderr } = await call(step.slice(2))
      if (status !== 0)
        throw new Error(`${name}: ${step} of ${caller.name} ended with ${status}: ${stderr}${stdout}`)
    } else if ('input' in step) note(await call(step.run, step.input))
    else if ('types' in step) note(await onTerminal(full(step.run), step.types, caller.env))
    else if ('start' in step) started = start(full(step.start), caller.env)
    else if ('signal' in step) started!.child.kill(step.signal)
    else if ('end' in step) note(await started!.ended)
    else if ('until' in step)
      await until(`${name}: ${step.until} of ${caller.name} says ${step.says}`, async () => {
        const { stdout, stderr } = await call(step.until)
        return `${stdout}${stderr}`.includes(step.says)
      })
    else {
      const { status, stdout, stderr } = await call(
        `inspect ${caller.name === 'lading' ? '--json ' : ''}NAME`,
      )
      const read = caller.name === 'docker' ? readDocker : readLading
      note({ status, stdout: status === 0 ? read(stdout, step.look) : '', stderr })
    }
  }
  for (const step of steps) await play(step)
  return outcomes
}

const until = async (what: string, check: () => Promise<boolean>): Promise<void> => {
  for (const deadline = Date.now() + 20_000; !(await check()); await sleep(50))
    if (Date.now() > deadline) throw new Error(`Not within 20 seconds: ${what}`)
}

interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
  readonly said: () => string
}

const start = ([program, ...args]: readonly string[], env: Readonly<Record<string, string>>): Started => {
  const child = spawn(program!, args, {
    env: { ...process.env, ...env },
    timeout: 40_000,
    killSignal: 'SIGKILL',
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', status => resolve({ status, stdout, stderr }))
  })
  return { child, ended, said: () => stdout }
}

/** On a terminal of 30 rows and 100 columns, as script(1) makes one. */
const onTerminal = async (
  words: readonly string[],
  types: readonly (readonly [shown: string, typed: string])[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> => {
  const command = words.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const started = start(['script', '-qec', `stty rows 30 cols 100; exec ${command}`, '/dev/null'], env)
  let from = 0
  for (const [shown, typed] of types) {
    await until(`${command} shows ${shown}: ${started.said()}`, async () => {
      const at = started.said().indexOf(shown, from)
      if (at >= 0) from = at + shown.length
      return at >= 0
    })
    ;(started.child as ChildProcess & { stdin: NodeJS.WritableStream }).stdin.write(typed)
  }
  return await started.ended
}
