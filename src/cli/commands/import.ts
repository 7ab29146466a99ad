import { Command } from 'commander'
import { LadingError } from '../../spec/errors.js'
import { parsePlatform } from '../../spec/platform.js'
import { familiarName } from '../../spec/reference.js'
import { importSnapshot } from '../../verbs/import.js'
import { examples, globalsOf, openStoreOf, progressOf } from '../command.js'
import { print, printJson, reportLosses, reportWarnings } from '../output.js'

interface Options {
  readonly change: readonly string[]
  readonly message?: string
  readonly platform?: string
  readonly configFrom?: string
  readonly bare?: boolean
}

export const command = (): Command =>
  new Command('import')
    .description(
      'Make an image of one layer out of a flat tar, as docker export or lading export writes it. What lading export carried along is put back.',
    )
    .argument('<file>', 'A path, or - for standard input; any compression')
    .argument('[name]', 'The name that the image gets')
    .option(
      '-c, --change <instruction>',
      'CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR as in a Dockerfile; UNSET ENV X, UNEXPOSE, UNVOLUME, UNLABEL take away',
      (value: string, all: readonly string[]) => [...all, value],
      [],
    )
    .option('-m, --message <text>', 'The comment of its one history entry')
    .option('--platform <platform>', "What it runs on; the snapshot's, else this machine's")
    .option('--config-from <place>', "Take another image's config")
    .option('--bare', 'Leave out what the snapshot carries')
    .addHelpText(
      'after',
      examples(
        'lading import rootfs.tar app:flat',
        'docker export app | lading import -c \'CMD ["/bin/sh"]\' - app:flat',
        'lading export app:1 | lading import - app:flat',
      ),
    )
    .action(
      async (
        input: string,
        name: string | undefined,
        { change, message, platform, configFrom, bare }: Options,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        if (input === '-' && process.stdin.isTTY)
          throw new LadingError(
            'USAGE',
            'Cannot import from a terminal: give a file, or a tar on standard input',
          )
        const result = await importSnapshot({
          ...{
            input,
            store: await openStoreOf(globals, true),
            changes: change,
            progress: await progressOf(globals),
          },
          ...(name !== undefined && { name }),
          ...(message !== undefined && { message }),
          ...(platform !== undefined && { platform: parsePlatform(platform) }),
          ...(configFrom !== undefined && { configFrom }),
          ...(bare && { bare }),
        })
        reportWarnings(result.warnings)
        reportLosses(result.losses)
        if (!globals.json) return print(result.id)
        const { losses, moved, ...rest } = result
        printJson({
          ...rest,
          ...(result.name && { name: familiarName(result.name) }),
          moved: moved.map(({ name, from, to }) => ({ name: familiarName(name), from, to })),
          loss: losses,
        })
      },
    )
