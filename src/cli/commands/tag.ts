import { Command } from 'commander'
import { familiarName } from '../../spec/reference.js'
import { tag } from '../../verbs/tag.js'
import { examples, globalsOf, openStoreOf } from '../command.js'
import { printJson, warn } from '../output.js'

export const command = (): Command =>
  new Command('tag')
    .description('Give an image of the store another name.')
    .argument('<source>', 'A name or an ID')
    .argument('<target>', 'The new name')
    .addHelpText('after', examples('lading tag app:1 team/app:stable', 'lading tag 4bce12 app:1'))
    .action(async (source: string, target: string, _: unknown, command: Command) => {
      const globals = globalsOf(command)
      const moved = await tag({ store: await openStoreOf(globals), source, target })
      if (globals.json)
        return printJson({
          moved: moved.map(({ name, from, to }) => ({ name: familiarName(name), from, to })),
        })
      for (const { name, from } of moved) warn(`${familiarName(name)} was the name of ${from} until now`)
    })
