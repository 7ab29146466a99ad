import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { familiarName } from '../../spec/reference.js'
import { examples, globalsOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { print, printJson, reportLosses, warn } from '../output.js'

interface Options {
  readonly author?: string
  readonly message?: string
  readonly change: readonly string[]
  readonly pause: string
}

const again = (value: string, all: readonly string[]) => [...all, value]

export const command = (): Command =>
  new Command('commit')
    .description(
      'Make an image of a container: the layers of its image and one more with what it has changed. It stands still while its files are read.',
    )
    .argument('<container>', 'A name, an ID, or the beginning of one')
    .argument('[name]', 'Of the image; latest, if it has no tag')
    .option('-a, --author <author>', 'Who made it: NAME <ADDRESS>')
    .option('-m, --message <text>', 'What was done')
    .option('-c, --change <instruction>', 'A line of a Dockerfile (again and again)', again, [])
    .option('--pause <yes>', 'false: do not make it stand still', 'true')
    .addHelpText(
      'after',
      examples(
        'lading commit web web:2',
        'lading commit -m \'add a page\' -c \'CMD ["serve", "/srv"]\' web web:2',
        'lading commit --pause=false job',
      ),
    )
    .action(
      async (
        query: string,
        name: string | undefined,
        { author, message, change, pause }: Options,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        const { findContainer } = await import('../../runtime/container/find.js')
        const { commitContainer } = await import('../../runtime/snapshot/commit.js')
        const {
          losses,
          moved,
          name: given,
          ...made
        } = await commitContainer(findContainer(containersOf(globals), query), {
          ...{ changes: change, pause: pause !== 'false' },
          ...(name !== undefined && { name }),
          ...(author !== undefined && { author }),
          ...(message !== undefined && { message }),
        })
        for (const { name, from } of moved)
          warn(`${visible(familiarName(name))} stood for ${from} until now, which has one name less`)
        reportLosses(losses)
        if (!globals.json) return print(made.id)
        printJson({
          ...made,
          ...(given && { name: familiarName(given) }),
          moved: moved.map(({ name, from, to }) => ({ name: familiarName(name), from, to })),
          loss: losses,
        })
      },
    )
