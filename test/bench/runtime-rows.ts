import { launcherContestants } from './launcher-contestants.js'
import type { Row } from './rounds.js'
import type { Workbench } from './workbench.js'

/** More than usual: they are short, and vary. */
const rounds = 15

/** It asks for more than what a host may allow. */
const modest = ['--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024']

/** Makes 10,000 files of 20 kB. */
const change = [
  ...['--name', 'changed', '--network=none', 'bench:1', 'sh', '-c'],
  'mkdir /w && cat /usr/bin/* /usr/lib/*/*.so* /usr/bin/* | head -c 200000000 | split -a 3 -b 20000 - /w/f',
]

/** What is measured of containers, each with who is there to do it. */
export const runtimeRows = (bench: Workbench): Readonly<Record<string, () => Row>> => {
  const { input, there, lading, docker, podman, quietly, once, who, row, out, gone, dockerRemove } = bench
  const inAll = () => {
    bench.inLading()
    if (there.engine) bench.inDocker()
    if (there.podman) bench.inPodman()
  }
  const changed = () => {
    bench.inLading()
    once('lading changed', () => quietly(lading('store', 'run', ...change)))
    if (!there.engine) return
    bench.inDocker()
    once('docker changed', () => quietly(docker('run', ...change)))
  }
  const program = (word: string, image: string, ...flags: string[]) => [
    'run',
    '--rm',
    '--network=none',
    ...flags,
    image,
    word,
  ]
  return {
    run: () => {
      inAll()
      return {
        rounds,
        ...row(
          'run --rm --network none IMAGE true',
          { 'docker run': 3, 'podman run': 1.7 },
          who('lading', true, () => lading('store', ...program('true', 'bench:1'))),
          who('docker run', there.engine, () => docker(...program('true', 'bench:1'))),
          who('podman run', there.podman, () => podman('podman', ...program('true', 'bench:1', ...modest))),
        ),
      }
    },
    launcher: () => {
      bench.inLading()
      return { rounds, ...row('start and end a container', { 'runc run': 2.5 }, launcherContestants(bench)) }
    },
    'run-archive': () => {
      if (there.engine) dockerRemove()
      return row(
        "from the archive to its program's output",
        { 'docker load, docker run': 10 },
        who('lading', true, round => lading(`a-${round}`, ...program('env', input.archive)), gone('a')),
        who(
          'docker load, docker run',
          there.engine,
          () => {
            const words = [docker('load', '-i', input.archive), docker(...program('env', 'bench:1'))]
            const script = words.map(({ words }) => words.join(' ')).join(' && ')
            return { ...docker(), words: ['sh', '-c', script] }
          },
          dockerRemove,
        ),
      )
    },
    commit: () => {
      changed()
      return row(
        'commit a container with 10,000 changed files',
        { 'docker commit': 2 },
        who(
          'lading',
          true,
          () => lading('store', 'commit', 'changed', 'committed:1'),
          () => quietly(lading('store', 'rmi', 'committed:1')),
        ),
        who(
          'docker commit',
          there.engine,
          () => docker('commit', 'changed', 'committed:1'),
          () => quietly(docker('rmi', 'committed:1')),
        ),
      )
    },
    'export-container': () => {
      changed()
      return row(
        'export a container with 10,000 changed files',
        { 'docker export': 2 },
        who(
          'lading',
          true,
          round => lading('store', 'export', '-o', out('a', round), 'container:changed'),
          gone('a'),
        ),
        who(
          'docker export',
          there.engine,
          round => docker('export', '-o', out('b', round), 'changed'),
          gone('b'),
        ),
      )
    },
  }
}
