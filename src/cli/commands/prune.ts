import { Command } from 'commander'
import { prune } from '../../verbs/prune.js'
import { examples, globalsOf, openStoreOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { formatSize } from '../format.js'
import { print, printJson } from '../output.js'

interface Options {
  readonly containers: boolean
}

export const command = (): Command =>
  new Command('prune')
    .description(
      'Remove containers that do not run, all that killed commands left of others, images without a name, and every blob that nothing leads to. What running commands are writing stays.',
    )
    .option('--no-containers', 'Only images and blobs')
    .addHelpText('after', examples('lading prune', 'lading prune --no-containers', 'lading prune --json'))
    .action(async ({ containers }: Options, command: Command) => {
      const globals = globalsOf(command)
      const store = await openStoreOf(globals)
      const all = containersOf(globals)
      const { pruneContainers, pruneKeptFiles } = await import('../../runtime/container/prune-containers.js')
      const gone = containers ? await pruneContainers(all) : undefined
      const { diffIds, ...pruned } = await prune(store)
      if (gone) await pruneKeptFiles(all, diffIds)
      if (globals.json) return printJson({ ...pruned, ...gone })
      for (const id of gone?.containers ?? []) print(`Deleted container: ${id}`)
      for (const id of gone?.groups ?? []) print(`Deleted control group: ${id}`)
      for (const link of gone?.links ?? []) print(`Deleted link: ${link}`)
      for (const address of gone?.addresses ?? []) print(`Freed address: ${address}`)
      for (const digest of pruned.images) print(`Deleted: ${digest}`)
      print(`Freed ${formatSize(pruned.bytes)} in ${pruned.blobs} blobs`)
    })
