import type { Outcome } from '../../helpers/programs.js'
import { senseOf } from './messages.js'

/** What is of this case and this run alone: names, IDs, folders. */
export type Own = Readonly<Record<string, string>>

/** Lines that only lead to help. */
const pointers =
  /^(?:Run|See) 'docker .*--help'|^Usage: {2}docker|^\(lading --help|^time="|^Error: failed to (?:start|rename) container|^$/
const saidByThem =
  /^(?:docker: |"docker |lading: |error: |Error: |Error response from daemon: |OCI runtime |Unable to find image|[Uu]nable to find |[Ii]nvalid |unknown |[Cc]ontainer ID file|copying between|cannot copy|no such directory|lstat |the input device|read escape|You cannot|nonsense|exec: )/

const senses = (text: string): string =>
  text
    .split('\n')
    .filter(line => !pointers.test(line))
    .map(line => (saidByThem.test(line) ? senseOf(line) : line))
    // The same is often said twice: by the client, then by the daemon.
    .filter((line, index, all) => line !== all[index - 1])
    .join('\n')

/** One line for the eye: line ends are shown. */
const shown = (text: string): string => text.trimEnd().replaceAll('\n', ' ⏎ ')

const anonymous = (text: string, own: Own): string => {
  let rest = text
  for (const [word, value] of Object.entries(own)) rest = rest.replaceAll(value, word)
  return rest
    .replace(/\b(?:sha256:)?[0-9a-f]{64}\b/g, 'ID')
    .replace(/\b[0-9a-f]{12}\b/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a shell on a terminal says to it
const control = /\x1b\[[0-9;?]*[A-Za-z]|\r/g

/** Status, standard output, `!` and standard error. */
export const outcomeText = ({ status, stdout, stderr }: Outcome, own: Own): string => {
  const [out, error] = [stdout, stderr].map(text => shown(senses(anonymous(text.replace(control, ''), own))))
  return [`${status}`, out, error === '' ? '' : `! ${error}`].filter(Boolean).join(' ')
}
