import { LadingError } from './errors.js'
import { type Fields, optionalString, stringList } from './fields.js'

/** OCI image-spec image-index.md, `platform`; GOOS and GOARCH words. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

const architectures: Readonly<Record<string, readonly [string, string?]>> = {
  ...{
    aarch64: ['arm64'],
    arm64: ['arm64'],
    x86_64: ['amd64'],
    'x86-64': ['amd64'],
    i386: ['386'],
    i486: ['386'],
  },
  ...{
    i586: ['386'],
    i686: ['386'],
    armhf: ['arm', 'v7'],
    armel: ['arm', 'v6'],
    x64: ['amd64'],
    ia32: ['386'],
  },
}

/**
 * The one spelling of a platform: aarch64 is arm64, x86_64 amd64, armhf arm/v7; the variant that goes without
 * saying is left out (arm64/v8, amd64/v1) or put in (arm is arm/v7). As containerd's platforms.Normalize.
 */
export const normalizePlatform = (platform: Platform): Platform => {
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase()
  const given = platform.architecture.toLowerCase()
  const [architecture, implied] = architectures[given] ?? [given]
  const variant = normalizeVariant(architecture, platform.variant?.toLowerCase() || implied)
  const { variant: _, ...rest } = platform
  return { ...rest, os, architecture, ...(variant !== undefined && { variant }) }
}

const normalizeVariant = (architecture: string, variant: string | undefined): string | undefined => {
  if (architecture === 'arm') return variant === undefined ? 'v7' : variant.replace(/^(?=\d)/, 'v')
  if (architecture === 'arm64' && (variant === '8' || variant === 'v8')) return undefined
  if (architecture === 'amd64' && variant === 'v1') return undefined
  return variant
}

/** `os/architecture[/variant]`, or one of the two alone (the other is the host's). Throws USAGE. */
export const parsePlatform = (text: string): Platform => {
  const parts = text.split('/')
  if (parts.length > 3 || !parts.every(part => /^[A-Za-z0-9_.-]+$/.test(part)))
    throw new LadingError(
      'USAGE',
      `Bad platform ${JSON.stringify(text)}: wanted os/architecture or os/architecture/variant`,
    )
  const [first, second, variant] = parts as [string, string?, string?]
  if (second !== undefined)
    return normalizePlatform({ os: first, architecture: second, ...(variant !== undefined && { variant }) })
  const host = hostPlatform()
  return ['linux', 'windows', 'darwin', 'macos', 'freebsd'].includes(first.toLowerCase())
    ? normalizePlatform({ ...host, os: first })
    : normalizePlatform({ os: host.os, architecture: first })
}

export const formatPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, variant].filter(Boolean).join('/')

/** What runs on this machine: images are Linux images wherever a container engine runs them. */
export const hostPlatform = (): Platform =>
  normalizePlatform({ os: process.platform === 'win32' ? 'windows' : 'linux', architecture: process.arch })

/**
 * Which of `list` a machine that wants `wanted` takes: the same system and architecture, and the newest ARM
 * or AMD64 variant that is not newer than the wanted one. As containerd's platforms.Only. Its index, or
 * undefined.
 */
export const pickPlatform = (wanted: Platform, list: readonly Platform[]): number | undefined => {
  const want = normalizePlatform(wanted)
  let best: { index: number; level: number } | undefined
  for (const [index, candidate] of list.map(normalizePlatform).entries()) {
    if (candidate.os !== want.os || candidate.architecture !== want.architecture) continue
    const version = want['os.version']
    if (version !== undefined && candidate['os.version'] !== undefined && candidate['os.version'] !== version)
      continue
    const level = variantLevel(candidate)
    const fits =
      candidate.variant === want.variant || (level !== undefined && level <= (variantLevel(want) ?? -1))
    if (fits && (best === undefined || (level ?? 0) > best.level)) best = { index, level: level ?? 0 }
  }
  return best?.index
}

const variantLevel = ({ architecture, variant }: Platform): number | undefined => {
  if (variant === undefined) return architecture === 'arm64' ? 8 : architecture === 'amd64' ? 1 : undefined
  return /^v\d+$/.test(variant) ? Number(variant.slice(1)) : undefined
}

/** The `platform` of a descriptor. */
export const readPlatform = (fields: Fields): Platform => {
  const variant = optionalString(fields, 'variant')
  const version = optionalString(fields, 'os.version')
  const features = stringList(fields, 'os.features')
  return {
    os: optionalString(fields, 'os') ?? '',
    architecture: optionalString(fields, 'architecture') ?? '',
    ...(variant !== undefined && { variant }),
    ...(version !== undefined && { 'os.version': version }),
    ...(features.length > 0 && { 'os.features': features }),
  }
}
