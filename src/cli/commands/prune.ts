import { Command } from 'commander'
import { prune } from '../../verbs/prune.js'
import { examples, globalsOf, openStoreOf } from '../command.js'
import { formatSize } from '../format.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('prune')
    .description(
      'Remove images without a name, and every blob that nothing leads to. What running commands are writing stays.',
    )
    .addHelpText('after', examples('lading prune', 'lading prune --json'))
    .action(async (_: unknown, command: Command) => {
      const globals = globalsOf(command)
      const pruned = await prune(await openStoreOf(globals))
      if (globals.json) return printJson(pruned)
      for (const digest of pruned.images) print(`Deleted: ${digest}`)
      print(`Freed ${formatSize(pruned.bytes)} in ${pruned.blobs} blobs`)
    })
