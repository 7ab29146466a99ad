import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { has, isRoot, run } from '../helpers/programs.js'

/** What the bench reads: one image of five layers in its forms. */
export interface BenchInput {
  /** As docker save writes it, layers uncompressed. */
  readonly archive: string
  /** The same, gzip around the whole. */
  readonly gzipped: string
  /** The same tree as one flat tar. */
  readonly rootfs: string
  readonly bytes: number
  /** In the end, folders not counted. */
  readonly files: number
}

export interface InputSize {
  readonly layers: number
  /** Of content, all layers together. */
  readonly bytes: number
  readonly files: number
}

/**
 * The image that is measured with. Its base is a Debian (debootstrap's minbase: links, setuid programs and all)
 * where that can be made; its other layers are files of this machine, picked in the order of their names' hashes
 * until there are enough, then large ones until there are enough bytes. The same machine gives the same bytes;
 * made once and kept in `cache`.
 */
export const benchInput = (cache: string, size: InputSize): BenchInput => {
  const folder = join(cache, `${size.layers}-${size.bytes}-${size.files}`)
  if (!existsSync(folder)) {
    const draft = `${folder}.draft`
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft, { recursive: true })
    make(draft, size)
    renameSync(draft, folder)
  }
  const { bytes, files } = JSON.parse(readFileSync(join(folder, 'input.json'), 'utf8'))
  return {
    ...{ archive: join(folder, 'bench.tar'), gzipped: join(folder, 'bench.tar.gz') },
    ...{ rootfs: join(folder, 'rootfs.tar'), bytes, files },
  }
}

/** ustar, as docker writes layers wherever their names fit. */
const fixed = ['--mtime=@1700000000', '--numeric-owner', '--sort=name', '--format=ustar']

const make = (folder: string, { layers, bytes, files }: InputSize): void => {
  const at = (name: string) => join(folder, name)
  const names = Array.from({ length: layers }, (_, index) => `${index}.tar`)
  const tree = at('tree')
  const base = debian(at('debian'), at(names[0]!))
  // What the base has as well would be one file less.
  const candidates = filesBelow('/usr').filter(({ path }) => !existsSync(join(at('debian'), path)))
  const left = layers - (base ? 1 : 0)
  for (const name of names.slice(base ? 1 : 0)) {
    const share = {
      bytes: (bytes - (base?.bytes ?? 0)) / left,
      files: Math.max(1, Math.floor((files - (base?.files ?? 0)) / left)),
    }
    writeFileSync(
      at('list'),
      pick(candidates, share)
        .map(path => `${path}\0`)
        .join(''),
    )
    const named = ['--transform', 's,^/,,', '--null', '--no-recursion', '--files-from', at('list')]
    run('tar', ['-cPf', at(name), ...fixed, '--owner=0', '--group=0', ...named])
  }
  mkdirSync(tree)
  for (const name of names) run('tar', ['-xpf', at(name), '--numeric-owner', '-C', tree])
  run('tar', ['-cf', at('rootfs.tar'), ...fixed, '-C', tree, ...readdirSync(tree).sort()])
  const diffIds = names.map(name => `sha256:${run('sha256sum', [at(name)]).slice(0, 64)}`)
  const created = '2024-01-01T00:00:00Z'
  const config = JSON.stringify({
    ...{ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', created },
    config: { Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map(() => ({ created, created_by: 'bench' })),
  })
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`
  writeFileSync(at(configName), config)
  const item = { Config: configName, RepoTags: ['bench:1'], Layers: names }
  writeFileSync(at('manifest.json'), JSON.stringify([item]))
  run('tar', ['-cf', at('bench.tar'), '--mtime=@0', '-C', folder, ...names, configName, 'manifest.json'])
  run('sh', ['-c', 'gzip -6 -n -c "$0" > "$0.gz"', at('bench.tar')])
  const count = filesIn(tree)
  for (const name of [...names, configName, 'manifest.json', 'list', 'tree', 'debian'])
    rmSync(at(name), { recursive: true, force: true })
  writeFileSync(at('input.json'), JSON.stringify({ bytes: lstatSync(at('bench.tar')).size, files: count }))
}

/** A minimal Debian as a tar; undefined where there is no debootstrap or nobody may make devices. */
const debian = (tree: string, tar: string): { bytes: number; files: number } | undefined => {
  if (!isRoot || !has('debootstrap')) return undefined
  run('debootstrap', ['--variant=minbase', 'bookworm', tree, 'http://deb.debian.org/debian'])
  // What differs from one making to another.
  for (const path of ['var/cache', 'var/lib/apt/lists', 'var/log', 'etc/machine-id'])
    rmSync(join(tree, path), { recursive: true, force: true })
  run('tar', ['-cf', tar, ...fixed, '-C', tree, ...readdirSync(tree).sort()])
  return { bytes: lstatSync(tar).size, files: filesIn(tree) }
}

const filesIn = (tree: string): number =>
  readdirSync(tree, { recursive: true, withFileTypes: true }).filter(entry => !entry.isDirectory()).length

interface Candidate {
  readonly path: string
  readonly size: number
  readonly rank: string
}

const [large, largest] = [1 << 20, 8 << 20]

/** Takes what it picks out of `candidates`. */
const pick = (candidates: Candidate[], { bytes, files }: { bytes: number; files: number }): string[] => {
  const picked = candidates.splice(0, files)
  let sum = picked.reduce((sum, { size }) => sum + size, 0)
  while (sum < bytes) {
    const index = candidates.findIndex(({ size }) => size >= large)
    if (index < 0) break
    picked.push(...candidates.splice(index, 1))
    sum += picked.at(-1)!.size
  }
  return picked.map(({ path }) => path).sort()
}

const filesBelow = (root: string): Candidate[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .flatMap(entry => {
      const path = join(entry.parentPath, entry.name)
      if (!entry.isFile() || path.length > 200) return []
      const { size } = lstatSync(path)
      return size > largest ? [] : [{ path, size, rank: createHash('sha256').update(path).digest('hex') }]
    })
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
