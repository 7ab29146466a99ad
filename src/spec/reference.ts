/**
 * Names of images, by the grammar of distribution/reference:
 *
 *   reference := name [":" tag] ["@" digest]
 *   name      := [domain "/"] component ("/" component)*
 *
 * The first part is a domain only if it has a dot, a colon or an upper-case letter, or is `localhost`;
 * otherwise the name is a familiar one: `alpine` is docker.io/library/alpine. Grammar first, and only then
 * any use as a path or in a URL.
 */
import { type Digest, parseDigest } from './digest.js'
import { LadingError } from './errors.js'

export interface Reference {
  readonly domain: string
  /** Without the domain: `library/alpine`. */
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

const defaultDomain = 'docker.io'
const domainPart = /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])$/
const ipv6 = /^\[[0-9a-fA-F:]+\](?::\d+)?$/
const component = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const longestName = 255

/** The reference that `text` is, in full. Throws BAD_REFERENCE saying which part is wrong. `where` is for messages. */
export const parseReference = (text: string, where = 'image name'): Reference => {
  const fail = (problem: string): LadingError =>
    new LadingError('BAD_REFERENCE', `Bad ${where} ${JSON.stringify(text)}: ${problem}`, {
      data: { found: text },
    })
  if (/^[0-9a-f]{64}$/.test(text)) throw fail('64 hex digits are an ID, not a name')
  const at = text.indexOf('@')
  const digest =
    at < 0 ? undefined : parseDigest(text.slice(at + 1), `digest in ${where} ${JSON.stringify(text)}`)
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(':')
  const tagged = colon > named.lastIndexOf('/')
  const name = tagged ? named.slice(0, colon) : named
  const tag = tagged ? named.slice(colon + 1) : undefined
  if (tag !== undefined && !tagGrammar.test(tag))
    throw fail(
      `the tag ${JSON.stringify(tag)} is not 1 to 128 letters, digits, "_", "." and "-", the first no "." or "-"`,
    )
  const { domain, path } = splitName(name)
  if (!isDomain(domain)) throw fail(`${JSON.stringify(domain)} is no domain`)
  for (const part of path.split('/'))
    if (!component.test(part))
      throw fail(
        part === ''
          ? 'a part of the name is empty'
          : part !== part.toLowerCase()
            ? 'a repository name is lower case'
            : `${JSON.stringify(part)} is not lower-case letters and digits, with single "." or "_", "__" or dashes between`,
      )
  if (domain.length + 1 + path.length > longestName)
    throw fail(`the name is longer than ${longestName} characters`)
  return { domain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

const splitName = (name: string): { domain: string; path: string } => {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const named = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const domain = named ? first : defaultDomain
  const path = named ? name.slice(slash + 1) : name
  // index.docker.io is what old configurations call docker.io.
  const real = domain === `index.${defaultDomain}` ? defaultDomain : domain
  return { domain: real, path: real === defaultDomain && !path.includes('/') ? `library/${path}` : path }
}

const isDomain = (domain: string): boolean => {
  if (ipv6.test(domain)) return true
  const [host = '', port, ...rest] = domain.split(':')
  return (
    rest.length === 0 &&
    (port === undefined || /^\d+$/.test(port)) &&
    host.split('.').every(part => domainPart.test(part))
  )
}

const suffix = ({ tag, digest }: Reference): string =>
  (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`)

/** `docker.io/library/alpine:3` */
export const fullName = (reference: Reference): string =>
  `${reference.domain}/${reference.path}${suffix(reference)}`

/** `alpine:3`: as docker shows it. */
export const familiarName = (reference: Reference): string => {
  if (reference.domain !== defaultDomain) return fullName(reference)
  const short = reference.path.startsWith('library/')
    ? reference.path.slice('library/'.length)
    : reference.path
  // A familiar name whose first part looks like a domain would be read back as one.
  return (
    (splitName(short).domain === defaultDomain ? short : `${defaultDomain}/${reference.path}`) +
    suffix(reference)
  )
}

/** `latest` where neither tag nor digest is given. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference

export const sameReference = (a: Reference, b: Reference): boolean => fullName(a) === fullName(b)
