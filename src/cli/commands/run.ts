import { Command } from 'commander'
import { createContainer } from '../../runtime/container/create.js'
import { lookForContainer } from '../../runtime/container/find.js'
import { parsePlatform } from '../../spec/platform.js'
import { examples, type GlobalOptions, globalsOf } from '../command.js'
import { checkTerminal, containersOf, flush, reportRunFailure, warnOfEnd } from '../container-command.js'
import { addContainerOptions, type ContainerOptions, flagsOf } from '../container-options.js'
import { print, warn } from '../output.js'

interface Options extends ContainerOptions {
  readonly detach?: boolean
  readonly explain?: boolean
}

export const command = (): Command =>
  addContainerOptions(new Command('run'))
    .description(
      'Run a program in a new container of an image: a name in the store, or an archive as it is, which is not unpacked.',
    )
    .argument('<image>', 'A path, a place, or a name in the store')
    .argument('[program...]', "The program and its arguments, in place of the image's")
    .option('-d, --detach', 'In the background; print its ID')
    .option('--explain', 'Print every step that would be taken, and take none')
    .addHelpText(
      'after',
      examples(
        'lading run --rm -it app:1 sh',
        'lading run --rm app.tar cat /etc/os-release',
        'lading run -d --name web -p 8080:80 -v data:/var/lib/web -m 256m nginx:1',
        'lading run --rm --network none --explain app:1 true',
      ),
    )
    .action(async (reference: string, program: readonly string[], options: Options, command: Command) => {
      const globals = globalsOf(command)
      try {
        process.exitCode = await run(reference, program, options, globals)
      } catch (error) {
        reportRunFailure(error, globals)
      }
      await flush()
      // Whoever has our input open would otherwise keep this process.
      process.exit()
    })

/** The exit status. */
const run = async (
  reference: string,
  program: readonly string[],
  options: Options,
  globals: GlobalOptions,
): Promise<number> => {
  const { detach = false, explain = false, ...given } = options
  if (given.tty && given.interactive && !detach && !explain) checkTerminal()
  const onStep =
    globals.progress === 'plain' ? (step: string) => process.stderr.write(`lading: ${step}\n`) : undefined
  const { container, image } = await createContainer({
    all: containersOf(globals),
    reference,
    flags: flagsOf(given, program),
    watched: true,
    ...(given.platform !== undefined && { platform: parsePlatform(given.platform) }),
    ...(given.cidfile !== undefined && { cidfile: given.cidfile }),
    ...(onStep && { onStep }),
  })
  if (explain) {
    const { explainContainer } = await import('../../runtime/container/explain-container.js')
    print(await explainContainer(container, image))
    return 0
  }
  if (detach) {
    await image[Symbol.asyncDispose]()
    const { startSupervisor } = await import('../../runtime/container/start-supervisor.js')
    try {
      await startSupervisor(container, { onNote: warn, ...(onStep && { onStep }) })
    } finally {
      // It is there, whether it runs or not.
      if (lookForContainer(containersOf(globals), container.settings.id)) print(container.settings.id)
    }
    return 0
  }
  const { runInForeground } = await import('../../runtime/container/foreground.js')
  const end = await runInForeground(container, { image, onNote: warn, ...(onStep && { onStep }) })
  warnOfEnd(container.settings.name, end)
  return end.exitCode
}
