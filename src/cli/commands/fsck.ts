import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { examples, globalsOf, openStoreOf } from '../command.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('fsck')
    .description(
      'Read every byte of the store and check it: blobs, documents, references, tables of contents, stray files. Exit status 3 when something is wrong.',
    )
    .option('--repair', 'Remove what is broken, and take images out of sight that have lost something')
    .addHelpText('after', examples('lading fsck', 'lading fsck --repair'))
    .action(async ({ repair }: { repair?: boolean }, command: Command) => {
      const globals = globalsOf(command)
      const problems = await (await openStoreOf(globals)).check(repair ? { repair } : {})
      if (problems.length > 0) process.exitCode = 3
      if (globals.json) return printJson({ problems, repaired: repair === true })
      for (const { where, problem } of problems) print(`${visible(where)}: ${visible(problem)}`)
      print(
        problems.length === 0
          ? 'The store is as it should be'
          : `${problems.length} found${repair ? ' and repaired' : ''}`,
      )
    })
