import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from '../helpers/engine.js'
import { has, ladingProgram, run } from '../helpers/programs.js'
import type { BenchInput } from './archive.js'
import type { Command } from './measure.js'
import type { Contestant, Row } from './rounds.js'

export interface Setting {
  /** An empty folder on the file system that is measured on. */
  readonly folder: string
  readonly input: BenchInput
  /** Where a Docker Engine runs. */
  readonly engine?: Engine
}

/** Everything that is measured, each with who is there to do it. What a row needs is made when it is asked for. */
export const allRows = (setting: Setting): Readonly<Record<string, () => Row>> => {
  const { folder, input } = setting
  const at = (name: string) => join(folder, name)
  const remove = (name: string) => rmSync(at(name), { recursive: true, force: true })
  const lading = (store: string, ...words: string[]): Command => ({
    words: [process.execPath, ladingProgram, '--store', at(store), ...words],
  })
  const docker = (...words: string[]): Command => ({ words: ['docker', ...words], ...setting.engine })
  const podman = (root: string, ...words: string[]): Command => ({
    words: ['podman', '--root', at(root), '--runroot', at('podman-run'), ...words],
  })
  const skopeo = (from: string, to: string): Command => ({
    words: ['skopeo', 'copy', '--insecure-policy', '-q', from, to],
  })
  const quietly = ({ words, env }: Command): string =>
    run(words[0]!, words.slice(1), { ...(env && { env }) }).trim()

  const made = new Map<string, string>()
  /** Make something once, before what is measured. */
  const once = (name: string, make: () => string): string => {
    if (!made.has(name)) made.set(name, make())
    return made.get(name)!
  }
  const inLading = () => once('lading', () => quietly(lading('store', 'load', '-i', input.archive)))
  const inDocker = () => once('docker', () => quietly(docker('load', '-i', input.archive)))
  const inPodman = () => once('podman', () => quietly(podman('podman', 'load', '-i', input.archive)))
  const inLayout = () =>
    once('skopeo', () => quietly(skopeo(`docker-archive:${input.archive}`, `oci:${at('layout')}:bench`)))
  const plainLayout = () => {
    inLading()
    return once('plain', () => quietly(lading('store', 'convert', 'bench:1', `oci:${at('plain')}:bench:1`)))
  }
  const flat = () => {
    inLading()
    return once('flat', () => quietly(lading('store', 'export', 'bench:1', '-o', at('flat.tar'))))
  }
  const dockerContainer = () => {
    inDocker()
    return once('docker container', () => quietly(docker('create', '--network=none', 'bench:1')))
  }
  const podmanContainer = () => {
    inPodman()
    return once('podman container', () => quietly(podman('podman', 'create', '--network=none', 'bench:1')))
  }

  const who = (
    name: string,
    there: boolean,
    command: Contestant['command'],
    leave: (round: number) => void = () => {},
  ): readonly Contestant[] => (there ? [{ name, command, after: round => leave(round) }] : [])
  const gone = (name: string) => (round: number) => remove(`${name}-${round}`)
  const engine = setting.engine !== undefined
  const [pod, sko, umoci] = [has('podman'), has('skopeo'), has('umoci')]
  const row = (name: string, wanted: Row['wanted'], ...contestants: (readonly Contestant[])[]): Row => ({
    ...{ name, wanted },
    contestants: contestants.flat(),
  })
  const out = (name: string, round: number) => at(`${name}-${round}`)
  const dockerRemove = () => {
    quietly(docker('rmi', '-f', 'bench:1'))
    made.delete('docker')
    made.delete('docker container')
  }

  const look = (name: string, ...words: string[]): Row => ({
    ...row(
      name,
      {},
      who('lading', true, () => lading('x', ...words)),
      who('node -e 0', true, () => ({ words: [process.execPath, '-e', '0'] })),
      who('skopeo inspect', sko, () => ({ words: ['skopeo', 'inspect', `docker-archive:${input.archive}`] })),
    ),
    margins: { 'node -e 0': 0.06 },
  })

  return {
    load: () =>
      row(
        'load a docker archive',
        { 'docker load': 10, 'podman load': 12, 'skopeo docker-archive→oci': 7 },
        who('lading', true, round => lading(`a-${round}`, 'load', '-i', input.archive), gone('a')),
        who('docker load', engine, () => docker('load', '-i', input.archive), dockerRemove),
        who('podman load', pod, round => podman(`b-${round}`, 'load', '-i', input.archive), gone('b')),
        who(
          'skopeo docker-archive→oci',
          sko,
          round => skopeo(`docker-archive:${input.archive}`, `oci:${out('c', round)}:bench`),
          gone('c'),
        ),
        who(
          'lading --sync',
          true,
          round => lading(`d-${round}`, 'load', '--sync', '-i', input.archive),
          gone('d'),
        ),
      ),
    'load-gzip': () =>
      row(
        'load it with gzip around the whole',
        { 'docker load': 5 },
        who('lading', true, round => lading(`a-${round}`, 'load', '-i', input.gzipped), gone('a')),
        who('docker load', engine, () => docker('load', '-i', input.gzipped), dockerRemove),
      ),
    save: () => {
      inLading()
      if (engine) inDocker()
      if (pod) inPodman()
      if (sko) inLayout()
      return row(
        'save to a docker archive',
        { 'docker save': 10, 'podman save': 6, 'skopeo oci→docker-archive': 6 },
        who('lading', true, round => lading('store', 'save', '-o', out('a', round), 'bench:1'), gone('a')),
        who('docker save', engine, round => docker('save', '-o', out('b', round), 'bench:1'), gone('b')),
        who(
          'podman save',
          pod,
          round => podman('podman', 'save', '-q', '-o', out('c', round), 'bench:1'),
          gone('c'),
        ),
        who(
          'skopeo oci→docker-archive',
          sko,
          round => skopeo(`oci:${at('layout')}:bench`, `docker-archive:${out('d', round)}`),
          gone('d'),
        ),
      )
    },
    'save-gzip': () =>
      row(
        'docker archive to an OCI archive with gzip layers (level 6)',
        { 'skopeo docker-archive→oci-archive': 1.3 },
        who(
          'lading',
          true,
          round =>
            lading(
              'x',
              'convert',
              '--compress',
              'gzip:6',
              `docker-archive:${input.archive}`,
              `oci-archive:${out('a', round)}`,
            ),
          gone('a'),
        ),
        who(
          'skopeo docker-archive→oci-archive',
          sko,
          round => skopeo(`docker-archive:${input.archive}`, `oci-archive:${out('b', round)}`),
          gone('b'),
        ),
      ),
    export: () => {
      inLading()
      const [one, other] = [engine ? dockerContainer() : '', pod ? podmanContainer() : '']
      return row(
        'export a flat tar',
        { 'docker export': 5, 'podman export': 5 },
        who('lading', true, round => lading('store', 'export', '-o', out('a', round), 'bench:1'), gone('a')),
        who('docker export', engine, round => docker('export', '-o', out('b', round), one), gone('b')),
        who(
          'podman export',
          pod,
          round => podman('podman', 'export', '-o', out('c', round), other),
          gone('c'),
        ),
      )
    },
    import: () =>
      row(
        'import a flat tar',
        { 'docker import': 6, 'podman import': 10 },
        who('lading', true, round => lading(`a-${round}`, 'import', input.rootfs, 'flat:1'), gone('a')),
        who(
          'docker import',
          engine,
          () => docker('import', input.rootfs, 'flat:1'),
          () => quietly(docker('rmi', '-f', 'flat:1')),
        ),
        who(
          'podman import',
          pod,
          round => podman(`b-${round}`, 'import', '-q', input.rootfs, 'flat:1'),
          gone('b'),
        ),
      ),
    flatten: () => {
      inLading()
      const container = pod ? podmanContainer() : ''
      const pipe = (compressor: string) => `"$@" | ${compressor} -6 > "$0"`
      return row(
        'flatten, gzip result (level 6)',
        { 'podman export | gzip -6': 2 },
        who(
          'lading',
          true,
          round =>
            lading(
              'store',
              'convert',
              '--flatten',
              '--compress',
              'gzip:6',
              'bench:1',
              `oci-archive:${out('a', round)}`,
            ),
          gone('a'),
        ),
        who(
          'podman export | gzip -6',
          pod,
          round => ({
            words: [
              'sh',
              '-c',
              pipe('gzip'),
              out('b', round),
              ...podman('podman', 'export', container).words,
            ],
          }),
          gone('b'),
        ),
        who(
          'podman export | pigz -6',
          pod && has('pigz'),
          round => ({
            words: [
              'sh',
              '-c',
              pipe('pigz'),
              out('c', round),
              ...podman('podman', 'export', container).words,
            ],
          }),
          gone('c'),
        ),
      )
    },
    unpack: () => {
      plainLayout()
      flat()
      return row(
        'unpack to a folder',
        { 'umoci unpack': 4, 'tar -x of the flat tree': 1 / 1.3 },
        who(
          'lading',
          true,
          round => lading('x', 'convert', `oci:${at('plain')}`, `dir:${out('a', round)}`),
          gone('a'),
        ),
        who(
          'umoci unpack',
          umoci,
          round => ({ words: ['umoci', 'unpack', '--image', `${at('plain')}:bench:1`, out('b', round)] }),
          gone('b'),
        ),
        who(
          'tar -x of the flat tree',
          true,
          round => {
            mkdirSync(out('c', round))
            return { words: ['tar', '--xattrs', '-xf', at('flat.tar'), '-C', out('c', round)] }
          },
          gone('c'),
        ),
      )
    },
    version: () => look('start and say the version', '--version'),
    inspect: () => look('inspect the archive', 'inspect', input.archive),
    history: () => look('history of the archive', 'history', input.archive),
    ls: () => look('ls of the archive', 'ls', input.archive),
    verify: () =>
      row(
        'verify every digest',
        { 'sha256sum of the file': 1 / 1.3 },
        who('lading', true, () => lading('x', 'verify', input.archive)),
        who('sha256sum of the file', true, () => ({ words: ['sha256sum', input.archive] })),
      ),
  }
}
