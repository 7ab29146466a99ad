import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { familiarName } from '../../spec/reference.js'
import { rmi } from '../../verbs/rmi.js'
import { examples, globalsOf, openStoreOf } from '../command.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('rmi')
    .description(
      'Take names away from images of the store; an image goes with its last name, and its blobs when nothing else has them.',
    )
    .argument('<image...>', 'Names or IDs')
    .option('-f, --force', 'Also an image with several names, given by its ID')
    .addHelpText('after', examples('lading rmi app:1', 'lading rmi -f 4bce12'))
    .action(async (images: readonly string[], { force }: { force?: boolean }, command: Command) => {
      const globals = globalsOf(command)
      const { untagged, deleted, bytes } = await rmi({
        store: await openStoreOf(globals),
        images,
        ...(force && { force }),
      })
      if (globals.json) return printJson({ untagged: untagged.map(familiarName), deleted, bytes })
      for (const name of untagged) print(`Untagged: ${visible(familiarName(name))}`)
      for (const digest of deleted) print(`Deleted: ${digest}`)
    })
