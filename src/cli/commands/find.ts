import { Command } from 'commander'
import { find } from '../../verbs/find.js'
import { examples, globalsOf, lookOptions } from '../command.js'
import { printJson, printLines } from '../output.js'
import { longTable, nameOf } from './ls.js'

export const command = (): Command =>
  new Command('find')
    .description(
      'Find files of an image. A glob without a slash is matched against names, with one against whole paths; ** crosses folders.',
    )
    .argument('<place>', 'A path, -, a place, or a name in the store')
    .argument('<glob>', 'As *.conf, etc/**/*.d, usr/lib/lib?.so*')
    .option('-l, --long', 'Mode, owner, size, time')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText('after', examples("lading find app.tar '*.conf'", "lading find -l app:1 'usr/lib/**/*.so*'"))
    .action(
      async (
        place: string,
        glob: string,
        { long, platform }: { long?: boolean; platform?: string },
        command: Command,
      ) => {
        const globals = globalsOf(command)
        const entries = await find({ ...(await lookOptions(place, globals, platform)), glob })
        if (globals.json) return printJson(entries)
        printLines(long ? longTable(entries) : entries.map(nameOf))
      },
    )
