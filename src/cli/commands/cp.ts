import { Command } from 'commander'
import { LadingError } from '../../spec/errors.js'
import { cp } from '../../verbs/cp.js'
import {
  checkByteOutput,
  examples,
  type GlobalOptions,
  globalsOf,
  lookOptions,
  storeDirectoryOf,
} from '../command.js'
import { containersOf } from '../container-command.js'
import { printJson, reportLosses } from '../output.js'

interface Options {
  readonly archive?: boolean
  readonly followLink?: boolean
  readonly platform?: string
}

export const command = (): Command =>
  new Command('cp')
    .description(
      'Copy a file, or a folder with all that is in it, out of an image, a snapshot or a folder; or between a container and the host.',
    )
    .argument(
      '<place>',
      'A path, a place, or a name in the store; or CONTAINER:PATH, or a path to copy into one',
    )
    .argument('<path>', 'A file or folder in it; or the destination, CONTAINER:PATH, where there is no third')
    .argument('[destination]', 'A folder, a new name, or - for a tar on standard output')
    .option('-a, --archive', 'Keep owners and extended attributes')
    .option('-L, --follow-link', 'What a symbolic link leads to, not the link')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText(
      'after',
      examples(
        'lading cp app.tar /etc/nginx .',
        'lading cp -a app:1 /srv - | tar -tv',
        'lading cp rootfs:old.tar /etc/passwd passwd.old',
        'lading cp web:/etc/nginx .',
        'lading cp site/. web:/srv',
        'tar -c site | lading cp - web:/srv',
      ),
    )
    .action(
      async (
        place: string,
        path: string,
        destination: string | undefined,
        { platform, ...how }: Options,
        command: Command,
      ) => {
        const globals = globalsOf(command)
        if (destination === undefined) return copyWithContainer(place, path, how, globals)
        checkByteOutput('copy', destination, globals)
        const losses = await cp({
          ...(await lookOptions(place, globals, platform)),
          ...{ path, destination, ...how },
        })
        reportLosses(losses)
        if (globals.json) printJson({ loss: losses })
      },
    )

/** `CONTAINER:PATH`; what begins like a path is one. */
const splitContainer = (text: string): readonly [container: string, path: string] | undefined => {
  const [, container, path] = /^([^:/.][^:/]*):(.*)$/s.exec(text) ?? []
  return container === undefined ? undefined : [container, path!]
}

const copyWithContainer = async (
  from: string,
  to: string,
  how: Omit<Options, 'platform'>,
  globals: GlobalOptions,
): Promise<void> => {
  const [source, target] = [splitContainer(from), splitContainer(to)]
  if ((source === undefined) === (target === undefined))
    throw new LadingError(
      'USAGE',
      'Cannot copy: wanted PLACE PATH DESTINATION, CONTAINER:PATH DESTINATION, or SOURCE CONTAINER:PATH',
    )
  const { enterForContainers } = await import('../ordinary-user.js')
  await enterForContainers(storeDirectoryOf(globals))
  const { findContainer } = await import('../../runtime/container/find.js')
  const { copyFromContainer, copyIntoContainer } = await import('../../runtime/container/copy.js')
  const all = containersOf(globals)
  if (source) {
    checkByteOutput('copy', to, globals)
    const losses = await copyFromContainer(findContainer(all, source[0]), {
      ...{ path: source[1], destination: to, ...how },
    })
    reportLosses(losses)
    if (globals.json) printJson({ loss: losses })
  } else if (target) {
    await copyIntoContainer(findContainer(all, target[0]), { source: from, path: target[1], ...how })
    if (globals.json) printJson({ loss: [] })
  }
}
