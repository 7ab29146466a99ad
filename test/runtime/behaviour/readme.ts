/** What README.md tells, made from the cases. */
import type { Case, ImageSettings, Step } from './case.js'
import { subjects } from './subjects.js'

const code = (text: string): string => `\`${text.replaceAll('\n', ' ⏎ ').replaceAll('|', '\\|')}\``
const lines = (texts: readonly string[]): string => texts.map(code).join('<br>')

const instruction = ([name, value]: readonly [string, unknown]): string => {
  const words: Readonly<Record<string, string>> = {
    WorkingDir: 'WORKDIR',
    Volumes: 'VOLUME',
    Labels: 'LABEL',
  }
  const text = name === 'Volumes' ? Object.keys(value as object).join(' ') : JSON.stringify(value)
  return `${words[name] ?? name.toUpperCase()} ${text}`
}

const imageLines = (image: ImageSettings): readonly string[] => Object.entries(image).map(instruction)

const stepText = (step: Step): string => {
  if (typeof step === 'string') return step.replace(/^- /, '')
  if ('input' in step) return `echo -n ${JSON.stringify(step.input)} | ${step.run}`
  if ('types' in step)
    return `${step.run} # types ${step.types.map(([, typed]) => JSON.stringify(typed)).join(', ') || 'nothing'}`
  if ('start' in step) return `${step.start} &`
  if ('signal' in step) return `kill -${step.signal.replace('SIG', '')} %1`
  if ('end' in step) return 'wait %1'
  if ('until' in step) return `until ${step.until} says ${JSON.stringify(step.says)}`
  return `inspect NAME # ${step.look.join(', ')}`
}

const outcome = (expect: string | readonly string[]): string => lines([expect].flat())

const row = ({ name, image, steps, expect, lading }: Case): string => {
  const done = lines([...imageLines(image ?? {}), ...steps.map(stepText)])
  return `| ${name.replaceAll('|', '\\|')} | ${done} | ${outcome(expect)} | ${lading ? outcome(lading.expect) : 'the same'} | ${lading?.why ?? ''} |`
}

const table = (cases: readonly Case[]): string =>
  [
    '| case | what is done | docker | lading | why |',
    '| --- | --- | --- | --- | --- |',
    ...cases.map(row),
  ].join('\n')

export const readme = (): string => {
  const cases = subjects.flatMap(({ cases }) => cases)
  return `# How containers behave

The same commands given to docker 20.10 and to lading: ${cases.length} cases, ${cases.filter(({ lading }) => lading).length} of which differ, each for a reason. A difference that has no reason here fails the test, and so does a reason without a difference.

An outcome is the exit status, standard output, and behind \`!\` standard error. What the two say themselves is given by its sense: the wording is their own. Containers have no network where it is not the subject. \`IMAGE\` is the case's image, a small busybox system with the settings that stand first; \`NAME\` and \`OTHER\` are containers of the case, \`DIR\` is a folder of its own on the host, where \`$\` commands of the host are run.

This file is made from the cases: \`LADING_WRITE=1 npx ava test/runtime/behaviour\`.

${subjects.map(({ title, cases }) => `## ${title}\n\n${table(cases)}`).join('\n\n')}
`
}
