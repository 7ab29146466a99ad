import { Command } from 'commander'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { parsePlatform } from '../../spec/platform.js'
import { familiarName, parseReference } from '../../spec/reference.js'
import { load } from '../../verbs/load.js'
import { examples, globalsOf, openStoreOf, progressOf } from '../command.js'
import { print, printJson, reportLosses, reportWarnings, warn } from '../output.js'

interface Options {
  readonly input?: string
  readonly tag: readonly string[]
  readonly platform?: string
  readonly sync?: boolean
}

export const command = (): Command =>
  new Command('load')
    .description('Take the images of an archive into the store: of any tool, any age, any compression.')
    .option('-i, --input <place>', 'A path or place; standard input if absent')
    .option(
      '--tag <old=new>',
      'Rename an image as it comes in (again and again)',
      (value, all: readonly string[]) => [...all, value],
      [],
    )
    .option('--platform <platform>', 'Only the image for this platform of each index')
    .option('--sync', 'Wait until the disk has everything')
    .addHelpText(
      'after',
      examples(
        'lading load -i app.tar',
        'docker save app:1 | lading load',
        'lading load -i app.tar --tag app:1=team/app:1',
      ),
    )
    .action(async ({ input = '-', tag, platform, sync }: Options, command: Command) => {
      const globals = globalsOf(command)
      if (input === '-' && process.stdin.isTTY)
        throw new LadingError(
          'USAGE',
          'Cannot load from a terminal: give a file with -i, or an archive on standard input',
        )
      const result = await load({
        input,
        store: await openStoreOf(globals, true),
        tags: tag.map(readRule),
        progress: await progressOf(globals),
        ...(sync && { sync }),
        ...(platform !== undefined && { platform: parsePlatform(platform) }),
      })
      reportWarnings(result.warnings)
      reportLosses(result.losses)
      if (globals.json)
        return printJson({
          images: result.images.map(({ names, ids, digest }) => ({
            names: names.map(familiarName),
            ids,
            digest,
          })),
          moved: result.moved.map(({ name, from, to }) => ({ name: familiarName(name), from, to })),
          warnings: result.warnings,
          loss: result.losses,
        })
      for (const { name, from } of result.moved)
        warn(
          `The image ${familiarName(name)} already exists, the old one with digest ${from} stays without that name`,
        )
      for (const { names, ids, digest } of result.images) {
        for (const name of names) print(`Loaded image: ${visible(familiarName(name))}`)
        if (names.length === 0) print(`Loaded image ID: ${ids[0] ?? digest}`)
      }
    })

const readRule = (text: string) => {
  const [from, to, ...rest] = text.split('=')
  if (!from || !to || rest.length > 0)
    throw new LadingError('USAGE', `Bad --tag ${JSON.stringify(text)}: wanted OLD=NEW`)
  return { from: parseReference(from), to: parseReference(to) }
}
