/**
 * The command line. Only the module of the command that was asked for is loaded: starting costs what that
 * command needs, and `--help` costs nothing.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addGlobalOptions, type CommandModule, globalsOf, storeDirectoryOf } from './command.js'
import { reportFailure } from './failure.js'
import { print } from './output.js'

/** Name, one line for the help, the module. */
const commands: readonly (readonly [name: string, summary: string, load: () => Promise<CommandModule>])[] = [
  ['load', 'Take the images of an archive into the store', () => import('./commands/load.js')],
  ['save', 'Write images into one archive', () => import('./commands/save.js')],
  ['export', 'Write the file tree of an image as one flat tar', () => import('./commands/export.js')],
  [
    'inspect',
    'Say what a file or place is, what is in it and what is wrong with it',
    () => import('./commands/inspect.js'),
  ],
  ['import', 'Make an image out of a flat tar', () => import('./commands/import.js')],
  [
    'convert',
    'Any place into any other; make layers one, change the config',
    () => import('./commands/convert.js'),
  ],
  ['diff', 'Compare two images: files, config, layers, history', () => import('./commands/diff.js')],
  ['history', 'Show how an image was made, each step with its layer', () => import('./commands/history.js')],
  ['ls', 'List the files of an image', () => import('./commands/ls.js')],
  ['cat', 'Print a file of an image', () => import('./commands/cat.js')],
  ['cp', 'Copy a file or folder of an image to disk', () => import('./commands/cp.js')],
  ['find', 'Find files of an image by a glob', () => import('./commands/find.js')],
  [
    'waste',
    'Show what lower layers hold that upper ones delete or replace',
    () => import('./commands/waste.js'),
  ],
  ['verify', 'Check every size, digest, count and name', () => import('./commands/verify.js')],
  ['images', 'List the images of the store', () => import('./commands/images.js')],
  ['tag', 'Give an image of the store another name', () => import('./commands/tag.js')],
  ['rmi', 'Remove images from the store', () => import('./commands/rmi.js')],
  ['prune', 'Remove what no name leads to', () => import('./commands/prune.js')],
  ['run', 'Run a program in a new container', () => import('./commands/run.js')],
  ['create', 'Make a container, to be started later', () => import('./commands/create.js')],
  ['bundle', 'Write a container for another runtime', () => import('./commands/bundle.js')],
  ['start', 'Run containers that are there', () => import('./commands/start.js')],
  ['stop', 'Ask containers to end', () => import('./commands/stop.js')],
  ['kill', 'Send a signal to containers', () => import('./commands/kill.js')],
  ['commit', 'Make an image of a container', () => import('./commands/commit.js')],
  [
    'snapshot',
    'Write a container with all that it has into one archive',
    () => import('./commands/snapshot.js'),
  ],
  ['restore', 'Make a container of a snapshot again', () => import('./commands/restore.js')],
  ['pause', 'Stop every process of containers where it is', () => import('./commands/pause.js')],
  ['unpause', 'Let paused containers go on', () => import('./commands/unpause.js')],
  ['wait', 'Wait until containers have ended', () => import('./commands/wait.js')],
  ['exec', 'Run one more program in a container', () => import('./commands/exec.js')],
  ['attach', 'Connect to the program of a container', () => import('./commands/attach.js')],
  ['logs', 'What a container has said', () => import('./commands/logs.js')],
  ['ps', 'List containers', () => import('./commands/ps.js')],
  ['top', 'List the processes of a container', () => import('./commands/top.js')],
  ['stats', 'Show what containers use', () => import('./commands/stats.js')],
  ['rename', 'Give a container another name', () => import('./commands/rename.js')],
  ['rm', 'Remove containers', () => import('./commands/rm.js')],
  ['info', 'Say what this host can do for containers', () => import('./commands/info.js')],
  ['df', 'Show what takes room in the store', () => import('./commands/df.js')],
  ['fsck', 'Check the store itself', () => import('./commands/fsck.js')],
]

const sayVersion = (): never => {
  print(JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version)
  throw new CommanderError(0, 'commander.version', '')
}

/** What keeps `run` from running a program at all ends with docker's 125. */
const statusOf = (command: string | undefined, status: number): number => (command === 'run' ? 125 : status)

/** The command's name: the first word that is no option and no value of one. */
const wantedCommand = (words: readonly string[]): string | undefined =>
  words.find(
    (word, index) => !word.startsWith('-') && !['--store', '--progress'].includes(words[index - 1] ?? ''),
  )

/** Whether commands are to be told of that are not wanted: by the help before a command's name, or for want of one. */
const listsCommands = (words: readonly string[], wanted: string | undefined): boolean =>
  !commands.some(([name]) => name === wanted) ||
  words.slice(0, words.indexOf(wanted!)).some(word => word === '-h' || word === '--help')

// A reader that has seen enough (`| head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

/** Run the command that the words of a command line ask for; leaves the exit status in `process.exitCode`. */
export const main = async (words: readonly string[]): Promise<void> => {
  const program = addGlobalOptions(new Command('lading'))
    .description('Image archives: open, inspect, load, save, verify')
    .option('-v, --version', 'Print the version')
    .on('option:version', sayVersion)
    .helpOption('-h, --help', 'Print help')
    .showHelpAfterError('(lading --help tells more)')
    // What follows a command's name is its own: `run -v` is a volume.
    .enablePositionalOptions()
    .exitOverride()
  const wanted = wantedCommand(words)
  const areListed = listsCommands(words, wanted)
  for (const [name, summary, load] of commands)
    if (name === wanted)
      program.addCommand(addGlobalOptions((await load()).command().summary(summary)).exitOverride())
    else if (areListed) program.command(name).summary(summary)
  if (process.getuid?.() !== 0)
    program.hook('preAction', async (_, command) => {
      const { enterForCommand } = await import('./ordinary-user.js')
      await enterForCommand(command.name(), storeDirectoryOf(globalsOf(command)))
    })
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    // Commander has said what it has to say; 2 is wrong usage, help and version are none.
    process.exitCode =
      error instanceof CommanderError
        ? error.exitCode === 0
          ? 0
          : statusOf(wanted, 2)
        : statusOf(wanted, reportFailure(error, words.includes('--debug')))
  }
}
