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
import { run } from '../helpers/programs.js'

/** What the bench reads: one image of five layers in its forms. */
export interface BenchInput {
  /** As docker save writes it, layers uncompressed. */
  readonly archive: string
  /** The same, gzip around the whole. */
  readonly gzipped: string
  /** The same tree as one flat tar. */
  readonly rootfs: string
  readonly bytes: number
  readonly files: number
}

export interface InputSize {
  readonly layers: number
  /** Of content, per layer. */
  readonly bytes: number
  readonly files: number
}

/**
 * The image that is measured with: files of this machine's Debian packages, picked in the order of their names'
 * hashes until every layer has its bytes and files. The same machine gives the same bytes; made once and kept in
 * `cache`. `roots` are where files are taken from.
 */
export const benchInput = (
  cache: string,
  size: InputSize,
  roots: readonly string[] = ['/usr'],
): BenchInput => {
  const folder = join(cache, `${size.layers}-${size.bytes}-${size.files}`)
  if (!existsSync(folder)) {
    const draft = `${folder}.draft`
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft, { recursive: true })
    make(draft, size, roots)
    renameSync(draft, folder)
  }
  const { bytes, files } = JSON.parse(readFileSync(join(folder, 'input.json'), 'utf8'))
  return {
    ...{ archive: join(folder, 'bench.tar'), gzipped: join(folder, 'bench.tar.gz') },
    ...{ rootfs: join(folder, 'rootfs.tar'), bytes, files },
  }
}

const make = (folder: string, { layers, bytes, files }: InputSize, roots: readonly string[]): void => {
  const candidates = roots.flatMap(filesBelow).sort((a, b) => (a.rank < b.rank ? -1 : 1))
  const at = (name: string) => join(folder, name)
  const tar = (name: string, list: readonly string[]) => {
    writeFileSync(at('list'), list.map(path => `${path}\0`).join(''))
    const fixed = ['--mtime=@1700000000', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar']
    const named = ['--transform', 's,^/,,', '--null', '--no-recursion', '--files-from', at('list')]
    run('tar', ['-cPf', at(name), ...fixed, ...named])
  }
  const all: string[] = []
  const names: string[] = []
  let next = 0
  for (let layer = 0; layer < layers; layer++) {
    const list: string[] = []
    for (let sum = 0; (sum < bytes || list.length < files) && next < candidates.length; next++) {
      const { path, size } = candidates[next]!
      // Enough bytes or enough files: what fits takes the rest.
      if (sum >= bytes && size > 4096) continue
      list.push(path)
      sum += size
    }
    tar(`${layer}.tar`, list.sort())
    names.push(`${layer}.tar`)
    all.push(...list)
  }
  tar('rootfs.tar', all.sort())
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
  for (const name of [...names, configName, 'manifest.json', 'list']) rmSync(at(name))
  writeFileSync(
    at('input.json'),
    JSON.stringify({ bytes: lstatSync(at('bench.tar')).size, files: all.length }),
  )
}

const largest = 8 << 20

const filesBelow = (root: string): { path: string; size: number; rank: string }[] =>
  readdirSync(root, { recursive: true, withFileTypes: true }).flatMap(entry => {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || path.length > 200) return []
    const { size } = lstatSync(path)
    return size > largest ? [] : [{ path, size, rank: createHash('sha256').update(path).digest('hex') }]
  })
