import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { parsePlatform } from '../../spec/platform.js'
import { diff, type FileDifference } from '../../verbs/diff.js'
import { examples, type GlobalOptions, globalsOf, progressOf, storeDirectoryOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { lazyContainers } from '../containers.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('diff')
    .description(
      'Compare two images of any places: files, config, layers, history; or a container with its image. A is added, D deleted, C changed, as in docker diff.',
    )
    .argument('<from>', 'A path, a place, or a name in the store; alone: a container')
    .argument('[to]', 'The same; absent: what a container has changed of its image')
    .option('--exit-code', 'Exit status 3 when they differ')
    .option('--platform <platform>', 'Of an index, the image for this platform')
    .addHelpText(
      'after',
      examples(
        'lading diff app.tar app:1',
        'lading diff --exit-code app:1 app:2',
        'lading diff --json app:1 app:2',
        'lading diff web',
      ),
    )
    .action(
      async (
        from: string,
        to: string | undefined,
        { exitCode, platform }: { exitCode?: boolean; platform?: string },
        command: Command,
      ) => {
        const globals = globalsOf(command)
        if (to === undefined) return showChanges(from, globals, exitCode ?? false)
        const storeDirectory = storeDirectoryOf(globals)
        const found = await diff({
          ...{ from, to, storeDirectory, progress: await progressOf(globals) },
          containers: lazyContainers(storeDirectory),
          ...(platform !== undefined && { platform: parsePlatform(platform) }),
        })
        if (exitCode && !found.same) process.exitCode = 3
        if (globals.json) return printJson(found)
        for (const file of found.files) print(lineOf(file))
        for (const field of found.config) print(`config: ${visible(field)}`)
        if (!found.historySame) print('history')
        const { common, from: ours, to: theirs } = found.layers
        if (common < ours || common < theirs)
          print(`layers: ${common} in common, then ${ours - common} against ${theirs - common}`)
      },
    )

const showChanges = async (query: string, globals: GlobalOptions, exitCode: boolean): Promise<void> => {
  const { enterForContainers } = await import('../ordinary-user.js')
  await enterForContainers(storeDirectoryOf(globals))
  const { findContainer } = await import('../../runtime/container/find.js')
  const { diffContainer } = await import('../../runtime/container/diff-container.js')
  const changes = await diffContainer(findContainer(containersOf(globals), query))
  if (exitCode && changes.length > 0) process.exitCode = 3
  if (globals.json) return printJson(changes)
  for (const { kind, path } of changes) print(`${kind} /${visible(path)}`)
}

const letters = { added: 'A', deleted: 'D', changed: 'C' } as const

const lineOf = ({ change, path, aspects }: FileDifference): string =>
  `${letters[change]} /${visible(path)}${aspects.length > 0 ? `  (${aspects.join(', ')})` : ''}`
