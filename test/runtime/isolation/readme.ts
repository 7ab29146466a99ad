/** What README.md tells, made from the checks. */
import { type CallDifference, callDifferences } from './call-differences.js'
import { type Check, type RuntimeName, runtimes } from './check.js'
import { type HostileImage, hostileImages, outcomeIn } from './hostile-images.js'
import { groups } from './run-checks.js'
import { aspects, flagCases, titleOf } from './security-flags.js'

const cell = (expect: string | RegExp): string => {
  const text = typeof expect === 'string' ? expect : `matches ${expect.source}`
  if (text === '') return 'nothing'
  return `\`${text.replaceAll('\n', ' ⏎ ').replaceAll('|', '\\|')}\``
}

const expected = ({ expect, differs }: Check, runtime: RuntimeName) =>
  (runtime === 'docker' ? undefined : differs?.[runtime]?.expect) ?? expect

const checkRow = (check: Check): string => {
  const own = runtimes.filter(runtime => runtime !== 'docker')
  const cells = own.map(runtime => (check.differs?.[runtime] ? cell(expected(check, runtime)) : 'the same'))
  const why = new Set(own.flatMap(runtime => check.differs?.[runtime]?.why ?? []))
  return `| ${check.name.replaceAll('|', '\\|')} | ${cell(check.expect)} | ${cells.join(' | ')} | ${[...why].join('; ')} |`
}

const checkTable = (checks: readonly Check[]): string =>
  [
    '| check | docker | launcher | runc | why |',
    '| --- | --- | --- | --- | --- |',
    ...checks.map(checkRow),
  ].join('\n')

const callRow = ({ calls, launcher, runc, docker, why }: CallDifference): string =>
  `| ${calls.map(call => `\`${call}\``).join(', ')} | ${docker} | ${launcher} | ${runc} | ${why} |`

const hostileRow = (image: HostileImage): string =>
  `| ${image.name} | ${[...runtimes]
    .reverse()
    .map(runtime => (image.runtimes?.includes(runtime) === false ? 'not tried' : outcomeIn(image, runtime)))
    .join(' | ')} | ${image.why} |`

export const readme = (): string => {
  const count = groups.reduce((sum, { checks }) => sum + checks.length, 0)
  return `# How isolated a container is

What is found from inside of a container, held against docker 20.10 with its defaults: ${count} checks, and an attempt of every system call. Each runs in a container of lading's launcher, of runc from a bundle that lading writes, and of docker, without a network; all checks of a runtime are one container. A difference that has no reason here fails the test, and so does a reason without a difference.

This file is made from the checks: \`LADING_WRITE=1 npx ava test/runtime/isolation\`.

${groups.map(({ title, checks }) => `## ${title}\n\n${checkTable(checks)}`).join('\n\n')}

## Every system call

Numbers 0 to 469 with arguments of −1, and some with others. What filters refuse has the answer EPERM or ENOSYS; everything else passes. All of them are answered alike but these:

| calls | docker | launcher | runc | why |
| --- | --- | --- | --- | --- |
${callDifferences.map(callRow).join('\n')}

## Hostile images

Each leads out of the container, or would, if a runtime followed it. Nothing of the host may be read or changed: *safe* is a container that runs and is well, *refused* one that does not start.

| image | docker | runc | launcher | what it is about |
| --- | --- | --- | --- | --- |
${hostileImages.map(hostileRow).join('\n')}

## Flags

What they change is asked of docker and of the launcher in ${Object.keys(aspects).length} respects: ${Object.keys(aspects).join(', ')}. The answers are the same; only that no_new_privs is on where nothing is said of it.

${flagCases.map(each => `- \`${titleOf(each)}\``).join('\n')}

## Containers that turn against lading

[hostile-use.test.ts](hostile-use.test.ts): a container has made its /etc/passwd a link, a FIFO or a device, its /dev/pts/ptmx and working directories doors to the host, and its program \`#!/proc/self/exe\`; lading is to run \`exec\`, \`cp\`, \`commit\`, \`export\` and \`ps\` on it. [races.test.ts](races.test.ts): it does so while lading works, some 100,000 times a second, and lading tries 1,000 times in each case (\`LADING_RACES\` says how often): a start with a swapped mount target and WORKDIR in a shared volume; \`cp\` in both directions with swapped folders, links and files in the making; \`exec\` that is traced, read and overwritten while it enters; /etc/passwd while \`exec\` reads it.
`
}
