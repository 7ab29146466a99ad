import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { findContainer } from '../../runtime/container/find.js'
import { listContainers } from '../../runtime/container/list.js'
import type { Container } from '../../runtime/container/record.js'
import { type ContainerStats, type Sample, statsOf, takeSample } from '../../runtime/container/stats.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { formatSize } from '../format.js'
import { print, printJson } from '../output.js'
import { formatTable } from '../table.js'

/** Between two samples, in milliseconds. */
const interval = 1000

export const command = (): Command =>
  new Command('stats')
    .description('Show what containers use of processors, memory and the network, again every second.')
    .argument('[container...]', 'Names or IDs; all that run if absent')
    .option('--no-stream', 'Only once')
    .addHelpText('after', examples('lading stats', 'lading stats --no-stream --json web'))
    .action(async (queries: readonly string[], { stream }: { stream: boolean }, command: Command) => {
      const globals = globalsOf(command)
      const all = containersOf(globals)
      const find = async (): Promise<readonly Container[]> =>
        queries.length > 0
          ? queries.map(query => findContainer(all, query))
          : (await listContainers(all)).map(({ container }) => container)
      let before = await sampleAll(await find())
      do {
        await sleep(interval)
        const containers = await find()
        const after = await sampleAll(containers)
        const stats = containers.flatMap(container => statsBetween(container, before, after))
        if (globals.json) stream ? print(JSON.stringify(stats)) : printJson(stats)
        else show(stats, stream)
        before = after
      } while (stream)
    })

const sampleAll = async (containers: readonly Container[]): Promise<ReadonlyMap<string, Sample>> =>
  new Map(
    await Promise.all(
      containers.map(async container => [container.settings.id, await takeSample(container)] as const),
    ),
  )

/** Nothing for one that has ended in between. */
const statsBetween = (
  container: Container,
  before: ReadonlyMap<string, Sample>,
  after: ReadonlyMap<string, Sample>,
): readonly ContainerStats[] => {
  const [first, second] = [before.get(container.settings.id), after.get(container.settings.id)]
  if (!first || !second) return []
  try {
    return [statsOf(container, first, second)]
  } catch (error) {
    if (error instanceof LadingError && error.code === 'CONFLICT') return []
    throw error
  }
}

const show = (stats: readonly ContainerStats[], again: boolean): void => {
  if (again && process.stdout.isTTY) process.stdout.write('\x1b[2J\x1b[H')
  const rows = stats.map(each => [
    each.id.slice(0, 12),
    visible(each.name),
    `${each.cpuPercent.toFixed(2)}%`,
    `${formatSize(each.memory)} / ${formatSize(each.memoryLimit)}`,
    `${each.memoryPercent.toFixed(2)}%`,
    `${formatSize(each.received)} / ${formatSize(each.sent)}`,
    String(each.processes),
  ])
  for (const line of formatTable(
    ['CONTAINER ID', 'NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'PIDS'],
    rows,
    [2, 4, 6],
  ))
    print(line)
}
