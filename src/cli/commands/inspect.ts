import { Command } from 'commander'
import type { InspectedContainer } from '../../runtime/container/inspect-container.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { JsonObject } from '../../spec/json.js'
import { formatPlatform } from '../../spec/platform.js'
import { type InspectedImage, type InspectedSnapshot, type Inspection, inspect } from '../../verbs/inspect.js'
import { examples, type GlobalOptions, globalsOf, lookOptions } from '../command.js'
import { containersOf } from '../container-command.js'
import { formatSize } from '../format.js'
import { print, printJson, reportWarnings } from '../output.js'

export const command = (): Command =>
  new Command('inspect')
    .description(
      'Say what a file or place is, what is in it and what is wrong with it; or how a container does. Layers are not read.',
    )
    .argument('<place>', 'A path, -, a place, a name in the store, or a container')
    .addHelpText(
      'after',
      examples(
        'lading inspect app.tar',
        'curl -s URL | lading inspect -',
        'lading inspect --json oci:layout:1',
        'lading inspect web',
      ),
    )
    .action(async (place: string, _: unknown, command: Command) => {
      const globals = globalsOf(command)
      const inspected = await inspectPlaceOrContainer(place, globals)
      if ('container' in inspected) {
        if (globals.json) return printJson(inspected.container)
        return (await import('../print-container.js')).printContainer(inspected.container)
      }
      const { warnings, ...found } = inspected
      if (globals.json) return printJson({ ...found, warnings })
      print(`${visible(place)} is ${found.is}`)
      if (found.remedy) print(found.remedy)
      if (found.snapshot) printSnapshot(found.snapshot)
      for (const { names, digest, derived, platforms, artifacts, absent, problems } of found.images) {
        print('')
        print(names.map(visible).join(', ') || '(no name)')
        print(
          `  ${platforms.length > 1 ? 'index' : 'manifest'}  ${digest}${derived ? '  (derived: the archive has none)' : ''}`,
        )
        for (const problem of problems) print(`  problem   ${visible(problem)}`)
        for (const image of platforms) printImage(image)
        for (const { digest, type, mediaType } of artifacts)
          print(`  artifact  ${digest}  ${visible(type ?? mediaType)}`)
        for (const { digest, platform } of absent)
          print(`  not here  ${digest}  ${platform ? visible(formatPlatform(platform)) : ''}`.trimEnd())
      }
      reportWarnings(warnings)
    })

/** What no file or image is called may be a container. */
const inspectPlaceOrContainer = async (
  place: string,
  globals: GlobalOptions,
): Promise<Inspection | { readonly container: InspectedContainer }> => {
  try {
    return await inspect(await lookOptions(place, globals))
  } catch (error) {
    if (!(error instanceof LadingError) || error.code !== 'NOT_FOUND') throw error
    const { lookForContainer } = await import('../../runtime/container/find.js')
    const container = lookForContainer(containersOf(globals), place)
    if (container === undefined) throw error
    const { inspectContainer } = await import('../../runtime/container/inspect-container.js')
    return { container: await inspectContainer(container) }
  }
}

const printImage = ({
  id,
  platform,
  created,
  size,
  layers,
  config,
  historyEntries,
}: InspectedImage): void => {
  print(`  image ID  ${id}`)
  print(`  platform  ${visible(formatPlatform(platform)) || 'not said'}`)
  if (created) print(`  created   ${visible(created)}`)
  printConfig(config)
  print(
    `  ${layers.length} layer${layers.length === 1 ? '' : 's'}, ${formatSize(size)}, ${historyEntries} history entries`,
  )
  for (const [index, { diffId, size, mediaType }] of layers.entries())
    print(
      `    ${String(index + 1).padStart(3)}  ${diffId}  ${formatSize(size).padStart(7)}  ${visible(mediaType.replace(/^.*\.(?=tar)/, ''))}`,
    )
}

const printSnapshot = ({ entries, size, carried }: InspectedSnapshot): void => {
  print('')
  print(`  ${entries} entries, ${formatSize(size)}`)
  if (carried === undefined) return
  print(`  carries the config of ${carried.names.map(visible).join(', ') || 'an image without a name'}`)
  print(`  manifest  ${visible(carried.manifest)}`)
  printConfig((carried.config.config ?? {}) as JsonObject)
}

const printConfig = (config: JsonObject): void => {
  for (const key of ['Entrypoint', 'Cmd', 'User', 'WorkingDir', 'Env', 'ExposedPorts', 'Volumes', 'Labels']) {
    const value = config[key]
    if (
      value === undefined ||
      value === null ||
      value === '' ||
      JSON.stringify(value) === '[]' ||
      JSON.stringify(value) === '{}'
    )
      continue
    print(`  ${key.padEnd(12)} ${visible(typeof value === 'string' ? value : JSON.stringify(value))}`)
  }
}
