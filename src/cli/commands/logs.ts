import { Command } from 'commander'
import { findContainer } from '../../runtime/container/find.js'
import { readLogs } from '../../runtime/container/logs.js'
import { LadingError } from '../../spec/errors.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { escapeJson } from '../output.js'

interface Options {
  readonly follow?: boolean
  readonly tail: string
  readonly timestamps?: boolean
  readonly since?: string
  readonly until?: string
}

export const command = (): Command =>
  new Command('logs')
    .description('What a container has said: its output on ours, its errors on our errors.')
    .argument('<container>', 'A name, an ID, or the beginning of one')
    .option('-f, --follow', 'And what it says from now on, until it ends')
    .option('-n, --tail <lines>', 'Only so many of the last lines', 'all')
    .option('-t, --timestamps', 'With the time of each line')
    .option('--since <time>', 'Nothing before: a date, or an age such as 10m')
    .option('--until <time>', 'Nothing after')
    .addHelpText(
      'after',
      examples('lading logs web', 'lading logs -f --tail 10 web', 'lading logs --json --since 1h web'),
    )
    .action(async (query: string, { follow, tail, timestamps, since, until }: Options, command: Command) => {
      const globals = globalsOf(command)
      const container = findContainer(containersOf(globals), query)
      const lines = readLogs(container, {
        ...(follow && { follow }),
        ...(tail !== 'all' && { tail: readCount(tail) }),
        ...(since !== undefined && { since: readTime('--since', since) }),
        ...(until !== undefined && { until: readTime('--until', until) }),
      })
      // What the program said, as it said it: it is for whoever ran it, as its output would have been.
      for await (const entry of lines) {
        const output = entry.stream === 'stdout' || globals.json ? process.stdout : process.stderr
        const text = globals.json
          ? `${escapeJson(JSON.stringify(entry))}\n`
          : `${timestamps ? `${entry.time} ` : ''}${entry.log}`
        if (!output.write(text)) await new Promise(resolve => output.once('drain', resolve))
      }
    })

const readCount = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new LadingError('USAGE', `Bad --tail ${JSON.stringify(text)}: wanted a number of lines, or all`)
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const readTime = (flag: string, text: string): number => {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (count !== undefined) return Date.now() - Number(count) * units[unit!]!
  const time = /^\d{1,12}(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new LadingError('USAGE', `Bad ${flag} ${JSON.stringify(text)}: wanted a date or an age such as 10m`)
}
