import { readFileSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { badFlag } from './flag-errors.js'

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const nameOf = (line: string): string => line.split('=', 1)[0]!

/**
 * `--env-file` and `--env`, files first (docker cli opts.ReadKVEnvStrings): a name without a value has the one
 * that it has in `host`. Where it has none, a file's is left out; a flag's stays as it is, and takes the image's away. Throws USAGE.
 */
export const readEnvironment = (
  files: readonly string[],
  lines: readonly string[],
  host: NodeJS.ProcessEnv,
): readonly string[] => {
  const given = lines.map(line => {
    if (nameOf(line) === '')
      throw badFlag('-e, --env', line, `invalid environment variable: ${visible(line)}`)
    return line
  })
  const filled = (line: string) =>
    line.includes('=') || host[line] === undefined ? line : `${line}=${host[line]}`
  return [
    ...files
      .flatMap(readEnvFile)
      .map(filled)
      .filter(line => line.includes('=')),
    ...given.map(filled),
  ]
}

/** Lines of `NAME=value` or `NAME`, taken literally; empty ones and those that begin with # are passed over. */
const readEnvFile = (path: string): readonly string[] => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new LadingError(
      'USAGE',
      `Cannot read the environment file ${visible(path)}: ${code === 'ENOENT' ? 'no such file or directory' : code}`,
    )
  }
  return text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map(line => line.trimStart())
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const name = nameOf(line)
      if (name === '' || /\s/.test(name))
        throw new LadingError(
          'USAGE',
          `Bad line ${JSON.stringify(visible(line))} in ${visible(path)}: variable '${visible(name)}' has no name or contains whitespaces`,
        )
      return line
    })
}

/** The container's own: the user's, then what the image has besides (moby daemon/commit.go, merge). */
export const configEnvironment = (user: readonly string[], image: readonly string[]): readonly string[] => {
  const named = new Set(user.map(nameOf))
  return [...user, ...image.filter(line => !named.has(nameOf(line)))]
}

/**
 * What the program gets (moby container.CreateDaemonEnvironment): the defaults, with `config` over them in
 * place; a name without `=` takes the default away. HOME comes when the user is known, from /etc/passwd.
 */
export const processEnvironment = (
  config: readonly string[],
  { hostname, terminal }: { hostname: string; terminal: boolean },
): readonly string[] => {
  const env = new Map<string, string>()
  for (const line of [defaultPath, `HOSTNAME=${hostname}`, ...(terminal ? ['TERM=xterm'] : []), ...config])
    if (line.includes('=')) env.set(nameOf(line), line)
    else env.delete(line)
  return [...env.values()]
}
