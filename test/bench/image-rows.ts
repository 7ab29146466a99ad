import { mkdirSync } from 'node:fs'
import { has } from '../helpers/programs.js'
import type { Row } from './rounds.js'
import type { Workbench } from './workbench.js'

/** What is measured of archives and stores, each with who is there to do it. */
export const imageRows = (bench: Workbench): Readonly<Record<string, () => Row>> => {
  const { input, at, there, lading, docker, podman, skopeo, quietly, who, row, out, gone } = bench
  const { inLading, inDocker, inPodman, inLayout, plainLayout, flat, dockerContainer, podmanContainer } =
    bench
  const { engine, podman: pod, skopeo: sko, umoci } = there

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
        who('docker load', engine, () => docker('load', '-i', input.archive), bench.dockerRemove),
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
        who('docker load', engine, () => docker('load', '-i', input.gzipped), bench.dockerRemove),
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
