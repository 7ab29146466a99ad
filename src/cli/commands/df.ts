import { Command } from 'commander'
import { df } from '../../verbs/df.js'
import { examples, globalsOf, openStoreOf } from '../command.js'
import { formatSize } from '../format.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('df')
    .description('Show what takes room in the store.')
    .addHelpText('after', examples('lading df', 'lading df --json'))
    .action(async (_: unknown, command: Command) => {
      const globals = globalsOf(command)
      const usage = await df(await openStoreOf(globals, true))
      if (globals.json) return printJson(usage)
      print(`${usage.images} images with ${usage.layers} layers, ${formatSize(usage.layerBytes)}`)
      print(`${formatSize(usage.sharedBytes)} in layers that images share`)
      print(`${formatSize(usage.reclaimableBytes)} would be freed by lading prune`)
    })
