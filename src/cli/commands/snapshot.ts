import { Command } from 'commander'
import { checkByteOutput, examples, globalsOf, progressOf } from '../command.js'
import { containersOf } from '../container-command.js'
import { print, printJson, reportLosses } from '../output.js'

interface Options {
  readonly output?: string
  readonly thin?: boolean
  readonly volumes: boolean
}

export const command = (): Command =>
  new Command('snapshot')
    .description(
      'Write a container into one archive: its files, which other tools open as an image, its settings and its volumes. lading restore makes a container of it again, here or elsewhere.',
    )
    .argument('<container>', 'A name, an ID, or the beginning of one')
    .option('-o, --output <file>', 'The archive; standard output if absent')
    .option('--thin', 'Name its image only by the digest: it has to be in the store where it is restored')
    .option('--no-volumes', 'Without the files of its volumes')
    .addHelpText(
      'after',
      examples(
        'lading snapshot web -o web.snapshot.tar',
        'lading snapshot --thin web | ssh host lading restore -',
        'lading snapshot --no-volumes db -o db.tar',
      ),
    )
    .action(async (query: string, { output = '-', thin, volumes }: Options, command: Command) => {
      const globals = globalsOf(command)
      checkByteOutput('write a snapshot', output, globals)
      const { findContainer } = await import('../../runtime/container/find.js')
      const { snapshotContainer } = await import('../../runtime/snapshot/snapshot.js')
      const { losses, ...taken } = await snapshotContainer(findContainer(containersOf(globals), query), {
        ...{ output, volumes, progress: await progressOf(globals) },
        ...(thin && { thin }),
      })
      reportLosses(losses)
      if (globals.json) printJson({ ...taken, loss: losses })
      else if (output !== '-') print(taken.id ?? taken.digest)
    })
