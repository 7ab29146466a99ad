/**
 * What a file is that somebody took for an image archive: the answer to "it does not open". By content, never
 * by name. Each answer that is not an image says what to do instead.
 */
import type { Archive } from './archive/archive.js'
import { isDockerArchive } from './docker-archive/source.js'
import { isOciArchive } from './oci-archive/source.js'

export type Kind =
  | 'docker-archive'
  | 'oci-archive'
  | 'docker+oci-archive'
  | 'oci-layout'
  | 'store'
  | 'folder'
  | 'rootfs'
  | 'layer'
  | 'tar'
  | 'empty'
  | 'utf-16'
  | 'html'
  | 'json'
  | 'zip'
  | 'elf'
  | 'text'
  | 'unknown'

const explanations: Readonly<Record<Kind, { readonly is: string; readonly remedy?: string }>> = {
  'docker-archive': { is: 'an image archive of docker' },
  'oci-archive': { is: 'an OCI image archive' },
  'docker+oci-archive': { is: 'an image archive, docker and OCI at once' },
  'oci-layout': { is: 'an OCI image layout' },
  store: { is: 'in the store' },
  folder: {
    is: 'a folder, but no OCI image layout',
    remedy:
      'A layout has oci-layout, index.json and blobs in it; a file tree is for import, or for convert as dir:DIR',
  },
  rootfs: {
    is: 'a snapshot: the file tree of a container (docker export) or of a distribution, without image metadata',
    remedy: 'It is for import, not for load: import makes an image of it',
  },
  layer: {
    is: 'a single image layer (it has whiteouts), without the image around it',
    remedy: 'Get the whole image: docker save, skopeo copy',
  },
  tar: {
    is: 'a tar, but no image archive',
    remedy: 'An image archive has manifest.json, or oci-layout and index.json; docker save makes one',
  },
  empty: { is: 'empty', remedy: 'Look at what the command that wrote it said: it probably failed' },
  'utf-16': {
    is: 'text in UTF-16: a PowerShell ">" has taken the bytes for text and changed them, which cannot be undone',
    remedy: 'Write it again with docker save -o FILE, not with ">"',
  },
  html: {
    is: 'a web page',
    remedy: 'The download gave an error or login page in place of the file: look at it, download again',
  },
  json: {
    is: 'JSON, not an archive',
    remedy: 'If it is a manifest, the layers it names are still where it came from',
  },
  zip: { is: 'a zip file', remedy: 'Unzip it; the archive is probably inside' },
  elf: { is: 'a program' },
  text: { is: 'text, not an archive' },
  unknown: { is: 'of a kind that is not known here, or damaged from its first byte on' },
}

/** "a web page", and what to do about it. */
export const explain = (kind: Kind): { readonly is: string; readonly remedy?: string } => explanations[kind]

/** The kind of what is no tar, by its first bytes. */
export const kindOfBytes = (head: Buffer): Kind => {
  const text = head.toString('latin1')
  if (head.length === 0) return 'empty'
  if (/^(?:\xff\xfe|\xfe\xff)/.test(text)) return 'utf-16'
  if (text.startsWith('PK\x03\x04')) return 'zip'
  if (text.startsWith('\x7fELF')) return 'elf'
  const trimmed = text.replace(/^\xef\xbb\xbf/, '').trimStart()
  if (/^<(?:!doctype html|html|head|\?xml)/i.test(trimmed)) return 'html'
  if (/^[{[]/.test(trimmed)) return 'json'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character is what text has none of
  return /^[^\x00-\x08\x0e-\x1f]*$/.test(text) ? 'text' : 'unknown'
}

const rootFolders = [
  'bin',
  'boot',
  'dev',
  'etc',
  'home',
  'lib',
  'opt',
  'proc',
  'root',
  'run',
  'sbin',
  'srv',
  'sys',
  'tmp',
  'usr',
  'var',
]

/** The kind of a tar, by the names in it. */
export const kindOfArchive = (archive: Archive): Kind => {
  const docker = isDockerArchive(archive)
  const oci = isOciArchive(archive)
  if (docker && oci && archive.has('manifest.json'))
    return archive.has('index.json') && archive.has('oci-layout') ? 'docker+oci-archive' : 'docker-archive'
  if (docker) return 'docker-archive'
  if (oci) return 'oci-archive'
  const names = [...archive.files.keys()]
  if (names.some(name => /(?:^|\/)\.wh\./.test(name))) return 'layer'
  return rootFolders.filter(folder => archive.tops.has(folder)).length >= 2 ? 'rootfs' : 'tar'
}
