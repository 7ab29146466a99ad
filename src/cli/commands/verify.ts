import { Command } from 'commander'
import { visible } from '../../spec/escape.js'
import { verify } from '../../verbs/verify.js'
import { examples, globalsOf, lookOptions } from '../command.js'
import { formatSize } from '../format.js'
import { print, printJson } from '../output.js'

export const command = (): Command =>
  new Command('verify')
    .description(
      'Check every size, digest, DiffID, count, name and agreement of a place. Exit status 3 when something is wrong.',
    )
    .argument('<place>', 'A path, -, a place, or a name in the store')
    .addHelpText(
      'after',
      examples('lading verify app.tar', 'lading verify --json oci:layout', 'lading verify store:'),
    )
    .action(async (place: string, _: unknown, command: Command) => {
      const globals = globalsOf(command)
      const result = await verify(await lookOptions(place, globals))
      if (result.findings.length > 0) process.exitCode = 3
      if (globals.json) return printJson(result)
      for (const note of result.notes) print(`note: ${visible(note)}`)
      for (const { where, problem, code } of result.findings)
        print(`${visible(where)}: ${visible(problem)} [${code}]`)
      const checked = `${result.images} image${result.images === 1 ? '' : 's'}, ${result.layers} layers, ${formatSize(result.bytes)}`
      print(
        result.findings.length === 0
          ? `Everything is as it should be: ${checked}`
          : `${result.findings.length} found in ${checked}`,
      )
    })
